//! Who is connected: how many in all, how many of each network, and who has been silent for longest.
//!
//! Where there is no room for another, the one who has been silent for longest has to go: connections that nobody uses
//! never keep visitors out.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

use super::client::Network;

/// So many are sent away at once where all places are taken, so that they are not looked through for each newcomer.
const BATCH: usize = 64;

/// All who are connected.
pub(super) struct Guests {
    most: usize,
    most_of_one: usize,
    began: Instant,
    /// When it was last looked for those who take nothing.
    looked: AtomicU64,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    last: u64,
    guests: HashMap<u64, Arc<Guest>>,
    of: HashMap<Network, usize>,
}

/// A connection.
pub(super) struct Guest {
    network: Option<Network>,
    /// Milliseconds after the beginning since when it is silent; [`BUSY`] while it has a question.
    silent_since: AtomicU64,
    /// The same of when its reader began to keep us waiting; [`FLOWS`] while he does not.
    stuck_since: AtomicU64,
    /// How long its answer is, as far as that is known.
    carries: AtomicU64,
    leave: Notify,
}

const BUSY: u64 = u64::MAX;
const FLOWS: u64 = u64::MAX;

/// Who keeps us waiting for less, in milliseconds, is not sent away for it.
const PATIENCE: u64 = 500;
/// How often it is looked for those who are to be sent away, in milliseconds: that takes a while where there are many.
const LOOKS: u64 = 100;

/// A connection's place, until it is dropped.
pub(super) struct Seat {
    guests: Arc<Guests>,
    number: u64,
    guest: Arc<Guest>,
}

impl Guests {
    /// Room for `most`, and for `most_of_one` of each network.
    pub(super) fn new(most: usize, most_of_one: usize) -> Guests {
        Guests {
            most,
            most_of_one,
            began: Instant::now(),
            looked: AtomicU64::new(0),
            inside: Mutex::default(),
        }
    }

    /// Takes one in; `None` where there is no room, and nobody who could go. A `network` of `None` is not counted: it
    /// is a front end's, behind which there are many.
    pub(super) fn welcome(self: &Arc<Guests>, network: Option<Network>) -> Option<Seat> {
        let mut inside = self.inside();
        if let Some(network) = network
            && inside.of.get(&network).copied().unwrap_or(0) >= self.most_of_one
            && !inside.make_room(1, |guest| guest.network == Some(network))
        {
            return None;
        }
        // Those who were told to go are on their way: they count no more.
        if inside.guests.len() >= self.most && !inside.make_room(BATCH, |_| true) {
            return None;
        }
        let guest = Arc::new(Guest {
            network,
            silent_since: AtomicU64::new(self.now()),
            stuck_since: AtomicU64::new(FLOWS),
            carries: AtomicU64::new(0),
            leave: Notify::new(),
        });
        inside.last += 1;
        let number = inside.last;
        inside.guests.insert(number, guest.clone());
        if let Some(network) = network {
            *inside.of.entry(network).or_default() += 1;
        }
        Some(Seat {
            guests: self.clone(),
            number,
            guest,
        })
    }

    /// Sends those away who have kept us waiting for longest with answers in memory, until so many bytes are free.
    fn relieve(&self, excess: u64) {
        let now = self.now();
        let looked = self.looked.load(Ordering::Relaxed);
        if now < looked.saturating_add(LOOKS) {
            return;
        }
        self.looked.store(now, Ordering::Relaxed);
        let mut inside = self.inside();
        let mut stuck: Vec<(u64, u64, u64)> = inside
            .guests
            .iter()
            .map(|(number, guest)| {
                let since = guest.stuck_since.load(Ordering::Relaxed);
                (since, *number, guest.carries.load(Ordering::Relaxed))
            })
            .filter(|(since, _, carries)| now.saturating_sub(*since) >= PATIENCE && *carries > 0)
            .collect();
        stuck.sort_unstable();
        let mut freed = 0;
        for (_, number, carries) in stuck {
            if freed >= excess {
                break;
            }
            freed += carries;
            if let Some(guest) = inside.take(number) {
                guest.leave.notify_one();
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.inside().guests.len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Tells up to so many of these to go who have been silent for longest; whether there was anybody to tell.
    fn make_room(&mut self, many: usize, of: impl Fn(&Guest) -> bool) -> bool {
        let silent = self.guests.iter().filter(|(_, guest)| of(guest));
        let mut silent: Vec<(u64, u64)> = silent
            .map(|(number, guest)| (guest.silent_since.load(Ordering::Relaxed), *number))
            .filter(|(since, _)| *since != BUSY)
            .collect();
        let many = many.min(silent.len());
        if many == 0 {
            return false;
        }
        silent.select_nth_unstable(many - 1);
        for (_, number) in silent.into_iter().take(many) {
            if let Some(guest) = self.take(number) {
                guest.leave.notify_one();
            }
        }
        true
    }

    fn take(&mut self, number: u64) -> Option<Arc<Guest>> {
        let guest = self.guests.remove(&number)?;
        if let Some(network) = guest.network
            && let Some(count) = self.of.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&network);
            }
        }
        Some(guest)
    }
}

