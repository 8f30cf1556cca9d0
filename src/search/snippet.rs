//! A few lines of a mail around the words that were sought, with these marked.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use memchr::memmem::Finder;

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

/// So much of a text is looked through first, and then four times as much each: mostly all that is sought stands near its
/// beginning.
const FIRST_LOOK: usize = 1 << 10;

/// What the snippets of one query are made with.
pub struct Snippets {
    sought: Sought,
    /// What a word must begin with to be sought; `None` where every word has to be looked at.
    starts: Option<Vec<Finder<'static>>>,
    stems: Stems,
    /// The text that is looked through, in lower case.
    lower: String,
}

impl Snippets {
    /// For those words of `query` that are sought in the text of a mail; `None` where there are none.
    pub fn of(query: &Query) -> Option<Snippets> {
        let mut sought = Sought::default();
        let mut stems = Stems::new(64);
        sought.gather(&query.root, &mut stems);
        let starts = sought.starts().map(|starts| {
            let finders = starts.into_iter().map(Finder::new);
            finders.map(Finder::into_owned).collect()
        });
        (sought.count > 0).then(|| Snippets {
            sought,
            starts,
            stems,
            lower: String::new(),
        })
    }

    /// About `width` bytes of `text` where most of the different words of the query stand together; `None` where none
    /// of them is in it.
    pub fn cut(&mut self, text: &str, width: usize) -> Option<Vec<Piece>> {
        let text = &text[..text.floor_char_boundary(TEXT_MAX)];
        let mut look = FIRST_LOOK;
        while text.len() > 2 * look {
            let beginning = &text[..at_blank_before(text, look)];
            let matches = self.find(beginning, width);
            let found = densest(&matches, width, self.sought.count);
            if let Some(dense) = found.filter(|dense| dense.words == self.sought.count) {
                return cut_around(text, &matches[dense.first..=dense.last], width);
            }
            look *= 4;
        }
        let matches = self.find(text, width);
        let dense = densest(&matches, width, self.sought.count)?;
        cut_around(text, &matches[dense.first..=dense.last], width)
    }

    fn find(&mut self, text: &str, width: usize) -> Vec<Match> {
        let Some(starts) = &self.starts else {
            return self.sought.find_in_all_words(text, &mut self.stems);
        };
        self.lower.clear();
        self.lower.push_str(text);
        self.lower.make_ascii_lowercase();
        let lower = self.lower.as_bytes();
        // Where one word is sought the first place is as good as any.
        let reach = if self.sought.count == 1 {
            width
        } else {
            usize::MAX
        };
        self.sought
            .find_starts((text, lower), starts, reach, &mut self.stems)
    }
}

fn cut_around(text: &str, inner: &[Match], width: usize) -> Option<Vec<Piece>> {
    let spare = width.saturating_sub(inner.last()?.to - inner.first()?.from) / 2;
    let from = at_blank_before(text, inner.first()?.from.saturating_sub(spare));
    let to = at_blank_after(text, inner.last()?.to.saturating_add(spare));
    let mut pieces = Vec::new();
    let mut at = from;
    for found in inner {
        // A word may lie within another one: `t` in `don't`.
        if found.from < at {
            continue;
        }
        push(&mut pieces, &text[at..found.from], false);
        push(&mut pieces, &text[found.from..found.to], true);
        at = found.to;
    }
    push(&mut pieces, text.get(at..to).unwrap_or_default(), false);
    Some(pieces)
}

/// What is marked: words, stems, beginnings, each with the number of the word of the query that it stands for.
#[derive(Default)]
struct Sought {
    words: HashMap<String, usize, RandomState>,
    stems: HashMap<String, usize, RandomState>,
    beginnings: Vec<(String, usize)>,
    /// How many different words there are.
    count: usize,
}

/// A word of the query, found.
struct Match {
    from: usize,
    to: usize,
    /// Its number.
    word: usize,
}

impl Sought {
    fn gather(&mut self, node: &Node, known: &mut Stems) {
        match node {
            Node::Word { scope, .. }
            | Node::Phrase(scope, _)
            | Node::Near { scope, .. }
            | Node::Beginning(scope, _)
                if !scope.zones.iter().any(|zone| zone.is_in_text()) => {}
            Node::Word { word, forms, .. } => {
                let number = self.word(word);
                if *forms {
                    let stem = known.of(word).unwrap_or(word).to_owned();
                    self.stems.entry(stem).or_insert(number);
                }
            }
            Node::Phrase(_, words) | Node::Near { words, .. } => {
                for word in words {
                    self.word(word);
                }
            }
            Node::Beginning(_, start) => {
                self.beginnings.push((start.clone(), self.count));
                self.count += 1;
            }
            Node::All(nodes) | Node::Any(nodes) => {
                nodes.iter().for_each(|node| self.gather(node, known));
            }
            Node::Either(a, b) => [a, b].into_iter().for_each(|node| self.gather(node, known)),
            Node::Without(yes, _) => self.gather(yes, known),
            Node::Nothing | Node::Exact(..) | Node::Time(..) | Node::Range(..) => {}
        }
    }

    /// The number of a word, a new one where it has none.
    fn word(&mut self, word: &str) -> usize {
        if let Some(number) = self.words.get(word) {
            return *number;
        }
        self.words.insert(word.to_owned(), self.count);
        self.count += 1;
        self.count - 1
    }

