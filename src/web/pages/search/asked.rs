//! A search from its address to its answer: what is asked, where, and as what the results are shown.

use super::{fields, mbox, nested, summary};
use crate::archive::{Cursor, Edge, Inbox, Query, Realm, Results, Sort, Wanted, Window};
use crate::config::Listing;
use crate::error::Error;
use crate::id::{InboxName, MessageId};
use crate::time;
use crate::url::{self, Search, SearchView, Start};
use crate::web::answer::{Answer, Media};
use crate::web::atom::{Feed, urn};
use crate::web::error::WebError;
use crate::web::frame::is_searchable;
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

/// Answers a search of one inbox, also a POST for the results as an mbox.
pub(in crate::web) fn inbox(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = searchable(visit, name)?;
    answer(visit, &Realm::Inbox(inbox), visit.ask.up_to_inbox())
}

fn searchable(visit: &Visit<'_>, name: &InboxName) -> Result<Inbox, WebError> {
    let inbox = visit.site.inbox(name)?;
    match is_searchable(&inbox) {
        true => Ok(inbox),
        false => Err(WebError::NotFound("This list has no search.")),
    }
}

/// Answers a search of one thread.
pub(in crate::web) fn thread(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    let inbox = searchable(visit, name)?;
    let realm = Realm::thread(inbox, mid)?.ok_or(WebError::NoMessage)?;
    answer(visit, &realm, visit.ask.up_to_inbox())
}

/// Answers a search of the whole site, as far as it is listed: that of `/all/`, at the root.
pub(in crate::web) fn site(visit: &Visit<'_>) -> Result<Answer, WebError> {
    let archive = &visit.site.archive;
    let listed = visit.listed()?;
    let all = match visit.site.archive.config().listing {
        Listing::MatchDomain => None,
        Listing::All | Listing::Nothing => archive.all(),
    };
    let inbox = all.or_else(|| archive.together(listed));
    let inbox = inbox.ok_or(WebError::MISSING)?;
    let up = format!("{}/", inbox.config().name);
    answer(visit, &Realm::Inbox(inbox), up)
}

/// A query that is longer is not looked into before it is answered.
const SHORT: usize = 1024;

/// Whether a query finds the same for as long as no mail comes or goes, whatever the time is.
pub(in crate::web) fn is_timeless(q: &str) -> bool {
    q.len() <= SHORT && Query::is_timeless(q)
}

/// A search that has been asked, and what came of it.
pub(super) struct Asked<'a, 'v> {
    pub(super) visit: &'a Visit<'v>,
    pub(super) realm: &'a Realm,
    /// From the page to the inbox that is searched: `../` some times, or its name and a slash.
    pub(super) up: String,
    pub(super) search: Search,
    /// In another spelling there was nothing to be found.
    pub(super) first_spelling: Option<String>,
}

fn answer(visit: &Visit<'_>, realm: &Realm, up: String) -> Result<Answer, WebError> {
    let search = Search::of(&visit.ask.query);
    if let Some(q) = fields::compose(&visit.ask.query) {
        let search = Search { q, ..search };
        return Ok(Answer::elsewhere(format!("{}{search}", visit.ask.path)).unlisted());
    }
    let mut asked = Asked {
        visit,
        realm,
        up,
        search,
        first_spelling: None,
    };
    match asked.search.view {
        SearchView::Mbox if visit.ask.post => mbox::download(&asked),
        _ => asked.page(),
    }
    .map(Answer::unlisted)
}

impl Asked<'_, '_> {
    fn page(&mut self) -> Result<Answer, WebError> {
        if self.search.q.is_empty() {
            return summary::nothing_asked(self);
        }
        let (query, results) = match self.find_in_some_spelling() {
            Ok(found) => found,
            Err(Error::Invalid { what, why }) => {
                return summary::refused(self, &format!("{what}: {why}"));
            }
            Err(error) => return Err(error.into()),
        };
        if results.total == 0 {
            return summary::nothing_found(self, &query, &results);
        }
        match self.search.view {
            SearchView::Atom => self.feed(results),
            SearchView::Nested => nested::show(self, &query, results),
            SearchView::Summary | SearchView::Mbox => summary::show(self, &query, &results),
        }
    }

    /// The inbox that is searched, or several together.
    pub(super) fn inbox(&self) -> &Inbox {
        self.realm.inbox()
    }

    /// Whether it is the root of the site that was asked.
    pub(super) fn at_root(&self) -> bool {
        self.visit.ask.up_to_site().is_empty()
    }

    /// Links are sometimes encoded once too often.
    fn find_in_some_spelling(&mut self) -> Result<(Query, Results), Error> {
        let first = self.find()?;
        let decoded = url::decode_query(&self.search.q);
        if first.1.total > 0 || decoded == self.search.q {
            return Ok(first);
        }
        let spelling = std::mem::replace(&mut self.search.q, decoded);
        match self.find() {
            Ok(second) if second.1.total > 0 => {
                self.first_spelling = Some(spelling);
                Ok(second)
            }
            _ => {
                self.search.q = spelling;
                Ok(first)
            }
        }
    }

    fn find(&self) -> Result<(Query, Results), Error> {
        let query = Query::parse(&self.search.q, time::now())?;
        let sort = match (self.search.relevance, self.search.start) {
            (true, _) => Sort::Relevance,
            (false, Start::First(_)) => Sort::Newest,
            (false, Start::Last(_)) => Sort::Oldest,
        };
        let edge = match &self.search.edge {
            Some(url::Edge::After(place)) => Cursor::parse(place).map(Edge::After),
            Some(url::Edge::Before(place)) => Cursor::parse(place).map(Edge::Before),
            None => None,
        };
        let results = self.realm.find(&Wanted {
            query: &query,
            sort,
            window: Window {
                offset: if edge.is_some() {
                    0
                } else {
                    self.search.offset()
                },
                limit: self.search.limit,
                edge,
            },
            one_per_thread: self.search.threads && self.search.view == SearchView::Summary,
            stop: Some(&self.visit.ask.gone),
        })?;
        Ok((query, results))
    }

    fn feed(&self, results: Results) -> Result<Answer, WebError> {
        let inbox = self.inbox();
        let title = format!("{} - search results", self.search.q);
        let mut feed = Feed::of(self.visit, inbox, &title);
        let page = match (self.at_root(), self.visit.site.base()) {
            (false, _) => {
                let inside = self.visit.ask.path.splitn(3, '/').nth(2).unwrap_or("");
                format!("{}{inside}", feed.inbox_url)
            }
            (true, Some(root)) => root,
            (true, None) => {
                feed.inbox_url.clone_from(&self.up);
                "./".to_owned()
            }
        };
        feed.id = urn(&format!("q\n{}", self.search.q));
        let newest = inbox.window(url::Window::Latest, 1)?;
        feed.updated = newest.first().map(|article| article.received);
        feed.alternate = format!("{page}{}", Search::new(self.search.q.as_str()));
        feed.own = format!("{page}{}", self.search);
        let articles: Vec<_> = results.matches.into_iter().map(|m| m.article).collect();
        let parts: Vec<_> = articles.iter().map(|a| (a.num, a.blob)).collect();
        let fresh = match results.complete {
            true => Fresh::of((&feed.own, parts, feed.updated), None),
            false => Fresh::Never,
        };
        Ok(Answer::stream(Media::Atom, fresh, move |out| {
            feed.write(out, articles)
        }))
    }
}
