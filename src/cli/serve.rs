//! `threadbare serve`: serves inboxes over HTTP and keeps itself up to date.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::doors::{self, Doors, Wanted};
use super::fetch_up::FetchUp;
use super::go_on;
use super::keep_up::{Also, KeepUp, Reload};
use super::mail_doors::{Current, Folders, MailDoors, Ways};
use super::scope::{self, Scope};
use super::serving::Serving;
use crate::archive::Archive;
use crate::config::{Config, LogAddresses, LogFormat};
use crate::ingest::Precheck;
use crate::net::{
    Certificates, HandedOver, Listener, Pair, Said, Successor, notify, raise_descriptors, watchdog,
};
use crate::web::{self, Health, Phase};

/// The flags of `serve`.
#[derive(clap::Args)]
pub struct Serve {
    /// Inboxes by their names in the config, or directories that need not be in it; all by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    #[arg(
        long,
        short,
        value_name = "ADDR",
        help = "Where to listen: HOST:PORT, unix:/PATH, fd:NAME for a socket of systemd's, https://HOST:PORT or tls:ADDR \
                with TLS; may be given more than once [default: 127.0.0.1:8080]"
    )]
    listen: Vec<String>,
    /// A certificate with its chain, and its key, in PEM; may be given more than once, the client's name for us
    /// decides. Read again when they change
    #[arg(long, value_name = "CHAIN[,KEY]", value_parser = doors::parse_pair)]
    certificate: Vec<Pair>,
    #[arg(
        long,
        value_name = "ADDR",
        help = "Where health and figures are to be had: /healthz, /readyz, /metrics (Prometheus); as for --listen"
    )]
    metrics: Option<String>,
    /// For how many seconds a server that was told to stop says so at /readyz before it stops listening
    #[arg(long, value_name = "SECONDS")]
    drain: Option<u32>,
    /// How log lines are written: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// How much of a visitor's address the log shows: full, network (/24, /48) or none
    #[arg(long, value_name = "PART")]
    log_addresses: Option<LogAddresses>,
    /// A unix socket through which this server takes the place of the one that waits there, and waits for the next
    #[arg(long, value_name = "PATH")]
    hand_over: Option<PathBuf>,
    /// Where mail servers hand in mail by LMTP: HOST:PORT or the path of a socket; may be given more than once
    #[arg(long, value_name = "ADDR")]
    lmtp: Vec<String>,
    /// Take mail by LMTP also where its headers look wrong: no Message-ID, no date, not addressed to the list
    #[arg(long)]
    no_precheck: bool,
    /// Leave the folders alone that the config says are to be watched
    #[arg(long)]
    no_watch: bool,
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
        go_on::ignore_at_first();
        // What is wrong with the settings is said by those who read them next.
        let format = Config::load().ok().and_then(|config| config.log_format);
        super::log::start("info", self.log_format.or(format).unwrap_or_default());
        let scope = scope::find(&self.inboxes, self.index_dir.clone())?;
        anyhow::ensure!(
            !scope.config.inboxes.is_empty() || scope.config.file.is_some(),
            "there is no inbox to serve: name a directory, or make one with `threadbare init`"
        );
        let (wanted, index_dir) = (self.inboxes.clone(), self.index_dir.clone());
        let reload: Reload = Box::new(move || Ok(scope::find(&wanted, index_dir.clone())?.config));
        let options = Options {
            doors: Wanted {
                listen: self.listen,
                certificates: self.certificate,
                hand_over: self.hand_over.or_else(|| scope.config.hand_over.clone()),
                metrics: self.metrics.or_else(|| scope.config.metrics.clone()),
            },
            drain: Duration::from_secs(self.drain.or(scope.config.drain).unwrap_or(0).into()),
            log_addresses: self
                .log_addresses
                .or(scope.config.log_addresses)
                .unwrap_or_default(),
            url: self.url,
            cache_bytes: self.cache << 20,
            lmtp: match self.lmtp.is_empty() {
                true => scope.config.lmtp.clone(),
                false => self.lmtp,
            },
            precheck: match self.no_precheck {
                true => Precheck::Left,
                false => Precheck::Done,
            },
            folders: match self.no_watch {
                true => Folders::Left,
                false => Folders::Watched,
            },
            threads: self.threads.map(|n| n.get()),
        };
        serve(scope, options, Some(reload))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// How to serve.
pub(super) struct Options {
    pub(super) doors: Wanted,
    pub(super) url: Option<String>,
    pub(super) cache_bytes: usize,
    pub(super) lmtp: Vec<String>,
    pub(super) precheck: Precheck,
    pub(super) folders: Folders,
    pub(super) threads: Option<usize>,
    pub(super) drain: Duration,
    pub(super) log_addresses: LogAddresses,
}

