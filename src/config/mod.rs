//! The settings: public-inbox's config file, read as it is, and a `[threadbare]` section of our own.

mod directories;
mod edit;
mod include;
mod keys;
mod limits;
mod lines;
mod site;
mod syntax;

pub use edit::Edit;
pub use limits::{Block, ClientHeader, Limits, Proxy};
pub use site::{
    Config, InboxConfig, IndexLevel, Listing, LogAddresses, LogFormat, Problem, StyleSheet,
    Together,
};
