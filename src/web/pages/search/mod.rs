//! `/INBOX/?q=…`, `/INBOX/MSGID/?q=…`, `/?q=…` — a search of one list, of one thread, of the whole site.

mod around;
mod asked;
mod bar;
mod fields;
mod mbox;
mod nested;
mod summary;

pub(in crate::web) use asked::{inbox, is_timeless, site, thread};
