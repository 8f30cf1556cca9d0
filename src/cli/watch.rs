//! `threadbare watch`: takes mail from folders, without a server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::keep_up::{Also, KeepUp, Reload};
use super::mail_doors::{Current, Folders, MailDoors, Ways};
use super::scope;
use crate::archive::Archive;
use crate::ingest::Precheck;
use crate::net::Inherited;
use crate::watch;
use crate::web;

/// The flags of `watch`.
#[derive(clap::Args)]
pub struct WatchArgs {
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

impl WatchArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("info");
        let scope = scope::find(&[], self.index_dir.clone())?;
        anyhow::ensure!(
            watch::is_wanted(&scope.config),
            "there is no folder to watch: the config has no publicinbox.NAME.watch"
        );
        let index_dir = self.index_dir;
        let reload: Reload = Box::new(move || Ok(scope::find(&[], index_dir.clone())?.config));
        let current = Current::default();
        current.set(scope.config.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("starting the runtime")?;
        runtime.block_on(async {
            let signals = web::Signals::listen().context("listening to signals")?;
            let archive = Archive::open(scope.config, &scope.index_dir)?;
            let follow = current.clone();
            let also: Also = Box::new(move |new| {
                if let Some(new) = new {
                    follow.set(new.clone());
                }
            });
            let keep_up = KeepUp::start(
                archive.clone(),
                scope.index_dir.clone(),
                Some(reload),
                also,
                Arc::default(),
            )?;
            let doors = MailDoors::open(
                &archive,
                &current,
                Ways {
                    lmtp: &[],
                    inherited: &mut Inherited::default(),
                    precheck: Precheck::Left,
                    folders: Folders::Watched,
                },
                &scope.index_dir,
                keep_up.bell(),
            )?;
            signals.stop(|| keep_up.read_again()).await;
            drop(doors);
            drop(keep_up);
            Ok(ExitCode::SUCCESS)
        })
    }
}
