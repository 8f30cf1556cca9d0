//! A few lines of a mail around the words that were sought, with these marked.

use std::collections::HashSet;

use memchr::memmem;

use super::query::{Node, Query};
use super::stems::Stems;
use super::words::{Words, has_stem, is_word};

/// How much of a text is looked through, in bytes.
const TEXT_MAX: usize = 256 << 10;

/// How many matches are looked at.
const MATCHES_MAX: usize = 100;

/// So many different words are looked for one by one; for more it is better to look at every word of the text.
const STARTS_MAX: usize = 12;

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, white space squeezed.
    pub text: String,
    /// Whether it is a word that was sought.
    pub matched: bool,
}

/// About `width` bytes of `text` where most of the different words of `query` stand together; `None` where none of
/// them is in it.
pub fn snippet(query: &Query, text: &str, width: usize) -> Option<Vec<Piece>> {
    let text = &text[..text.floor_char_boundary(TEXT_MAX)];
    let mut sought = Sought::default();
    sought.gather(&query.root);
    let matches = sought.find(text);
    let (first, last) = densest(&matches, width, sought.count())?;
    let inner = &matches[first..=last];
    let spare = width.saturating_sub(inner.last()?.to - inner.first()?.from) / 2;
    let from = at_blank_before(text, inner.first()?.from.saturating_sub(spare));
    let to = at_blank_after(text, inner.last()?.to.saturating_add(spare));
    let mut pieces = Vec::new();
    let mut at = from;
    for found in inner {
        push(&mut pieces, &text[at..found.from], false);
        push(&mut pieces, &text[found.from..found.to], true);
        at = found.to;
    }
    push(&mut pieces, &text[at..to], false);
    Some(pieces)
}

/// What is marked: words, stems, beginnings.
#[derive(Default)]
struct Sought {
    words: HashSet<String>,
    stems: HashSet<String>,
    beginnings: Vec<String>,
}

struct Match {
    from: usize,
    to: usize,
    /// What it matched.
    word: String,
}

impl Sought {
    fn gather(&mut self, node: &Node) {
        match node {
            Node::Word { word, forms, .. } => {
                self.words.insert(word.clone());
                if *forms {
                    self.stems
                        .insert(Stems::new(1).of(word).unwrap_or(word).to_owned());
                }
            }
            Node::Phrase(_, words) | Node::Near { words, .. } => {
                self.words.extend(words.iter().cloned());
            }
            Node::Beginning(_, start) => self.beginnings.push(start.clone()),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|n| self.gather(n)),
            Node::Either(a, b) => [a, b].into_iter().for_each(|n| self.gather(n)),
            Node::Without(yes, _) => self.gather(yes),
            Node::Nothing | Node::Exact(..) | Node::Time(..) | Node::Range(..) => {}
        }
    }

    fn find(&self, text: &str) -> Vec<Match> {
        match self.starts() {
            Some(starts) => self.find_starts(text, &starts),
            None => self.find_in_all_words(text),
        }
    }

    /// What a word must begin with to be sought, in ASCII; `None` where there is too much of it, or other letters.
    fn starts(&self) -> Option<Vec<&str>> {
        // The last letter of a stem may be another one than in the word: happi, happy.
        let stems = self.stems.iter().map(|stem| match stem.len() {
            0..3 => stem.as_str(),
            len => stem.get(..len - 1).unwrap_or(stem),
        });
        let words = self.words.iter().chain(&self.beginnings);
        let starts: Vec<&str> = words.map(String::as_str).chain(stems).collect();
        let plain = starts
            .iter()
            .all(|start| start.is_ascii() && !start.is_empty());
        (plain && starts.len() <= STARTS_MAX).then_some(starts)
    }

    fn find_starts(&self, text: &str, starts: &[&str]) -> Vec<Match> {
        let lower = text.to_ascii_lowercase();
        let mut stems = Stems::new(8);
        let mut found: Vec<Match> = Vec::new();
        for start in starts {
            let places = memmem::find_iter(lower.as_bytes(), start.as_bytes());
            let in_words = places.filter(|at| {
                let before = text
                    .get(..*at)
                    .and_then(|before| before.chars().next_back());
                !before.is_some_and(is_word)
            });
            let here = in_words.filter_map(|at| {
                let (word, to) = Words::one(text, at);
                let word = self.matched(&word, &mut stems)?;
                Some(Match { from: at, to, word })
            });
            found.extend(here.take(MATCHES_MAX));
        }
        found.sort_by_key(|found| found.from);
        found.dedup_by_key(|found| found.from);
        found.truncate(MATCHES_MAX);
        found
    }

    fn find_in_all_words(&self, text: &str) -> Vec<Match> {
        let mut stems = Stems::new(1024);
        let mut words = Words::new(text);
        let mut found = Vec::new();
        while found.len() < MATCHES_MAX && words.advance() {
            if let Some(word) = self.matched(&words.word, &mut stems) {
                found.push(Match {
                    from: words.from,
                    to: words.to,
                    word,
                });
            }
        }
        found
    }

    /// How many different words can be found.
    fn count(&self) -> usize {
        self.words.len() + self.stems.len() + self.beginnings.len()
    }

    fn matched(&self, word: &str, stems: &mut Stems) -> Option<String> {
        if self.words.contains(word) {
            return Some(word.to_owned());
        }
        if !self.stems.is_empty() && word.starts_with(has_stem) {
            let stem = stems.of(word).unwrap_or(word);
            if self.stems.contains(stem) {
                return Some(stem.to_owned());
            }
        }
        let start = self
            .beginnings
            .iter()
            .find(|s| word.starts_with(s.as_str()));
        start.cloned()
    }
}

