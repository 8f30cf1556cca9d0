//! The application: from a request to a response, never failing, with the classes' gates in between.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response};
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::access;
use super::answer::{Answer, Content, Media, ascii};
use super::ask::Ask;
use super::burden::Burden;
use super::cache::{Kept, Key, Pages};
use super::class::{Class, Gatehouse, Loads};
use super::client::{Network, client};
use super::compress::Coding;
use super::coverage;
use super::doors::{self, Begun};
use super::error::{Outcome, WebError};
use super::freshness::Fresh;
use super::freshness::Validators;
use super::gate::Load;
use super::head::{headers, respond, respond_kept};
use super::pages::refusal;
use super::posted::Input;
use super::program;
use super::router::{self, Line, Page, Posts};
use super::settings::Settings;
use super::site::{Site, Visit};
use crate::archive::Archive;
use crate::config::Proxy;
use crate::url;

/// Bodies of POST that are larger are refused: search forms are short.
const FORM_MAX: usize = 64 * 1024;
/// How long such a body may take.
const FORM_PATIENCE: Duration = Duration::from_secs(15);
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
    gates: Gatehouse,
    /// What finished answers take.
    burden: Burden,
    /// Room for what is held back.
    room: Arc<Semaphore>,
    settings: Settings,
}

/// A request that is being answered.
struct Asked {
    parts: Parts,
    /// Only the head of the answer is wanted.
    head: bool,
    coding: Coding,
    from: Network,
    client: Option<IpAddr>,
}

/// An answer with all that its headers depend on.
struct Ready {
    answer: Answer,
    validators: Validators,
    coding: Coding,
}

impl App {
    /// A site over this archive.
    pub fn new(archive: Archive, settings: Settings) -> App {
        App(Arc::new(Inner {
            site: Site::new(archive, settings.url.clone(), settings.listens.clone()),
            pages: Pages::new(settings.cache_bytes),
            gates: Gatehouse::new(&settings.shares),
            burden: Burden::default(),
            room: Arc::new(Semaphore::new(HOLDERS)),
            settings,
        }))
    }

    /// How it stands with the gates of a class.
    pub fn loads(&self, class: Class) -> Loads {
        self.0.gates.of(class).loads()
    }

    /// The archive, for those who watch over it.
    pub(super) fn archive(&self) -> &Archive {
        &self.0.site.archive
    }

    /// How many finished pages are kept, and what they take in bytes.
    pub(super) fn cached(&self) -> (usize, u64) {
        self.0.pages.size()
    }

    /// What finished answers take, kept or on their way, in bytes.
    pub(super) fn burden(&self) -> usize {
        self.0.burden.bytes()
    }

    /// How many bytes of finished answers there are beyond what there is room for.
    pub(super) fn excess(&self) -> usize {
        let settings = &self.0.settings;
        let room = settings.cache_bytes.saturating_add(settings.answer_bytes);
        self.burden().saturating_sub(room)
    }

    /// How it stands with programs (git).
    pub fn programs(&self) -> Load {
        self.0.gates.programs()
    }

    /// Whose word is taken for where a request comes from.
    pub(super) fn proxy(&self) -> &Proxy {
        &self.0.settings.proxy
    }

    /// Answers one request from that address, `None` where it came through no network. Never fails; what goes wrong is
    /// an answer too. The response knows its [`Class`] among its extensions.
    pub async fn answer(&self, request: Request<Body>, peer: Option<IpAddr>) -> Response<Body> {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let client = client(&self.0.settings.proxy, peer, &parts.headers);
        let asked = Asked {
            head: parts.method == Method::HEAD,
            coding: Coding::wanted(&parts.headers),
            from: Network::of(client),
            client,
            parts,
        };
        let query = url::Query::parse(asked.parts.uri.query().unwrap_or(""));
        let mut line = match self.0.site.renamed(asked.path()) {
            Some((inbox, inside)) => router::renamed(inbox, inside),
            None => router::line(url::parse(asked.path()), &query),
        };
        if asked.parts.method == Method::POST {
            // What is posted asks for much mail at once.
            line.class = Class::Bulk;
        }
        let class = line.class;
        let mut response = match self.respond(&asked, body, line, &query).await {
            Ok(response) => response,
            Err(error) => self.refuse(&asked, &error),
        };
        coverage::write(&self.0.site, asked.path(), response.headers_mut());
        response.extensions_mut().insert(class);
        let from = access::shown(asked.client, self.0.settings.log_addresses);
        let request = (&asked.parts.method, asked.path());
        access::note(request, &from, class, &response, began.elapsed());
        response
    }

