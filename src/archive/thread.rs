//! The thread around a message, in reading order.

use std::collections::HashMap;

use super::Article;
use crate::id::{MessageId, MidKey};
use crate::mail::Line;

/// A thread: its messages, and the order in which to read them.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Its messages, by the time they were sent.
    pub articles: Vec<Article>,
    /// The lines of its overview; they name articles by their index.
    pub lines: Vec<Line>,
    /// The Message-IDs of its ghosts.
    pub ghosts: HashMap<MidKey, MessageId>,
    /// How many messages belong to it in this inbox, those that are only loosely matched among them.
    pub total: usize,
}
