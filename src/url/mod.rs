//! The URL grammar: every address of the site is parsed and printed here, and nowhere else.
//!
//! Paths are parsed as they came over the wire, before percent-decoding, since a Message-ID may contain `%2F`.
//! `docs/urls.md` lists them all. The grammar is public-inbox's.

mod escape;
mod git;
mod parse;
mod query;
mod route;
mod search;

pub use escape::{decode_query, escape_mailto, escape_mid, escape_query, repository};
pub use parse::{is_attachment_name, parse};
pub use query::{Query, Window};
pub use route::{Form, Format, GitFile, InboxPage, MessagePage, Route, SitePage, TopicOrder};
pub use search::{Edge, Search, SearchView, Start};
