//! The settings: public-inbox's config file, read as it is, and a `[threadbare]` section of our own.

mod clashes;
mod directories;
mod edit;
mod home;
mod include;
mod interval;
mod keys;
mod limiter;
mod limits;
mod lines;
mod lines_of_inbox;
mod offered;
mod site;
mod syntax;
mod values;

pub use clashes::clashes;
pub use edit::Edit;
pub use home::{HOME, home_dir};
pub use interval::FetchInterval;
pub use limiter::Limiter;
pub use limits::{Block, ClientHeader, Limits, Proxy};
pub use site::{
    Config, InboxConfig, IndexLevel, Listing, LogAddresses, LogFormat, Problem, Servers, SpamCheck,
    StyleSheet, Together,
};
