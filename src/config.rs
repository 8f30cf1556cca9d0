//! The settings: public-inbox's config file, read as it is, and a `[threadbare]` section of our own.

use std::path::PathBuf;

use crate::id::InboxName;

/// All settings of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The inboxes, in the order of the file.
    pub inboxes: Vec<InboxConfig>,
    /// Which inboxes `/` lists.
    pub listing: Listing,
    /// `threadbare.url`: where the site is to be found, ending in `/`, where that is set.
    pub url: Option<String>,
    /// `threadbare.indexDir`.
    pub index_dir: Option<PathBuf>,
    /// `threadbare.listen`.
    pub listen: Vec<String>,
}

/// `publicinbox.wwwListing`.
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

/// The settings of one inbox: `[publicinbox "NAME"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// `obfuscate`.
    pub obfuscate: bool,
    /// `hide`: `www`, `manifest`.
    pub hide: Vec<String>,
    /// `nntpmirror`, `imapmirror`: other servers of the same mail.
    pub mirrors: Vec<String>,
}
