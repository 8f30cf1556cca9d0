//! The one test binary: everything with I/O from outside, the walls of the house from inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

/// Says that a test, or a part of one, is skipped, and why: past the harness, which shows only what failing tests print.
macro_rules! skipped {
    ($($why:tt)+) => {{
        use std::io::Write as _;
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = writeln!(std::io::stderr(), "skipped: {name}: {}", format_args!($($why)+));
    }};
}

mod b4;
mod catalogue;
mod clients;
mod config;
mod deliver;
mod doors;
mod export;
mod faults;
mod fsck;
mod fuzz;
mod git;
mod golden;
mod hostile;
mod house;
mod import;
mod index;
mod init;
mod installation;
mod limits;
mod lmtp;
mod mirror;
mod mirrors;
mod operator;
mod ops;
mod privacy;
mod public_inbox;
mod real;
mod removal;
mod replicas;
mod round_trip;
mod same_pages;
mod search;
mod serve;
mod store;
mod support;
mod watch;
mod web;
