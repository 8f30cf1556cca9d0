//! Turns a mail into what the index keeps of it. Pure: may be done in many threads at once.

use std::cell::RefCell;

use tantivy::TantivyDocument;

use super::cut::{CutText, cut};
use super::patch::{self, Piece};
use super::schema::{FIELDS, Tag, Zone};
use super::stems::Stems;
use super::words::{BREAK, Words};
use crate::id::{ArticleNum, InboxId, MessageKey};
use crate::mail::{Message, Overview, PartBody, lines};
use crate::time::Timestamp;

/// How much text of one mail is indexed, in bytes; the rest is not found.
const TEXT_MAX: usize = 4 << 20;

/// The longest exact term, in bytes.
pub(super) const TERM_MAX: usize = 245;

thread_local! {
    /// The stems that this thread has met.
    static STEMS: RefCell<Stems> = RefCell::new(Stems::new(32_768));
}

/// One place where a message is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The inbox.
    pub inbox: InboxId,
    /// Its number there.
    pub num: ArticleNum,
    /// When it came there.
    pub received: Timestamp,
}

/// A message, ready to be added to the index.
pub struct Document {
    key: MessageKey,
    is_copy: bool,
    zones: [String; ZONES.len()],
    cut: Vec<(Zone, CutText)>,
    tags: Vec<(Tag, String)>,
    sent: Timestamp,
    bytes: u64,
    places: Vec<Place>,
    room: usize,
}

/// Every zone, in the order of [`Document::zones`].
const ZONES: [Zone; 14] = [
    Zone::Subject,
    Zone::From,
    Zone::To,
    Zone::Cc,
    Zone::File,
    Zone::Quoted,
    Zone::Body,
    Zone::DiffFile,
    Zone::Removed,
    Zone::Added,
    Zone::Context,
    Zone::Hunk,
    Zone::Id,
    Zone::List,
];

impl Document {
    /// The words of a message, by one of its copies. What else tells the copies apart is added with
    /// [`Document::add_copy`]; it can be found once [`Document::at`] has said where it is.
    pub fn of(message: &Message<'_>, overview: &Overview) -> Document {
        let mut document = Document::begun(overview);
        document.head(message, overview);
        document.body(message);
        document.cut();
        document
    }

    /// A message by its ids alone, for lists whose words nobody wants to search: pieces of them find it.
    pub fn of_ids(overview: &Overview) -> Document {
        let mut document = Document::begun(overview);
        document.cut();
        document
    }

    /// A copy of a message whose words are in the index: what it has for itself, to be added beside them.
    pub fn of_copy(message: &Message<'_>) -> Document {
        let mut document = Document::blank();
        document.list_ids(message);
        document.cut();
        document.into_copy()
    }

    /// What a copy has for itself, where its words turn out to be in the index.
    pub fn into_copy(mut self) -> Document {
        self.is_copy = true;
        self.cut.retain(|(zone, _)| *zone == Zone::List);
        self.tags.retain(|(tag, _)| *tag == Tag::ListId);
        self.tags.push((Tag::Copy, String::new()));
        (self.sent, self.bytes) = (Timestamp(0), 0);
        self
    }

