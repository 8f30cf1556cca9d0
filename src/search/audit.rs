//! What the index holds of each message, in one number: what `fsck` compares with what it should hold.
//!
//! The index keeps no documents, only the lists of who has which word. Walked through once, they give each document the
//! sum of the hashes of its words; and a mail cut into words anew gives the same sum if it is the same.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::num::Wrapping;
use std::path::PathBuf;

use foldhash::fast::FixedState;
use tantivy::schema::{Field, IndexRecordOption, OwnedValue};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocSet, SegmentReader, TERMINATED, TantivyDocument};

use super::copies::copies_in;
use super::document::Document;
use super::index::{Search, failed};
use super::schema::{FIELDS, Tag, Zone, column, tokenizers};
use crate::error::Result;
use crate::id::MessageKey;

/// A sum over the words, numbers and places of a message. Equal for equal documents, and hardly ever for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace(u64);

impl Search {
    /// Files of the index that are not as they were written.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where it cannot be read at all.
    pub fn damaged_files(&self) -> Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = self
            .index()
            .validate_checksum()
            .map_err(failed)?
            .into_iter()
            .collect();
        files.sort();
        Ok(files)
    }

    /// Tells of every message that can be found what the index holds of it, its copies included, part by part of the
    /// index. Takes eight bytes of memory for each message of a part, and some two hundred for each that has copies of its own.
    ///
    /// # Errors
    /// [`crate::error::Error::Search`] where the index cannot be read.
    pub fn each_trace(&self, mut tell: impl FnMut(MessageKey, Trace)) -> Result<()> {
        let searcher = self.searcher();
        let copies = self.copies(&searcher)?;
        let mut scattered: HashMap<i64, Scattered> = HashMap::new();
        for segment in searcher.segment_readers() {
            let keys = segment.fast_fields().i64(column::KEY).map_err(failed)?;
            let docs = copies_in(segment).map_err(failed)?.into_iter();
            for doc in docs.filter(|doc| !segment.is_deleted(*doc)) {
                scattered.insert(keys.first(doc).unwrap_or_default(), Scattered::default());
            }
        }
        for segment in searcher.segment_readers() {
            let sums = sums(segment, &mut scattered).map_err(failed)?;
            let keys = segment.fast_fields().i64(column::KEY).map_err(failed)?;
            let here = copies.in_segment(segment);
            for doc in segment.doc_ids_alive() {
                let key = keys.first(doc).unwrap_or_default();
                let sum = sums.get(doc as usize).copied().unwrap_or_default();
                match scattered.get_mut(&key) {
                    None => tell(MessageKey(key), Trace(sum)),
                    Some(message) if here.is_copy(doc) => message.places += sum,
                    Some(message) => message.wholes.push(sum),
                }
            }
        }
        for (key, message) in scattered {
            let lists: Wrapping<u64> = message.lists.into_iter().map(Wrapping).sum();
            let rest = lists + message.places;
            let wholes = match message.wholes.is_empty() {
                true => vec![0],
                false => message.wholes,
            };
            for whole in wholes {
                tell(MessageKey(key), Trace((rest + Wrapping(whole)).0));
            }
        }
        Ok(())
    }
}

/// What the index holds of a message that has copies of its own, gathered from all of its documents.
#[derive(Default)]
struct Scattered {
    /// The sums of those with words: there should be one.
    wholes: Vec<u64>,
    /// Of the places of the copies.
    places: Wrapping<u64>,
    /// The terms of their `List-Id`s, some of which may stand in several.
    lists: HashSet<u64>,
}

/// Makes traces of documents that are not in the index.
pub struct Tracer(Vec<(Field, TextAnalyzer)>);

impl Tracer {
    /// One for this layout of the index.
    ///
    /// # Panics
    /// Never: the fields of the layout have the tokenizers of the layout.
    pub fn new() -> Tracer {
        let named = tokenizers();
        let fields = text_fields()
            .into_iter()
            .filter_map(|(field, tokenizer)| Some((field, named.get(tokenizer)?)));
        Tracer(fields.collect())
    }

    /// What the index should hold of this message.
    pub fn trace(&mut self, document: Document) -> Trace {
        let document: TantivyDocument = document.into_tantivy();
        let mut sum = 0;
        for (field, tokenizer) in &mut self.0 {
            let mut seen = HashSet::new();
            for value in document.get_all(*field) {
                let OwnedValue::Str(text) = OwnedValue::from(value) else {
                    continue;
                };
                let mut tokens = tokenizer.token_stream(&text);
                while tokens.advance() {
                    let hash = hash((field.field_id(), tokens.token().text.as_bytes()));
                    if seen.insert(hash) {
                        sum = u64::wrapping_add(sum, hash);
                    }
                }
            }
        }
        let number = |field: Field| {
            let values = document.get_all(field).map(OwnedValue::from);
            values.map(|value| match value {
                OwnedValue::I64(number) => number,
                OwnedValue::U64(number) => number as i64,
                _ => 0,
            })
        };
        let fields = &FIELDS.1;
        let sent: Vec<i64> = number(fields.sent).collect();
        let bytes: Vec<i64> = number(fields.bytes).collect();
        let of_all = number(fields.inbox)
            .zip(number(fields.received))
            .zip(number(fields.num));
        let numbers = hash((sent, bytes)).wrapping_add(places(of_all));
        Trace(sum.wrapping_add(numbers))
    }
}

