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

impl Stems {
    /// Remembers about `room` words, at least one.
    pub(super) fn new(room: usize) -> Stems {
        Stems {
            stemmer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(Language::English))
                .build(),
            hasher: RandomState::default(),
            known: vec![Known::default(); room.max(1)].into(),
            stem: String::new(),
        }
    }

    /// The stem of `word` where it differs from it.
    pub(super) fn of(&mut self, word: &str) -> Option<&str> {
        if word.len() < SHORTEST {
            return None;
        }
        let hash = self.hasher.hash_one(word);
        let place = (hash >> 32) as usize % self.known.len();
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
    use super::Stems;

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
