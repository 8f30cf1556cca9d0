//! `threadbare rm`: takes mail out of a list. Its bytes stay in git's history.

use std::process::ExitCode;

use super::chosen::{Chosen, Found, Where, line, mails, remind_of_public_inbox};
use crate::archive::Inbox;
use crate::id::{MessageId, Oid};
use crate::ingest;
use crate::store::Deed;

/// The flags of `rm`.
#[derive(clap::Args)]
#[command(
    after_help = "The mail goes by a commit, as with `public-inbox-learn rm`: it can no longer be read or found, its \
address says 410 with the date and the reason, and it does not come back by import, delivery or indexing. Its bytes stay in \
git's history; `threadbare purge` takes them out of there. Without --mid, --number and --query the mail is read from standard \
input."
)]
pub struct Rm {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    chosen: Chosen,
    /// Why: shown to everybody who asks for the mail
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only show what would go
    #[arg(long)]
    dry_run: bool,
}

impl Rm {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let site = self.place.open(false)?;
        let (found, ids) = self.chosen.find_and_ids(&site)?;
        if found.is_empty() {
            let count = match self.dry_run {
                true => 0,
                false => finish(&site.inboxes, &ids)?,
            };
            if count > 0 {
                println!("{} removed, as was begun before", mails(count));
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("there is no such mail");
            return Ok(ExitCode::FAILURE);
        }
        found.iter().for_each(|found| println!("{}", line(found)));
        if self.dry_run {
            println!("{} would be removed", mails(found.len()));
            return Ok(ExitCode::SUCCESS);
        }
        let count = remove(&found, Deed::Removed, &self.reason)? + finish(&site.inboxes, &ids)?;
        site.index()?;
        println!("{} removed", mails(count));
        Ok(ExitCode::SUCCESS)
    }
}

/// Takes these out of their inboxes.
pub(super) fn remove(found: &[Found], deed: Deed, reason: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for (inbox, blobs) in by_inbox(found) {
        count += ingest::remove(inbox.config(), &blobs, deed, reason)?;
        remind_of_public_inbox(inbox);
    }
    Ok(count)
}

/// Takes out what an earlier run said would go, and was killed before it went.
pub(super) fn finish(inboxes: &[Inbox], ids: &[MessageId]) -> anyhow::Result<usize> {
    let mut count = 0;
    for inbox in inboxes {
        count += ingest::finish_removals(inbox.config(), ids)?;
    }
    Ok(count)
}

/// What of each inbox was found, in the order of the inboxes.
pub(super) fn by_inbox(found: &[Found]) -> Vec<(&Inbox, Vec<Oid>)> {
    let mut all: Vec<(&Inbox, Vec<Oid>)> = Vec::new();
    for (inbox, article) in found {
        match all.iter_mut().find(|(known, _)| known.id() == inbox.id()) {
            Some((_, blobs)) => blobs.push(article.blob),
            None => all.push((inbox, vec![article.blob])),
        }
    }
    all
}
