//! What mails say, of those that were shown as results of a search a moment ago: whatever is sought, the newest mail is
//! often among it. A blob never changes, so what is kept is always true.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::lines;
use crate::archive::{Article, Inbox};
use crate::error::Result;
use crate::id::Oid;
use crate::mail::{Message, PartBody};

/// So much of what a mail says, and so much of what it quotes, is kept, in bytes.
const TEXT: usize = 32 * 1024;
/// How much text is kept of all together, in bytes.
const ROOM: usize = 16 << 20;

/// Texts of mails, up to so many bytes of them.
pub(super) struct Texts(Cache<Oid, Arc<Text>, Weigh>);

/// What a mail says, without the signs of quoting.
pub(super) struct Text {
    /// What its author wrote.
    pub(super) own: String,
    /// What he quotes.
    pub(super) quoted: String,
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Oid, Arc<Text>> for Weigh {
    fn weight(&self, _: &Oid, text: &Arc<Text>) -> u64 {
        (text.own.len() + text.quoted.len() + 128) as u64
    }
}

impl Texts {
    /// None yet.
    pub(super) fn new() -> Texts {
        Texts(Cache::with_weighter(ROOM / 4096, ROOM as u64, Weigh))
    }

    /// The text of an article; `None` where it cannot be read.
    ///
    /// # Errors
    /// As [`lines::read`].
    pub(super) fn of(&self, inbox: &Inbox, article: &Article) -> Result<Option<Arc<Text>>> {
        if let Some(text) = self.0.get(&article.blob) {
            return Ok(Some(text));
        }
        let Some(raw) = lines::read(inbox, article)? else {
            return Ok(None);
        };
        let text = Arc::new(Text::of(&Message::parse(&raw)));
        self.0.insert(article.blob, Arc::clone(&text));
        Ok(Some(text))
    }
}

impl Text {
    fn of(message: &Message<'_>) -> Text {
        let (mut own, mut quoted) = (String::new(), String::new());
        for part in message.parts() {
            let (PartBody::Text { text, .. } | PartBody::Html { text }) = &part.body else {
                continue;
            };
            for line in text.lines() {
                let into = match line.starts_with('>') {
                    true => &mut quoted,
                    false => &mut own,
                };
                let words = line.trim_start_matches(['>', ' ', '\t']);
                let room = TEXT.saturating_sub(into.len() + 1);
                if room == 0 {
                    continue;
                }
                into.push_str(&words[..words.floor_char_boundary(room)]);
                into.push('\n');
            }
        }
        own.shrink_to_fit();
        quoted.shrink_to_fit();
        Text { own, quoted }
    }
}

#[cfg(test)]
mod tests {
    use super::{TEXT, Text};
    use crate::mail::Message;

    #[test]
    fn what_is_quoted_is_told_from_what_is_written() {
        let raw = b"Subject: x\n\nOn Monday:\n> > Once\n> more.\n  Indeed.\n";
        let text = Text::of(&Message::parse(raw));
        assert_eq!(text.own, "On Monday:\nIndeed.\n");
        assert_eq!(text.quoted, "Once\nmore.\n");
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let raw = format!(
            "Subject: x\nContent-Type: text/plain; charset=utf-8\n\n{}\n",
            "\u{e9}".repeat(TEXT)
        );
        let text = Text::of(&Message::parse(raw.as_bytes()));
        assert!(
            (TEXT - 4..=TEXT).contains(&text.own.len()),
            "{}",
            text.own.len()
        );
    }
}
