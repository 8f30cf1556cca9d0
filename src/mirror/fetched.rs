//! What a fetch has got.

use std::collections::BTreeSet;
use std::fmt;

use crate::id::EpochNum;

/// What a fetch has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The epochs whose refs have moved, new ones among them.
    pub changed: BTreeSet<EpochNum>,
    /// Those that were not here before.
    pub new: BTreeSet<EpochNum>,
    /// Those whose history was rewritten upstream.
    pub rewritten: BTreeSet<EpochNum>,
}

impl Fetched {
    /// Whether anything is other than before.
    pub fn is_news(&self) -> bool {
        !self.changed.is_empty()
    }
}

impl fmt::Display for Fetched {
    /// `2 epochs have news, 1 of them new`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.changed.len() {
            0 => return f.write_str("nothing new"),
            1 => f.write_str("1 epoch has news")?,
            count => write!(f, "{count} epochs have news")?,
        }
        for (epochs, what) in [(&self.new, "new"), (&self.rewritten, "rewritten")] {
            if !epochs.is_empty() {
                write!(f, ", {} of them {what}", epochs.len())?;
            }
        }
        Ok(())
    }
}
