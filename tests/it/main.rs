//! The one test binary: everything with I/O from outside, the walls of the house from inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod catalogue;
mod clients;
mod config;
mod doors;
mod git;
mod golden;
mod house;
mod index;
mod init;
mod installation;
mod mirror;
mod operator;
mod ops;
mod privacy;
mod real;
mod replicas;
mod search;
mod serve;
mod store;
mod support;
mod web;
