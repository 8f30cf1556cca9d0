//! The pages, each in a file of the name of what it shows, asked for over HTTP.

mod all;
mod attachment;
mod copies;
mod feed;
mod gone;
mod hostile;
mod keys;
mod legacy;
mod listing;
mod mbox;
mod message;
mod missing;
mod new;
mod obfuscated;
mod protocol;
mod raw;
mod refusal;
mod search;
mod seed;
mod settings;
mod sheet;
mod text;
mod thread;
mod topic_list;
mod topics;

/// Message-IDs of the sample archive that tests speak of, as they stand in URLs.
mod ids {
    /// The first mail of the list; its id has slashes.
    pub(super) const WELCOME: &str = "wLE3%2Fi15JFnyb%2Fdj@selvedge.example";
    /// Begins the longest thread; its id has a plus.
    pub(super) const SELVEDGES: &str = "vCpNPbEtS+GaM0uo@vav.example";
    /// Cover letter of the first version of a series, on both lists.
    pub(super) const COVER: &str = "20260307100001.4711-1-tomas@fio.example";
    /// The second patch of its second version.
    pub(super) const PATCH: &str = "20260308100002.9422-3-tomas@fio.example";
    /// A mail that no one has seen, and its only child on the list.
    pub(super) const GHOST: &str = "20260318.off-list-conversation@melin.example";
    /// Answers the ghost.
    pub(super) const ORPHAN: &str = "5a749c89-aef2-9e7ec74c@tiraz.example";
    /// Has a picture, a text and a file with a Japanese name attached.
    pub(super) const ATTACHMENTS: &str = "20260331001237.c8d2dc@oda-orimono.example";
}

/// SHA-1 in hex: what public-inbox's anchors and feed ids are made of.
fn sha1_hex(of: &str) -> String {
    use sha1::Digest;
    let digest = sha1::Sha1::digest(of.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