impl Default for Tracer {
    fn default() -> Tracer {
        Tracer::new()
    }
}

/// The sum of each document of a segment. The terms of lists of a message that is scattered go there.
fn sums(
    segment: &SegmentReader,
    scattered: &mut HashMap<i64, Scattered>,
) -> tantivy::Result<Vec<u64>> {
    let mut sums = vec![0_u64; segment.max_doc() as usize];
    let columns = segment.fast_fields();
    let keys = columns.i64(column::KEY)?;
    for (field, _) in text_fields() {
        let index = segment.inverted_index(field)?;
        let mut terms = index.terms().stream()?;
        while let Some((term, info)) = terms.next() {
            let hash = hash((field.field_id(), term));
            let mark = term.first().map(|mark| char::from(*mark));
            let is_of_list = !scattered.is_empty()
                && (mark == Some(Zone::List.mark()) || mark == Some(Tag::ListId.mark()));
            if mark == Some(Tag::Copy.mark()) {
                continue;
            }
            let mut postings = index.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            while postings.doc() != TERMINATED {
                let doc = postings.doc();
                let message = match is_of_list && !segment.is_deleted(doc) {
                    true => scattered.get_mut(&keys.first(doc).unwrap_or_default()),
                    false => None,
                };
                if let Some(message) = message {
                    message.lists.insert(hash);
                } else if let Some(sum) = sums.get_mut(doc as usize) {
                    *sum = sum.wrapping_add(hash);
                }
                postings.advance();
            }
        }
    }
    let (sent, bytes) = (columns.i64(column::SENT)?, columns.u64(column::BYTES)?);
    let (inbox, received, num) = (
        columns.i64(column::INBOX)?,
        columns.i64(column::RECEIVED)?,
        columns.i64(column::NUM)?,
    );
    let mut copies = copies_in(segment)?.into_iter().peekable();
    for (doc, sum) in (0..).zip(&mut sums) {
        let sent: Vec<i64> = sent.values_for_doc(doc).collect();
        let bytes: Vec<i64> = bytes.values_for_doc(doc).map(|n| n as i64).collect();
        let of_all = inbox
            .values_for_doc(doc)
            .zip(received.values_for_doc(doc))
            .zip(num.values_for_doc(doc));
        let own = match copies.next_if_eq(&doc) {
            Some(_) => 0,
            None => hash((sent, bytes)),
        };
        *sum = sum.wrapping_add(own).wrapping_add(places(of_all));
    }
    Ok(sums)
}

/// The places of a message may stand in any order.
fn places(places: impl Iterator<Item = ((i64, i64), i64)>) -> u64 {
    let places = places.map(|place| hash(("place", place)));
    places.fold(0, u64::wrapping_add)
}

fn hash(what: impl Hash) -> u64 {
    FixedState::with_seed(0x7472_6163_6573).hash_one(what)
}

/// The fields that have words, and what takes their text apart.
fn text_fields() -> Vec<(Field, &'static str)> {
    let schema = &FIELDS.0;
    let fields = schema
        .fields()
        .filter_map(|(field, entry)| match entry.field_type() {
            tantivy::schema::FieldType::Str(options) => options
                .get_indexing_options()
                .map(|indexing| (field, indexing.tokenizer())),
            _ => None,
        });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Tracer;
    use crate::id::{ArticleNum, InboxId, MessageKey};
    use crate::mail::{CommitTimes, Message, Overview};
    use crate::search::{Document, Place, Search};
    use crate::time::Timestamp;

    fn document(key: i64, body: &str, inbox: i64) -> Document {
        let raw = format!(
            "From: a@example.com\nMessage-ID: <{key}@x>\nSubject: running {key}\n\n{body}\n> quoted quoted\n"
        );
        let message = Message::parse(raw.as_bytes());
        let overview = Overview::of(&message, CommitTimes::default());
        let place = Place {
            inbox: InboxId(inbox),
            num: ArticleNum(key),
            received: Timestamp(9),
        };
        Document::of(&message, &overview).at(MessageKey(key), &[place])
    }

    #[test]
    fn a_mail_has_the_trace_that_the_index_has_of_it_and_another_has_another() {
        let dir = tempfile::tempdir().unwrap();
        let search = Search::open(dir.path()).unwrap();
        let mut writer = search.writer(1).unwrap();
        for key in 1..40 {
            writer
                .add_new(document(key, "words words jumping", 1))
                .unwrap();
        }
        writer.commit("one").unwrap();
        writer.add(document(7, "it was edited", 1)).unwrap();
        writer.commit("two").unwrap();
        search.refresh().unwrap();
        let mut found = HashMap::new();
        search
            .each_trace(|key, trace| assert_eq!(found.insert(key.0, trace), None))
            .unwrap();
        let mut tracer = Tracer::new();
        for key in (1..40).filter(|key| *key != 7) {
            let same = tracer.trace(document(key, "words words jumping", 1));
            assert_eq!(found[&key], same, "{key}");
        }
        assert_eq!(found[&7], tracer.trace(document(7, "it was edited", 1)));
        for other in [
            document(3, "words jumping mice", 1),
            document(3, "words words jumping", 2),
            document(4, "words jumping", 1),
        ] {
            assert_ne!(found[&3], tracer.trace(other));
        }
        assert_eq!(
            search.damaged_files().unwrap(),
            Vec::<std::path::PathBuf>::new()
        );
    }
}
