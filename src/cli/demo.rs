//! `threadbare demo`: a sample archive, made, indexed and served in one step.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::doors::{LISTEN, Wanted};
use super::mail_doors::Folders;
use super::scope::Scope;
use super::serve::{self, Options};
use crate::archive::Archive;
use crate::config::{Config, LogAddresses};
use crate::demo;
use crate::index;
use crate::ingest::{self, Precheck};
use crate::mail::Message;
use crate::store;

/// The flags of `demo`.
#[derive(clap::Args)]
pub struct Demo {
    /// Where to listen, as HOST:PORT
    #[arg(long, short, value_name = "ADDR", default_value = LISTEN)]
    listen: String,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let world = tempfile::Builder::new()
            .prefix("threadbare-demo-")
            .tempdir();
        let world = world.context("making a place for the sample archive")?;
        let config = make_archive(world.path())?;
        let index_dir = world.path().join("index");

        let archive = Archive::open(config.clone(), &index_dir)?;
        let mut indexer = index::Indexer::wait(archive.db(), archive.search_index(), &index_dir)?;
        for inbox in archive.every_inbox() {
            let name = &inbox.config().name;
            let options = index::Options::default();
            let report = indexer.catch_up(name, &inbox.layout(), options, &index::Silent)?;
            println!("{name}: {report}");
        }
        drop(indexer);

        println!(
            "a sample archive is in {}; it goes when this ends (Ctrl-C)",
            world.path().display()
        );
        let options = Options {
            doors: Wanted {
                listen: vec![self.listen],
                ..Wanted::default()
            },
            url: None,
            cache_bytes: 32 << 20,
            lmtp: Vec::new(),
            precheck: Precheck::Done,
            folders: Folders::Left,
            threads: None,
            drain: Duration::ZERO,
            log_addresses: LogAddresses::default(),
        };
        serve::serve(Scope { config, index_dir }, options, None)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Two lists in git, as if they had been delivered over the years.
fn make_archive(world: &Path) -> anyhow::Result<Config> {
    let dirs: Vec<_> = demo::LISTS
        .iter()
        .map(|list| world.join(list.name))
        .collect();
    for (list, dir) in demo::LISTS.iter().zip(&dirs) {
        store::init_inbox(dir, Some(list.description))?;
    }
    let mut config = Config::for_directories(&dirs);
    for (list, inbox) in demo::LISTS.iter().zip(&mut config.inboxes) {
        inbox.addresses = vec![list.address.to_owned()];
    }
    for inbox in &config.inboxes {
        let mut writer = store::Writer::open(&inbox.dir)?;
        let mails = demo::mails()
            .into_iter()
            .filter(|(list, _)| *list == inbox.name.as_str());
        writer.append_many(mails.map(|(_, raw)| {
            let commit = ingest::commit_of(&Message::parse(&raw), inbox, None);
            (raw, commit)
        }))?;
    }
    Ok(config)
}
