//! The words: a full-text index of the whole site. Only this room names `tantivy`.
//!
//! It finds messages by their keys in the catalogue, and nothing else of them is kept here. It may be thrown away and
//! made again from the mail.

mod any_of;
mod approxidate;
mod audit;
mod columns;
mod copies;
mod cut;
mod dates;
mod document;
mod find;
mod gathered;
mod index;
mod lexer;
mod measure;
mod near;
mod parse;
mod patch;
mod places;
mod plan;
mod prefix;
mod query;
mod schema;
mod score;
mod snippet;
mod stems;
#[cfg(test)]
mod tests;
mod window;
mod words;
mod writer;

pub use audit::{Trace, Tracer};
pub use document::{Document, Place};
pub use find::{Budget, Filter, Found};
pub use index::{Search, discard};
pub use query::Query;
pub use snippet::{Piece, Snippets};
pub use window::{Cursor, Edge, Hit, Sort, Window};
pub use writer::Writer;
