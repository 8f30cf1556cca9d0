//! `threadbare clone`: copies an inbox, or all of a site, from any archive that publishes a manifest.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use super::adopt::{self, Adopted};
use super::copying::{self, Lines};
use super::scope;
use crate::config::{Config, InboxConfig};
use crate::id::InboxName;
use crate::mirror::{
    self, Address, Bounds, EpochRange, Fetched, Found, Http, Mirror, Offered, Sites, Stop, Wanted,
};

/// The flags of `clone`.
#[derive(clap::Args)]
pub struct Clone {
    /// Where the inbox or the site is on the web
    url: String,
    /// Where to keep it; for a site, where its inboxes go [default: a directory called like the inbox, or the host]
    dir: Option<PathBuf>,
    /// Which epochs to get: 2, 0..3, 4.., ~0 is the last, ~2.. the last three
    #[arg(long, value_name = "RANGE")]
    epoch: Option<EpochRange>,
    /// Of a site, only the inboxes whose names fit; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Of a site, all but the inboxes whose names fit; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// What an inbox is called here [default: as it is called there]
    #[arg(long)]
    name: Option<String>,
    /// Say what there is, and get nothing
    #[arg(long, short = 'n')]
    dry_run: bool,
    /// Write nothing into the config file
    #[arg(long)]
    no_config: bool,
    /// Get the mail, and leave the indexes for later
    #[arg(long)]
    no_index: bool,
    /// How many inboxes to get at once
    #[arg(long, short, value_name = "N", default_value = "2")]
    jobs: std::num::NonZero<usize>,
    /// The config file; if not given, what `PI_CONFIG` names, or public-inbox's usual one
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

/// An inbox to be cloned, and where it goes.
struct Copy {
    from: Offered,
    name: InboxName,
    dir: PathBuf,
}

impl Clone {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let url = Address::parse(&self.url)?;
        let wanted = Wanted::new(&self.include, &self.exclude)?;
        let http = Http::default();
        let copies = self.plan(mirror::survey(&http, &url)?, &url, &wanted)?;
        if self.dry_run {
            for copy in &copies {
                println!("{}", shown(copy));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let file = self.config_file()?;
        let config = match &file {
            Some(file) => Config::read(file).context("reading the config")?,
            None => Config::default(),
        };
        let index_dir = match self.no_index {
            true => None,
            false => Some(scope::index_dir(&config, self.index_dir.clone())?),
        };
        let (lines, stop) = (Lines::new(), Stop::default());
        let sites = Sites::default();
        let mirror = Mirror {
            sites: (&sites, Duration::ZERO),
            http: &http,
            progress: &lines,
            bounds: Bounds::with(config.max_fetch_size),
            stop: &stop,
        };
        let (epochs, mut failed, all) = (self.epoch, 0, copies.len());
        let get = |copy: &Copy| -> anyhow::Result<Fetched> {
            mirror.lay(&copy.from, &copy.dir, epochs.as_ref())?;
            let fetched = mirror.fetch(&copy.name, &copy.dir)?;
            fetched.context("somebody else is fetching it")
        };
        copying::each(self.jobs.get(), copies, get, |copy, got| {
            let finish = |got: Fetched| {
                lines.print(&format!("{}: {got}", shown(&copy)));
                let inbox = enter(file.as_deref(), &copy, &lines)?;
                if let Some(index_dir) = &index_dir {
                    let mut config = config.clone();
                    config.inboxes = vec![inbox];
                    copying::index(config, index_dir, &lines)?;
                }
                Ok(())
            };
            if let Err(error) = got.and_then(finish) {
                lines.complain(&format!("threadbare: {}: {error:#}", copy.name));
                failed += 1;
            }
        });
        anyhow::ensure!(
            failed == 0,
            "{failed} of {all} could not be cloned; the same command goes on where it ended"
        );
        Ok(ExitCode::SUCCESS)
    }

    /// Which inboxes go where.
    fn plan(&self, found: Found, url: &Address, wanted: &Wanted) -> anyhow::Result<Vec<Copy>> {
        let (inboxes, others) = match found {
            Found::Inbox(inbox) => {
                anyhow::ensure!(
                    self.include.is_empty() && self.exclude.is_empty(),
                    "{url} is one inbox: there is nothing to include or exclude"
                );
                let name = self.name.as_deref().unwrap_or(inbox.name.as_str());
                let name = InboxName::parse(name)
                    .with_context(|| format!("{name:?} cannot be the name of an inbox"))?;
                let dir = self.dir.clone();
                let dir = dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
                let dir = absolute(&dir)?;
                let from = *inbox;
                return Ok(vec![Copy { from, name, dir }]);
            }
            Found::Site { inboxes, others } => (inboxes, others),
        };
        anyhow::ensure!(
            self.name.is_none(),
            "{url} is a site with many inboxes; a --name is for one"
        );
        let top = self.dir.clone().unwrap_or_else(|| url.host().into());
        let top = absolute(&top)?;
        let listed = inboxes.len();
        let chosen = inboxes.into_iter().filter(|from| wanted.has(&from.name));
        let copies: Vec<Copy> = chosen
            .map(|from| Copy {
                name: from.name.clone(),
                dir: top.join(from.name.as_str()),
                from,
            })
            .collect();
        if others > 0 {
            eprintln!("{others} repositories of {url} are no inboxes of its own, and are left out");
        }
        anyhow::ensure!(listed > 0, "{url} lists no inbox");
        anyhow::ensure!(!copies.is_empty(), "none of its {listed} inboxes fits");
        Ok(copies)
    }

    fn config_file(&self) -> anyhow::Result<Option<PathBuf>> {
        if self.no_config {
            return Ok(None);
        }
        let file = self.config.clone().or_else(Config::path);
        let file = file.context("there is no home directory: say --config FILE, or --no-config")?;
        Ok(Some(file))
    }
}

/// Makes the inbox known to the config, if there is one; gives its settings.
fn enter(file: Option<&Path>, copy: &Copy, lines: &Lines) -> anyhow::Result<InboxConfig> {
    let Some(file) = file else {
        return Ok(InboxConfig::new(copy.name.clone(), copy.dir.clone()));
    };
    let name = match adopt::adopt(file, &copy.name, &copy.dir, &copy.from.url)? {
        Adopted::Known(name) => name,
        Adopted::New { left_out } => {
            for what in left_out {
                let name = &copy.name;
                lines.complain(&format!("{name}: another inbox has the {what} already"));
            }
            copy.name.clone()
        }
    };
    let config = Config::read(file).context("reading the config")?;
    let inbox = config.inbox(&name).cloned();
    inbox.with_context(|| format!("{} does not have inbox {name}", file.display()))
}

/// `loom: https://lists.example.org/loom/, 3 epochs`
fn shown(copy: &Copy) -> String {
    let epochs = match &copy.from.manifest {
        Some((_, offer)) => offer.epochs().len(),
        None => copy.from.unlisted.len(),
    };
    let size = match epochs {
        0 => "version 1".to_owned(),
        1 => "1 epoch".to_owned(),
        count => format!("{count} epochs"),
    };
    format!("{}: {} ({size})", copy.name, copy.from.url)
}

fn absolute(dir: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(dir).with_context(|| dir.display().to_string())
}