/// Serves until the process is told to stop, or another one has taken its place.
pub(super) fn serve(scope: Scope, options: Options, reload: Option<Reload>) -> anyhow::Result<()> {
    let Scope { config, index_dir } = scope;
    let hand_over = options.doors.hand_over.clone();
    let mut doors = Doors::find(&options.doors, &config)?;
    let shares = options.threads.map(web::Shares::for_cores);
    let shares = shares.unwrap_or_default().with(&config.limits);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(shares.threads())
        .enable_all()
        .build()
        .context("starting the runtime")?;
    runtime.block_on(async {
        let health = Arc::new(Health::default());
        // Before the archive is opened, which may take a while.
        let watchers = doors.open_for_health(&options.doors)?;
        let mut watched = Vec::new();
        if doors.before.is_none() {
            watched = watch_over(&health, &watchers);
        }
        let listeners = doors.open(&options.doors, &config)?;
        let proxy = config.proxy.clone();
        let limits = web::Limits::default().with(&config.limits, raise_descriptors());
        let settings = web::Settings::default().with(&config.limits);
        if go_on::has_begun_again() {
            Archive::examine(&index_dir)?;
        }
        let archive = Archive::open(config.clone(), &index_dir)?;
        let serving = Serving::begin(&index_dir);
        let current = Current::default();
        current.set(config.clone());
        let also = also(
            doors.certificates.clone(),
            options.doors,
            config,
            current.clone(),
        );
        let keep_up = KeepUp::start(
            archive.clone(),
            index_dir.clone(),
            reload,
            also,
            health.clone(),
        )?;
        let fetch_up = FetchUp::start(archive.clone())?;
        let mail_doors = MailDoors::open(
            &archive,
            &current,
            Ways {
                lmtp: &options.lmtp,
                inherited: &mut doors.inherited,
                precheck: options.precheck,
                folders: options.folders,
            },
            &index_dir,
            keep_up.bell(),
        )?;
        let first = listeners.iter().find_map(|listener| listener.address());
        let settings = web::Settings {
            url: options.url,
            listens: first.map(|address| format!("http://{address}/")),
            cache_bytes: options.cache_bytes,
            shares,
            proxy,
            log_addresses: options.log_addresses,
            ..settings
        };
        let app = web::App::new(archive, settings);
        health.opened(app.clone());
        let replaced = Arc::new(Notify::new());
        let mut sockets = mail_doors.sockets();
        for listener in listeners.iter().chain(&watchers) {
            let listener: Arc<dyn HandedOver> = listener.clone();
            sockets.push(Arc::downgrade(&listener));
        }
        go_on::stand_by(sockets.clone())?;
        if let Some(path) = hand_over {
            let leave = Arc::clone(&replaced);
            Successor::wait(path, sockets, move || leave.notify_one())?;
        }
        let signals = web::Signals::listen().context("listening to signals")?;
        for listener in listeners.iter() {
            println!("listening on {}", listener.url("http"));
        }
        if let Some(before) = doors.before.take() {
            // The one before us answers as well as we will: nobody is sent to a server that is still looking around.
            looked_around(&health).await;
            watched = watch_over(&health, &watchers);
            before.ready();
        }
        drop(watchers);
        notify(Said::Ready);
        tokio::spawn(feed_watchdog(Arc::clone(&health)));
        let stop = async {
            tokio::select! {
                () = signals.stop(|| keep_up.read_again()) => {
                    notify(Said::Stopping);
                    health.leaving();
                    tokio::time::sleep(options.drain).await;
                }
                () = replaced.notified() => {
                    tracing::info!("another server has taken this one's place");
                    // Who asks after health asks after the new one.
                    watched.iter().for_each(JoinHandle::abort);
                }
            }
            mail_doors.close();
        };
        web::serve(app, listeners, limits, stop).await;
        drop(fetch_up);
        drop(mail_doors);
        drop(keep_up);
        drop(serving);
        Ok(())
    })
}

/// Opens the doors of those who watch over the server.
fn watch_over(health: &Arc<Health>, doors: &[Arc<Listener>]) -> Vec<JoinHandle<()>> {
    let each = doors.iter().map(|door| {
        println!("health and figures on {}", door.url("http"));
        tokio::spawn(web::serve_health(Arc::clone(health), Arc::clone(door)))
    });
    each.collect()
}

/// Done when every inbox has been looked at, or that takes too long to wait for.
async fn looked_around(health: &Health) {
    let looking = async {
        while health.phase() == Phase::Starting {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    // What is not indexed by then was not indexed by the server before us either.
    let _ = tokio::time::timeout(Duration::from_secs(60), looking).await;
}

/// Tells systemd that we are well, as long as we are.
async fn feed_watchdog(health: Arc<Health>) {
    let Some(interval) = watchdog() else {
        return;
    };
    loop {
        match health.check().await {
            Ok(()) => notify(Said::Alive),
            Err(error) => tracing::error!("not well: {error}"),
        }
        tokio::time::sleep(interval / 3).await;
    }
}

/// What of a server, besides the archive, follows its files: the certificates, and how mail comes in. The sockets do
/// not.
fn also(
    certificates: Option<Certificates>,
    wanted: Wanted,
    mut config: Config,
    current: Current,
) -> Also {
    Box::new(move |new| {
        if let Some(new) = new {
            if new.listen != config.listen && wanted.listen.is_empty() {
                tracing::warn!("where to listen has changed, and holds from the next start");
            }
            config = new.clone();
            current.set(new.clone());
        }
        if let Some(certificates) = &certificates {
            match certificates.renew(Some(doors::pairs(&wanted, &config))) {
                Ok(true) => tracing::info!("the certificates were read anew"),
                Ok(false) => {}
                Err(error) => tracing::error!("the certificates stay as they were: {error}"),
            }
        }
    })
}
