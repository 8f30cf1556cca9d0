//! The accept loops: connections in, responses out, and the deadlines that keep both from going on forever.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::Instrument;

use super::access;
use super::app::App;
use super::client::{Network, is_front_end};
use super::figures;
use super::guests::{Answering, Guests, Seat};
use super::stall::Stall;
use crate::config;
use crate::net::{Arrival, Listener};

/// The bounds of connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many there may be at once; for further ones the longest silent has to go.
    pub connections: usize,
    /// How many of one network (/24, /48).
    pub connections_per_network: usize,
    /// How long a request's head may take, and a connection may be idle.
    pub head: Duration,
    /// How many bytes a request's head may have.
    pub head_bytes: usize,
    /// How long a write may make no progress.
    pub stall: Duration,
    /// How long answers that are under way may take after we were told to stop.
    pub farewell: Duration,
    /// How long of that a connection without a question may stay, so that one on its way is answered.
    pub last_words: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            connections_per_network: 500,
            head: Duration::from_secs(30),
            head_bytes: 32 * 1024,
            stall: Duration::from_secs(30),
            farewell: Duration::from_secs(20),
            last_words: Duration::from_secs(3),
        }
    }
}

impl Limits {
    /// The same with what the operator has said, and no more connections than there can be descriptors for.
    #[must_use]
    pub fn with(mut self, limits: &config::Limits, descriptors: Option<u64>) -> Limits {
        self.connections = limits.connections.unwrap_or(self.connections);
        let share = limits.connections_per_network;
        self.connections_per_network = share.unwrap_or(self.connections_per_network);
        // Repositories, indexes and programs need some, too.
        let room = descriptors.map_or(usize::MAX, |all| {
            usize::try_from(all).unwrap_or(usize::MAX) / 4 * 3
        });
        if self.connections > room {
            tracing::warn!(
                "no more than {room} connections: the system allows too few descriptors"
            );
            self.connections = room;
        }
        self
    }
}

/// Serves until `stop` is done; then takes no more connections and lets answers that are under way finish.
pub async fn serve(
    app: App,
    listeners: Vec<Arc<Listener>>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(GracefulShutdown::new());
    let (stopped, stopping) = watch::channel(());
    let door = Door {
        app,
        limits: limits.clone(),
        guests: Arc::new(Guests::new(
            limits.connections,
            limits.connections_per_network,
        )),
        leaving: Arc::new(AtomicBool::new(false)),
        stopping,
    };
    let loops: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(door.clone().accept(listener, Arc::clone(&connections))))
        .collect();
    stop.await;
    door.leaving.store(true, Ordering::Relaxed);
    drop(stopped);
    for accept in loops {
        // An accept loop ends when it is told to; nothing can be done about one that panicked.
        let _ = accept.await;
    }
    // The loops had the only other handles of it.
    let Some(connections) = Arc::into_inner(connections) else {
        return;
    };
    let open = connections.count();
    tracing::info!(open, "stopping; {open} connections are open");
    let until = Instant::now() + limits.farewell;
    // Who asks now is answered and told to come back by another connection.
    let quiet = Instant::now() + limits.last_words;
    while connections.count() > 0 && Instant::now() < quiet.min(until) {
        sleep(Duration::from_millis(20)).await;
    }
    if timeout_at(until, connections.shutdown()).await.is_err() {
        tracing::warn!("some answers took too long and were cut off");
    }
}

/// What the process is told by signals, from the moment that this is made.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Listens. Within a tokio runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Done when the process is told to stop (SIGTERM, SIGINT). A second signal ends it at once. `read_again` is called
    /// when it is told to read everything anew (SIGHUP).
    pub async fn stop(mut self, read_again: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hangup.recv() => read_again(),
            }
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            tracing::warn!("told twice to stop");
            std::process::exit(1);
        });
    }
}

#[derive(Clone)]
struct Door {
    app: App,
    limits: Limits,
    guests: Arc<Guests>,
    /// Set when connections end with their next answer.
    leaving: Arc<AtomicBool>,
    stopping: watch::Receiver<()>,
}

impl Door {
    async fn accept(mut self, listener: Arc<Listener>, connections: Arc<GracefulShutdown>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // Changed or gone, both mean stop.
                _ = self.stopping.changed() => return,
            };
            match accepted {
                Ok(arrival) => {
                    tokio::spawn(self.clone().welcome(arrival, connections.watcher()));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free in a moment.
                    figures::NOT_ACCEPTED.up();
                    tracing::warn!(%error, "cannot accept a connection: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn welcome(self, mut arrival: Arrival, watcher: Watcher) {
        let proxy = self.app.proxy();
        let mut front_end = is_front_end(proxy, arrival.peer);
        if front_end && proxy.protocol {
            match timeout(self.limits.head, arrival.introduce()).await {
                Ok(Ok(())) => front_end = is_front_end(proxy, arrival.peer),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a front end did not say for whom it comes: {error}");
                    return;
                }
                Err(_) => return,
            }
        }
        let peer = arrival.peer;
        let network = (!front_end).then(|| Network::of(peer));
        let Some(seat) = self.guests.welcome(network) else {
            return;
        };
        let seat = Arc::new(seat);
        tokio::select! {
            biased;
            () = self.serve(arrival, watcher, seat.clone()) => {}
            () = seat.told_to_leave() => {}
        }
    }

    async fn serve(&self, arrival: Arrival, watcher: Watcher, seat: Arc<Seat>) {
        let peer = arrival.peer;
        let _open = figures::OPEN.hold();
        figures::ACCEPTED.up();
        let stream = match timeout(self.limits.head, arrival.open()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                figures::HANDSHAKES_FAILED.up();
                tracing::debug!(%error, "no connection came about: {error}");
                return;
            }
            Err(_) => {
                figures::HANDSHAKES_FAILED.up();
                return;
            }
        };
        let stalling = Stall::new(stream, self.limits.stall, Some(seat.clone()));
        let (app, leaving) = (self.app.clone(), self.leaving.clone());
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (app, leaving) = (app.clone(), leaving.clone());
            let question = seat.asks();
            async move {
                let given = access::given_id(request.headers());
                let by_proxy = given.is_some();
                let id = given.unwrap_or_else(access::new_id);
                let span = tracing::info_span!("request", %id);
                let answer = app.answer(request.map(Body::new), peer).instrument(span);
                let mut answer = answer.await;
                question.is_answered_with(answer.body());
                let excess = app.excess();
                if excess > 0 {
                    question.make_room(excess);
                }
                // Copies of one page are alike, so only who is to speak of this very request is told its name.
                if by_proxy || answer.status().is_server_error() {
                    // It is a plain word.
                    if let Ok(id) = HeaderValue::try_from(id) {
                        answer.headers_mut().insert(&access::REQUEST_ID, id);
                    }
                }
                if leaving.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                Ok::<_, Infallible>(answer.map(|body| Answering::new(body, question)))
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(TokioIo::new(stalling), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended: {error}");
        }
    }
}
