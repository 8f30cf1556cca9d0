//! `threadbare purge`: takes mail out of history, and every byte of it off the disk.

use std::process::ExitCode;

use super::chosen::{Chosen, Where, companion_anew, line, mails, read_stdin};
use super::search::plain;
use crate::ingest::{self, Condemned, Mode};
use crate::mail::Message;
use crate::store::Companion;

/// The flags of `purge`.
#[derive(clap::Args)]
#[command(
    after_help = "History is written anew from the first commit that has the mail, so every later commit gets another \
name; mirrors have to fetch with force. Copies that were removed before, or were duplicates, go as well. Afterwards the mail \
is neither in git (no pack, loose object or reflog), nor in the indexes, nor in the memory of a running server. Other articles \
keep their numbers. What replies quote of it stays. Without --mid, --number and --query the mail is read from standard input. \
Killed on its way, it is finished by doing it again with --mid. Only for inboxes of version 2."
)]
pub struct Purge {
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

impl Purge {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let site = self.place.open(false)?;
        let mut condemned = Condemned::default();
        if self.chosen.is_empty() {
            condemned.add_mail(&read_stdin()?);
        } else {
            // An id stands for all of its mail, also for what is no article (any more).
            condemned.ids.extend(self.chosen.ids()?);
            for found in self.chosen.find(&site)? {
                println!("{}", line(&found));
                let (inbox, article) = found;
                if let Some(raw) = inbox.read(&article)? {
                    condemned.add_mail(&raw);
                }
            }
        }
        let mode = match self.dry_run {
            true => Mode::Look,
            false => Mode::Do,
        };
        let mut count = 0;
        for inbox in &site.inboxes {
            let name = &inbox.config().name;
            let done = ingest::purge(inbox.config(), &condemned, &self.reason, mode)?;
            for (blob, raw) in &done.found {
                let message = Message::parse(raw);
                let mids = message.message_ids();
                let mid = mids.first().map_or("", |mid| mid.as_str());
                println!(
                    "{name}: blob {blob}, {} <{}>",
                    plain(&message.subject()),
                    plain(mid)
                );
            }
            for epoch in &done.epochs {
                println!(
                    "{name}: epoch {} was written anew: {} commits have another name",
                    epoch.epoch, epoch.renamed
                );
            }
            match &done.companion {
                Companion::None => {}
                Companion::Followed => println!("{name}: public-inbox's own index has followed"),
                Companion::Behind(why) => {
                    println!("{name}: public-inbox's own index still has the mail: {why}");
                    companion_anew(inbox);
                }
            }
            count += done.found.len();
        }
        if self.dry_run {
            println!("{} in git would be purged", mails(count));
            return Ok(ExitCode::SUCCESS);
        }
        // Also where nothing was found: an earlier run may have been stopped before it came to this.
        site.scrub()?;
        match count {
            0 => println!("git has no such mail; the indexes were cleaned"),
            count => println!("{} in git purged", mails(count)),
        }
        Ok(ExitCode::SUCCESS)
    }
}
