//! What the web surface counts.

use std::time::Duration;

use super::class::Class;
use crate::metrics::{Counter, Gauge, Histogram, Kind, Text};

/// Connections that are open.
pub(super) static OPEN: Gauge = Gauge::new();
/// Connections that were accepted.
pub(super) static ACCEPTED: Counter = Counter::new();
/// Times that no connection could be accepted.
pub(super) static NOT_ACCEPTED: Counter = Counter::new();
/// TLS handshakes that came to nothing.
pub(super) static HANDSHAKES_FAILED: Counter = Counter::new();
/// Bytes that went out, headers and all; behind TLS before they were encrypted.
pub(super) static SENT: Counter = Counter::new();
/// Pages that were kept, and good.
pub(super) static CACHE_HITS: Counter = Counter::new();
/// Pages that could have been kept and were not, or were of an older state.
pub(super) static CACHE_MISSES: Counter = Counter::new();

/// Answers by class, and by the first digit of their status.
static ANSWERS: [[Counter; 6]; CLASSES] = [const { [const { Counter::new() }; 6] }; CLASSES];
/// How long they took to their first byte, by class.
static TIMES: [Histogram; CLASSES] = [const { Histogram::new() }; CLASSES];

const CLASSES: usize = Class::ALL.len();

/// Counts an answer.
pub(super) fn answered(class: Class, status: u16, took: Duration) {
    let at = place(class);
    if let Some(times) = TIMES.get(at) {
        times.note(took);
    }
    let counter = ANSWERS
        .get(at)
        .and_then(|by_status| by_status.get(usize::from(status / 100)));
    if let Some(counter) = counter {
        counter.up();
    }
}

/// Writes all of it.
pub(super) fn write(text: &mut Text) {
    let name = "threadbare_requests_total";
    text.family(name, Kind::Counter, "Answers by class of cost and status.");
    for class in Class::ALL {
        let counters = ANSWERS
            .get(place(class))
            .into_iter()
            .flatten()
            .enumerate()
            .skip(1);
        for (digit, counter) in counters {
            let labels = [("class", class.name()), ("status", &format!("{digit}xx"))];
            text.sample(name, &labels, counter.value() as f64);
        }
    }
    let name = "threadbare_request_seconds";
    text.family(
        name,
        Kind::Histogram,
        "From a request to the head of its answer.",
    );
    for class in Class::ALL {
        if let Some(times) = TIMES.get(place(class)) {
            text.histogram(name, &[("class", class.name())], times);
        }
    }
    let open = OPEN.value() as f64;
    text.single(
        "threadbare_connections",
        Kind::Gauge,
        "Connections that are open.",
        open,
    );
    for (name, help, counter) in [
        (
            "threadbare_connections_total",
            "Connections that were accepted.",
            &ACCEPTED,
        ),
        (
            "threadbare_accept_failures_total",
            "Times that no connection could be accepted.",
            &NOT_ACCEPTED,
        ),
        (
            "threadbare_tls_failures_total",
            "TLS handshakes that came to nothing.",
            &HANDSHAKES_FAILED,
        ),
        (
            "threadbare_sent_bytes_total",
            "Bytes sent, before encryption.",
            &SENT,
        ),
        (
            "threadbare_page_cache_hits_total",
            "Pages that were kept and good.",
            &CACHE_HITS,
        ),
        (
            "threadbare_page_cache_misses_total",
            "Pages that had to be made.",
            &CACHE_MISSES,
        ),
    ] {
        text.single(name, Kind::Counter, help, counter.value() as f64);
    }
}

fn place(class: Class) -> usize {
    Class::ALL
        .iter()
        .position(|known| *known == class)
        .unwrap_or(0)
}
