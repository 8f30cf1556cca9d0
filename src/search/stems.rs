//! The English stems of words, so that "running" is found by "runs".

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

/// The English stems of words in lower case, remembered.
///
/// Each word has one place to be remembered in, from which the next word of that place drives it out: so memory is
/// bounded, and common words stay.
pub(super) struct Stems {
    stemmer: TextAnalyzer,
    hasher: RandomState,
    known: Box<[Known]>,
    /// The stem that was asked for last.
    stem: String,
}

/// What is remembered of a word: few bytes, as all that is known has to stay near the processor.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Stands for the word: two share it once in 2^64, and nobody can look for them.
    hash: u64,
    /// Whether its stem is another word: so many bytes of this one, and then so many of `end`.
    differs: bool,
    kept: u8,
    others: u8,
    end: [u8; END_MAX],
}

/// How many bytes of a stem may differ from its word. Snowball never writes more; what would is taken for its own stem.
const END_MAX: usize = 5;

/// Shorter words, in bytes, are left alone by the stemmer.
const SHORTEST: usize = 3;

/// So are words that end otherwise: there is no ending in English grammar, as Snowball knows it, without one of these.
fn is_last(byte: u8) -> bool {
    matches!(
        byte,
        b'c' | b'd' | b'e' | b'g' | b'i' | b'l' | b'm' | b'n' | b'r' | b's' | b't' | b'y' | b'\''
    )
}

impl Stems {
    /// Remembers as many words as the least power of two from `room` on.
    pub(super) fn new(room: usize) -> Stems {
        Stems {
            stemmer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(Language::English))
                .build(),
            hasher: RandomState::default(),
            known: vec![Known::default(); room.max(1).next_power_of_two()].into(),
            stem: String::new(),
        }
    }

    /// The stem of `word` where it differs from it.
    pub(super) fn of(&mut self, word: &str) -> Option<&str> {
        let may_end = word.as_bytes().last().copied().is_some_and(is_last);
        if word.len() < SHORTEST || !may_end {
            return None;
        }
        let hash = self.hasher.hash_one(word);
        let place = (hash >> 32) as usize & (self.known.len() - 1);
        let known = &mut self.known[place];
        if known.hash != hash {
            let mut stream = self.stemmer.token_stream(word);
            let stem = stream.advance().then(|| stream.token().text.as_str());
            let differs = stem.filter(|stem| *stem != word);
            *known = differs
                .and_then(|stem| Known::that_ends(word, stem))
                .unwrap_or_default();
            known.hash = hash;
        }
        if !known.differs {
            return None;
        }
        let end = known.end.get(..known.others.into())?;
        self.stem.clear();
        self.stem.push_str(word.get(..known.kept.into())?);
        self.stem.push_str(str::from_utf8(end).ok()?);
        Some(&self.stem)
    }
}

impl Known {
    fn that_ends(word: &str, stem: &str) -> Option<Known> {
        let same = word.chars().zip(stem.chars()).take_while(|(a, b)| a == b);
        let kept: usize = same.map(|(c, _)| c.len_utf8()).sum();
        let others = stem.as_bytes().get(kept..)?;
        let mut known = Known {
            differs: true,
            kept: kept.try_into().ok()?,
            others: others.len().try_into().ok()?,
            ..Known::default()
        };
        known.end.get_mut(..others.len())?.copy_from_slice(others);
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tantivy::tokenizer::TokenStream as _;

    use super::Stems;

    fn stem_of_snowball(stems: &mut Stems, word: &str) -> Option<String> {
        let mut stream = stems.stemmer.token_stream(word);
        let stem = stream.advance().then(|| stream.token().text.clone())?;
        (stem != word).then_some(stem)
    }

    #[test]
    fn what_snowball_is_not_asked_about_it_would_leave_alone() {
        let mut stems = Stems::new(1);
        // No word begins with an apostrophe.
        let letters = || ('a'..='z').chain("é09'".chars());
        let pairs = letters()
            .take(27)
            .flat_map(|a| letters().map(move |b| (a, b)));
        for (a, b) in pairs {
            for c in letters() {
                let word = String::from_iter([a, b, c]);
                let known = stems.of(&word).map(str::to_owned);
                assert_eq!(known, stem_of_snowball(&mut stems, &word), "{word}");
            }
        }
    }

    proptest! {
        #[test]
        fn words_have_the_stems_that_snowball_gives_them(word in "[a-zé][a-z']{1,6}(ational|ization|fulness|biliti|ement|ingly|edli|s's|ying|[a-z0-9_+#é])?") {
            let mut stems = Stems::new(1);
            let known = stems.of(&word).map(str::to_owned);
            assert_eq!(known, stem_of_snowball(&mut stems, &word), "{word}");
        }
    }

    #[test]
    fn stems_are_english_and_only_those_that_differ() {
        let mut stems = Stems::new(2);
        for (word, stem) in [
            ("running", Some("run")),
            ("run", None),
            ("happy", Some("happi")),
            ("generously", Some("generous")),
            ("relational", Some("relat")),
            ("hoping", Some("hope")),
            ("dying", Some("die")),
            ("skies", Some("sky")),
            ("as", None),
            ("'s", None),
            ("ies", Some("ie")),
            ("niño's", Some("niño")),
            ("größte", None),
            ("日", None),
        ] {
            assert_eq!(stems.of(word), stem, "{word}");
            assert_eq!(stems.of(word), stem, "{word}, remembered");
        }
    }

    #[test]
    fn a_very_long_word_is_its_own_stem() {
        let word = "é".repeat(200) + "ing";
        assert_eq!(Stems::new(1).of(&word), None);
    }
}
