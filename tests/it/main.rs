//! The one test binary: the program from outside, its walls from inside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod clients;
mod house;
mod index;
mod real;
mod support;
mod web;
