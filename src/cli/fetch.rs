//! `threadbare fetch`: brings mirrors up to date.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::copying::{self, Lines};
use super::scope;
use crate::config::InboxConfig;
use crate::mirror::{Address, Bounds, Http, Mirror, Sites, Stop};
use crate::store::Layout;

/// What `--exit-code` ends with where nothing was new; public-inbox-fetch's number.
const NOTHING_NEW: u8 = 127;

/// The flags of `fetch`.
#[derive(clap::Args)]
pub struct Fetch {
    /// Inboxes by their names in the config, or directories that need not be in it; all mirrors by default
    #[arg(value_name = "NAME|DIR")]
    inboxes: Vec<String>,
    /// All mirrors of the config
    #[arg(long, conflicts_with = "inboxes")]
    all: bool,
    /// End with 127 where nothing is new
    #[arg(long)]
    exit_code: bool,
    /// Get the mail, and leave the indexes for later
    #[arg(long)]
    no_index: bool,
    /// How many inboxes to fetch at once
    #[arg(long, short, value_name = "N", default_value = "4")]
    jobs: std::num::NonZero<usize>,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

impl Fetch {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        let mut scope = scope::find(&self.inboxes, self.index_dir)?;
        let mut mirrors = std::mem::take(&mut scope.config.inboxes);
        if self.inboxes.is_empty() {
            mirrors.retain(is_mirror);
            anyhow::ensure!(
                !mirrors.is_empty(),
                "there is no mirror to fetch; make one with `threadbare clone URL`"
            );
        }
        let (http, lines, stop) = (Http::default(), Lines::new(), Stop::default());
        let sites = sites_of(&mirrors);
        let mirror = Mirror {
            // What is said at the beginning holds to the end.
            sites: (&sites, Duration::MAX),
            http: &http,
            progress: &lines,
            bounds: Bounds::with(scope.config.max_fetch_size),
            stop: &stop,
        };
        let (mut failed, mut changed, all) = (0, Vec::new(), mirrors.len());
        let fetch = |inbox: &InboxConfig| mirror.fetch(&inbox.name, &inbox.dir);
        copying::each(self.jobs.get(), mirrors, fetch, |inbox, got| match got {
            Ok(None) => lines.print(&format!("{}: somebody else is fetching it", inbox.name)),
            Ok(Some(fetched)) => {
                lines.print(&format!("{}: {fetched}", inbox.name));
                if fetched.is_news() {
                    changed.push(inbox);
                }
            }
            Err(error) => {
                lines.complain(&format!("threadbare: {}: {error}", inbox.name));
                // What could be fetched is to be read.
                changed.push(inbox);
                failed += 1;
            }
        });
        let is_news = changed.len() > failed;
        if !self.no_index && !changed.is_empty() {
            scope.config.inboxes = changed;
            copying::index(scope.config, &scope.index_dir, &lines)?;
        }
        anyhow::ensure!(failed == 0, "{failed} of {all} could not be fetched");
        Ok(match self.exit_code && !is_news {
            true => ExitCode::from(NOTHING_NEW),
            false => ExitCode::SUCCESS,
        })
    }
}

/// The sites that these are from.
fn sites_of(mirrors: &[InboxConfig]) -> Sites {
    let upstream = |inbox: &InboxConfig| Layout::find(&inbox.dir).ok()?.upstream();
    let address = |inbox| Address::parse(&upstream(inbox)?.url).ok();
    let addresses: Vec<Address> = mirrors.iter().filter_map(address).collect();
    Sites::of(addresses.iter())
}

fn is_mirror(inbox: &InboxConfig) -> bool {
    Layout::find(&inbox.dir).is_ok_and(|layout| layout.upstream().is_some())
}