    async fn respond(
        &self,
        asked: &Asked,
        body: Body,
        line: Line,
        query: &url::Query,
    ) -> Result<Response<Body>, WebError> {
        let post = asked.posts(line.posts)?;
        let (form, body) = match line.posts {
            Posts::Form if post => (form(body).await?, Body::empty()),
            _ => (Bytes::new(), body),
        };
        self.0.site.archive.look();
        let kept_as = if post {
            None
        } else {
            self.kept_as(asked, &line, query)?
        };
        if let Some((key, state)) = &kept_as
            && let Some(kept) = self
                .0
                .pages
                .since(self.0.site.archive.purges())
                .find(key, *state)
        {
            return Ok(respond_kept(&kept, &asked.parts.headers, asked.head));
        }
        // Those who do not take their answers are sent away, and there is room again; until then nothing is added.
        if self.excess() > self.0.settings.answer_bytes {
            return Err(WebError::Busy);
        }
        let kept_as = kept_as.filter(|(key, _)| self.0.pages.is_wanted_again(key));
        let class = line.class;
        let ready = self.work(asked, line, form).await?;
        self.send(asked, body, class, ready, kept_as).await
    }

    /// Under what an answer can be kept. The state is asked for before the page is made of it: mail that comes in
    /// between makes the page look too old, never too new.
    fn kept_as(
        &self,
        asked: &Asked,
        line: &Line,
        query: &url::Query,
    ) -> Result<Option<(Key, u64)>, WebError> {
        let Some(scope) = &line.scope else {
            return Ok(None);
        };
        let query = query.only(line.by_query);
        Ok(self.0.site.state(scope)?.map(|state| {
            let target = match query.as_str() {
                "" => asked.path().into(),
                query => format!("{}?{query}", asked.path()).into(),
            };
            let coding = asked.coding;
            (Key { target, coding }, state)
        }))
    }

    /// Has the page made, when it is its turn. A message that is not there is looked for elsewhere, as a search: that
    /// costs more than a page, and who asks for ids that nobody has must not hold up those who read.
    async fn work(&self, asked: &Asked, line: Line, form: Bytes) -> Result<Ready, WebError> {
        let ask = Arc::new(Ask::new(&asked.parts, form));
        // Dropped with this future where the visitor leaves before the answer is there.
        let _leaving = SetWhenDropped(ask.gone.clone());
        let made = self.make(asked, line.class, line.page, &ask).await;
        match (made, line.otherwise) {
            (Err(WebError::NoMessage), Some(otherwise)) if !ask.post => {
                match self.make(asked, Class::Search, otherwise, &ask).await {
                    Err(WebError::Busy) => Err(WebError::NoMessage),
                    made => made,
                }
            }
            (made, _) => made,
        }
    }

    async fn make(
        &self,
        asked: &Asked,
        class: Class,
        page: Page,
        ask: &Arc<Ask>,
    ) -> Result<Ready, WebError> {
        let pass = self.0.gates.of(class).work(asked.from).await?;
        let (inner, ask, coding) = (self.0.clone(), ask.clone(), asked.coding);
        let page = move || {
            let visit = Visit {
                site: &inner.site,
                ask: &ask,
            };
            Ok(Ready::new(page(&visit)?, coding))
        };
        match class {
            Class::Page | Class::List => doors::read_here(pass, page),
            Class::Search | Class::Bulk => doors::read(class, pass, page).await,
        }
    }

    /// Sends what a page has come to.
    async fn send(
        &self,
        asked: &Asked,
        body: Body,
        class: Class,
        ready: Ready,
        kept_as: Option<(Key, u64)>,
    ) -> Result<Response<Body>, WebError> {
        let Ready {
            mut answer,
            validators,
            coding,
        } = ready;
        // Who wants all of these is better served by a clone.
        answer.unlisted |= matches!(class, Class::Search | Class::Bulk);
        if matches!(answer.outcome, Outcome::Found | Outcome::Part)
            && validators.unchanged(&asked.parts.headers)
        {
            return Ok(self.unchanged(asked, answer, validators));
        }
        let mut headers = headers(&self.0.site, &answer, asked.path(), coding);
        validators.write(&mut headers);
        let body = match answer.content {
            Content::Stream(_) | Content::Program(_) if asked.head => {
                return Ok(respond(answer.outcome, headers, Body::empty()));
            }
            Content::Program(program) => {
                let input = Input::new(body, &asked.parts.headers)?;
                let leave = self.0.gates.program(asked.from, program.limiter.clone());
                let said = program::run(*program, input, leave).await?;
                return Ok(respond(answer.outcome, headers, said));
            }
            Content::Stream(write) => {
                let packed = coding != Coding::Identity || !answer.media.compressible();
                let hold = match kept_as {
                    Some(_) if packed => HOLD_COMPRESSED,
                    Some(_) => HOLD,
                    None => 0,
                };
                let place = self.0.gates.of(class).stream(asked.from).await?;
                let hold = doors::hold(hold, &self.0.room);
                let deadline = self.0.settings.piece_deadline;
                match doors::write(class, write, coding, hold, place, deadline).await? {
                    Begun::Whole(body) => body,
                    Begun::Rest(pieces) => {
                        return Ok(respond(answer.outcome, headers, Body::from_stream(pieces)));
                    }
                }
            }
            Content::Whole(body) => body,
        };
        let body = self.0.burden.bear(body);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some((key, state)) = kept_as
            && answer.outcome == Outcome::Found
            && answer.fresh != Fresh::Never
        {
            let kept = Kept {
                state,
                headers: headers.clone(),
                validators,
                body: body.clone(),
            };
            self.0.pages.keep(key, Arc::new(kept));
        }
        Ok(respond(answer.outcome, headers, asked.only_head(body)))
    }