    /// Whether it has no words, since they are in the index.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    fn blank() -> Document {
        Document {
            key: MessageKey(0),
            is_copy: false,
            zones: Default::default(),
            cut: Vec::new(),
            tags: Vec::new(),
            sent: Timestamp(0),
            bytes: 0,
            places: Vec::new(),
            room: TEXT_MAX,
        }
    }

    fn begun(overview: &Overview) -> Document {
        let mut document = Document::blank();
        document.sent = overview.sent;
        document.bytes = overview.bytes;
        for id in overview.ids.iter().chain(&overview.alternates) {
            document.id(id.as_str());
        }
        document
    }

    /// Says under which key it will be found, and in which places, at least one.
    pub fn at(mut self, key: MessageKey, places: &[Place]) -> Document {
        self.key = key;
        self.places.extend_from_slice(places);
        self
    }

    /// The key under which it will be found.
    pub fn key(&self) -> MessageKey {
        self.key
    }

    /// Adds what another copy of the same message has for itself: the `List-Id` of the list that it came by.
    pub fn add_copy(&mut self, copy: &Message<'_>) {
        self.list_ids(copy);
        self.cut();
    }

    fn head(&mut self, message: &Message<'_>, overview: &Overview) {
        self.text(Zone::Subject, &message.subject());
        for (name, zone) in [("From", Zone::From), ("To", Zone::To), ("Cc", Zone::Cc)] {
            for header in message.headers(name) {
                self.text(zone, &header);
            }
        }
        for id in &overview.references {
            self.tag(Tag::Reference, id.as_str());
        }
        self.list_ids(message);
    }

    fn list_ids(&mut self, message: &Message<'_>) {
        for header in message.headers("List-Id") {
            let id = list_id(&header);
            if !id.is_empty() {
                self.text(Zone::List, &id);
                self.tag(Tag::ListId, &id);
            }
        }
    }

    fn body(&mut self, message: &Message<'_>) {
        for part in message.parts() {
            if let Some(name) = &part.filename {
                self.text(Zone::File, name);
            }
            match &part.body {
                PartBody::Text { text, .. } => self.part(text),
                PartBody::Html { text } => self.text(Zone::Body, text),
                PartBody::Embedded { headers } => self.embedded(headers),
                PartBody::Opaque => {}
            }
        }
    }

    fn embedded(&mut self, headers: &[(String, String)]) {
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "subject" => self.text(Zone::Subject, value),
                "from" => self.text(Zone::From, value),
                "to" => self.text(Zone::To, value),
                "cc" => self.text(Zone::Cc, value),
                "message-id" => {
                    let id = value.trim().trim_start_matches('<').trim_end_matches('>');
                    self.id(id);
                }
                _ => {}
            }
        }
    }

    /// A text part: runs of quoted lines and of others, and among these patches.
    fn part(&mut self, text: &str) {
        let may_hold_patch = patch::may_hold(text);
        if may_hold_patch {
            for id in patch::patch_ids(text) {
                self.tag(Tag::PatchId, &id);
            }
        }
        let mut rest = text;
        while !rest.is_empty() {
            let quoted = is_quoted(rest);
            let end = end_of_run(rest, quoted);
            let (run, after) = rest.split_at(end);
            rest = after;
            if quoted {
                self.text(Zone::Quoted, run);
            } else if may_hold_patch && patch::may_hold(run) {
                self.patch(run);
            } else {
                self.text(Zone::Body, run);
            }
        }
    }

    fn patch(&mut self, text: &str) {
        let mut last = None;
        patch::read(text, |piece| {
            let (zone, line) = match piece {
                Piece::Text(line) => (Zone::Body, line),
                Piece::File(name) => (Zone::DiffFile, name),
                Piece::Hunk(line) => (Zone::Hunk, line),
                Piece::Context(line) => (Zone::Context, line),
                Piece::Removed(line) => (Zone::Removed, line),
                Piece::Added(line) => (Zone::Added, line),
                Piece::Pre(id) => return self.tag(Tag::Pre, id),
                Piece::Post(id) => return self.tag(Tag::Post, id),
            };
            if zone == Zone::DiffFile && line.contains('\\') {
                self.text(zone, &unquoted(line));
            } else if last == Some(zone) && !matches!(zone, Zone::DiffFile | Zone::Hunk) {
                self.join(zone, line, '\n');
            } else {
                self.text(zone, line);
            }
            last = Some(zone);
        });
    }

    /// A Message-ID: whole, its pieces, and its longer pieces as neighbours when one of them tells it from others.
    fn id(&mut self, id: &str) {
        self.tag(Tag::Mid, id);
        self.text(Zone::Id, id);
        let mut words = Words::new(id);
        let (mut longer, mut telling) = (String::new(), false);
        while words.advance() {
            if words.word.len() >= 3 {
                longer.push_str(&words.word);
                longer.push(' ');
                telling |= words.word.len() >= 12;
            }
        }
        if telling {
            self.text(Zone::Id, &longer);
        }
    }

    /// Text that stands by itself.
    fn text(&mut self, zone: Zone, text: &str) {
        self.join(zone, text, BREAK);
    }

    fn join(&mut self, zone: Zone, text: &str, between: char) {
        let text = &text[..text.floor_char_boundary(self.room)];
        self.room -= text.len();
        if text.is_empty() {
            return;
        }
        let index = ZONES.iter().position(|z| *z == zone);
        if let Some(kept) = index.and_then(|i| self.zones.get_mut(i)) {
            if !kept.is_empty() {
                kept.push(between);
            }
            kept.push_str(text);
        }
    }

    fn tag(&mut self, tag: Tag, value: &str) {
        let value = value[..value.floor_char_boundary(TERM_MAX)].to_owned();
        if self.tags.len() < TAGS_MAX {
            self.tags.push((tag, value));
        }
    }

    /// Cuts all text into words: the greater part of the work, which thus is done in the thread of the caller.
    fn cut(&mut self) {
        STEMS.with_borrow_mut(|stems| {
            for (zone, text) in ZONES.iter().zip(&mut self.zones) {
                if !text.is_empty() {
                    self.cut.push((*zone, cut(zone.mark(), text, stems)));
                    *text = String::new();
                }
            }
        });
    }

    /// What tantivy takes.
    pub(super) fn into_tantivy(mut self) -> TantivyDocument {
        self.tags.sort();
        self.tags.dedup();
        let fields = &FIELDS.1;
        let mut document = TantivyDocument::with_capacity(self.size());
        // No column is without a value: those that have one for each document are read faster.
        document.add_i64(fields.sent, self.sent.0);
        document.add_u64(fields.bytes, self.bytes);
        document.add_i64(fields.key, self.key.0);
        for place in &self.places {
            document.add_i64(fields.inbox, place.inbox.0);
            document.add_i64(fields.received, place.received.0);
            document.add_i64(fields.num, place.num.0);
        }
        // Not by which of its copies, nor by how many, it is known.
        let unweighed = [Zone::Quoted, Zone::List];
        let weighed = self
            .cut
            .iter()
            .filter(|(zone, _)| !unweighed.contains(zone));
        document.add_u64(fields.length, weighed.map(|(_, text)| text.length).sum());
        for (zone, text) in &self.cut {
            document.add_text(fields.words(*zone), &text.words);
            document.add_text(fields.stems(*zone), &text.stems);
        }
        for (tag, value) in &self.tags {
            let mut term = String::with_capacity(value.len() + 1);
            term.push(tag.mark());
            term.push_str(value);
            document.add_text(fields.exact, term);
        }
        document
    }

    /// How many bytes its values take, about.
    fn size(&self) -> usize {
        let cut = self.cut.iter();
        let texts = cut.map(|(_, text)| text.words.len() + text.stems.len() + 2 * A_VALUE);
        let tags = self.tags.iter().map(|(_, value)| value.len() + A_VALUE);
        (4 + 3 * self.places.len()) * A_VALUE + texts.chain(tags).sum::<usize>()
    }
}

