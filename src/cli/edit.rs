//! `threadbare edit`: changes a mail in an editor, in history too. Its Message-ID stays.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

use super::chosen::{Chosen, Where, companion_anew, line};
use crate::archive::Inbox;
use crate::ingest;
use crate::mail::Message;
use crate::store::Companion;

/// The flags of `edit`.
#[derive(clap::Args)]
#[command(
    after_help = "The mail is opened in $VISUAL or $EDITOR, or in vi; or it is replaced with that of --with. History is \
written anew from its commit on, as with `public-inbox-edit`, and the old bytes go off the disk; mirrors have to fetch with \
force. The mail keeps its article number, its Message-ID and what it refers to. The old mail does not come back by import or \
delivery. Without --mid and --number the mail is read from standard input. Only for inboxes of version 2."
)]
pub struct Edit {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    chosen: Chosen,
    /// A file with the new mail, in place of an editor
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Let its References and In-Reply-To change, and with them its place in the thread
    #[arg(long)]
    force: bool,
    /// Why; only kept in the tombstone of the old mail
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Edit {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let site = self.place.open(false)?;
        let found = self.chosen.find(&site)?;
        let Some(first) = found.first() else {
            eprintln!("there is no such mail");
            return Ok(ExitCode::FAILURE);
        };
        found.iter().for_each(|found| println!("{}", line(found)));
        anyhow::ensure!(
            found
                .iter()
                .all(|(_, article)| article.message == first.1.message),
            "these are several mails; name one by --number"
        );
        let old = first.0.read(&first.1)?.context("git has lost this mail")?;
        let old = old.into_vec();
        let new = match &self.with {
            Some(file) => std::fs::read(file).with_context(|| file.display().to_string())?,
            None if self.dry_run => old.clone(),
            None => in_editor(&old)?,
        };
        if new == old {
            if !self.dry_run {
                // An earlier edit may have been stopped before the old bytes were off the disk.
                for (inbox, _) in &found {
                    say(inbox, &ingest::finish_sweep(inbox.config())?);
                }
                site.scrub()?;
            }
            match self.dry_run && self.with.is_none() {
                true => println!("it would be opened in {}", editor().display()),
                false => println!("nothing was changed"),
            }
            return Ok(ExitCode::SUCCESS);
        }
        self.check(&old, &new)?;
        if self.dry_run {
            println!("it would be replaced in {} inboxes", found.len());
            return Ok(ExitCode::SUCCESS);
        }
        for (inbox, article) in &found {
            let name = &inbox.config().name;
            let old = inbox.read(article)?.context("git has lost this mail")?;
            let old = old.into_vec();
            let done = ingest::edit(inbox.config(), &old, &new, &self.reason)?;
            for epoch in &done.epochs {
                println!(
                    "{name}: epoch {} was written anew: {} commits have another name",
                    epoch.epoch, epoch.renamed
                );
            }
            say(inbox, &done.companion);
        }
        site.scrub()?;
        println!("the mail was edited");
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self, old: &[u8], new: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(
            !new.trim_ascii().is_empty(),
            "nothing is left of it: `threadbare purge` does that"
        );
        let (old, new) = (Message::parse(old), Message::parse(new));
        anyhow::ensure!(
            old.message_ids() == new.message_ids(),
            "its Message-ID cannot change: a mail with another one is another mail"
        );
        anyhow::ensure!(
            self.force || old.references() == new.references(),
            "what it refers to has changed, which moves it in its thread: say --force if that is meant"
        );
        Ok(())
    }
}

fn say(inbox: &Inbox, companion: &Companion) {
    let name = &inbox.config().name;
    match companion {
        Companion::None => {}
        Companion::Followed => println!("{name}: public-inbox's own index has followed"),
        Companion::Behind(why) => {
            println!("{name}: public-inbox's own index has not followed: {why}");
            companion_anew(inbox);
        }
    }
}

/// Has a mail edited; gives what was saved.
fn in_editor(raw: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut file = tempfile::Builder::new()
        .prefix("threadbare-")
        .suffix(".eml")
        .tempfile()
        .context("making a file to edit")?;
    file.write_all(raw)?;
    file.flush()?;
    run_editor(file.path())?;
    // Editors mostly put another file in the place of the one they were given.
    let mut edited = Vec::new();
    let mut file = std::fs::File::open(file.path())?;
    file.read_to_end(&mut edited)?;
    Ok(edited)
}

fn editor() -> OsString {
    let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let chosen = set("VISUAL").or_else(|| set("EDITOR"));
    chosen.unwrap_or_else(|| "vi".into())
}

fn run_editor(file: &Path) -> anyhow::Result<()> {
    let editor = editor();
    // It may have arguments, as in `emacsclient -t`; the shell takes it apart.
    let mut script = editor.clone();
    script.push(" \"$@\"");
    let status = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg("sh")
        .arg(file)
        .status();
    let status = status.with_context(|| format!("running {}", editor.display()))?;
    anyhow::ensure!(
        status.success(),
        "{} ended with {status}; nothing was changed",
        editor.display()
    );
    Ok(())
}
