//! What a query means, apart from how it was written and from how the index answers it.
//!
//! [`Query::parse`] reads public-inbox's language (`parse.rs`); printing a [`Query`] says in plain English how it
//! was read.

use std::fmt;

use super::dates::Span;
use super::parse;
use super::prefix;
use super::schema::{Tag, Zone};
use super::words::Words;
use crate::error::Result;
use crate::time::Timestamp;

/// A region that a query asks in: what one prefix, or none, stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// How the reading calls it.
    pub(super) name: &'static str,
    pub(super) zones: &'static [Zone],
    /// Whether a word that looks like a blob's id is also sought among those.
    pub(super) blobs: bool,
}

/// A number that mails are told apart by, other than the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The size of the mail.
    Bytes,
    /// Its number in the inbox.
    Article,
}

/// Which of the two dates of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Date {
    /// When its sender says that he sent it.
    Sent,
    /// When it came.
    Received,
}

/// One node of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// No mail at all.
    Nothing,
    /// One word; with `forms` in all forms that share its stem.
    Word {
        /// Where it is sought.
        scope: &'static Scope,
        /// The word in lower case.
        word: String,
        /// Whether other forms of it will do.
        forms: bool,
    },
    /// Words that follow each other.
    Phrase(&'static Scope, Vec<String>),
    /// Words within a window of so many, in their order or in any.
    Near {
        /// Where they are sought.
        scope: &'static Scope,
        /// The words in lower case.
        words: Vec<String>,
        /// How many words the window is wide.
        window: u32,
        /// Whether their order matters.
        ordered: bool,
    },
    /// Every word that begins so.
    Beginning(&'static Scope, String),
    /// An id of one of these kinds.
    Exact(&'static [Tag], String),
    /// A stretch of time.
    Time(Date, Span),
    /// A range of numbers, both ends within.
    Range(Number, Option<u64>, Option<u64>),
    /// All of these.
    All(Vec<Node>),
    /// At least one of these.
    Any(Vec<Node>),
    /// One of the two, and not the other.
    Either(Box<Node>, Box<Node>),
    /// The first, but not the second.
    Without(Box<Node>, Box<Node>),
}

/// A query that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What it asks for.
    pub(super) root: Node,
    notes: Vec<String>,
}

impl Query {
    /// Reads `text`. `now` is what dates like `yesterday` count from.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] with a sentence for the one who asked: an operator that lacks one of its
    /// sides, or a query that is too long or too deep.
    pub fn parse(text: &str, now: Timestamp) -> Result<Query> {
        let (root, notes) = parse::parse(text, now)?;
        Ok(Query { root, notes })
    }

    /// Asks for Message-IDs that have the words of `part` in a row, from the most telling question to the least: the
    /// last word may have been cut short, and so may the first.
    pub fn of_id_part(part: &str) -> Vec<Query> {
        let mut words = Vec::new();
        let mut found = Words::new(part);
        while found.advance() {
            words.push(found.word.clone());
        }
        let Some(last) = words.pop() else {
            return Vec::new();
        };
        let phrase = |words: &[String]| Node::Phrase(&prefix::ID, words.to_vec());
        let beginning = Node::Beginning(&prefix::ID, last);
        let mut roots = Vec::new();
        match words.as_slice() {
            [] => roots.push(beginning),
            [first, rest @ ..] => {
                let whole = match rest {
                    [] => Node::Word {
                        scope: &prefix::ID,
                        word: first.clone(),
                        forms: false,
                    },
                    _ => phrase(&words),
                };
                roots.push(Node::All(vec![whole.clone(), beginning]));
                roots.push(whole);
                if rest.len() > 1 {
                    roots.push(phrase(rest));
                }
            }
        }
        let notes = Vec::new;
        roots
            .into_iter()
            .map(|root| Query {
                root,
                notes: notes(),
            })
            .collect()
    }

    /// Whether `text` asks for the same whenever it is asked: no date in it counts from the present.
    pub fn is_timeless(text: &str) -> bool {
        !prefix::may_be_before_a_date(text) || Query::is_the_same_at_two_moments(text)
    }

    pub(super) fn is_the_same_at_two_moments(text: &str) -> bool {
        // They differ in year, month, day, weekday and time of day.
        let [a, b] = [Timestamp(1_631_709_296), Timestamp(1_680_000_001)];
        let at = |now| Query::parse(text, now).map(|query| query.root).ok();
        at(a) == at(b)
    }

    /// What in the query was taken in another way than it looks, in sentences without a full stop.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether there was not one word in it to look for.
    pub fn is_empty(&self) -> bool {
        self.root == Node::Nothing
    }
}

/// How the query was read, in plain English.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Nothing => f.write_str("nothing"),
            Node::Word { scope, word, forms } => {
                let forms = if *forms { " in any form" } else { "" };
                write!(f, "“{word}”{forms}{}", scope.name)
            }
            Node::Phrase(scope, words) => write!(f, "“{}”{}", words.join(" "), scope.name),
            Node::Near {
                scope,
                words,
                window,
                ordered,
            } => {
                let order = if *ordered { " in this order" } else { "" };
                let words = words.join("”, “");
                write!(f, "“{words}” within {window} words{order}{}", scope.name)
            }
            Node::Beginning(scope, start) => {
                write!(f, "words that begin with “{start}”{}", scope.name)
            }
            Node::Exact(tags, value) => write!(f, "{} {value}", name_of(tags)),
            Node::Time(date, span) => fmt_time(f, *date, *span),
            Node::Range(number, from, to) => {
                let name = match number {
                    Number::Bytes => "bytes",
                    Number::Article => "article number",
                };
                f.write_str(name)?;
                from.map_or(Ok(()), |n| write!(f, " from {n}"))?;
                to.map_or(Ok(()), |n| write!(f, " up to {n}"))
            }
            Node::All(nodes) => fmt_list(f, nodes, " and "),
            Node::Any(nodes) => fmt_list(f, nodes, " or "),
            Node::Either(a, b) => write!(f, "either {} or {}, not both", Inner(a), Inner(b)),
            Node::Without(yes, no) => write!(f, "{}, but not {}", Inner(yes), Inner(no)),
        }
    }
}

fn name_of(tags: &[Tag]) -> &'static str {
    match tags {
        [Tag::Mid] => "the Message-ID",
        [Tag::ListId] => "the list",
        [Tag::Reference] => "answers to",
        [Tag::Pre] => "patches that change blob",
        [Tag::Post] => "patches that make blob",
        [Tag::PatchId] => "patch-id",
        _ => "patches of blob",
    }
}

fn fmt_time(f: &mut fmt::Formatter<'_>, date: Date, span: Span) -> fmt::Result {
    f.write_str(match date {
        Date::Sent => "sent",
        Date::Received => "received",
    })?;
    match (span.from, span.to) {
        (None, None) => f.write_str(" at any time"),
        (Some(from), None) => write!(f, " from {} on", from.second()),
        (None, Some(to)) => write!(f, " up to {}", to.second()),
        (Some(from), Some(to)) => write!(f, " from {} to {}", from.second(), to.second()),
    }
}

fn fmt_list(f: &mut fmt::Formatter<'_>, nodes: &[Node], between: &str) -> fmt::Result {
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        write!(f, "{}", Inner(node))?;
    }
    Ok(())
}

/// A node within another: in parentheses where it has parts of its own.
struct Inner<'a>(&'a Node);

impl fmt::Display for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Node::All(_) | Node::Any(_) | Node::Either(..) | Node::Without(..) => {
                write!(f, "({})", self.0)
            }
            leaf => leaf.fmt(f),
        }
    }
}