impl Seat {
    /// Done when the connection has to go.
    pub(super) async fn told_to_leave(&self) {
        self.guest.leave.notified().await;
    }

    /// The reader keeps us waiting, if he has not done so before.
    pub(super) fn is_stuck(&self) {
        let now = self.guests.now();
        let stuck = &self.guest.stuck_since;
        // Where that fails it is stuck already.
        let _ = stuck.compare_exchange(FLOWS, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The reader has taken all there was.
    pub(super) fn flows(&self) {
        self.guest.stuck_since.store(FLOWS, Ordering::Relaxed);
    }

    /// A question has come. The connection is silent again when what this gives is dropped.
    pub(super) fn asks(&self) -> Question {
        self.guest.silent_since.store(BUSY, Ordering::Relaxed);
        Question {
            guests: self.guests.clone(),
            guest: self.guest.clone(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.inside().take(self.number);
    }
}

/// A question that is not answered to the end.
pub(super) struct Question {
    guests: Arc<Guests>,
    guest: Arc<Guest>,
}

impl Question {
    /// The answer is there. Only one that is all there fills the memory.
    pub(super) fn is_answered_with(&self, body: &Body) {
        let bytes = body.size_hint().exact().unwrap_or(0);
        self.guest.carries.store(bytes, Ordering::Relaxed);
    }

    /// There are so many bytes of answers too much: those who have kept us waiting for longest have to go.
    pub(super) fn make_room(&self, excess: usize) {
        self.guests
            .relieve(u64::try_from(excess).unwrap_or(u64::MAX));
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let now = self.guests.now();
        self.guest.silent_since.store(now, Ordering::Relaxed);
    }
}

/// The body of an answer, with the question that it answers.
pub(super) struct Answering {
    body: Body,
    _question: Question,
}

impl Answering {
    pub(super) fn new(body: Body, question: Question) -> Answering {
        Answering {
            body,
            _question: question,
        }
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Guests, Seat};
    use crate::web::client::Network;

    fn net(n: u8) -> Option<Network> {
        Some(Network::V4([192, 0, n]))
    }

    async fn is_told(seat: &Seat) -> bool {
        tokio::time::timeout(Duration::from_millis(5), seat.told_to_leave())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn the_longest_silent_goes_when_there_is_no_room() {
        let guests = Arc::new(Guests::new(2, 2));
        let first = guests.welcome(net(1)).unwrap();
        let second = guests.welcome(net(2)).unwrap();
        let question = first.asks();
        let third = guests.welcome(net(3)).unwrap();
        assert!(!is_told(&first).await && is_told(&second).await && !is_told(&third).await);
        let _other = third.asks();
        assert!(guests.welcome(net(4)).is_none(), "all are busy");
        drop(question);
        assert!(guests.welcome(net(4)).is_some());
        assert!(is_told(&first).await);
    }

    #[tokio::test]
    async fn one_network_has_its_share_and_front_ends_are_not_counted() {
        let guests = Arc::new(Guests::new(100, 2));
        let first = guests.welcome(net(1)).unwrap();
        let second = guests.welcome(net(1)).unwrap();
        let _question = second.asks();
        let third = guests.welcome(net(1)).unwrap();
        assert!(is_told(&first).await);
        let _other = third.asks();
        assert!(guests.welcome(net(1)).is_none());
        assert!(guests.welcome(net(2)).is_some());
        let many: Vec<_> = (0..50).map(|_| guests.welcome(None)).collect();
        assert!(many.iter().all(Option::is_some));
        drop((first, second, third, many));
        assert_eq!(guests.count(), 0);
        assert!(guests.inside().of.is_empty());
    }
}
