//! Text on its way into the index: cut into words and stems by whoever makes the document, and only taken apart again
//! by tantivy's threads.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::stems::Stems;
use super::words::{BREAK, BREAK_WIDTH, Words, has_stem};

/// Text that has been cut: what the two text fields of the index take, to be taken apart by [`Pieces`].
#[derive(Default)]
pub(super) struct CutText {
    /// The words, a blank before each, or a [`BREAK`] where it is no neighbour of the one before.
    pub(super) words: String,
    /// The stems of those words that differ from them, likewise.
    pub(super) stems: String,
    /// How long it is: each word counts once, and once more where it has a stem. So does Xapian count.
    pub(super) length: u64,
}

/// Cuts `text` and puts the character `mark` in front.
pub(super) fn cut(mark: char, text: &str, stems: &mut Stems) -> CutText {
    let mut cut = CutText::default();
    cut.words.reserve(text.len() + 2);
    cut.words.push(mark);
    cut.stems.push(mark);
    let mut words = Words::new(text);
    let mut next = 0;
    while words.advance() {
        let neighbour = words.position == next;
        next = words.position + 1;
        cut.words.push(if neighbour { ' ' } else { BREAK });
        cut.words.push_str(&words.word);
        cut.length += 1;
        if !words.word.starts_with(has_stem) {
            continue;
        }
        cut.length += 1;
        if let Some(stem) = stems.of(&words.word) {
            cut.stems.push(' ');
            cut.stems.push_str(stem);
        }
    }
    cut
}

/// For tantivy: takes [`CutText`] apart, and puts its mark in front of each piece.
#[derive(Clone, Default)]
pub(super) struct Pieces {
    token: Token,
}

/// The pieces of one text.
pub(super) struct PieceStream<'a> {
    text: &'a str,
    at: usize,
    next_position: usize,
    mark: char,
    token: &'a mut Token,
}

impl Tokenizer for Pieces {
    type TokenStream<'a> = PieceStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> PieceStream<'a> {
        let mark = text.chars().next().unwrap_or(' ');
        PieceStream {
            text,
            at: mark.len_utf8().min(text.len()),
            next_position: 0,
            mark,
            token: &mut self.token,
        }
    }
}

impl TokenStream for PieceStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(before) = self.text.as_bytes().get(self.at) else {
            return false;
        };
        if *before == BREAK as u8 {
            self.next_position += BREAK_WIDTH;
        }
        let from = self.at + 1;
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let len = memchr::memchr2(b' ', BREAK as u8, rest).unwrap_or(rest.len());
        self.at = from + len;
        self.token.text.clear();
        self.token.text.push(self.mark);
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
