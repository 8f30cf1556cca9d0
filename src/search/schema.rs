//! What the index holds of a mail: zones of text, exact terms, and numbers to filter and sort by.
//!
//! One document is one message of the site with the places where it is kept, so that a cross-posted mail is
//! indexed once, and one row at `/all/`. What differs from place to place (the inbox, when it came, its number there)
//! stands in columns with several values in one order: the third inbox goes with the third `received`. A copy that came
//! when the words were there already is a small document of its own, without words (`copies/`).
//!
//! There are few text fields. A term begins with one character that names its zone: `Skernel` is the word
//! "kernel" in a subject. So there is one dictionary to open instead of twenty, and a zone costs nothing where it
//! is empty. `words` has every word with its position; `stems` has, without positions, the stems of those words
//! that are not their own stem, as everything else is found in `words`; `exact` has ids. What is quoted has a pair of
//! its own, as it is found but never weighed.

use std::sync::LazyLock;

use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer, TokenizerManager};

use super::cut::Pieces;

/// A region of text that a query may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Zone {
    /// The subject.
    Subject,
    /// Authors, names and addresses.
    From,
    /// The `To` header.
    To,
    /// The `Cc` header.
    Cc,
    /// Names of attachments.
    File,
    /// Text behind `>`.
    Quoted,
    /// All other text, without the changes of a patch.
    Body,
    /// Names of files that a patch touches.
    DiffFile,
    /// Lines that a patch removes.
    Removed,
    /// Lines that a patch adds.
    Added,
    /// Lines that a patch leaves.
    Context,
    /// What stands behind `@@`: mostly a function.
    Hunk,
    /// The pieces of Message-IDs.
    Id,
    /// The pieces of List-Ids.
    List,
}

impl Zone {
    /// Whether its words stand in the text of a mail.
    pub(super) fn is_in_text(self) -> bool {
        match self {
            Zone::Quoted | Zone::Body => true,
            Zone::DiffFile | Zone::Removed | Zone::Added | Zone::Context | Zone::Hunk => true,
            Zone::Subject | Zone::From | Zone::To | Zone::Cc | Zone::File => false,
            Zone::Id | Zone::List => false,
        }
    }

    /// The character before its terms.
    pub(super) fn mark(self) -> char {
        match self {
            Zone::Subject => 'S',
            Zone::From => 'F',
            Zone::To => 'T',
            Zone::Cc => 'C',
            Zone::File => 'N',
            Zone::Quoted => 'Q',
            Zone::Body => 'B',
            Zone::DiffFile => 'D',
            Zone::Removed => '-',
            Zone::Added => '+',
            Zone::Context => '=',
            Zone::Hunk => '@',
            Zone::Id => 'M',
            Zone::List => 'L',
        }
    }
}

/// A kind of term that is found as a whole or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tag {
    /// A Message-ID, byte for byte.
    Mid,
    /// A List-Id in lower case.
    ListId,
    /// The Message-ID of a mail that it answers.
    Reference,
    /// The blob that a patch changes; every abbreviation from 7 digits on finds it.
    Pre,
    /// The blob that a patch makes; every abbreviation likewise.
    Post,
    /// What `git patch-id --stable` prints.
    PatchId,
    /// Nothing of a mail: what has it is the copy of a message whose words stand in another document.
    Copy,
}

impl Tag {
    /// The character before its terms.
    pub(super) fn mark(self) -> char {
        match self {
            Tag::Mid => 'm',
            Tag::ListId => 'l',
            Tag::Reference => 'r',
            Tag::Pre => '<',
            Tag::Post => '>',
            Tag::PatchId => 'p',
            Tag::Copy => 'c',
        }
    }
}

/// Names of columns, for fast fields are opened by name.
pub(super) mod column {
    pub(crate) const KEY: &str = "key";
    pub(crate) const SENT: &str = "sent";
    pub(crate) const BYTES: &str = "bytes";
    pub(crate) const LENGTH: &str = "length";
    pub(crate) const INBOX: &str = "inbox";
    pub(crate) const RECEIVED: &str = "received";
    pub(crate) const NUM: &str = "num";
}

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    words: Field,
    stems: Field,
    quoted_words: Field,
    quoted_stems: Field,
    pub(super) exact: Field,
    /// The row of the message in the catalogue.
    pub(super) key: Field,
    pub(super) sent: Field,
    pub(super) bytes: Field,
    /// How many words it has that are not quoted, without those of its `List-Id`s.
    pub(super) length: Field,
    /// One value for each place, and so the next two, in the same order.
    pub(super) inbox: Field,
    pub(super) received: Field,
    pub(super) num: Field,
}

impl Fields {
    /// Where the words of a zone are.
    pub(super) fn words(&self, zone: Zone) -> Field {
        match zone {
            Zone::Quoted => self.quoted_words,
            _ => self.words,
        }
    }

    /// Where those stems of a zone are that differ from their words.
    pub(super) fn stems(&self, zone: Zone) -> Field {
        match zone {
            Zone::Quoted => self.quoted_stems,
            _ => self.stems,
        }
    }
}

/// Says when the layout of the index changed, so that an old one is made anew.
pub(super) const LAYOUT: u32 = 3;

/// The schema and its fields, the same in every index of this layout.
pub(super) static FIELDS: LazyLock<(Schema, Fields)> = LazyLock::new(schema);

fn schema() -> (Schema, Fields) {
    use IndexRecordOption::{Basic, WithFreqs, WithFreqsAndPositions};
    let text = |tokenizer: &str, record: IndexRecordOption| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(record)
                .set_fieldnorms(false), // there is a column for the length
        )
    };
    let number = || NumericOptions::from(FAST);
    let mut schema = Schema::builder();
    let fields = Fields {
        words: schema.add_text_field("words", text("pieces", WithFreqsAndPositions)),
        stems: schema.add_text_field("stems", text("pieces", WithFreqs)),
        quoted_words: schema.add_text_field("quoted_words", text("pieces", WithFreqsAndPositions)),
        quoted_stems: schema.add_text_field("quoted_stems", text("pieces", Basic)),
        exact: schema.add_text_field("exact", text("exact", Basic)),
        key: schema.add_i64_field(column::KEY, number() | INDEXED),
        sent: schema.add_i64_field(column::SENT, number()),
        bytes: schema.add_u64_field(column::BYTES, number()),
        length: schema.add_u64_field(column::LENGTH, number()),
        inbox: schema.add_i64_field(column::INBOX, number() | INDEXED),
        received: schema.add_i64_field(column::RECEIVED, number()),
        num: schema.add_i64_field(column::NUM, number()),
    };
    (schema.build(), fields)
}

/// The tokenizers that [`schema`] names.
pub(super) fn tokenizers() -> TokenizerManager {
    let all = TokenizerManager::default(); // number fields ask for one of these, too
    all.register("pieces", TextAnalyzer::from(Pieces::default()));
    all.register("exact", TextAnalyzer::from(RawTokenizer::default()));
    all
}
