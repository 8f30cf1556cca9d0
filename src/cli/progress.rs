//! How far a long run is: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::id::EpochNum;
use crate::id::InboxName;
use crate::index::Progress;

/// Shows on standard error how far an index run is.
#[derive(Default)]
pub(super) struct Bars(Mutex<Option<ProgressBar>>);

/// Fewer changes than these are done before anybody can read a bar.
const WORTH_A_BAR: usize = 500;

impl Progress for Bars {
    fn begin(&self, inbox: &InboxName, epoch: EpochNum, changes: usize) {
        if changes < WORTH_A_BAR {
            return;
        }
        if !std::io::stderr().is_terminal() {
            eprintln!("{inbox}, epoch {epoch}: {changes} changes to index");
            return;
        }
        let style = "{prefix} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
        let style = ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar());
        let bar = ProgressBar::new(changes as u64).with_style(style);
        bar.set_prefix(format!("{inbox}, epoch {epoch}"));
        if let Ok(mut shown) = self.0.lock() {
            *shown = Some(bar);
        }
    }

    fn advance(&self, changes: usize) {
        if let Ok(shown) = self.0.lock()
            && let Some(bar) = &*shown
        {
            bar.inc(changes as u64);
        }
    }

    fn end(&self) {
        if let Ok(mut shown) = self.0.lock()
            && let Some(bar) = shown.take()
        {
            bar.finish_and_clear();
        }
    }
}
