//! The prefixes of the query language, and what each stands for.

use super::dates::Grain;
use super::query::{Date, Number, Scope};
use super::schema::{Tag, Zone};

/// What a prefix makes of the text behind it.
#[derive(Clone, Copy)]
pub(super) enum Prefix {
    /// Words in these zones.
    Words(&'static Scope),
    /// An id as a whole.
    Exact(&'static [Tag]),
    /// A range of time.
    Time(Date, Grain),
    /// A range of numbers.
    Number(Number),
}

const fn scope(name: &'static str, zones: &'static [Zone], blobs: bool) -> Scope {
    Scope { name, zones, blobs }
}

/// No prefix: everything but those to whom it went, and the list.
pub(super) static ANYWHERE: Scope = scope(
    "",
    &[
        Zone::Subject,
        Zone::From,
        Zone::Id,
        Zone::File,
        Zone::Quoted,
        Zone::Body,
        Zone::DiffFile,
        Zone::Removed,
        Zone::Added,
        Zone::Context,
        Zone::Hunk,
    ],
    true,
);

static SUBJECT: Scope = scope(" in the subject", &[Zone::Subject], false);
static FROM: Scope = scope(" in From", &[Zone::From], false);
static TO: Scope = scope(" in To", &[Zone::To], false);
static CC: Scope = scope(" in Cc", &[Zone::Cc], false);
static TO_CC: Scope = scope(" in To or Cc", &[Zone::To, Zone::Cc], false);
static PEOPLE: Scope = scope(
    " in From, To or Cc",
    &[Zone::From, Zone::To, Zone::Cc],
    false,
);
static FILE: Scope = scope(" in names of attachments", &[Zone::File], false);
static QUOTED: Scope = scope(" in quoted text", &[Zone::Quoted], false);
static UNQUOTED: Scope = scope(
    " in unquoted text",
    &[
        Zone::Body,
        Zone::DiffFile,
        Zone::Removed,
        Zone::Added,
        Zone::Context,
        Zone::Hunk,
    ],
    true,
);
static BODY: Scope = scope(
    " in the text",
    &[
        Zone::Quoted,
        Zone::Body,
        Zone::DiffFile,
        Zone::Removed,
        Zone::Added,
        Zone::Context,
        Zone::Hunk,
    ],
    true,
);
static BODY_SUBJECT: Scope = scope(
    " in the subject or text",
    &[
        Zone::Subject,
        Zone::Quoted,
        Zone::Body,
        Zone::DiffFile,
        Zone::Removed,
        Zone::Added,
        Zone::Context,
        Zone::Hunk,
    ],
    true,
);
static DIFF_FILE: Scope = scope(" in file names of patches", &[Zone::DiffFile], false);
static REMOVED: Scope = scope(" in removed lines", &[Zone::Removed], false);
static ADDED: Scope = scope(" in added lines", &[Zone::Added], false);
static CONTEXT: Scope = scope(" in context lines", &[Zone::Context], false);
static HUNK: Scope = scope(" in hunk headers", &[Zone::Hunk], false);
/// Message-IDs.
pub(super) static ID: Scope = scope(" in the Message-ID", &[Zone::Id], false);
static LIST: Scope = scope(" in List-Id", &[Zone::List], false);

/// What `name:` means; `None` where it means nothing but its words.
pub(super) fn find(name: &str) -> Option<Prefix> {
    use Prefix::{Exact, Number as Numbers, Time, Words};
    Some(match name {
        "s" => Words(&SUBJECT),
        "f" => Words(&FROM),
        "t" => Words(&TO),
        "c" => Words(&CC),
        "tc" => Words(&TO_CC),
        "a" | "tcf" => Words(&PEOPLE),
        "n" => Words(&FILE),
        "q" => Words(&QUOTED),
        "nq" => Words(&UNQUOTED),
        "b" => Words(&BODY),
        "bs" => Words(&BODY_SUBJECT),
        "dfn" => Words(&DIFF_FILE),
        "dfa" => Words(&REMOVED),
        "dfb" => Words(&ADDED),
        "dfctx" => Words(&CONTEXT),
        "dfhh" => Words(&HUNK),
        "m" => Words(&ID),
        "l" => Words(&LIST),
        "mid" => Exact(&[Tag::Mid]),
        "lid" => Exact(&[Tag::ListId]),
        "references" => Exact(&[Tag::Reference]),
        "dfpre" => Exact(&[Tag::Pre]),
        "dfpost" => Exact(&[Tag::Post]),
        "dfblob" => Exact(&[Tag::Pre, Tag::Post]),
        "patchid" => Exact(&[Tag::PatchId]),
        "d" => Time(Date::Sent, Grain::Day),
        "dt" => Time(Date::Sent, Grain::Second),
        "rt" => Time(Date::Received, Grain::Epoch),
        "z" => Numbers(Number::Bytes),
        "uid" => Numbers(Number::Article),
        _ => return None,
    })
}

/// Whether there may be a prefix of a date in a query: `d:`, `dt:` or `rt:`. A glance, as each request for a search takes one.
pub(super) fn may_be_before_a_date(text: &str) -> bool {
    text.contains("d:") || text.contains("t:")
}

/// Whether `text` can be the id of a blob or the beginning of one.
pub(super) fn is_blob(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