/// What a value takes besides its text, in bytes, about.
const A_VALUE: usize = 10;

/// How many exact terms one mail may have: a patch over a thousand files has two thousand.
const TAGS_MAX: usize = 4096;

fn is_quoted(line: &str) -> bool {
    line.as_bytes().first() == Some(&b'>')
}

/// Where the run of lines that begin with `>`, or do not, ends.
fn end_of_run(text: &str, quoted: bool) -> usize {
    let mut end = 0;
    for line in lines(text) {
        if is_quoted(line) != quoted {
            break;
        }
        end += line.len();
    }
    end
}

/// What stands between the brackets of a `List-Id`, or all of it, in lower case.
fn list_id(header: &str) -> String {
    let inner = header
        .rsplit_once('<')
        .map_or(header, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    inner.trim().to_lowercase()
}

/// A name without git's quoting: `\303\274` is `ü`.
fn unquoted(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&b, after)) = rest.split_first() {
        rest = after;
        if b != b'\\' {
            bytes.push(b);
            continue;
        }
        let digits = rest
            .get(..3)
            .filter(|d| d.iter().all(|b| (b'0'..=b'7').contains(b)));
        if let Some(digits) = digits {
            let value = digits.iter().fold(0u32, |n, b| n * 8 + u32::from(b - b'0'));
            bytes.push(value as u8);
            rest = &rest[3..];
        } else if let Some((&b, after)) = rest.split_first() {
            bytes.push(if matches!(b, b't' | b'n') { b' ' } else { b });
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{end_of_run, list_id, unquoted};

    #[test]
    fn list_ids_lose_their_phrase() {
        for (header, id) in [
            ("The <b> List <List.Example.org>", "list.example.org"),
            ("<a.b>", "a.b"),
            ("bare.example.org", "bare.example.org"),
            ("open <a.b", "a.b"),
            ("", ""),
        ] {
            assert_eq!(list_id(header), id, "{header}");
        }
    }

    #[test]
    fn git_names_are_unquoted() {
        for (quoted, name) in [
            (r"\303\274ber.c", "über.c"),
            (r"a\tb", "a b"),
            (r#"a\"b\\"#, "a\"b\\"),
            (r"\777", "\u{fffd}"),
            (r"end\", "end"),
        ] {
            assert_eq!(unquoted(quoted), name, "{quoted}");
        }
    }

    #[test]
    fn runs_end_where_quoting_begins_or_ends() {
        assert_eq!(end_of_run("> a\n>b\nc\n", true), 7);
        assert_eq!(end_of_run("a\nb\n> c", false), 4);
        assert_eq!(end_of_run("a", false), 1);
    }
}
