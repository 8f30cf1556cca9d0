//! A connection that gives up on a reader who takes nothing for too long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::figures;
use super::guests::Seat;

/// Wraps a connection: a write that makes no progress for `patience` fails.
pub(super) struct Stall<T> {
    inner: T,
    /// Is told since when the reader keeps us waiting.
    seat: Option<Arc<Seat>>,
    patience: Duration,
    /// Set while a write waits.
    alarm: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<T> Stall<T> {
    pub(super) fn new(inner: T, patience: Duration, seat: Option<Arc<Seat>>) -> Stall<T> {
        Stall {
            inner,
            seat,
            patience,
            alarm: Box::pin(sleep(patience)),
            waiting: false,
        }
    }

    fn judge<R>(
        &mut self,
        written: Poll<io::Result<R>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            if let Some(seat) = &self.seat {
                seat.is_stuck();
            }
            self.alarm.as_mut().reset(Instant::now() + self.patience);
        }
        match self.alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn count(written: &Poll<io::Result<usize>>) {
    if let Poll::Ready(Ok(bytes)) = written {
        figures::SENT.add(*bytes as u64);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Stall<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Stall<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        count(&written);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        count(&written);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        if let (Poll::Ready(Ok(())), Some(seat)) = (&flushed, &self.seat) {
            seat.flows();
        }
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.inner).poll_shutdown(context);
        self.judge(closed, context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::Stall;

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(16);
        let mut ours = Stall::new(ours, Duration::from_millis(20), None);
        let error = ours.write_all(&[b'x'; 64]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_who_takes_something_is_waited_for() {
        let (ours, mut theirs) = duplex(16);
        let mut ours = Stall::new(ours, Duration::from_millis(200), None);
        let reader = tokio::spawn(async move {
            let mut piece = [0; 16];
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                theirs.read_exact(&mut piece).await.unwrap();
            }
        });
        ours.write_all(&[b'x'; 128]).await.unwrap();
        reader.await.unwrap();
    }
}
