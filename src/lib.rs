//! Threadbare keeps mail in git, indexes it into `SQLite` and tantivy, reads it through one archive, and shows it
//! on the web.
//!
//! The rooms, ground floor first; a room imports only those above it in this list (`docs/architecture.md`):

pub mod config;
pub mod error;
pub mod id;
pub mod time;
pub mod url;

pub mod mail;

pub mod search;

pub mod archive;
