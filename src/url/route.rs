//! What addresses there are.

use crate::id::{EpochNum, InboxName, MessageId};

/// What a path asks for. Names are checked for their form only: whether there is such an inbox or message is for
/// the archive to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A page of the whole site.
    Site(SitePage),
    /// A page of one inbox.
    Inbox(InboxName, InboxPage),
    /// A page of one message or of the thread around it.
    Message(InboxName, MessageId, MessagePage),
    /// A file of a git repository, or one of the two services of its smart protocol.
    Git(InboxName, GitFile),
    /// Another spelling of an address: 301 to this path, from the root of the site.
    Moved(String),
    /// A place that has no page of its own: 302 to the one that stands for it.
    Elsewhere(String),
    /// Nothing that could be an address of ours.
    Nothing,
}

/// Pages of the whole site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SitePage {
    /// `/`: the listing of inboxes.
    Listing,
    /// `/manifest.js.gz`: every repository, for grokmirror.
    Manifest,
    /// `/robots.txt`.
    Robots,
    /// `/favicon.ico`.
    Favicon,
    /// `/+/NAME`: a file of our own, by its hashed name.
    Asset(String),
    /// `/r/MSGID`: wherever the site has that message.
    Find(MessageId),
    /// `/NAME`, `/NAME/…`: a name that is an inbox, or else a Message-ID.
    InboxOrMessage(InboxName),
}

/// Pages of one inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxPage {
    /// `/INBOX/`: its latest threads; a search where there is a `q`.
    Topics,
    /// `/INBOX/new.html`: its latest messages in full.
    New,
    /// `/INBOX/new.atom`, `/INBOX/atom.xml`.
    NewAtom,
    /// `/INBOX/topics_new.html` and its three sisters.
    TopicList(TopicOrder, Format),
    /// `/INBOX/all.mbox.gz`.
    AllMbox,
    /// `/INBOX/description`.
    Description,
    /// `/INBOX/tombstones`: what was removed.
    Tombstones,
    /// `/INBOX/manifest.js.gz`.
    Manifest,
    /// `/INBOX/_/text/KEY/`, or its `raw` form.
    Text(String, Form),
    /// `/INBOX/NAME.css`: a style sheet of the operator's.
    Css(String),
    /// `/INBOX/NAME.sql.gz`: a known shape without a thing behind it.
    Missing,
}

/// By what a list of threads is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicOrder {
    /// When it began.
    New,
    /// When somebody last wrote.
    Active,
}

/// In which format a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A page.
    Html,
    /// A feed.
    Atom,
}

/// Whether a text is wanted as a page or as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A page.
    Html,
    /// Plain text.
    Raw,
}

/// Pages of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessagePage {
    /// `/INBOX/MSGID/`.
    Show,
    /// `…/raw`.
    Raw,
    /// `…/T/`: its thread, oldest first.
    Flat,
    /// `…/t/`: its thread, nested.
    Nested,
    /// `…/t.mbox.gz`.
    Mbox,
    /// `…/t.atom`.
    Atom,
    /// `…/d/`: how mails of one Message-ID differ.
    Diff,
    /// `…/1.2-name.txt`: an attachment, by its index; the name is for people.
    Attachment(String),
}

/// A path below a repository that git's two HTTP protocols use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFile {
    /// The epoch, or `None` for the repository at the inbox's own address (v1, or v2's `all.git`).
    pub epoch: Option<EpochNum>,
    /// Below the repository, for instance `info/refs`. Never holds `..`.
    pub path: String,
}
