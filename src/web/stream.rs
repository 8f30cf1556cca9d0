//! The way of a long answer from the thread that writes it to the connection: a short channel, so that memory stays
//! flat and a slow reader slows the writer.
//!
//! An end must be said. Whatever stops without it (an error, a panic, a deadline) breaks the connection off, since a
//! stream that just stops looks complete.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};
use tokio::time::timeout;

use super::class::Place;
use super::doors::PieceDeadline;

/// Bytes to a piece.
const PIECE: usize = 48 * 1024;
/// Pieces that wait for the reader.
const WAITING: usize = 4;
/// How often it is looked whether others want the place of a slow reader.
const GLANCE: Duration = Duration::from_secs(1);

/// What comes out of the channel.
pub(super) enum Piece {
    /// A part of the body.
    Part(Bytes),
    /// All of it at once; nothing else comes.
    Whole(Bytes),
    /// The end.
    End,
    /// It went wrong.
    Failed(io::Error),
}

/// The leave to compute, given back while the reader keeps us waiting.
pub(super) struct Turn {
    place: Place,
    deadline: PieceDeadline,
}

impl Turn {
    pub(super) fn new(place: Place, deadline: PieceDeadline) -> Turn {
        Turn { place, deadline }
    }

    /// Waits for room in the channel, as long as the reader may take; others may compute meanwhile.
    async fn send(&mut self, sender: &Sender<Piece>, piece: Piece) -> io::Result<()> {
        self.place.step_out();
        let began = Instant::now();
        let room = loop {
            let may = match self.place.is_wanted() {
                true => self.deadline.wanted,
                false => self.deadline.usual,
            };
            let Some(left) = may.checked_sub(began.elapsed()) else {
                return Err(io::ErrorKind::TimedOut.into());
            };
            // Somebody may come to want it while we wait.
            match timeout(left.min(GLANCE), sender.reserve()).await {
                Ok(Ok(room)) => break room,
                Ok(Err(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(_) => {}
            }
        };
        room.send(piece);
        self.place.step_in().await;
        Ok(())
    }
}

/// Leave to hold bytes back in the hope that they are all: a whole answer has a length and can be kept.
pub(super) struct Hold {
    /// How many bytes. None are worth a try where this is no more than a piece.
    pub(super) bytes: usize,
    /// A share of the memory that all answers together may fill so.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// The writer's end. It lives on a blocking thread.
pub(super) struct Pipe {
    sender: Sender<Piece>,
    held: Vec<u8>,
    hold: Hold,
    turn: Turn,
    handle: Handle,
    started: bool,
}

/// Makes both ends. A reader who does not take a piece within the deadline of `turn` is given up.
pub(super) fn pipe(hold: Hold, turn: Turn, handle: Handle) -> (Pipe, Receiver<Piece>) {
    let (sender, receiver) = channel(WAITING);
    let held = Vec::with_capacity(PIECE);
    let pipe = Pipe {
        sender,
        held,
        hold,
        turn,
        handle,
        started: false,
    };
    (pipe, receiver)
}

impl Pipe {
    /// Says the end.
    pub(super) fn end(mut self) -> io::Result<()> {
        if !self.started {
            let all = std::mem::take(&mut self.held);
            return self.send(Piece::Whole(all.into()));
        }
        self.pass_on()?;
        self.send(Piece::End)
    }

    /// Says that it went wrong.
    pub(super) fn fail(&mut self, why: io::Error) {
        // Where the reader is gone too nobody is left to be told.
        let _ = self.send(Piece::Failed(why));
    }

    fn pass_on(&mut self) -> io::Result<()> {
        self.started = true;
        let held = std::mem::replace(&mut self.held, Vec::with_capacity(PIECE));
        if held.len() <= PIECE {
            return match held.is_empty() {
                true => Ok(()),
                false => self.send(Piece::Part(held.into())),
            };
        }
        // In small pieces and by copies, so that the room is free again once the reader has come so far.
        for piece in held.chunks(PIECE) {
            self.send(Piece::Part(Bytes::copy_from_slice(piece)))?;
        }
        self.hold.room = None;
        Ok(())
    }

    fn send(&mut self, piece: Piece) -> io::Result<()> {
        let piece = match self.sender.try_send(piece) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
            Err(TrySendError::Full(piece)) => piece,
        };
        self.handle.block_on(self.turn.send(&self.sender, piece))
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = if self.started {
            PIECE
        } else {
            self.hold.bytes.max(PIECE)
        };
        let room = limit.saturating_sub(self.held.len()).max(1);
        let taken = bytes.len().min(room);
        self.held.extend_from_slice(&bytes[..taken]);
        if self.held.len() >= limit {
            self.pass_on()?;
        }
        Ok(taken)
    }

    /// Sends what there is, unless it is still hoped to be all.
    fn flush(&mut self) -> io::Result<()> {
        if self.started || self.hold.bytes == 0 {
            self.pass_on()?;
        }
        Ok(())
    }
}

/// The connection's end: first what has come already, then the rest.
pub(super) struct Pieces {
    first: Option<Bytes>,
    rest: Option<Receiver<Piece>>,
}

impl Pieces {
    pub(super) fn new(first: Bytes, rest: Receiver<Piece>) -> Pieces {
        Pieces {
            first: Some(first),
            rest: Some(rest),
        }
    }
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let error = match rest.poll_recv(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Piece::Part(bytes) | Piece::Whole(bytes))) => {
                return Poll::Ready(Some(Ok(bytes)));
            }
            Poll::Ready(Some(Piece::End)) => None,
            Poll::Ready(Some(Piece::Failed(why))) => Some(Err(why)),
            Poll::Ready(None) => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        };
        self.rest = None;
        Poll::Ready(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::StreamExt;
    use tokio::runtime::Handle;
    use tokio::sync::Semaphore;

    use super::{Hold, Pieces, Pipe, Turn, pipe};
    use crate::web::class::{Class, Gatehouse, Shares};
    use crate::web::client::Network;
    use crate::web::doors::PieceDeadline;

    async fn ends(
        bytes: usize,
        usual: Duration,
    ) -> (Pipe, tokio::sync::mpsc::Receiver<super::Piece>, Gatehouse) {
        let house = Gatehouse::new(&Shares::for_cores(1));
        let place = house.of(Class::Page).stream(Network::Local).await.unwrap();
        let deadline = PieceDeadline {
            usual,
            wanted: SOON,
        };
        let hold = Hold { bytes, room: None };
        let (pipe, receiver) = pipe(hold, Turn::new(place, deadline), Handle::current());
        (pipe, receiver, house)
    }

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test(flavor = "multi_thread")]
    async fn bytes_arrive_in_order_and_the_end_is_clean() {
        let (mut pipe, receiver, _) = ends(0, Duration::from_secs(5)).await;
        let writer = std::thread::spawn(move || {
            for n in 0..100_000_u32 {
                pipe.write_all(&n.to_le_bytes())?;
            }
            pipe.end()
        });
        let mut all = Vec::new();
        let mut pieces = Pieces::new(Bytes::new(), receiver);
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece.unwrap());
        }
        writer.join().unwrap().unwrap();
        assert_eq!(all.len(), 400_000);
        assert_eq!(all[399_996..], 99_999_u32.to_le_bytes());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_writer_that_is_dropped_without_an_end_breaks_the_stream() {
        let (mut pipe, receiver, _) = ends(0, SOON).await;
        std::thread::spawn(move || pipe.write_all(&[b'x'; 60_000]))
            .join()
            .unwrap()
            .unwrap();
        let got: Vec<_> = Pieces::new(Bytes::new(), receiver).collect().await;
        assert!(got.last().unwrap().is_err(), "{got:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_who_stops_is_given_up_and_others_compute_meanwhile() {
        let (mut pipe, receiver, house) = ends(0, SOON).await;
        let writer = std::thread::spawn(move || pipe.write_all(&vec![b'x'; 10_000_000]));
        // There is one writer at most.
        let other = house.of(Class::Page).stream(Network::Local);
        let other = tokio::time::timeout(Duration::from_secs(5), other).await;
        assert!(other.is_ok_and(|place| place.is_ok()));
        let error = tokio::task::block_in_place(|| writer.join().unwrap().unwrap_err());
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        drop(receiver);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_reader_who_is_gone_stops_the_writer() {
        let (mut pipe, receiver, _) = ends(0, Duration::from_secs(60)).await;
        drop(receiver);
        let error = pipe.write_all(&[b'x'; 60_000]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_short_answer_comes_whole() {
        let (mut pipe, mut receiver, _) = ends(100_000, SOON).await;
        pipe.write_all(&[b'x'; 60_000]).unwrap();
        pipe.flush().unwrap();
        pipe.end().unwrap();
        let first = receiver.recv().await;
        assert!(matches!(first, Some(super::Piece::Whole(all)) if all.len() == 60_000));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_held_back_in_vain_comes_in_order_and_frees_its_room() {
        let (mut pipe, receiver, _) = ends(200_000, Duration::from_secs(5)).await;
        let room = Arc::new(Semaphore::new(1));
        pipe.hold.room = room.clone().try_acquire_owned().ok();
        let sent: Vec<u8> = (0..60_000_u32).flat_map(u32::to_le_bytes).collect();
        let bytes = sent.clone();
        let writer = std::thread::spawn(move || {
            pipe.write_all(&bytes)?;
            let free = room.available_permits();
            pipe.end()?;
            Ok::<usize, std::io::Error>(free)
        });
        let mut all = Vec::new();
        let mut pieces = Pieces::new(Bytes::new(), receiver);
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(writer.join().unwrap().unwrap(), 1);
        assert!(all == sent);
    }
}
