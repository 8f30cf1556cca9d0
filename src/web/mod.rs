//! The web surface: requests come in as async HTTP, are answered by synchronous pages, and go out compressed,
//! validated and bounded.
//!
//! A ladder inside: `answer` ← `error` ← `doors` ← `pages` ← `router` ← `app` ← `server`. Pages do not import each other.

mod answer;
mod app;
mod ask;
mod assets;
mod atom;
mod bucket;
mod cache;
mod class;
mod client;
mod compress;
mod coverage;
mod doors;
mod entry;
mod error;
mod frame;
mod freshness;
mod gate;
mod head;
mod lines;
mod lists;
mod members;
mod pages;
mod posted;
mod program;
mod range;
mod router;
mod server;
mod site;
mod stall;
mod stream;
mod texts;

pub use app::{App, Settings};
pub use class::{Class, Loads, Share, Shares};
pub use client::Network;
pub use doors::PieceDeadline;
pub use gate::Load;
pub use server::{Limits, Signals, serve};
