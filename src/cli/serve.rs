//! `threadbare serve`: serves inboxes over HTTP and keeps itself up to date.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;

use super::keep_up::{KeepUp, Reload};
use super::notify::Serving;
use super::scope::{self, Scope};
use crate::archive::Archive;
use crate::web;

/// Where a server listens when nobody says otherwise: for this machine alone.
pub(super) const LISTEN: &str = "127.0.0.1:8080";

/// The flags of `serve`.
#[derive(clap::Args)]
pub struct Serve {
    /// Inboxes by their names in the config, or directories that need not be in it; all by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// Where to listen, as HOST:PORT; may be given more than once [default: 127.0.0.1:8080]
    #[arg(long, short, value_name = "ADDR")]
    listen: Vec<String>,
    /// Where the site is to be found from outside, for the links that cannot be relative (feeds, redirects)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
    /// How many megabytes of finished pages to keep; 0 keeps none
    #[arg(long, value_name = "MB", default_value_t = 32)]
    cache: usize,
    /// How many processors to use for answering; all by default
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZero<usize>>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("info");
        let scope = scope::find(&self.inboxes, self.index_dir.clone())?;
        anyhow::ensure!(
            !scope.config.inboxes.is_empty() || scope.config.file.is_some(),
            "there is no inbox to serve: name a directory, or make one with `threadbare init`"
        );
        let (wanted, index_dir) = (self.inboxes.clone(), self.index_dir.clone());
        let reload: Reload = Box::new(move || Ok(scope::find(&wanted, index_dir.clone())?.config));
        let listen = match (&self.listen[..], &scope.config.listen[..]) {
            ([], []) => vec![LISTEN.to_owned()],
            ([], configured) => configured.to_vec(),
            (given, _) => given.to_vec(),
        };
        let options = Options {
            listen,
            url: self.url.or_else(|| scope.config.url.clone()),
            cache_bytes: self.cache << 20,
            threads: self.threads.map(|n| n.get()),
        };
        serve(scope, options, Some(reload))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// How to serve.
pub(super) struct Options {
    pub(super) listen: Vec<String>,
    pub(super) url: Option<String>,
    pub(super) cache_bytes: usize,
    pub(super) threads: Option<usize>,
}

/// Serves until the process is told to stop.
pub(super) fn serve(scope: Scope, options: Options, reload: Option<Reload>) -> anyhow::Result<()> {
    let Scope { config, index_dir } = scope;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = options.threads {
        runtime.worker_threads(threads);
    }
    let runtime = runtime
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let mut listeners = Vec::new();
        for address in &options.listen {
            let listener = TcpListener::bind(address.as_str()).await;
            listeners.push(listener.with_context(|| format!("listening on {address}"))?);
        }
        let listing = config.listing;
        let archive = Archive::open(config, &index_dir)?;
        let serving = Serving::begin(&index_dir);
        let keep_up = KeepUp::start(archive.clone(), index_dir, reload)?;
        let first = listeners
            .first()
            .and_then(|listener| listener.local_addr().ok());
        for listener in &listeners {
            println!("listening on http://{}/", listener.local_addr()?);
        }
        let settings = web::Settings {
            url: options
                .url
                .or_else(|| first.map(|address| format!("http://{address}/"))),
            listing,
            cache_bytes: options.cache_bytes,
            ..web::Settings::default()
        };
        let app = web::App::new(archive, settings);
        let stop = async {
            if let Err(error) = web::stop_signal().await {
                tracing::error!("signals cannot be heard: {error}");
                std::future::pending().await
            }
        };
        web::serve(app, listeners, web::Limits::default(), stop).await;
        drop(keep_up);
        drop(serving);
        Ok(())
    })
}