    /// What a word must begin with to be sought, in ASCII; `None` where there is too much of it, or other letters.
    fn starts(&self) -> Option<Vec<&str>> {
        // The last letter of a stem may be another one than in the word: happi, happy.
        let stems = self.stems.keys().map(|stem| match stem.len() {
            0..3 => stem.as_str(),
            len => stem.get(..len - 1).unwrap_or(stem),
        });
        let beginnings = self.beginnings.iter().map(|(start, _)| start.as_str());
        let words = self.words.keys().map(String::as_str);
        let mut starts: Vec<&str> = words.chain(beginnings).chain(stems).collect();
        // What begins with another one is found with it.
        starts.sort_unstable();
        starts.dedup_by(|longer, shorter| longer.starts_with(*shorter));
        let plain = starts
            .iter()
            .all(|start| start.is_ascii() && !start.is_empty());
        (plain && starts.len() <= STARTS_MAX).then_some(starts)
    }

    /// What begins with one of `starts` in a text, which stands there in lower case, too; of each as far as `reach`
    /// behind its first place.
    fn find_starts(
        &self,
        (text, lower): (&str, &[u8]),
        starts: &[Finder<'_>],
        reach: usize,
        stems: &mut Stems,
    ) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let mut words = Words::new(text);
        for start in starts {
            let places = start.find_iter(lower);
            let in_words = places.filter(|at| {
                let before = text
                    .get(..*at)
                    .and_then(|before| before.chars().next_back());
                !before.is_some_and(is_word)
            });
            let here = in_words.filter_map(|at| {
                words.take_at(at);
                let (from, to) = (words.from, words.to);
                let word = self.matched(&words.word, stems)?;
                Some(Match { from, to, word })
            });
            let mut end = None;
            let near = here.take_while(|found| {
                found.from <= *end.get_or_insert(found.from.saturating_add(reach))
            });
            found.extend(near.take(MATCHES_MAX));
        }
        found.sort_by_key(|found| found.from);
        found.dedup_by_key(|found| found.from);
        found.truncate(MATCHES_MAX);
        found
    }

    fn find_in_all_words(&self, text: &str, stems: &mut Stems) -> Vec<Match> {
        let mut words = Words::new(text);
        let mut found = Vec::new();
        while found.len() < MATCHES_MAX && words.advance() {
            if let Some(word) = self.matched(&words.word, stems) {
                found.push(Match {
                    from: words.from,
                    to: words.to,
                    word,
                });
            }
        }
        found
    }

    /// The number of the word of the query that `word` is.
    fn matched(&self, word: &str, stems: &mut Stems) -> Option<usize> {
        if let Some(number) = self.words.get(word) {
            return Some(*number);
        }
        if !self.stems.is_empty() && word.starts_with(has_stem) {
            let stem = stems.of(word).unwrap_or(word);
            if let Some(number) = self.stems.get(stem) {
                return Some(*number);
            }
        }
        let mut beginnings = self.beginnings.iter();
        let start = beginnings.find(|(start, _)| word.starts_with(start.as_str()));
        start.map(|(_, number)| *number)
    }
}

/// Matches that stand together.
struct Dense {
    first: usize,
    last: usize,
    /// How many different words are among them.
    words: usize,
}

/// The first of those matches that fit into `width` and have the most different words, of `all` of them.
fn densest(matches: &[Match], width: usize, all: usize) -> Option<Dense> {
    let mut best: Option<Dense> = None;
    let mut different: Vec<usize> = Vec::new();
    for (first, start) in matches.iter().enumerate() {
        different.clear();
        let mut last = first;
        for (i, other) in matches.iter().enumerate().skip(first).take(20) {
            if i > first && other.to - start.from > width {
                break;
            }
            if !different.contains(&other.word) {
                different.push(other.word);
            }
            last = i;
        }
        let words = different.len();
        if best.as_ref().is_none_or(|best| words > best.words) {
            best = Some(Dense { first, last, words });
        }
        if words >= all {
            break;
        }
    }
    best
}

/// Adds text with its white space squeezed.
fn push(pieces: &mut Vec<Piece>, text: &str, matched: bool) {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_inclusive(is_blank) {
        let rest = word.trim_end_matches(is_blank);
        squeezed.push_str(rest);
        if rest.len() < word.len() && !squeezed.ends_with(' ') {
            squeezed.push(' ');
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
    use super::Snippets;
    use crate::search::Query;
    use crate::time::Timestamp;

    fn marked(query: &str, text: &str, width: usize) -> Option<String> {
        let query = Query::parse(query, Timestamp(0)).unwrap();
        let pieces = Snippets::of(&query)?.cut(text, width)?;
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
            ("f:ada OR \"b c\"", "ada b.c", Some("ada [b].[c]")),
            ("s:engine t:ada", "ada, the engine", None),
            (
                "q:engine dfb:ada",
                "ada, the engine",
                Some("[ada], the [engine]"),
            ),
            ("日本", "こんにちは日本", Some("こんにちは[日][本]")),
            ("t \"don't\"", "we don't wait", Some("we [don't] wait")),
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
    fn in_a_long_text_all_words_together_are_worth_more_than_the_first_of_them() {
        let far = "x ".repeat(9_000);
        for (text, expected) in [
            (format!("alpha beta. {far} beta alpha"), "[alpha] [beta]"),
            (format!("alphas {far} beta alpha {far}"), "[beta] [alpha]"),
            (format!("x alphas {far} betas {far}"), "[alphas]"),
        ] {
            let shown = marked("alpha beta", &text, 40).unwrap();
            assert!(shown.contains(expected), "{shown}");
        }
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
