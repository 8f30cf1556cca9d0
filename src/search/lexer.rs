//! Cuts a query into what it is made of: operators, parentheses, and leaves that are whole by themselves.
//!
//! The rules are those of Xapian's query parser with public-inbox's settings. Goes over the text once.

use super::dates::Span;
use super::prefix::{self, ANYWHERE, Prefix};
use super::query::{Node, Number, Scope};
use super::schema::Tag;
use super::words::{WORD_MAX, Words, char_at, has_stem, is_word};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// The most parentheses within each other.
pub(super) const DEPTH_MAX: usize = 50;
/// The most words, each of which is sought in up to eleven zones.
const WORDS_MAX: usize = 300;
/// The most words with a `*`.
const BEGINNINGS_MAX: usize = 16;
/// The most other things: ids, dates, numbers.
const OTHERS_MAX: usize = 2000;
/// The window of `NEAR` and `ADJ` without a number.
const WINDOW: u32 = 10;
/// The widest window.
const WINDOW_MAX: u32 = 1000;

/// The answer to a query that asks too much.
pub(super) fn refused(why: impl Into<String>) -> Error {
    Error::invalid("the query cannot be answered", why)
}

#[derive(Clone, Debug)]
pub(super) enum Token {
    Open,
    Close,
    And,
    Or,
    Xor,
    Not,
    Plus,
    Minus,
    /// NEAR, or ADJ where the order counts.
    Near {
        window: u32,
        ordered: bool,
    },
    Leaf(Node),
}

