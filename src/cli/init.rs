//! `threadbare init`: makes an inbox and its entry in the config file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::config::{Config, Edit, InboxConfig};
use crate::error::{Error, Result};
use crate::id::InboxName;
use crate::store::{Layout, init_inbox};

/// What `threadbare init` is told.
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The inbox's name in URLs
    pub name: String,
    /// Its addresses, the primary one first
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Where it is to be found on the web
    #[arg(long)]
    pub url: String,
    /// Where its mail is kept [default: a directory of its name in this one]
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// One line that says what it is about
    #[arg(long)]
    pub description: Option<String>,
    /// Its newsgroup
    #[arg(long)]
    pub newsgroup: Option<String>,
    /// The config file; if not given, what `PI_CONFIG` names, or public-inbox's usual one
    #[arg(long)]
    pub config: Option<PathBuf>,
}

/// Runs `threadbare init`.
///
/// # Errors
/// Those of [`init`], and where there is no place for a config file.
pub fn run(args: InitArgs) -> anyhow::Result<ExitCode> {
    let file = args.config.or_else(Config::path);
    let file = file.context("there is no home directory: say --config FILE")?;
    let name = InboxName::parse(&args.name)
        .with_context(|| format!("{:?} cannot be the name of an inbox", args.name))?;
    let dir = args.dir.unwrap_or_else(|| PathBuf::from(name.as_str()));
    let dir = std::path::absolute(&dir).with_context(|| dir.display().to_string())?;
    let new = NewInbox {
        name,
        dir,
        addresses: args.addresses,
        url: args.url,
        description: args.description,
        newsgroup: args.newsgroup,
    };
    let done = init(&file, &new)?;
    let (name, dir, file) = (&new.name, new.dir.display(), file.display());
    match done {
        Done::Made => println!("{name} is kept in {dir} and known to {file}"),
        Done::AlreadyThere => println!("{name} was there already; nothing has changed"),
    }
    Ok(ExitCode::SUCCESS)
}

/// An inbox to be made.
#[derive(Clone, Debug)]
pub struct NewInbox {
    /// Its name in URLs.
    pub name: InboxName,
    /// Where its mail is kept: an absolute path.
    pub dir: PathBuf,
    /// Its addresses, the primary one first.
    pub addresses: Vec<String>,
    /// Where it is to be found on the web.
    pub url: String,
    /// One line about it.
    pub description: Option<String>,
    /// Its newsgroup.
    pub newsgroup: Option<String>,
}

/// What [`init`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The config has a new entry, or an entry that says more than before.
    Made,
    /// The config said all of it already.
    AlreadyThere,
}

/// Makes an inbox, and says so in the config `file`.
///
/// Doing it again changes nothing; what is in the file stays as it is byte for byte. An archive that lies in the
/// directory already, of whatever version, is kept as it is.
///
/// # Errors
/// [`Error::Invalid`] where the inbox would take something from another one, or cannot be as it is described; then
/// nothing was made. [`Error::Io`] and [`Error::Store`] where it cannot be written.
pub fn init(file: &Path, new: &NewInbox) -> Result<Done> {
    check_words(new)?;
    check_place(&new.dir)?;
    let mut edit = Edit::open(file)?;
    let config = edit.config()?;
    for other in config.inboxes.iter().filter(|inbox| inbox.name != new.name) {
        check_against(new, other)?;
    }
    let missing = match config.inbox(&new.name) {
        Some(known) => missing_lines(new, known)?,
        None => all_lines(new)?,
    };
    if Layout::find(&new.dir).map_or(true, |layout| layout.epochs.is_empty()) {
        init_inbox(&new.dir, new.description.as_deref())?;
    }
    if missing.is_empty() {
        return Ok(Done::AlreadyThere);
    }
    let lines: Vec<(&str, &str)> = missing.iter().map(|(k, v)| (*k, v.as_str())).collect();
    edit.add("publicinbox", new.name.as_str(), &lines);
    edit.save()?;
    Ok(Done::Made)
}

