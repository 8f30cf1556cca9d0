//! Cuts text into the words that are searched, the same way for mail and for queries.
//!
//! The rules are those of Xapian's term generator, so that a query means here what it means there: a word is a run
//! of letters, digits, marks and `_`; `'` and `&` may stand inside of it, `,` `.` `;` between two digits; a few
//! trailing `+` or `#` belong to it (`C++`); initials lose their dots (`U.N.` is `un`). Scripts that are written
//! without blanks between words are cut into single characters, to be found as phrases of them.

/// The longest word that is indexed, in bytes.
pub(super) const WORD_MAX: usize = 64;

/// Between two pieces of a text that are not neighbours: no phrase and no NEAR reaches over it.
pub(super) const BREAK: char = '\x0c';

/// How many positions a [`BREAK`] is wide.
pub(super) const BREAK_WIDTH: usize = 100;

/// One cut through a text, word after word.
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
    /// The word in lower case.
    pub(super) word: String,
    /// Where it stands, in bytes.
    pub(super) from: usize,
    /// Where it ends, in bytes.
    pub(super) to: usize,
    /// Its number; neighbours differ by one.
    pub(super) position: usize,
    next_position: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Words<'a> {
        Words::from(text, 0)
    }

    /// Begins at byte `at`, which must be a character's.
    pub(super) fn from(text: &'a str, at: usize) -> Words<'a> {
        Words {
            text,
            at,
            word: String::new(),
            from: at,
            to: at,
            position: 0,
            next_position: 0,
        }
    }

    /// Takes the one word that begins at byte `at`, however long; a word character stands there.
    pub(super) fn take_at(&mut self, at: usize) {
        (self.from, self.at) = (at, at);
        self.take();
        self.to = self.at.max(at + char_at(self.text, at).len_utf8());
    }

    /// Goes to the next word; `false` after the last one. What is too long to be indexed is passed over as if it
    /// were not there.
    pub(super) fn advance(&mut self) -> bool {
        loop {
            if !self.skip_to_word() {
                return false;
            }
            self.from = self.at;
            self.take();
            self.to = self.at;
            if self.word.len() <= WORD_MAX {
                self.position = self.next_position;
                self.next_position += 1;
                return true;
            }
        }
    }

    fn skip_to_word(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        while let Some(&b) = bytes.get(self.at) {
            if b.is_ascii() {
                if is_ascii_word(b) {
                    return true;
                }
                if b == BREAK as u8 {
                    self.next_position += BREAK_WIDTH;
                }
                self.at += 1;
            } else {
                let c = char_at(self.text, self.at);
                if is_word(c) {
                    return true;
                }
                self.at += c.len_utf8();
            }
        }
        false
    }

    /// Takes one word, beginning where `at` stands on a word character.
    fn take(&mut self) {
        self.word.clear();
        if self.take_initials() {
            return;
        }
        let first = char_at(self.text, self.at);
        if stands_alone(first) {
            self.word.push(first);
            self.at += first.len_utf8();
            return;
        }
        loop {
            self.take_run();
            if self.is_plain_end() {
                return;
            }
            let Some(infix) = self.infix() else { break };
            self.at += infix.len_utf8();
            match infix {
                '\'' | '\u{2019}' | '\u{201b}' => self.word.push('\''),
                '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
                other => self.word.push(other),
            }
        }
        self.take_suffix();
    }

    /// A run of plain word characters.
    fn take_run(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let run = rest.iter().take_while(|b| is_ascii_word(**b)).count();
            self.push(&self.text[self.at..self.at + run]);
            self.at += run;
            let c = char_at(self.text, self.at);
            if c.is_ascii() || !is_word(c) || stands_alone(c) {
                return;
            }
            for c in c.to_lowercase() {
                self.push(c.encode_utf8(&mut [0; 4]));
            }
            self.at += c.len_utf8();
        }
    }

    /// Adds to the word, in lower case as far as it is ASCII; a few bytes more than are allowed tell that it is too long,
    /// the rest need not be kept.
    fn push(&mut self, text: &str) {
        let from = self.word.len();
        if from <= WORD_MAX {
            let most = text.floor_char_boundary((WORD_MAX + 4).saturating_sub(from));
            self.word.push_str(&text[..most]);
            self.word[from..].make_ascii_lowercase();
        }
    }

    /// `U.N.C.L.E.`, but not `M&S` nor `E.g`.
    fn take_initials(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        if !upper(self.at) || bytes.get(self.at + 1) != Some(&b'.') || !upper(self.at + 2) {
            return false;
        }
        let mut p = self.at;
        let mut letters = String::new();
        loop {
            if letters.len() <= WORD_MAX {
                letters.push(bytes[p].to_ascii_lowercase() as char);
            }
            p += 1;
            if bytes.get(p) != Some(&b'.') {
                break;
            }
            p += 1;
            if !upper(p) {
                break;
            }
        }
        if p < bytes.len() && is_word(char_at(self.text, p)) {
            return false;
        }
        self.word = letters;
        self.at = p;
        true
    }

    /// Whether a word ends at `at` in any case, as most do: before a blank, say. Otherwise one has to look closer.
    fn is_plain_end(&self) -> bool {
        let next = self.text.as_bytes().get(self.at);
        next.is_none_or(|b| b.is_ascii() && !b"'&,.;+#".contains(b))
    }

    /// The character at `at`, if it joins what stands on both of its sides into one word.
    fn infix(&self) -> Option<char> {
        let c = self.text.get(self.at..)?.chars().next()?;
        if c.is_ascii() && !matches!(c, '\'' | '&' | ',' | '.' | ';') {
            return None;
        }
        let before = self.text[..self.at].chars().next_back()?;
        let after = self.text[self.at + c.len_utf8()..].chars().next()?;
        if !is_word(after) || stands_alone(after) {
            return None;
        }
        let joins = if before.is_numeric() && after.is_numeric() {
            matches!(
                c,
                ',' | '.'
                    | ';'
                    | '\u{37e}'
                    | '\u{589}'
                    | '\u{60d}'
                    | '\u{7f8}'
                    | '\u{2044}'
                    | '\u{fe10}'
                    | '\u{fe13}'
                    | '\u{fe14}'
            )
        } else {
            matches!(
                c,
                '\'' | '&'
                    | '\u{b7}'
                    | '\u{5f4}'
                    | '\u{2019}'
                    | '\u{201b}'
                    | '\u{2027}'
                    | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'
            )
        };
        joins.then_some(c)
    }

    /// `C++`, `C#`: up to three, and not in `fish+chips`.
    fn take_suffix(&mut self) {
        let bytes = self.text.as_bytes();
        let count = bytes[self.at..]
            .iter()
            .take(4)
            .take_while(|b| matches!(b, b'+' | b'#'))
            .count();
        if count == 0 || count > 3 {
            return;
        }
        let end = self.at + count;
        if end < bytes.len() && is_word(char_at(self.text, end)) {
            return;
        }
        self.word.push_str(&self.text[self.at..end]);
        self.at = end;
    }
}

