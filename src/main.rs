//! Parses the command line, runs it, prints what went wrong.

fn main() {}