/// How much of the language is heeded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Full,
    Words,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    now: Timestamp,
    style: Style,
    pub(super) tokens: Vec<Token>,
    pub(super) notes: Vec<String>,
    /// The scopes of the parentheses that are open.
    scopes: Vec<&'static Scope>,
    words: usize,
    beginnings: usize,
    others: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, now: Timestamp, style: Style) -> Lexer<'a> {
        Lexer {
            text,
            at: 0,
            now,
            style,
            tokens: Vec::new(),
            notes: Vec::new(),
            scopes: Vec::new(),
            words: 0,
            beginnings: 0,
            others: 0,
        }
    }

    /// Reads it all.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is more than is borne.
    pub(super) fn run(&mut self) -> Result<()> {
        while let Some(c) = self.peek() {
            if is_word(c) {
                self.term()?;
            } else {
                self.at += c.len_utf8();
                if self.style == Style::Full {
                    self.sign(c)?;
                }
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn scope(&self) -> &'static Scope {
        self.scopes.last().copied().unwrap_or(&ANYWHERE)
    }

    /// A character that is no part of a word, just passed.
    fn sign(&mut self, c: char) -> Result<()> {
        match c {
            '(' => self.open(self.scope())?,
            ')' => {
                self.tokens.extend(self.scopes.pop().map(|_| Token::Close));
            }
            '+' | '-' => {
                let before = self.text[..self.at - 1].chars().next_back();
                let leads = before.is_none_or(|b| b <= ' ' || matches!(b, '(' | ')'));
                let led = self.peek().is_some_and(|n| n > ' ' && n != ')');
                if leads && led {
                    self.tokens
                        .push(if c == '+' { Token::Plus } else { Token::Minus });
                }
            }
            _ if is_quote(c) => self.phrase(self.scope())?,
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, scope: &'static Scope) -> Result<()> {
        if self.scopes.len() >= DEPTH_MAX {
            // Only what holds words can matter; those who write so many mean nothing by them.
            return Err(refused(format!(
                "more than {DEPTH_MAX} parentheses are open"
            )));
        }
        self.scopes.push(scope);
        self.tokens.push(Token::Open);
        Ok(())
    }

    /// Something that begins with a word: a prefix and what belongs to it, an operator, or a word.
    fn term(&mut self) -> Result<()> {
        if let Some((found, behind)) = self.prefix() {
            return self.prefixed(found, behind);
        }
        self.run_of_words(self.scope(), true)
    }

    /// A known prefix with something behind it, and where that begins.
    fn prefix(&self) -> Option<(Prefix, usize)> {
        let rest = &self.text[self.at..];
        let len = rest.bytes().take(16).position(|b| b == b':')?;
        let found = prefix::find(&rest[..len])?;
        let next = rest[len + 1..].chars().next()?;
        (next > ' ' && next != ')').then_some((found, self.at + len + 1))
    }

    fn prefixed(&mut self, found: Prefix, behind: usize) -> Result<()> {
        let start = self.at;
        self.at = behind;
        match found {
            Prefix::Words(scope) => self.prefixed_words(scope, start),
            Prefix::Exact(tags) => {
                let value = self.value();
                self.other(exact(tags, &value))
            }
            Prefix::Time(date, grain) => {
                let value = self.value();
                let node = match Span::parse(&value, grain, self.now) {
                    Some(span) => Node::Time(date, span),
                    None => {
                        self.notes.push(format!("“{value}” is not a date"));
                        Node::Nothing
                    }
                };
                self.other(node)
            }
            Prefix::Number(number) => {
                let value = self.value();
                match range(&value, number) {
                    Some(node) => self.other(node),
                    None => {
                        self.at = start;
                        self.run_of_words(self.scope(), false)
                    }
                }
            }
        }
    }

    fn prefixed_words(&mut self, scope: &'static Scope, start: usize) -> Result<()> {
        let mut next = self.peek();
        if self.style == Style::Full && next.is_some_and(is_quote) {
            self.at += next.map_or(0, char::len_utf8);
            return self.phrase(scope);
        }
        if self.style == Style::Full && next == Some('(') {
            self.at += 1;
            return self.open(scope);
        }
        if next != Some(':') {
            while next.is_some_and(joins) {
                self.at += 1;
                next = self.peek();
            }
        }
        if next.is_some_and(is_word) {
            return self.run_of_words(scope, false);
        }
        // It looks like a prefix, but has no word behind it.
        self.at = start;
        self.run_of_words(self.scope(), false)
    }

    /// The text up to the next blank or `)`, or in quotes, where `""` is a quote.
    fn value(&mut self) -> String {
        let mut value = String::new();
        let mut chars = self.text[self.at..].char_indices().peekable();
        let quoted = chars.next_if(|(_, c)| is_quote(*c)).is_some();
        while let Some((_, c)) = chars.peek().copied() {
            if quoted && is_quote(c) {
                chars.next();
                if chars.next_if(|(_, c)| *c == '"').is_none() {
                    break;
                }
                value.push('"');
                continue;
            }
            if !quoted && (c <= ' ' || c == ')') {
                break;
            }
            value.push(c);
            chars.next();
        }
        self.at = chars.peek().map_or(self.text.len(), |(i, _)| self.at + i);
        value
    }

    fn other(&mut self, node: Node) -> Result<()> {
        self.others += 1;
        if self.others > OTHERS_MAX {
            return Err(refused(format!(
                "it has more than {OTHERS_MAX} ids or ranges"
            )));
        }
        self.tokens.push(Token::Leaf(node));
        Ok(())
    }

    fn count_words(&mut self, more: usize) -> Result<()> {
        self.words += more;
        if self.words > WORDS_MAX {
            return Err(refused(format!("it has more than {WORDS_MAX} words")));
        }
        Ok(())
    }

    /// What stands in quotes; the first one has been passed.
    fn phrase(&mut self, scope: &'static Scope) -> Result<()> {
        let rest = &self.text[self.at..];
        let end = rest.find(is_quote).unwrap_or(rest.len());
        let inner = &rest[..end];
        self.at += end + rest[end..].chars().next().map_or(0, char::len_utf8);
        let mut words = Words::new(inner);
        let mut all = Vec::new();
        while words.advance() {
            self.count_words(1)?;
            all.push(words.word.clone());
        }
        self.push_words(scope, all, false);
        Ok(())
    }

    /// Words in a row: one word has forms, a row does not.
    fn push_words(&mut self, scope: &'static Scope, mut words: Vec<String>, forms: bool) {
        let node = match words.len() {
            0 => return,
            1 => Node::Word {
                scope,
                word: words.remove(0),
                forms,
            },
            _ => Node::Phrase(scope, words),
        };
        self.tokens.push(Token::Leaf(node));
    }

    /// A word, and those that only punctuation keeps apart from it: `a.b@c` is a phrase.
    fn run_of_words(&mut self, scope: &'static Scope, bare: bool) -> Result<()> {
        let first = char_at(self.text, self.at);
        let written = self.take();
        if bare && self.style == Style::Full && self.operator(written.0) {
            return Ok(());
        }
        self.count_words(1)?;
        let mut words = vec![written.1];
        if self.style == Style::Full && self.peek() == Some('*') {
            let after = char_at(self.text, self.at + 1);
            if !is_word(after) {
                self.at += 1;
                return self.beginning(scope, words.remove(0));
            }
        }
        let lone_follower = self.peek();
        while self.joined() {
            self.count_words(1)?;
            words.push(self.take().1);
        }
        let prevented = lone_follower.is_some_and(prevents_forms);
        let forms = has_stem(first) && !first.is_uppercase() && !prevented;
        let had = words.len();
        words.retain(|word| word.len() <= WORD_MAX);
        if words.is_empty() {
            let longest = format!("words of more than {WORD_MAX} bytes are not indexed");
            self.notes.push(longest);
            self.tokens.push(Token::Leaf(Node::Nothing));
            return Ok(());
        }
        self.push_words(scope, words, forms && had == 1);
        Ok(())
    }

    fn beginning(&mut self, scope: &'static Scope, start: String) -> Result<()> {
        self.beginnings += 1;
        if self.beginnings > BEGINNINGS_MAX {
            return Err(refused(format!(
                "it has more than {BEGINNINGS_MAX} words with *"
            )));
        }
        self.tokens.push(Token::Leaf(Node::Beginning(scope, start)));
        Ok(())
    }

    /// Whether the next word belongs to the same phrase; passes what stands between.
    fn joined(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !joins(c)).unwrap_or(rest.len());
        let more = rest[end..].chars().next().is_some_and(is_word);
        self.at += end; // signs at the end of a word mean nothing
        more
    }

    /// The word at this place, as it is written and as it is sought.
    fn take(&mut self) -> (&'a str, String) {
        let mut words = Words::new(self.text);
        words.take_at(self.at);
        let (word, end) = (words.word, words.to);
        let written = &self.text[self.at..end];
        self.at = end;
        (written, word)
    }

    /// AND, OR and so on in capitals. NEAR and ADJ may have their width behind a slash.
    fn operator(&mut self, word: &str) -> bool {
        let token = match word {
            "AND" => Token::And,
            "OR" => Token::Or,
            "XOR" => Token::Xor,
            "NOT" => Token::Not,
            "NEAR" | "ADJ" => match self.width() {
                Some(window) => Token::Near {
                    window,
                    ordered: word == "ADJ",
                },
                None => return false,
            },
            _ => return false,
        };
        self.tokens.push(token);
        true
    }

    /// The number behind `NEAR/`; `None` where NEAR is an ordinary word.
    fn width(&mut self) -> Option<u32> {
        let rest = &self.text[self.at..];
        let Some(number) = rest.strip_prefix('/') else {
            return Some(WINDOW);
        };
        let len = number.bytes().take_while(u8::is_ascii_digit).count();
        let after = number[len..].chars().next();
        if len == 0 || after.is_some_and(|c| c > ' ' && c != '(') {
            return None;
        }
        self.at += 1 + len;
        Some(
            number[..len]
                .parse()
                .map_or(WINDOW_MAX, |n: u32| n.clamp(1, WINDOW_MAX)),
        )
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}')
}

/// What makes a phrase of the words on both of its sides.
fn joins(c: char) -> bool {
    matches!(c, '.' | '-' | '/' | ':' | '\\' | '@')
}

/// What follows only names and code, whose forms nobody wants.
fn prevents_forms(c: char) -> bool {
    matches!(
        c,
        '(' | '/' | '\\' | '@' | '<' | '>' | '=' | '*' | '[' | '{' | '"'
    )
}

/// An id as a whole; a blob's may be shortened to seven digits.
fn exact(tags: &'static [Tag], value: &str) -> Node {
    let value = match tags {
        [Tag::Mid | Tag::Reference] => value.trim_matches(['<', '>']).to_owned(),
        _ => value.to_lowercase(),
    };
    let is_blob = matches!(tags, [Tag::Pre | Tag::Post, ..]);
    if value.is_empty() || (is_blob && !prefix::is_blob(&value)) {
        return Node::Nothing;
    }
    Node::Exact(tags, value)
}

/// `A..B`, `A..`, `..B` or `A`.
fn range(value: &str, number: Number) -> Option<Node> {
    let end = |text: &str| match text {
        "" => Some(None),
        text => text.parse::<u64>().ok().map(Some),
    };
    let (from, to) = match value.split_once("..") {
        Some((from, to)) => (end(from)?, end(to)?),
        None => (Some(value.parse().ok()?), Some(value.parse().ok()?)),
    };
    Some(Node::Range(number, from, to))
}
