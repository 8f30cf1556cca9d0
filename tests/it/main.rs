//! The one test binary: everything with I/O is tested here, from outside.

mod catalogue;
mod config;
mod golden;
mod init;
mod serve;
mod store;
mod support;
