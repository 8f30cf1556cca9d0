//! `threadbare learn`: one mail on standard input is spam, or is none, or is to go.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

use super::chosen::{Found, Where, line, mails, read_stdin};
use super::rm::{finish, remove};
use super::scope;
use crate::archive::Inbox;
use crate::config::{Config, InboxConfig};
use crate::db::Db;
use crate::ingest::{self, Intake, Known, Taken};
use crate::mail::Message;
use crate::store::Deed;

/// The flags of `learn`.
#[derive(clap::Args)]
#[command(
    after_help = "spam  taken out of all inboxes that have it, and shown to the spam filter
ham   shown to the spam filter, and put into the inboxes that it was sent to, also where it was removed before
rm    taken out of the inboxes that it was sent to, or with --all out of all

The filter is taught by the commands that threadbare.trainSpam and threadbare.trainHam name, which get the mail on standard
input; without them by `spamc -L spam` and `spamc -L ham`, where there is a spamc. A mail is the same where it has the same \
Message-ID and content."
)]
pub struct Learn {
    /// What it is
    #[arg(value_enum)]
    verdict: Verdict,
    /// For rm: out of all inboxes
    #[arg(long)]
    all: bool,
    /// Why: shown to everybody who asks for a mail that was removed
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Verdict {
    /// It is spam
    Spam,
    /// It is none
    Ham,
    /// It is to go, whatever it is
    Rm,
}

impl Learn {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let raw = read_stdin()?;
        let scope = scope::find(&[], self.index_dir.clone())?;
        if !self.dry_run {
            teach(&scope.config, self.verdict, &raw)?;
        }
        match self.verdict {
            Verdict::Ham => self.take_in(&scope.config, &scope.index_dir, &raw),
            Verdict::Spam => self.take_out(&scope.config, Deed::Spam, &raw),
            Verdict::Rm => self.take_out(&scope.config, Deed::Removed, &raw),
        }
    }

    fn take_out(&self, config: &Config, deed: Deed, raw: &[u8]) -> anyhow::Result<ExitCode> {
        let site = Where::everywhere(self.index_dir.clone()).open(true)?;
        let everywhere = self.all || deed == Deed::Spam;
        let wanted = receivers(config, raw);
        let is_wanted =
            |inbox: &Inbox| everywhere || wanted.iter().any(|w| w.name == inbox.config().name);
        let found = site.copies(raw)?;
        let found: Vec<Found> = found
            .into_iter()
            .filter(|(inbox, _)| is_wanted(inbox))
            .collect();
        found.iter().for_each(|found| println!("{}", line(found)));
        if self.dry_run {
            println!("{} would be removed", mails(found.len()));
            return Ok(ExitCode::SUCCESS);
        }
        let mut count = remove(&found, deed, &self.reason)?;
        let ids = Message::parse(raw).message_ids();
        let wanted: Vec<Inbox> = site
            .inboxes
            .iter()
            .filter(|i| is_wanted(i))
            .cloned()
            .collect();
        count += finish(&wanted, &ids)?;
        site.index()?;
        println!("{} removed", mails(count));
        Ok(ExitCode::SUCCESS)
    }

    fn take_in(
        &self,
        config: &Config,
        index_dir: &std::path::Path,
        raw: &[u8],
    ) -> anyhow::Result<ExitCode> {
        let inboxes = receivers(config, raw);
        if inboxes.is_empty() {
            eprintln!("it was sent to no inbox of the config");
            return Ok(ExitCode::FAILURE);
        }
        let db = Db::open(index_dir)?;
        for inbox in inboxes {
            let name = &inbox.name;
            if self.dry_run {
                println!("{name}: it would be added, unless it is there");
                continue;
            }
            ingest::restore(inbox, raw)?;
            let rules = ingest::import_rules(config, inbox)?;
            let mut known = Known::new(&db);
            let mut intake = Intake::open(inbox, &rules, &mut known)?;
            let taken = intake.take(raw, None)?;
            intake.commit()?;
            match taken {
                Taken::Added { .. } => println!("{name}: added"),
                Taken::Duplicate => println!("{name}: it is there already"),
                Taken::Buried => println!("{name}: a tombstone keeps it away"),
                Taken::Refused(why) => println!("{name}: refused: {why}"),
            }
        }
        if !self.dry_run {
            Where::everywhere(self.index_dir.clone()).open(true)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The inboxes that a mail was sent to: by `To`, `Cc` or `List-Id`.
fn receivers<'a>(config: &'a Config, raw: &[u8]) -> Vec<&'a InboxConfig> {
    let message = Message::parse(raw);
    let mut found: Vec<&InboxConfig> = Vec::new();
    let addressed = ["To", "Cc"]
        .into_iter()
        .flat_map(|header| message.addresses(header));
    let addressed = addressed.filter_map(|address| ingest::by_address(config, &address.email));
    for inbox in addressed.chain(ingest::by_list_id(config, &message)) {
        if found.iter().all(|known| known.name != inbox.name) {
            found.push(inbox);
        }
    }
    found
}

/// Shows the mail to the spam filter.
fn teach(config: &Config, verdict: Verdict, raw: &[u8]) -> anyhow::Result<()> {
    let (set, usual) = match verdict {
        Verdict::Spam => (&config.train_spam, "spam"),
        Verdict::Ham => (&config.train_ham, "ham"),
        Verdict::Rm => return Ok(()),
    };
    let mut command = match set {
        Some(set) if set.is_empty() => return Ok(()),
        Some(set) => {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(set);
            shell
        }
        None => {
            let mut spamc = Command::new("spamc");
            spamc.args(["-L", usual]);
            spamc
        }
    };
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = match child {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && set.is_none() => return Ok(()),
        child => child.context("teaching the spam filter")?,
    };
    if let Some(mut input) = child.stdin.take() {
        // One that knows the mail already may not read all of it.
        let _ = input.write_all(raw);
    }
    let status = child.wait().context("teaching the spam filter")?;
    // spamc says 5 and 6 for "learned" and "known already".
    let learned = status.success() || (set.is_none() && matches!(status.code(), Some(5 | 6)));
    if !learned {
        eprintln!("the spam filter was not taught: its command ended with {status}");
    }
    Ok(())
}
