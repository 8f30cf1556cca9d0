//! The log: lines on standard error, for people or for programs. `RUST_LOG` chooses which; `access=off` leaves out the
//! requests.

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogFormat;
use crate::metrics::{LOGGED_ERRORS, LOGGED_WARNINGS};

/// Begins the log with lines of this level and above. Only the first call counts.
pub(super) fn start(default: &str, format: LogFormat) {
    use std::io::IsTerminal;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let all = tracing_subscriber::registry().with(filter);
    // Only tests call it twice.
    let _ = all.with(Counting).with(lines).try_init();
}

/// Counts the lines that somebody should read.
struct Counting;

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match *event.metadata().level() {
            Level::ERROR => LOGGED_ERRORS.up(),
            Level::WARN => LOGGED_WARNINGS.up(),
            _ => {}
        }
    }
}
