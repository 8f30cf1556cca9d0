//! The application: from a request to a response. Its two doors, `read` and `stream`, are the only way from async
//! to the synchronous rooms below, and `program` is the third; all are behind semaphores, so that whatever is asked for at once, message pages
//! stay fast and memory stays bounded.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RETRY_AFTER, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response};
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::answer::{Answer, Content, Media, Writer, ascii};
use super::ask::Ask;
use super::cache::{Kept, Key, Pages};
use super::compress::{Coding, Encoder};
use super::error::{Outcome, WebError};
use super::pages::refusal;
use super::posted::Input;
use super::program;
use super::router::{self, Line, Posts, Weight};
use super::site::{Site, Visit};
use super::stream::{Hold, Piece, Pieces, Turn, pipe};
use crate::archive::Archive;
use crate::config::Listing;
use crate::url;

/// How the site is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the site is to be found, ending in `/`. It is never taken from a request.
    pub url: Option<String>,
    /// Which inboxes `/` lists.
    pub listing: Listing,
    /// Bytes of finished pages to keep; 0 keeps none.
    pub cache_bytes: usize,
    /// How many short answers are worked out at once.
    pub light: usize,
    /// How many long ones.
    pub heavy: usize,
    /// How many searches; those beyond four times as many are sent away at once.
    pub searches: usize,
    /// How many long ones may be under way, those among them that wait for slow readers.
    pub streams: usize,
    /// How many clones and fetches may be under way.
    pub clones: usize,
    /// How long a request waits for its turn before it is sent away.
    pub patience: Duration,
    /// How long a reader may take for one piece of a long answer, some 48 kB.
    pub piece_deadline: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Settings {
            url: None,
            listing: Listing::All,
            cache_bytes: 32 << 20,
            light: cores * 2,
            heavy: cores,
            searches: cores,
            streams: 64,
            clones: 32,
            patience: Duration::from_secs(15),
            piece_deadline: Duration::from_secs(30),
        }
    }
}

/// So much of a path is worth a line in the log.
const LOGGED_PATH: usize = 500;
/// Bodies of POST that are larger are refused: search forms are short.
const FORM_MAX: usize = 64 * 1024;
/// Searches that may wait, for each that works.
const QUEUE: usize = 4;
/// A long answer that turns out to be no longer than this is kept like a short one: some three hundred messages. More
/// would make readers wait for the first of them.
const HOLD: usize = 2 << 20;
/// The same where it is compressed.
const HOLD_COMPRESSED: usize = 512 << 10;
/// How many answers may hold back so much at once. Others go out piece by piece, and are not kept.
const HOLDERS: usize = 4;

/// The site, ready to answer. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    site: Site,
    pages: Pages,
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    searches: Arc<Semaphore>,
    /// Places for searches, those among them that wait for their turn.
    search_queue: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    clones: Arc<Semaphore>,
    /// Room for what is held back.
    room: Arc<Semaphore>,
    settings: Settings,
}

impl App {
    /// A site over this archive.
    pub fn new(archive: Archive, settings: Settings) -> App {
        App(Arc::new(Inner {
            site: Site::new(archive, settings.url.clone(), settings.listing),
            pages: Pages::new(settings.cache_bytes),
            light: Arc::new(Semaphore::new(settings.light)),
            heavy: Arc::new(Semaphore::new(settings.heavy)),
            searches: Arc::new(Semaphore::new(settings.searches)),
            search_queue: Arc::new(Semaphore::new(settings.searches * QUEUE)),
            streams: Arc::new(Semaphore::new(settings.streams)),
            clones: Arc::new(Semaphore::new(settings.clones)),
            room: Arc::new(Semaphore::new(HOLDERS)),
            settings,
        }))
    }

