//! The settings: public-inbox's config file, read as it is, and a `[threadbare]` section of our own.

mod directories;
mod edit;
mod include;
mod lines;
mod site;
mod syntax;

pub use edit::Edit;
pub use site::{Config, InboxConfig, IndexLevel, Listing, Problem, StyleSheet, Together};
