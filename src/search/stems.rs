//! The English stems of words, so that "running" is found by "runs".

use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

/// The English stems of words in lower case, remembered.
///
/// Each word has one place to be remembered in, from which the next word of that place drives it out: so memory is
/// bounded, and common words stay.
pub(super) struct Stems {
    stemmer: TextAnalyzer,
    known: Vec<Known>,
}

#[derive(Clone, Default)]
struct Known {
    word: String,
    /// Empty where the word is its own stem.
    stem: String,
}

impl Stems {
    /// Remembers about `room` words, at least one.
    pub(super) fn new(room: usize) -> Stems {
        Stems {
            stemmer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(Stemmer::new(Language::English))
                .build(),
            known: vec![Known::default(); room.max(1)],
        }
    }

    /// The stem of `word` where it differs from it.
    pub(super) fn of(&mut self, word: &str) -> Option<&str> {
        // FNV-1a, as words are short.
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        let place = (hash >> 32) as usize % self.known.len();
        let known = &mut self.known[place];
        if known.word != word {
            known.word.clear();
            known.word.push_str(word);
            known.stem.clear();
            let mut stream = self.stemmer.token_stream(word);
            if stream.advance() && stream.token().text != word {
                known.stem.push_str(&stream.token().text);
            }
        }
        (!known.stem.is_empty()).then_some(known.stem.as_str())
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
        ] {
            assert_eq!(stems.of(word), stem, "{word}");
        }
    }
}
