//! Text on its way into the index: cut into words and stems by whoever makes the document, and only taken apart again
//! by tantivy's threads.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::stems::Stems;
use super::words::{BREAK_WIDTH, WORD_MAX, Words, has_stem};

/// Stands where a length would, and for a break.
const GAP: char = '\x7f';

// A stem may be a few bytes longer than its word, and with its mark its length is still one byte and no gap.
const _: () = assert!(WORD_MAX + 16 < GAP as usize);

/// Text that has been cut: what the two text fields of the index take, to be taken apart by [`Pieces`].
#[derive(Default)]
pub(super) struct CutText {
    /// Each word behind its mark, with the length of both in bytes before them, as a character, and before that a [`GAP`]
    /// where it is no neighbour of the one before.
    pub(super) words: String,
    /// The stems of those words that differ from them, likewise.
    pub(super) stems: String,
    /// How long it is: each word counts once, and once more where it has a stem. So does Xapian count.
    pub(super) length: u64,
}

/// Cuts `text` into words and stems, with the character `mark` in front of each.
pub(super) fn cut(mark: char, text: &str, stems: &mut Stems) -> CutText {
    let mut cut = CutText::default();
    // Words are followed by one blank or a few, and take two bytes more than they have.
    cut.words.reserve(text.len() + text.len() / 6);
    let mut words = Words::new(text);
    let mut next = 0;
    while words.advance() {
        let neighbour = words.position == next;
        next = words.position + 1;
        if !neighbour {
            cut.words.push(GAP);
        }
        push(&mut cut.words, mark, &words.word);
        cut.length += 1;
        if !words.word.starts_with(has_stem) {
            continue;
        }
        cut.length += 1;
        if let Some(stem) = stems.of(&words.word) {
            push(&mut cut.stems, mark, stem);
        }
    }
    cut
}

fn push(text: &mut String, mark: char, piece: &str) {
    text.push(char::from((mark.len_utf8() + piece.len()) as u8));
    text.push(mark);
    text.push_str(piece);
}

/// For tantivy: takes [`CutText`] apart.
#[derive(Clone, Default)]
pub(super) struct Pieces {
    token: Token,
}

/// The pieces of one text.
pub(super) struct PieceStream<'a> {
    text: &'a str,
    at: usize,
    next_position: usize,
    token: &'a mut Token,
}

impl Tokenizer for Pieces {
    type TokenStream<'a> = PieceStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> PieceStream<'a> {
        PieceStream {
            text,
            at: 0,
            next_position: 0,
            token: &mut self.token,
        }
    }
}

impl TokenStream for PieceStream<'_> {
    fn advance(&mut self) -> bool {
        let byte = |at: usize| self.text.as_bytes().get(at).copied();
        let Some(mut len) = byte(self.at) else {
            return false;
        };
        if len == GAP as u8 {
            self.next_position += BREAK_WIDTH;
            self.at += 1;
            len = byte(self.at).unwrap_or(0);
        }
        let from = self.at + 1;
        self.at = from + usize::from(len);
        self.token.text.clear();
        self.token
            .text
            .push_str(self.text.get(from..self.at).unwrap_or(""));
        self.token.position = self.next_position;
        self.token.offset_from = from;
        self.token.offset_to = self.at;
        self.next_position += 1;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