/// Lines of the config file: keys and values.
type Lines = Vec<(&'static str, String)>;

fn all_lines(new: &NewInbox) -> Result<Lines> {
    let mut known = InboxConfig::new(new.name.clone(), new.dir.clone());
    known.newsgroup.clone_from(&new.newsgroup);
    let mut lines = vec![("inboxdir", path_text(&new.dir)?)];
    lines.extend(missing_lines(new, &known)?);
    lines.extend(
        new.newsgroup
            .iter()
            .map(|group| ("newsgroup", group.clone())),
    );
    Ok(lines)
}

/// What the entry of the same name does not say yet. It must not say anything else.
fn missing_lines(new: &NewInbox, known: &InboxConfig) -> Result<Lines> {
    let name = &new.name;
    if real(&new.dir) != real(&known.dir) {
        let why = format!(
            "there is already an inbox of that name, in {}",
            known.dir.display()
        );
        return Err(Error::invalid(format!("inbox {name}"), why));
    }
    let mut lines = Lines::new();
    for address in &new.addresses {
        if !known
            .addresses
            .iter()
            .any(|a| a.eq_ignore_ascii_case(address))
        {
            lines.push(("address", address.clone()));
        }
    }
    if !known.urls.iter().any(|url| same_url(url, &new.url)) {
        lines.push(("url", new.url.clone()));
    }
    match (&new.newsgroup, &known.newsgroup) {
        (Some(new), Some(known)) if !new.eq_ignore_ascii_case(known) => {
            let why = format!("its newsgroup is already {known}");
            return Err(Error::invalid(format!("inbox {name}"), why));
        }
        (Some(new), None) => lines.push(("newsgroup", new.clone())),
        _ => {}
    }
    Ok(lines)
}

/// Refuses what belongs to another inbox.
fn check_against(new: &NewInbox, other: &InboxConfig) -> Result<()> {
    let name = &other.name;
    let taken = |what: String| Err(Error::invalid(what, format!("inbox {name} has it already")));
    // Inside is as bad: the epochs of an inbox are repositories too.
    if real(&new.dir).starts_with(real(&other.dir)) {
        return taken(format!("directory {}", new.dir.display()));
    }
    for address in &new.addresses {
        if other
            .addresses
            .iter()
            .any(|a| a.eq_ignore_ascii_case(address))
        {
            return taken(format!("address {address}"));
        }
    }
    if other.urls.iter().any(|url| same_url(url, &new.url)) {
        return taken(format!("url {}", new.url));
    }
    match (&new.newsgroup, &other.newsgroup) {
        (Some(new), Some(other)) if new.eq_ignore_ascii_case(other) => {
            taken(format!("newsgroup {new}"))
        }
        _ => Ok(()),
    }
}

/// Refuses words that cannot be what they are said to be.
fn check_words(new: &NewInbox) -> Result<()> {
    if new.addresses.is_empty() {
        let why = "it needs an address";
        return Err(Error::invalid(format!("inbox {}", new.name), why));
    }
    let printable = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace());
    for address in &new.addresses {
        let halves = address.rsplit_once('@');
        let whole = halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
        if !whole || !printable(address) || address.contains(['<', '>', ',']) {
            let why = "an address looks like list@example.com";
            return Err(Error::invalid(format!("{address:?}"), why));
        }
    }
    if new.url.is_empty() || !printable(&new.url) {
        let why = "a url looks like https://example.com/list/";
        return Err(Error::invalid(format!("{:?}", new.url), why));
    }
    if let Some(group) = &new.newsgroup {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
        if !group
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(allowed))
        {
            let why = "a newsgroup looks like org.example.list";
            return Err(Error::invalid(format!("{group:?}"), why));
        }
    }
    Ok(())
}

/// Refuses a directory that is in use for something else.
fn check_place(dir: &Path) -> Result<()> {
    let invalid = |why| Err(Error::invalid(dir.display().to_string(), why));
    if !dir.is_absolute() {
        return invalid("the directory of an inbox is an absolute path");
    }
    if Layout::find(dir).is_ok() {
        return Ok(());
    }
    if !dir.exists() {
        return Ok(());
    }
    let mut entries = fs::read_dir(dir).map_err(|e| Error::io(dir, e))?;
    match entries.next() {
        Some(_) => invalid("there is something in it that is no archive; an inbox wants its own"),
        None => Ok(()),
    }
}

fn path_text(dir: &Path) -> Result<String> {
    match dir.to_str() {
        Some(text) if !text.contains('\n') => Ok(text.to_owned()),
        _ => {
            let why = "a config file cannot hold such a path";
            Err(Error::invalid(dir.display().to_string(), why))
        }
    }
}

/// A path without symbolic links, if it is there.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether two addresses of the web are the same but for their scheme and last slash.
fn same_url(one: &str, other: &str) -> bool {
    fn bare(url: &str) -> &str {
        let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
        rest.trim_end_matches('/')
    }
    bare(one) == bare(other)
}