/// The character that begins at byte `at`; there is one.
pub(super) fn char_at(text: &str, at: usize) -> char {
    text.get(at..)
        .and_then(|rest| rest.chars().next())
        .unwrap_or(' ')
}

fn is_ascii_word(b: u8) -> bool {
    ASCII_WORD[b as usize]
}

const ASCII_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        table[b] = (b as u8).is_ascii_alphanumeric() || b as u8 == b'_';
        b += 1;
    }
    table
};

/// Whether `c` can be part of a word.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || (!c.is_ascii() && is_mark(c))
}

/// Accents that are written as characters of their own, and other connecting characters.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{203f}' | '\u{2040}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether a text in the script of `c` has no blanks between its words, or words too long to be asked for whole.
fn stands_alone(c: char) -> bool {
    c >= '\u{e00}'
        && matches!(c,
            '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
            | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{318f}' | '\u{31a0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
            | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'
            | '\u{20000}'..='\u{3ffff}')
}

/// Whether a word that begins so is known by its stem, too. Not those that begin with a digit.
pub(super) fn has_stem(first: char) -> bool {
    first.is_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn words(text: &str) -> Vec<String> {
        let mut words = Words::new(text);
        let mut all = Vec::new();
        while words.advance() {
            all.push(words.word.clone());
        }
        all
    }

    #[test]
    fn text_is_cut_as_xapian_cuts_it() {
        for (text, expected) in [
            ("Greg KH <greg@kroah.com>", "greg kh greg kroah com"),
            ("don't AT&T 1,000.5 v5.4-rc1", "don't at&t 1,000.5 v5.4 rc1"),
            ("C++ C# fish+chips a++++b c++++", "c++ c# fish chips a b c"),
            ("U.N.C.L.E. M&S E.g. P.T.O", "uncle m&s e g pto"),
            ("drivers/mtd/nand_base.c", "drivers mtd nand_base c"),
            ("change-id: 2021-x", "change id 2021 x"),
            ("Ünïcode ǅ l’été", "ünïcode ǆ l'été"),
            ("日本語 text한국", "日 本 語 text 한 국"),
            ("'a' &b& 1. 2, a.b", "a b 1 2 a b"),
            ("", ""),
            ("\u{301}", "\u{301}"),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_word_of_more_than_64_bytes_is_not_there() {
        let text = format!("a {} b {}", "x".repeat(65), "y".repeat(64));
        assert_eq!(words(&text), ["a", "b", &"y".repeat(64)]);
    }

    #[test]
    fn a_break_parts_neighbours() {
        let mut words = Words::new("a b\x0cc");
        let mut at = Vec::new();
        while words.advance() {
            at.push(words.position);
        }
        assert_eq!(at, [0, 1, 102]);
    }
}
