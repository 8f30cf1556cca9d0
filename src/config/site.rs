//! The settings of a site and its inboxes, as the other rooms know them.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::interval::FetchInterval;
use super::limiter::Limiter;
use super::limits::{Limits, Proxy};
use super::{include, lines};
use crate::error::Result;
use crate::id::InboxName;

/// How many messages a feed shows if nothing else is said.
pub(super) const FEED_MAX: usize = 25;

/// All settings of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The inboxes, in the order of the file.
    pub inboxes: Vec<InboxConfig>,
    /// `[extindex "all"]`: what is said of all inboxes together, which are served at `/all/`.
    pub all: Option<Together>,
    /// Which inboxes `/` lists.
    pub listing: Listing,
    /// `publicinbox.grokManifest`: which inboxes `/manifest.js.gz` lists.
    pub manifest: Listing,
    /// `publicinbox.css`: style sheets of the operator's.
    pub css: Vec<StyleSheet>,
    /// `publicinbox.sourceinfo`: where the source of the program that serves the site is to be had, if not from us.
    pub source_info: Vec<String>,
    /// `publicinbox.nntpserver` and its like: servers that have the mail of every inbox with a newsgroup.
    pub servers: Servers,
    /// `publicinbox.noObfuscate`: addresses, and domains as `@example.com`, that are shown as they are in any case.
    pub no_obfuscate: Vec<String>,
    /// `publicinbox.indexMaxSize`: longer mail is left out, in bytes.
    pub index_max_size: Option<u64>,
    /// `publicinboxmda.spamcheck`: what tells spam among mail that is delivered; `None` where nothing is set.
    pub spam_check: Option<SpamCheck>,
    /// `threadbare.trainSpam`: the command that is shown spam; nothing is done where it is empty.
    pub train_spam: Option<String>,
    /// `threadbare.trainHam`: the command that is shown what was taken for spam.
    pub train_ham: Option<String>,
    /// `publicinboxwatch.spamcheck`: the same for folders that are watched.
    pub watch_spam_check: SpamCheck,
    /// `publicinboxwatch.watchspam`: folders of mail that is to be removed from every inbox.
    pub watch_spam: Vec<String>,
    /// `publicinboxImport.dropUniqueUnsubscribe`.
    pub drop_unsubscribe: bool,
    /// `threadbare.epochSize`: at which size of its packs an epoch is full, in bytes.
    pub epoch_size: Option<u64>,
    /// `threadbare.maxMessageSize`: longer mail is not taken from mail servers, in bytes.
    pub max_message_size: Option<u64>,
    /// `threadbare.maxFetchSize`: by how many bytes a fetch may let a repository grow.
    pub max_fetch_size: Option<u64>,
    /// `threadbare.lmtp`: where mail servers hand in mail.
    pub lmtp: Vec<String>,
    /// `threadbare.url`: where the site is to be found, ending in `/`, where that is set.
    pub url: Option<String>,
    /// `threadbare.indexDir`.
    pub index_dir: Option<PathBuf>,
    /// `threadbare.listen`.
    pub listen: Vec<String>,
    /// `threadbare.fetchInterval`: how often mirrors are fetched while they are served; not at all where it is not set.
    pub fetch_interval: Option<FetchInterval>,
    /// `threadbare.certificate`: the files of certificate chains and their keys, for TLS.
    pub certificates: Vec<(PathBuf, PathBuf)>,
    /// `threadbare.metrics`: where health and figures are to be had.
    pub metrics: Option<String>,
    /// `threadbare.handOver`: the socket at which a server waits for the one that takes its place.
    pub hand_over: Option<PathBuf>,
    /// `threadbare.drain`: for how many seconds a server that was told to stop says so before it stops listening.
    pub drain: Option<u32>,
    /// `threadbare.logFormat`.
    pub log_format: Option<LogFormat>,
    /// `threadbare.logAddresses`.
    pub log_addresses: Option<LogAddresses>,
    /// `[threadbare "limits"]`.
    pub limits: Limits,
    /// `[threadbare "proxy"]`.
    pub proxy: Proxy,
    /// The file that all this was read from, where there was one.
    pub file: Option<PathBuf>,
    /// What in the file makes no sense, to be logged.
    pub problems: Vec<Problem>,
    /// Lines that may be slips: nobody knows their keys.
    pub strange: Vec<Problem>,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object to a line.
    Json,
}

