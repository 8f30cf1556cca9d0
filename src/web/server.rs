//! The accept loops: connections in, responses out, and the deadlines that keep both from going on forever.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::app::App;
use super::stall::Stall;

/// The bounds of connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many there may be at once; further ones wait in the backlog.
    pub connections: usize,
    /// How long a request's head may take, and a connection may be idle.
    pub head: Duration,
    /// How many bytes a request's head may have.
    pub head_bytes: usize,
    /// How long a write may make no progress.
    pub stall: Duration,
    /// How long answers that are under way may take after we were told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 10_000,
            head: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            stall: Duration::from_secs(30),
            farewell: Duration::from_secs(20),
        }
    }
}

/// Serves until `stop` is done; then takes no more connections and lets answers that are under way finish.
pub async fn serve(
    app: App,
    listeners: Vec<TcpListener>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let connections = Arc::new(GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(limits.connections));
    let (stopped, stopping) = watch::channel(());
    let door = Door {
        app,
        limits: limits.clone(),
        places,
        connections: connections.clone(),
        stopping,
    };
    let loops: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(door.clone().accept(listener)))
        .collect();
    drop(door);
    stop.await;
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
    if timeout(limits.farewell, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some answers took too long and were cut off");
    }
}

/// Done when the process is told to stop (SIGTERM, SIGINT). A second signal ends it at once.
pub async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::warn!("told twice to stop");
        std::process::exit(1);
    });
    Ok(())
}

#[derive(Clone)]
struct Door {
    app: App,
    limits: Limits,
    places: Arc<Semaphore>,
    connections: Arc<GracefulShutdown>,
    stopping: watch::Receiver<()>,
}

impl Door {
    async fn accept(mut self, listener: TcpListener) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else {
                return;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // Changed or gone, both mean stop.
                _ = self.stopping.changed() => return,
            };
            match accepted {
                Ok((stream, peer)) => self.welcome(stream, peer.ip(), place),
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free in a moment.
                    tracing::warn!(%error, "cannot accept a connection: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: IpAddr, place: OwnedSemaphorePermit) {
        // Where it cannot be set answers are a little slower.
        let _ = stream.set_nodelay(true);
        let app = self.app.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let app = app.clone();
            async move { Ok::<_, Infallible>(app.answer(request.map(Body::new), Some(peer)).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(TokioIo::new(Stall::new(stream, self.limits.stall)), service);
        let connection = self.connections.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended: {error}");
            }
        });
    }
}