    fn unchanged(
        &self,
        asked: &Asked,
        mut answer: Answer,
        validators: Validators,
    ) -> Response<Body> {
        answer.outcome = Outcome::Unchanged;
        answer.section = None;
        let mut headers = headers(&self.0.site, &answer, asked.path(), Coding::Identity);
        validators.write(&mut headers);
        respond(Outcome::Unchanged, headers, Body::empty())
    }

    /// Says why there is no page: in a line of text, or as a page to those who read pages.
    fn refuse(&self, asked: &Asked, error: &WebError) -> Response<Body> {
        let answer = error.answer(asked.path());
        let answer = self.readable(answer, &asked.parts);
        let mut headers = headers(&self.0.site, &answer, asked.path(), Coding::Identity);
        headers.insert(VARY, HeaderValue::from(ACCEPT));
        let body = match answer.content {
            Content::Whole(body) => body,
            Content::Stream(_) | Content::Program(_) => Bytes::new(),
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        respond(answer.outcome, headers, asked.only_head(body))
    }

    fn readable(&self, answer: Answer, parts: &Parts) -> Answer {
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
}

impl Asked {
    fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Whether it is a POST; an error where it is a method that is not for this address.
    fn posts(&self, posts: Posts) -> Result<bool, WebError> {
        let post = self.parts.method == Method::POST;
        let methods = match posts {
            Posts::Nothing => "GET, HEAD",
            Posts::Form => "GET, HEAD, POST",
            Posts::Bytes => "POST",
        };
        let reads = self.head || self.parts.method == Method::GET;
        match reads || (post && posts != Posts::Nothing) {
            true => Ok(post),
            false => Err(WebError::NotAllowed(methods)),
        }
    }

    fn only_head(&self, body: Bytes) -> Body {
        if self.head {
            Body::empty()
        } else {
            Body::from(body)
        }
    }
}

impl Ready {
    fn new(mut answer: Answer, coding: Coding) -> Ready {
        let mut coding = if answer.media.compressible() {
            coding
        } else {
            Coding::Identity
        };
        let mut validators = answer.fresh.validators(None);
        if let Content::Whole(body) = &mut answer.content {
            // The tag is made of the text, so it must be known before the text is compressed.
            validators = answer.fresh.validators(Some(body));
            (coding, *body) = coding.apply(std::mem::take(body));
        }
        Ready {
            answer,
            validators,
            coding,
        }
    }
}

/// Tells the work that nobody waits for it any more.
struct SetWhenDropped(Arc<AtomicBool>);

impl Drop for SetWhenDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The body of a POST, up to what any form of ours needs.
async fn form(body: Body) -> Result<Bytes, WebError> {
    let read = timeout(FORM_PATIENCE, axum::body::to_bytes(body, FORM_MAX));
    match read.await {
        Ok(Ok(form)) => Ok(form),
        _ => Err(WebError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::Request;

    use super::{App, Settings};
    use crate::archive::Archive;
    use crate::config::Config;
    use crate::web::class::{Class, Shares};
    use crate::web::client::Network;

    #[tokio::test]
    async fn where_search_is_flooded_other_pages_are_answered_and_searches_told_to_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(Config::default(), dir.path()).unwrap();
        let mut shares = Shares::for_cores(1);
        shares.search.patience = Duration::from_millis(20);
        let settings = Settings {
            shares,
            ..Settings::default()
        };
        let app = App::new(archive, settings);
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.answer(request, None).await
        };
        let gates = app.0.gates.of(Class::Search);
        let busy = gates.work(Network::Local).await.unwrap();
        let sent_away = ask("/?q=x").await;
        assert_eq!(sent_away.status().as_u16(), 503);
        assert!(sent_away.headers().contains_key("retry-after"));
        assert_eq!(sent_away.extensions().get(), Some(&Class::Search));
        assert_eq!(app.loads(Class::Search).work.refused, 1);
        assert_eq!(ask("/robots.txt").await.status().as_u16(), 200);
        drop(busy);
        assert_eq!(ask("/?q=x").await.status().as_u16(), 404);
    }
}
