//! Which inboxes a command is about, and where the indexes are.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::Config;
use crate::id::InboxName;
use crate::store::Layout;

/// The inboxes that a command is about, and where their indexes are.
pub(super) struct Scope {
    /// The settings of the site, with only these inboxes in it.
    pub(super) config: Config,
    /// Where the catalogue and the full-text index lie.
    pub(super) index_dir: PathBuf,
}

/// Finds the inboxes called `wanted`: names from the config, or directories that need not be in any. Nothing wanted
/// means all that are configured.
///
/// # Errors
/// The config cannot be read, or something that was named is neither.
pub(super) fn find(wanted: &[String], index_dir: Option<PathBuf>) -> anyhow::Result<Scope> {
    let mut config = Config::load().context("reading the config")?;
    for problem in &config.problems {
        tracing::warn!("config: {problem}");
    }
    let index_dir = self::index_dir(&config, index_dir)?;
    if !wanted.is_empty() {
        let mut inboxes = Vec::new();
        let mut directories = Vec::new();
        for name in wanted {
            let named = InboxName::parse(name)
                .and_then(|name| config.inboxes.iter().find(|inbox| inbox.name == name));
            let path = Path::new(name);
            match named {
                Some(inbox) => inboxes.push(inbox.clone()),
                None if path.is_dir() => match configured(&config, path) {
                    Some(inbox) => inboxes.push(inbox),
                    None => directories.push(path.to_owned()),
                },
                None => {
                    anyhow::bail!("{name}: neither an inbox of the config nor a directory");
                }
            }
        }
        for mut inbox in Config::for_directories(&directories).inboxes {
            // Commits are made in the name of the list.
            if let Some(address) = Layout::find(&inbox.dir)
                .ok()
                .and_then(|layout| layout.address())
            {
                inbox.addresses = vec![address];
            }
            inboxes.push(inbox);
        }
        config.inboxes = inboxes;
    }
    Ok(Scope { config, index_dir })
}

fn configured(config: &Config, dir: &Path) -> Option<crate::config::InboxConfig> {
    let dir = dir.canonicalize().ok()?;
    let same = |other: &Path| other.canonicalize().is_ok_and(|other| other == dir);
    config
        .inboxes
        .iter()
        .find(|inbox| same(&inbox.dir))
        .cloned()
}

/// Where the indexes are: where somebody says, else where the config says, else the usual place.
///
/// # Errors
/// Nobody says, and there is no home.
pub(super) fn index_dir(config: &Config, said: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match said.or_else(|| config.index_dir.clone()) {
        Some(dir) => Ok(dir),
        None => default_index_dir(),
    }
}

/// `$XDG_DATA_HOME/threadbare`, by default `~/.local/share/threadbare`.
fn default_index_dir() -> anyhow::Result<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute());
    let data = match data {
        Some(data) => data,
        None => crate::config::home_dir()
            .context("there is no home directory: say where the indexes are with --index-dir")?
            .join(".local/share"),
    };
    Ok(data.join("threadbare"))
}