/// The first and the last of those matches that fit into `width` and have the most different words, of `all` of them.
fn densest(matches: &[Match], width: usize, all: usize) -> Option<(usize, usize)> {
    let mut best = None;
    let mut most = 0;
    for (first, start) in matches.iter().enumerate() {
        let mut different = HashSet::new();
        let mut last = first;
        for (i, other) in matches.iter().enumerate().skip(first).take(20) {
            if i > first && other.to - start.from > width {
                break;
            }
            different.insert(other.word.as_str());
            last = i;
        }
        if different.len() > most {
            most = different.len();
            best = Some((first, last));
        }
        if most >= all {
            break;
        }
    }
    best
}

/// Adds text with its white space squeezed.
fn push(pieces: &mut Vec<Piece>, text: &str, matched: bool) {
    let mut squeezed = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        };
        if c != ' ' || !squeezed.ends_with(' ') {
            squeezed.push(c);
        }
    }
    if !squeezed.is_empty() {
        pieces.push(Piece {
            text: squeezed,
            matched,
        });
    }
}

/// A place at or before `at`, where no word is cut; not far away.
fn at_blank_before(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let near = text.floor_char_boundary(at.saturating_sub(40));
    let blank = text[near..at]
        .char_indices()
        .rfind(|(_, c)| c.is_whitespace());
    match blank {
        Some((i, c)) => near + i + c.len_utf8(),
        None if near == 0 => 0,
        None => at,
    }
}

fn at_blank_after(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let near = text.floor_char_boundary(at.saturating_add(40));
    match text[at..near].find(char::is_whitespace) {
        Some(i) => at + i,
        None if near == text.len() => near,
        None => at,
    }
}

#[cfg(test)]
mod tests {
    use super::snippet;
    use crate::search::Query;
    use crate::time::Timestamp;

    fn marked(query: &str, text: &str, width: usize) -> Option<String> {
        let query = Query::parse(query, Timestamp(0)).unwrap();
        let pieces = snippet(&query, text, width)?;
        let marked = pieces.iter().map(|piece| match piece.matched {
            true => format!("[{}]", piece.text),
            false => piece.text.clone(),
        });
        Some(marked.collect())
    }

    #[test]
    fn the_words_that_were_sought_are_marked() {
        for (query, text, expected) in [
            ("engine", "The Engines weave.", Some("The [Engines] weave.")),
            (
                "\"engine\"",
                "The Engines weave, the engine",
                Some("The Engines weave, the [engine]"),
            ),
            ("a -weave", "a engine weaves", Some("[a] engine weaves")),
            (
                "eng*",
                "an engineer's  \n\tengine",
                Some("an [engineer's] [engine]"),
            ),
            ("f:ada OR \"b c\"", "ada b.c", Some("[ada] [b].[c]")),
            ("日本", "こんにちは日本", Some("こんにちは[日][本]")),
            ("engine", "nothing of it", None),
            ("d:20210101..", "nothing of it", None),
        ] {
            assert_eq!(marked(query, text, 200).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn the_place_with_most_of_the_words_is_shown() {
        let far = "x ".repeat(500);
        let text = format!("alpha {far} alpha beta {far} beta");
        let shown = marked("alpha beta", &text, 40).unwrap();
        assert!(shown.contains("[alpha] [beta]"), "{shown}");
        assert!(shown.len() < 150, "{shown}");
    }

    #[test]
    fn no_width_and_no_text_cuts_a_character() {
        for blank in [" ", "\u{a0}", "\u{202f}", "\u{3000}", "\u{2028}"] {
            let text = format!("éééé{blank}ñandú{blank}日本語{blank}").repeat(50);
            for width in 0..120 {
                assert!(marked("ñandú", &text, width).is_some(), "{blank:?} {width}");
            }
        }
    }
}
