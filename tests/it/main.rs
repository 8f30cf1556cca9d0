//! The one test binary: everything with I/O is tested here, from outside.

mod catalogue;
mod golden;
mod support;