/// How much of a visitor's address the log shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogAddresses {
    /// All of it.
    #[default]
    Full,
    /// Its network: the first 24 bits of IPv4, 48 of IPv6.
    Network,
    /// Nothing.
    None,
}

impl std::str::FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<LogFormat, String> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("{text:?} is neither text nor json")),
        }
    }
}

impl std::str::FromStr for LogAddresses {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<LogAddresses, String> {
        match text.to_ascii_lowercase().as_str() {
            "full" => Ok(LogAddresses::Full),
            "network" => Ok(LogAddresses::Network),
            "none" => Ok(LogAddresses::None),
            _ => Err(format!("{text:?} is none of full, network and none")),
        }
    }
}

/// Which inboxes a list shows: `publicinbox.wwwListing`, `publicinbox.grokManifest`.
///
/// public-inbox lists nothing unless told to. Here all are listed, so that a fresh installation shows what it has; an
/// inbox that is not to be listed says `hide = www`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Every inbox that is not hidden.
    #[default]
    All,
    /// Those whose `url` has the host of the request.
    MatchDomain,
    /// None: `/` is not found.
    Nothing,
}

/// What tells spam from mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SpamCheck {
    /// Nothing: all of it is mail.
    #[default]
    Nothing,
    /// `SpamAssassin`'s `spamc`.
    Spamc,
    /// A program with its arguments, which gets the mail as its input. It says 0 for mail and 1 for spam.
    Command(Vec<String>),
}

/// `[extindex "all"]`: all inboxes together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// `topdir`: where public-inbox keeps its index of them. Only a `description` is read there.
    pub dir: Option<PathBuf>,
    /// `url`: where they are to be found.
    pub urls: Vec<String>,
}

/// How much of an inbox can be searched for: `publicinbox.NAME.indexlevel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IndexLevel {
    /// Nothing: there are lists and threads, and no search.
    Basic,
    /// Words and phrases.
    #[default]
    Full,
}

/// A line of the config file that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `FILE:LINE`, or what was handed in instead of a file.
    pub place: String,
    /// What is wrong, in a sentence without a full stop.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// Where the mail of inboxes is served to mail programs, as it is written: names of hosts, or URLs without a newsgroup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Servers {
    /// `nntpserver`.
    pub nntp: Vec<String>,
    /// `imapserver`.
    pub imap: Vec<String>,
    /// `pop3server`.
    pub pop3: Vec<String>,
}

impl Servers {
    /// These, and where there are none of a kind, those of the site.
    pub(super) fn or(&mut self, site: &Servers) {
        for (own, site) in [
            (&mut self.nntp, &site.nntp),
            (&mut self.imap, &site.imap),
            (&mut self.pop3, &site.pop3),
        ] {
            if own.is_empty() {
                own.clone_from(site);
            }
        }
    }
}

/// `publicinbox.css`: a style sheet that visitors are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct StyleSheet {
    /// The file.
    pub path: PathBuf,
    /// For which media.
    pub media: Option<String>,
    /// The name by which a browser offers it.
    pub title: Option<String>,
    /// Where it is to be found instead of here.
    pub href: Option<String>,
}

