//! What a look through git, the catalogue and the words has found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::id::{InboxName, MessageKey};
use crate::store::Layout;

/// In which keep something is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// git: what is wrong there cannot be mended from anything else.
    Git,
    /// The catalogue.
    Catalogue,
    /// The full-text index.
    Words,
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Keep::Git => "git",
            Keep::Catalogue => "catalogue",
            Keep::Words => "words",
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub keep: Keep,
    /// In which inbox, if in one.
    pub inbox: Option<InboxName>,
    /// What, in a sentence.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inbox {
            Some(inbox) => write!(f, "{inbox}: {}: {}", self.keep, self.what),
            None => write!(f, "{}: {}", self.keep, self.what),
        }
    }
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many articles were compared.
    pub articles: u64,
    /// How many messages' words were compared.
    pub messages: u64,
    /// How many differences there are in each keep.
    pub differences: BTreeMap<Keep, u64>,
    /// What would make the indexes right.
    pub(super) cure: Cure,
}

impl Findings {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What would make the indexes right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cure {
    /// The words of these messages have to be made again, or to go.
    pub(super) words: BTreeSet<MessageKey>,
    /// All words have to.
    pub(super) all_words: bool,
    /// Everything in the catalogue has to.
    pub(super) all: bool,
}

/// An inbox to be looked at.
pub type Wanted = (InboxName, Arc<Layout>);
