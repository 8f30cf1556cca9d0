//! What the tests stand on: mail in git epochs, the program running over them, and a client that says bytes.

mod epoch;
mod html;
mod http;
pub(crate) mod incoming;
mod lmtp;
pub(crate) mod peer;
mod programs;
mod series;
mod shared;
mod site;
mod state;
mod tls;

pub(crate) use epoch::{Epoch, Mail, git, git_text};
pub(crate) use html::{Line, hrefs, overview, text, unescape};
pub(crate) use http::{Ask, Reply};
pub(crate) use lmtp::Caller;
pub(crate) use programs::{Daemon, Home, fed, program, said};
pub(crate) use series::Series;
pub(crate) use shared::{real_epoch, shared};
pub(crate) use site::{Server, Site, World, demo, fixtures, share, wait_until};
pub(crate) use state::holders;
pub(crate) use tls::{certificate, tls_file, visit_by_tls};