/// The settings of one inbox: `[publicinbox "NAME"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboxConfig {
    /// Its name in URLs.
    pub name: InboxName,
    /// Where its repositories lie (`inboxdir`, or `mainrepo`).
    pub dir: PathBuf,
    /// Its addresses, the primary one first.
    pub addresses: Vec<String>,
    /// `url`: where it is to be found.
    pub urls: Vec<String>,
    /// `newsgroup`.
    pub newsgroup: Option<String>,
    /// `infourl`.
    pub info_urls: Vec<String>,
    /// `listid`.
    pub list_ids: Vec<String>,
    /// `replyto`, as it is written; `:all` where it is not set.
    pub reply_to: String,
    /// `feedmax`: how many messages `new.atom` and `new.html` show.
    pub feed_max: usize,
    /// `obfuscate`: whether addresses are made harder to collect.
    pub obfuscate: bool,
    /// Which are not: `publicinbox.noObfuscate`, and the addresses of all lists; in lower case.
    pub clear: Vec<String>,
    /// `hide`: `www`, `manifest`.
    pub hide: Vec<String>,
    /// `filter`, as it is written.
    pub filter: Option<String>,
    /// `watch`: folders whose mail comes in, as URLs.
    pub watch: Vec<String>,
    /// `watchheader`: of these folders only mail comes in that has one of these headers, by name and value.
    pub watch_headers: Vec<(String, String)>,
    /// `nntpmirror`, `imapmirror`: other servers of the same mail.
    pub mirrors: Vec<String>,
    /// `nntpserver`, `imapserver`, `pop3server`: its own, or those of the site.
    pub servers: Servers,
    /// `sourceinfo`: its own, or that of the site.
    pub source_info: Vec<String>,
    /// `css`: style sheets of its own, after those of the site.
    pub css: Vec<StyleSheet>,
    /// `httpbackendmax`: how many clones of it may go on at once, where that is limited.
    pub clones: Option<Limiter>,
    /// `fetchInterval`: what this inbox wants instead of the site's.
    pub fetch_interval: Option<FetchInterval>,
    /// `boost`: where the same mail went to several inboxes, the copy of the one with the highest stands for all.
    pub boost: i64,
    /// `alias`: names that it had before, which lead to it.
    pub aliases: Vec<InboxName>,
    /// `indexlevel`.
    pub index_level: IndexLevel,
}

impl InboxConfig {
    /// All that pages may show of these settings, as a number: not where the inbox and its style sheets lie. The same on
    /// every server that is set up alike.
    pub fn imprint(&self) -> u64 {
        let shown = InboxConfig {
            dir: PathBuf::new(),
            css: Vec::new(),
            ..self.clone()
        };
        let mut hasher = DefaultHasher::new();
        shown.hash(&mut hasher);
        hasher.finish()
    }

    /// An inbox of which only its name and place are known.
    pub fn new(name: InboxName, dir: PathBuf) -> InboxConfig {
        InboxConfig {
            name,
            dir,
            addresses: Vec::new(),
            urls: Vec::new(),
            newsgroup: None,
            info_urls: Vec::new(),
            list_ids: Vec::new(),
            reply_to: ":all".to_owned(),
            feed_max: FEED_MAX,
            obfuscate: false,
            clear: Vec::new(),
            hide: Vec::new(),
            filter: None,
            watch: Vec::new(),
            watch_headers: Vec::new(),
            mirrors: Vec::new(),
            servers: Servers::default(),
            source_info: Vec::new(),
            css: Vec::new(),
            clones: None,
            fetch_interval: None,
            boost: 0,
            aliases: Vec::new(),
            index_level: IndexLevel::Full,
        }
    }

    /// Whether it is kept out of the list called `from`: `www` or `manifest`.
    pub fn hides(&self, from: &str) -> bool {
        self.hide.iter().any(|hidden| hidden == from)
    }
}

impl Config {
    /// The file that public-inbox's tools read: `$PI_CONFIG`, else `$PI_DIR/config`, else `~/.public-inbox/config`.
    /// `None` where nobody has a home.
    pub fn path() -> Option<PathBuf> {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(file) = set("PI_CONFIG") {
            return Some(file.into());
        }
        let dir = match set("PI_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => super::home::home_dir()?.join(".public-inbox"),
        };
        Some(dir.join("config"))
    }

    /// Reads the file at [`Config::path`].
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn load() -> Result<Config> {
        Config::path().map_or_else(|| Ok(Config::default()), |file| Config::read(&file))
    }

    /// Reads a config file and all that it includes. A missing file is an empty one.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid), naming the file and the line, where it is not in git's
    /// syntax; [`Error::Io`](crate::error::Error::Io).
    pub fn read(file: &Path) -> Result<Config> {
        let Some(text) = include::text_of(file)? else {
            return Ok(Config::default());
        };
        let mut config = lines::understand(&include::read_text(file, &text)?);
        config.file = Some(file.to_owned());
        Ok(config)
    }

    /// How often an inbox is fetched while it is served, if it is a mirror. `None`: not at all.
    pub fn fetch_interval(&self, inbox: &InboxConfig) -> Option<Duration> {
        inbox.fetch_interval.or(self.fetch_interval)?.duration()
    }

    /// The inbox of that name.
    pub fn inbox(&self, name: &InboxName) -> Option<&InboxConfig> {
        self.inboxes.iter().find(|inbox| inbox.name == *name)
    }
}
