//! The doors from async to the synchronous rooms below: `read` and `read_here` for what is worked out whole, `write` for what is written
//! while it is sent. `program` is the third. Nobody comes through without a pass.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::answer::Writer;
use super::class::{Class, Place};
use super::compress::{Coding, Encoder};
use super::error::WebError;
use super::gate::Pass;
use super::stream::{Hold, Piece, Pieces, Pipe, Turn, pipe};
use super::threads;

/// What has come of a long answer when its headers are sent.
pub(super) enum Begun {
    Whole(Bytes),
    Rest(Pieces),
}

/// How long a reader may take for one piece of a long answer, some 48 kB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceDeadline {
    /// While there are places for all.
    pub usual: Duration,
    /// While others wait for his place.
    pub wanted: Duration,
}

impl Default for PieceDeadline {
    fn default() -> PieceDeadline {
        PieceDeadline {
            usual: Duration::from_secs(30),
            wanted: Duration::from_secs(5),
        }
    }
}

/// Works a page of [`Class::Page`](super::class::Class::Page) or [`Class::List`](super::class::Class::List) out at once,
/// on the thread that has read the request: to hand it to another thread and back costs a tenth of it. There are as many
/// such threads as passes of these classes ([`Shares::threads`](super::class::Shares::threads)).
pub(super) fn read_here<T>(
    pass: Pass,
    page: impl FnOnce() -> Result<T, WebError>,
) -> Result<T, WebError> {
    // What panics is one page, not the connection.
    let answer = std::panic::catch_unwind(AssertUnwindSafe(page));
    drop(pass);
    answer.unwrap_or(Err(WebError::Broken))
}

/// Runs a page on a thread of its class.
pub(super) async fn read<T: Send + 'static>(
    class: Class,
    pass: Pass,
    page: impl FnOnce() -> Result<T, WebError> + Send + 'static,
) -> Result<T, WebError> {
    // What is logged on the way tells of which request.
    let span = tracing::Span::current();
    let task = threads::spawn(class, move || {
        // Kept here: a visitor who leaves ends the wait, not the work.
        let _pass = pass;
        span.in_scope(page)
    });
    task.await.unwrap_or(Err(WebError::Broken))
}

/// Runs a writer on a thread of its class and answers with what has come out of it so far.
pub(super) async fn write(
    class: Class,
    write: Writer,
    coding: Coding,
    hold: Hold,
    place: Place,
    deadline: PieceDeadline,
) -> Result<Begun, WebError> {
    let turn = Turn::new(place, deadline);
    let (pipe, mut pieces) = pipe(hold, turn, Handle::current());
    let span = tracing::Span::current();
    threads::spawn(class, move || {
        let _span = span.enter();
        let mut encoder = Encoder::new(coding, pipe);
        match write(&mut encoder) {
            // Where the reader is gone nobody waits for the end.
            Ok(()) => drop(encoder.finish().and_then(Pipe::end)),
            Err(error) => encoder.out().fail(io::Error::other(error)),
        }
    });
    match pieces.recv().await {
        Some(Piece::Whole(body)) => Ok(Begun::Whole(body)),
        Some(Piece::Part(first)) => Ok(Begun::Rest(Pieces::new(first, pieces))),
        Some(Piece::End) => Ok(Begun::Whole(Bytes::new())),
        Some(Piece::Failed(error)) => {
            tracing::error!(%error, "a long answer failed before it began: {error}");
            Err(WebError::Broken)
        }
        None => Err(WebError::Broken),
    }
}

/// Leave to hold back so many bytes, as far as there is room.
pub(super) fn hold(bytes: usize, room: &Arc<Semaphore>) -> Hold {
    let room = match bytes {
        0 => None,
        _ => room.clone().try_acquire_owned().ok(),
    };
    let bytes = if room.is_some() { bytes } else { 0 };
    Hold { bytes, room }
}
