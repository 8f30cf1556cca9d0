//! The one test binary: everything with I/O is tested here, from outside.

mod config;
mod init;
mod serve;
mod store;
