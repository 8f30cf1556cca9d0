//! The web surface: requests come in as async HTTP, are answered by synchronous pages, and go out compressed,
//! validated and bounded.
//!
//! A ladder inside: `answer` ← `error` ← `doors` ← `pages` ← `router` ← `app` ← `server`. Pages do not import each other.

mod access;
mod answer;
mod app;
mod ask;
mod assets;
mod atom;
mod bucket;
mod burden;
mod cache;
mod capture;
mod class;
mod client;
mod compress;
mod coverage;
mod doors;
mod elsewhere;
mod entry;
mod error;
mod figures;
mod frame;
mod freshness;
mod gate;
mod guests;
mod head;
mod health;
mod lines;
mod lists;
mod members;
mod ops;
mod pages;
mod posted;
mod program;
mod range;
mod resources;
mod router;
mod server;
mod settings;
mod site;
mod stall;
mod stream;
mod texts;
mod threads;
#[cfg(test)]
mod xml;

pub use app::App;
pub use capture::Captured;
pub use class::{Class, Loads, Share, Shares};
pub use client::Network;
pub use doors::PieceDeadline;
pub use gate::Load;
pub use health::{Health, Phase};
pub use ops::serve_health;
pub use resources::max_descriptors;
pub use server::{Limits, Signals, serve};
pub use settings::Settings;
