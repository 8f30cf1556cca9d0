//! For those who watch over the server, on a door of its own: `/healthz`, `/readyz`, `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::app::App;
use super::class::Class;
use super::figures;
use super::gate::Load;
use super::health::{Health, Phase};
use super::resources;
use crate::metrics::{self, Kind, Text};
use crate::net::{Arrival, Listener};

/// How many may ask at once. It is for a few programs of the operator's.
const CONNECTIONS: usize = 64;
/// How long a handshake, a request's head, or an idle connection may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers at that door until the process ends, also while the server starts and while it leaves.
pub async fn serve_health(health: Arc<Health>, listener: Arc<Listener>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok(arrival) => {
                let health = Arc::clone(&health);
                tokio::spawn(async move {
                    let _place = place;
                    welcome(health, arrival).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for health: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn welcome(health: Arc<Health>, arrival: Arrival) {
    let Ok(Ok(stream)) = timeout(PATIENCE, arrival.open()).await else {
        return;
    };
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let health = Arc::clone(&health);
        async move { Ok::<_, Infallible>(answer(&health, request.method(), request.uri().path()).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection for health ended: {error}");
    }
}

async fn answer(health: &Health, method: &Method, path: &str) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD\n".to_owned(),
        );
    }
    match path {
        "/healthz" => match health.check().await {
            Ok(()) => text(StatusCode::OK, "well\n".to_owned()),
            Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
        },
        "/readyz" => {
            let phase = health.phase();
            let status = match phase {
                Phase::Ready => StatusCode::OK,
                Phase::Starting | Phase::Leaving => StatusCode::SERVICE_UNAVAILABLE,
            };
            text(status, format!("{}\n", phase.name()))
        }
        "/metrics" => {
            let mut response = text(StatusCode::OK, figures_of(health).await);
            let kind = HeaderValue::from_static(Text::CONTENT_TYPE);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "/healthz, /readyz, /metrics\n".to_owned(),
        ),
    }
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn figures_of(health: &Health) -> String {
    let mut text = Text::default();
    let name = "threadbare_build_info";
    text.family(name, Kind::Gauge, "The version that runs.");
    text.sample(name, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let name = "threadbare_phase";
    text.family(
        name,
        Kind::Gauge,
        "Where the server is in its life: 1 for that.",
    );
    for phase in [Phase::Starting, Phase::Ready, Phase::Leaving] {
        let value = f64::from(health.phase() == phase);
        text.sample(name, &[("phase", phase.name())], value);
    }
    let up = health.uptime().as_secs_f64();
    text.single(
        "threadbare_uptime_seconds",
        Kind::Gauge,
        "Since the start.",
        up,
    );
    resources::write(&mut text);
    figures::write(&mut text);
    for (name, help, counter) in [
        (
            "threadbare_indexed_changes_total",
            "Mail that came or went, and was indexed.",
            &metrics::INDEXED,
        ),
        (
            "threadbare_index_failures_total",
            "Times that an inbox could not be indexed.",
            &metrics::INDEX_FAILURES,
        ),
    ] {
        text.single(name, Kind::Counter, help, counter.value() as f64);
    }
    let name = "threadbare_log_lines_total";
    text.family(name, Kind::Counter, "Lines of the log by level.");
    text.sample(
        name,
        &[("level", "error")],
        metrics::LOGGED_ERRORS.value() as f64,
    );
    text.sample(
        name,
        &[("level", "warn")],
        metrics::LOGGED_WARNINGS.value() as f64,
    );
    if let Some(app) = health.app() {
        write_gates(&mut text, app);
        write_cache(&mut text, app);
        write_inboxes(&mut text, health).await;
    }
    text.into_string()
}

fn write_cache(text: &mut Text, app: &App) {
    let (pages, bytes) = app.cached();
    let answers = app.burden();
    text.single(
        "threadbare_page_cache_pages",
        Kind::Gauge,
        "Pages that are kept.",
        pages as f64,
    );
    text.single(
        "threadbare_page_cache_bytes",
        Kind::Gauge,
        "What they take.",
        bytes as f64,
    );
    text.single(
        "threadbare_answer_bytes",
        Kind::Gauge,
        "What finished answers take, kept or not taken yet by their readers.",
        answers as f64,
    );
}

/// A name, what it is, what it says, and its value for a gate.
type Family = (&'static str, Kind, &'static str, fn(&Load) -> f64);

/// How it stands with each gate: what is inside, what waits, what was sent away.
fn write_gates(text: &mut Text, app: &App) {
    let mut gates: Vec<(&str, &str, Load)> = Vec::new();
    for class in Class::ALL {
        let loads = app.loads(class);
        gates.push((class.name(), "work", loads.work));
        gates.push((class.name(), "writers", loads.writers));
        gates.push((class.name(), "streams", loads.streams));
    }
    gates.push((Class::Bulk.name(), "programs", app.programs()));
    let families: [Family; 4] = [
        (
            "threadbare_gate_inside",
            Kind::Gauge,
            "Answers that are worked on.",
            |load| load.inside as f64,
        ),
        (
            "threadbare_gate_most",
            Kind::Gauge,
            "How many may be at once.",
            |load| load.most as f64,
        ),
        (
            "threadbare_gate_waiting",
            Kind::Gauge,
            "Requests that wait for their turn.",
            |load| load.waiting as f64,
        ),
        (
            "threadbare_gate_refused_total",
            Kind::Counter,
            "Requests that were sent away.",
            |load| load.refused as f64,
        ),
    ];
    for (name, kind, help, value) in families {
        text.family(name, kind, help);
        for (class, gate, load) in &gates {
            text.sample(name, &[("class", class), ("gate", gate)], value(load));
        }
    }
}

async fn write_inboxes(text: &mut Text, health: &Health) {
    let Ok(inboxes) = health.census().await else {
        return;
    };
    let name = "threadbare_inbox_messages";
    text.family(name, Kind::Gauge, "Messages that an inbox has.");
    for inbox in &inboxes {
        text.sample(
            name,
            &[("inbox", inbox.name.as_str())],
            inbox.messages as f64,
        );
    }
    let name = "threadbare_inbox_newest_timestamp_seconds";
    text.family(
        name,
        Kind::Gauge,
        "When the newest message of an inbox came.",
    );
    for inbox in &inboxes {
        if let Some(newest) = inbox.newest {
            text.sample(name, &[("inbox", inbox.name.as_str())], newest.0 as f64);
        }
    }
    let name = "threadbare_inbox_behind_seconds";
    text.family(
        name,
        Kind::Gauge,
        "For how long an inbox has mail that is not indexed.",
    );
    for inbox in &inboxes {
        let lag = health.lag(&inbox.name).as_secs_f64();
        text.sample(name, &[("inbox", inbox.name.as_str())], lag);
    }
}
