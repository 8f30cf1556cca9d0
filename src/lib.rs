//! Threadbare keeps mail in git, indexes it into `SQLite` and tantivy, reads it through one archive, and shows it
//! on the web.
//!
//! `docs/architecture.md` draws the rooms, from the ground floor up, and says who may import whom.

pub mod search;

pub mod archive;
pub mod cli;
pub mod config;
pub mod db;
pub mod demo;
pub mod error;
pub mod id;
pub mod index;
pub mod ingest;
pub mod lmtp;
pub mod mail;
pub mod metrics;
pub mod mirror;
pub mod net;
pub mod render;
pub mod store;
pub mod time;
pub mod url;
pub mod watch;
pub mod web;
