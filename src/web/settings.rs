//! How a site is run: what is the same for all of its inboxes.

use super::class::Shares;
use super::doors::PieceDeadline;
use crate::config::{self, LogAddresses, Proxy};

/// How the site is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the site is to be found, ending in `/`, whatever the config says. It is never taken from a request.
    pub url: Option<String>,
    /// Where it listens, for the links that cannot be relative where nobody says where it is to be found.
    pub listens: Option<String>,
    /// Bytes of finished pages to keep; 0 keeps none.
    pub cache_bytes: usize,
    /// Bytes of finished answers that may wait for their readers, besides the pages that are kept.
    pub answer_bytes: usize,
    /// How much of each class may go on at once.
    pub shares: Shares,
    /// How long a reader may take for one piece of a long answer.
    pub piece_deadline: PieceDeadline,
    /// Whose word is taken for where a request comes from.
    pub proxy: Proxy,
    /// How much of a visitor's address the log shows.
    pub log_addresses: LogAddresses,
}

impl Settings {
    /// The same with what the operator has said of answers in memory.
    #[must_use]
    pub fn with(mut self, limits: &config::Limits) -> Settings {
        let megabytes = limits
            .answers
            .map(|megabytes| megabytes.saturating_mul(1 << 20));
        self.answer_bytes = megabytes.unwrap_or(self.answer_bytes);
        self
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            url: None,
            listens: None,
            cache_bytes: 32 << 20,
            answer_bytes: 64 << 20,
            shares: Shares::default(),
            piece_deadline: PieceDeadline::default(),
            proxy: Proxy::default(),
            log_addresses: LogAddresses::default(),
        }
    }
}
