//! The sitemap: one line for each kind of address, naming the page that answers.

use super::answer::Answer;
use super::assets;
use super::error::WebError;
use super::pages::{
    attachment, copies, description, feed, find, git, listing, manifest, mbox, message, missing,
    new, raw, refusal, search, sheet, text, thread, topic_list, topics,
};
use super::site::{Scope, Visit};
use crate::id::{InboxName, MessageId};
use crate::url::{
    Form, Format, InboxPage, MessagePage, Query, Route, Search, SearchView, SitePage,
};

/// A page that is ready to be asked.
pub(super) type Page = Box<dyn FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send>;

/// How much work a page is before its first byte. Bodies that are written while they are sent are always heavy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// A few rows, a few blobs.
    Light,
    /// Many messages.
    Heavy,
    /// A search.
    Search,
}

/// How an address is answered.
pub(super) struct Line {
    pub(super) page: Page,
    pub(super) weight: Weight,
    /// By whose state its answer can be kept; `None` where it is not worth it.
    pub(super) scope: Option<Scope>,
    /// Whether its query makes a difference.
    pub(super) by_query: bool,
    pub(super) posts: Posts,
}

/// What can be posted to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Posts {
    /// Nothing.
    Nothing,
    /// A form, which the page reads.
    Form,
    /// Bytes for a program that the page names.
    Bytes,
}

/// Which page answers an address.
pub(super) fn line(route: Route, query: &Query) -> Line {
    let asks = query.value('q').is_some();
    match route {
        Route::Site(SitePage::Listing) if asks => searching(search::site),
        Route::Inbox(name, InboxPage::Topics) if asks => {
            let whole = is_everything(query);
            searching(move |v| match v.ask.post && whole {
                true => mbox::all(v, &name),
                false => search::inbox(v, &name),
            })
            .posts()
        }
        Route::Message(name, mid, MessagePage::Show) if asks => {
            let whole = is_everything(query);
            searching(move |v| match v.ask.post && whole {
                true => mbox::thread(v, &name, &mid),
                false => or_missing(search::thread(v, &name, &mid), v, &name, &mid),
            })
            .posts()
        }
        Route::Site(page) => site(page),
        Route::Inbox(name, page) => inbox(name, page),
        Route::Message(name, mid, page) => {
            let of = Scope::Inbox(name.clone());
            match page {
                MessagePage::Show => {
                    light(move |v| or_missing(message::show(v, &name, &mid), v, &name, &mid))
                        .kept(of)
                        .posts()
                }
                MessagePage::Raw => light(move |v| raw::show(v, &name, &mid)).kept(of),
                MessagePage::Flat => {
                    light(move |v| or_missing(thread::flat(v, &name, &mid), v, &name, &mid))
                        .kept(of)
                }
                MessagePage::Nested => {
                    light(move |v| or_missing(thread::nested(v, &name, &mid), v, &name, &mid))
                        .kept(of)
                }
                MessagePage::Mbox => light(move |v| mbox::thread(v, &name, &mid)).kept(of),
                MessagePage::Atom => heavy(move |v| feed::thread(v, &name, &mid)).kept(of),
                MessagePage::Attachment(index) => {
                    light(move |v| attachment::show(v, &name, &mid, &index)).posts()
                }
                MessagePage::Diff => heavy(move |v| copies::show(v, &name, &mid)).kept(of),
            }
        }
        Route::Git(name, file) if file.path == "git-upload-pack" => {
            light(move |v| git::pack(v, &name, &file)).takes_bytes()
        }
        Route::Git(name, file) => light(move |v| git::show(v, &name, &file)),
        Route::Moved(path) => light(move |v| Ok(Answer::moved(v.ask.with_query(path)))),
        Route::Elsewhere(path) => light(move |v| Ok(Answer::elsewhere(v.ask.with_query(path)))),
        Route::Nothing => light(|_| Err(WebError::MISSING)),
    }
}

fn site(page: SitePage) -> Line {
    match page {
        SitePage::Listing => light(listing::show).kept(Scope::Site),
        SitePage::Manifest => heavy(manifest::site),
        SitePage::Robots => light(|_| Ok(assets::robots())),
        SitePage::Favicon => light(|_| Ok(assets::icon())),
        SitePage::Asset(file) => light(move |v| sheet::of_site(v, &file)),
        SitePage::Find(mid) => light(move |v| find::show(v, &mid)),
        SitePage::InboxOrMessage(name) => light(move |v| find::inbox_or_message(v, &name)),
    }
}

fn inbox(name: InboxName, page: InboxPage) -> Line {
    let of = Scope::Inbox(name.clone());
    match page {
        InboxPage::Topics => light(move |v| front(v, &name)).kept(of).by_query().posts(),
        InboxPage::New => heavy(move |v| new::show(v, &name)).kept(of).by_query(),
        InboxPage::NewAtom => heavy(move |v| feed::new(v, &name)).kept(of).by_query(),
        InboxPage::TopicList(order, Format::Html) => {
            light(move |v| topic_list::show(v, &name, order)).kept(of)
        }
        InboxPage::TopicList(order, Format::Atom) => {
            heavy(move |v| feed::topics(v, &name, order)).kept(of)
        }
        InboxPage::AllMbox => light(move |v| mbox::all(v, &name)),
        InboxPage::Description => light(move |v| description::show(v, &name)),
        InboxPage::Manifest => light(move |v| manifest::inbox(v, &name)),
        InboxPage::Text(key, Form::Html) => light(move |v| text::show(v, &name, &key)).kept(of),
        InboxPage::Text(key, Form::Raw) => light(move |v| text::raw(v, &name, &key)),
        InboxPage::Css(file) => light(move |v| sheet::of_inbox(v, &name, &file)),
        InboxPage::Missing => light(move |v| refusal::nothing(v, &name)),
    }
}

/// The front page of an inbox; nothing can be posted to it but a search.
fn front(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    match visit.ask.post {
        true => Err(WebError::MISSING),
        false => topics::show(visit, name),
    }
}

/// The page, or suggestions in place of one that is not here.
fn or_missing(
    page: Result<Answer, WebError>,
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    match page {
        Err(WebError::NoMessage) if !visit.ask.post => missing::show(visit, name, mid),
        page => page,
    }
}

fn light(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        page: Box::new(page),
        weight: Weight::Light,
        scope: None,
        by_query: false,
        posts: Posts::Nothing,
    }
}

fn heavy(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        weight: Weight::Heavy,
        ..light(page)
    }
}

/// Whether a search asks for a file of all there is.
fn is_everything(query: &Query) -> bool {
    let search = Search::of(query);
    search.q.is_empty() && search.view == SearchView::Mbox
}

/// What is found may depend on the time of day (`d:yesterday..`), so it is not kept.
fn searching(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        weight: Weight::Search,
        ..light(page)
    }
}

impl Line {
    fn kept(self, scope: Scope) -> Line {
        Line {
            scope: Some(scope),
            ..self
        }
    }

    fn by_query(self) -> Line {
        Line {
            by_query: true,
            ..self
        }
    }

    fn posts(self) -> Line {
        Line {
            posts: Posts::Form,
            ..self
        }
    }

    fn takes_bytes(self) -> Line {
        Line {
            posts: Posts::Bytes,
            ..self
        }
    }
}