    /// Answers one request. Never fails; what goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let head = parts.method == Method::HEAD;
        let coding = Coding::wanted(&parts.headers);
        let query = url::Query::parse(parts.uri.query().unwrap_or(""));
        let line = router::line(url::parse(parts.uri.path()), &query);
        let response = match self.respond(&parts, body, line, coding, head).await {
            Ok(response) => response,
            Err(error) => {
                let answer = error.answer(parts.uri.path());
                let answer = self.readable(answer, &parts);
                self.refuse(&answer, parts.uri.path(), head)
            }
        };
        log(&parts.method, parts.uri.path(), &response, began);
        response
    }

    async fn respond(
        &self,
        parts: &axum::http::request::Parts,
        body: Body,
        line: Line,
        coding: Coding,
        head: bool,
    ) -> Result<Response<Body>, WebError> {
        let post = parts.method == Method::POST;
        let methods = match line.posts {
            Posts::Nothing => "GET, HEAD",
            Posts::Form => "GET, HEAD, POST",
            Posts::Bytes => "POST",
        };
        if !head && parts.method != Method::GET && !(post && line.posts != Posts::Nothing) {
            return Err(WebError::NotAllowed(methods));
        }
        let (form, body) = match line.posts {
            Posts::Form if post => (form(body).await?, Body::empty()),
            _ => (Bytes::new(), body),
        };
        let path = parts.uri.path();
        // A state is asked for before the page is made of it: mail that comes in between makes the page look too
        // old, never too new.
        let kept_as = match line.scope.as_ref().filter(|_| !post) {
            Some(scope) => self.0.site.state(scope)?.map(|state| {
                let query = if line.by_query {
                    parts.uri.query()
                } else {
                    None
                };
                let target = match query {
                    Some(query) => format!("{path}?{query}").into(),
                    None => path.into(),
                };
                (Key { target, coding }, state)
            }),
            None => None,
        };
        if let Some((key, state)) = &kept_as
            && let Some(kept) = self.0.pages.find(key, *state)
        {
            return Ok(respond_kept(&kept, &parts.headers, head));
        }
        let ask = Ask::new(parts, form);
        // Dropped with this future where the visitor leaves before the answer is there.
        let _leaving = SetWhenDropped(ask.gone.clone());
        let weight = line.weight;
        let permit = self.turn(weight).await?;
        let inner = self.0.clone();
        let page = line.page;
        let answer = read(permit, move || {
            let visit = Visit {
                site: &inner.site,
                ask: &ask,
            };
            let mut answer = page(&visit)?;
            let mut coding = coding;
            if let Content::Whole(body) = &mut answer.content {
                // The tag is made of the text, so it must be known before the text is compressed.
                let validators = answer.fresh.validators(Some(body));
                coding = if answer.media.compressible() {
                    coding
                } else {
                    Coding::Identity
                };
                let (coding, packed) = coding.apply(std::mem::take(body));
                *body = packed;
                return Ok((answer, validators, coding));
            }
            coding = if answer.media.compressible() {
                coding
            } else {
                Coding::Identity
            };
            let validators = answer.fresh.validators(None);
            Ok((answer, validators, coding))
        })
        .await?;
        let (mut answer, validators, coding) = answer;
        if matches!(answer.outcome, Outcome::Found | Outcome::Part)
            && validators.unchanged(&parts.headers)
        {
            answer.outcome = Outcome::Unchanged;
            answer.section = None;
            answer.content = Content::Whole(Bytes::new());
            let mut headers = self.headers(&answer, path, Coding::Identity);
            validators.write(&mut headers);
            return Ok(respond(Outcome::Unchanged, headers, Body::empty()));
        }
        let mut headers = self.headers(&answer, path, coding);
        validators.write(&mut headers);
        let body = match answer.content {
            Content::Stream(_) | Content::Program(_) if head => {
                return Ok(respond(answer.outcome, headers, Body::empty()));
            }
            Content::Program(program) => {
                let input = Input::new(body, &parts.headers)?;
                let said =
                    program::run(program, input, &self.0.clones, self.0.settings.patience).await?;
                return Ok(respond(answer.outcome, headers, said));
            }
            Content::Stream(write) => {
                let packed = coding != Coding::Identity || !answer.media.compressible();
                let hold = match kept_as {
                    Some(_) if packed => HOLD_COMPRESSED,
                    Some(_) => HOLD,
                    None => 0,
                };
                match self.stream(write, coding, hold).await? {
                    Begun::Whole(body) => body,
                    Begun::Rest(pieces) => {
                        return Ok(respond(answer.outcome, headers, Body::from_stream(pieces)));
                    }
                }
            }
            Content::Whole(body) => body,
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some((key, state)) = kept_as
            && answer.outcome == Outcome::Found
        {
            let kept = Kept {
                state,
                headers: headers.clone(),
                validators,
                body: body.clone(),
            };
            self.0.pages.keep(key, Arc::new(kept));
        }
        let body = if head {
            Body::empty()
        } else {
            Body::from(body)
        };
        Ok(respond(answer.outcome, headers, body))
    }

    /// A refusal as a page, for those who read pages.
    fn readable(&self, answer: Answer, parts: &axum::http::request::Parts) -> Answer {
        let ask = Ask::new(parts, Bytes::new());
        let Content::Whole(text) = &answer.content else {
            return answer;
        };
        if !ask.takes_html() {
            return answer;
        }
        let visit = Visit {
            site: &self.0.site,
            ask: &ask,
        };
        match refusal::page(&visit, answer.outcome, &String::from_utf8_lossy(text)) {
            Ok(html) => Answer {
                media: Media::Html,
                content: Content::Whole(ascii(html).into()),
                ..answer
            },
            Err(_) => answer,
        }
    }

    fn refuse(&self, answer: &Answer, path: &str, head: bool) -> Response<Body> {
        let mut headers = self.headers(answer, path, Coding::Identity);
        headers.insert(VARY, HeaderValue::from(ACCEPT));
        let body = match &answer.content {
            Content::Whole(body) => body.clone(),
            Content::Stream(_) | Content::Program(_) => Bytes::new(),
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let body = if head {
            Body::empty()
        } else {
            Body::from(body)
        };
        respond(answer.outcome, headers, body)
    }

    /// Waits for leave to work on an answer.
    async fn turn(&self, weight: Weight) -> Result<OwnedSemaphorePermit, WebError> {
        let hands = match weight {
            Weight::Light => &self.0.light,
            Weight::Heavy => &self.0.heavy,
            Weight::Search => {
                let place = self.0.search_queue.clone().try_acquire_owned();
                let _place = place.map_err(|_| WebError::Busy)?;
                return take(&self.0.searches, self.0.settings.patience).await;
            }
        };
        take(hands, self.0.settings.patience).await
    }

    /// Leave to hold back so many bytes, as far as there is room.
    fn hold(&self, bytes: usize) -> Hold {
        let room = match bytes {
            0 => None,
            _ => self.0.room.clone().try_acquire_owned().ok(),
        };
        let bytes = if room.is_some() { bytes } else { 0 };
        Hold { bytes, room }
    }

    /// The second door: runs a writer on a blocking thread and answers with what has come out of it so far.
    async fn stream(&self, write: Writer, coding: Coding, hold: usize) -> Result<Begun, WebError> {
        let settings = &self.0.settings;
        let place = take(&self.0.streams, settings.patience).await?;
        let permit = take(&self.0.heavy, settings.patience).await?;
        let hold = self.hold(hold);
        let turn = Turn {
            hands: self.0.heavy.clone(),
            permit: Some(permit),
        };
        let (pipe, mut pieces) = pipe(hold, turn, Handle::current(), settings.piece_deadline);
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the door for long answers"
        )]
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut encoder = Encoder::new(coding, pipe);
            match write(&mut encoder) {
                // Where the reader is gone nobody waits for the end.
                Ok(()) => drop(encoder.finish().and_then(super::stream::Pipe::end)),
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

    fn headers(&self, answer: &Answer, path: &str, coding: Coding) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(20);
        if answer.outcome != Outcome::Unchanged {
            headers.insert(CONTENT_TYPE, answer.media.content_type());
            if let Some(value) = coding.header() {
                headers.insert(CONTENT_ENCODING, value);
            }
            if let Some(name) = &answer.file_name
                && let Ok(value) =
                    HeaderValue::try_from(format!("inline; filename={}", sound_file_name(name)))
            {
                headers.insert(CONTENT_DISPOSITION, value);
            }
        }
        if answer.media.compressible() {
            headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
        }
        if let Some(section) = answer.section {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            headers.insert(CONTENT_LENGTH, HeaderValue::from(section.length));
            if let Some(range) = section.content_range(answer.outcome) {
                headers.insert(CONTENT_RANGE, range);
            }
        }
        if let Some(target) = &answer.location
            && let Ok(value) = HeaderValue::try_from(self.0.site.location(path, target))
        {
            headers.insert(LOCATION, value);
        }
        if let Some(methods) = answer.allow {
            headers.insert(ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = answer.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if answer.unlisted {
            headers.insert(
                "x-robots-tag",
                HeaderValue::from_static("noindex, nofollow"),
            );
        }
        answer.fresh.write(&mut headers);
        for (name, value) in SECURITY {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers
    }
}

/// Tells the work that nobody waits for it any more.
struct SetWhenDropped(Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// On every answer: mail is written by strangers.
const SECURITY: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    // Feeds, mboxes and raw mail are there to be fetched by others; no page of theirs can run in ours.
    ("cross-origin-resource-policy", "cross-origin"),
];

/// What has come of a long answer when its headers are sent.
enum Begun {
    Whole(Bytes),
    Rest(Pieces),
}

/// The first door: runs a page on a blocking thread.
async fn read<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    page: impl FnOnce() -> Result<T, WebError> + Send + 'static,
) -> Result<T, WebError> {
    #[expect(clippy::disallowed_methods, reason = "this is the door for pages")]
    let task = tokio::task::spawn_blocking(move || {
        // Kept here: a visitor who leaves ends the wait, not the work.
        let _permit = permit;
        page()
    });
    task.await.unwrap_or(Err(WebError::Broken))
}

pub(super) async fn take(
    hands: &Arc<Semaphore>,
    patience: Duration,
) -> Result<OwnedSemaphorePermit, WebError> {
    match timeout(patience, hands.clone().acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(WebError::Busy),
    }
}

/// The body of a POST, up to what any form of ours needs.
async fn form(body: Body) -> Result<Bytes, WebError> {
    let read = timeout(
        Duration::from_secs(15),
        axum::body::to_bytes(body, FORM_MAX),
    );
    match read.await {
        Ok(Ok(form)) => Ok(form),
        _ => Err(WebError::TooLarge),
    }
}

fn respond_kept(kept: &Kept, request: &HeaderMap, head: bool) -> Response<Body> {
    let mut headers = kept.headers.clone();
    if kept.validators.unchanged(request) {
        for name in [
            CONTENT_LENGTH,
            CONTENT_TYPE,
            CONTENT_ENCODING,
            CONTENT_DISPOSITION,
        ] {
            headers.remove(name);
        }
        return respond(Outcome::Unchanged, headers, Body::empty());
    }
    let body = if head {
        Body::empty()
    } else {
        Body::from(kept.body.clone())
    };
    respond(Outcome::Found, headers, body)
}

fn respond(outcome: Outcome, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = outcome.status();
    *response.headers_mut() = headers;
    response
}

/// A name made of a subject goes into a header only as a plain word.
fn sound_file_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let sound: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(200)
        .collect();
    if sound.is_empty() {
        "mail".to_owned()
    } else {
        sound
    }
}

fn log(method: &Method, path: &str, response: &Response<Body>, began: Instant) {
    let length = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok());
    let status = response.status().as_u16();
    let ms = began.elapsed().as_micros() as f64 / 1000.0;
    let bytes = length.unwrap_or("-");
    let path = &path[..path.floor_char_boundary(LOGGED_PATH)];
    tracing::info!(target: "access", "{method} {path} {status} {bytes} {ms}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::Request;

    use super::{App, Settings, sound_file_name};
    use crate::archive::Archive;
    use crate::config::Config;

    #[tokio::test]
    async fn where_search_is_flooded_other_pages_are_answered_and_searches_told_to_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(Config::default(), dir.path()).unwrap();
        let settings = Settings {
            searches: 1,
            patience: Duration::from_millis(20),
            ..Settings::default()
        };
        let app = App::new(archive, settings);
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.answer(request).await
        };
        let hands = app.0.searches.clone().acquire_owned().await.unwrap();
        let sent_away = ask("/?q=x").await;
        assert_eq!(sent_away.status().as_u16(), 503);
        assert!(sent_away.headers().contains_key("retry-after"));
        assert_eq!(ask("/robots.txt").await.status().as_u16(), 200);
        let queue = app.0.search_queue.clone();
        let places = queue.available_permits() as u32;
        let queue = queue.acquire_many_owned(places).await.unwrap();
        drop(hands);
        assert_eq!(
            ask("/?q=x").await.status().as_u16(),
            503,
            "the queue is full"
        );
        drop(queue);
        assert_eq!(ask("/?q=x").await.status().as_u16(), 404);
    }

    #[test]
    fn file_names_cannot_break_a_header() {
        for (given, sound) in [
            ("Re-hello.txt", "Re-hello.txt"),
            ("a\"; x=\r\n", "a---x---"),
            ("", "mail"),
        ] {
            assert_eq!(sound_file_name(given), sound);
        }
        assert_eq!(sound_file_name(&"x".repeat(900)).len(), 200);
    }
}
