//! The sitemap: one line for each kind of address, naming the page that answers.

use super::answer::Answer;
use super::assets;
use super::class::Class;
use super::error::WebError;
use super::pages::gone::Shape;
use super::pages::{
    attachment, copies, description, feed, find, git, gone, listing, manifest, mbox, message,
    missing, new, raw, refusal, search, sheet, text, thread, topic_list, topics,
};
use super::site::{Scope, Visit};
use crate::archive::Inbox;
use crate::id::{InboxName, MessageId};
use crate::url::{
    Form, Format, InboxPage, MessagePage, Query, Route, Search, SearchView, SitePage,
};

/// A page that is ready to be asked.
pub(super) type Page = Box<dyn FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send>;

/// How an address is answered.
pub(super) struct Line {
    pub(super) page: Page,
    pub(super) class: Class,
    /// The page to be asked where there is no such message.
    pub(super) otherwise: Option<Page>,
    /// By whose state its answer can be kept; `None` where it is not worth it.
    pub(super) scope: Option<Scope>,
    /// Which keys of the query make a difference; all others are passed over.
    pub(super) by_query: &'static str,
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
        Route::Site(SitePage::Listing) if asks => {
            searching(query, Scope::Site, search::site).posts()
        }
        Route::Inbox(name, InboxPage::Topics) if asks => {
            let whole = is_everything(query);
            let of = Scope::Inbox(name.clone());
            searching(query, of, move |v| match v.ask.post && whole {
                true => mbox::all(v, &name),
                false => search::inbox(v, &name),
            })
            .posts()
        }
        Route::Message(name, mid, MessagePage::Show) if asks => {
            let whole = is_everything(query);
            let (other, id) = (name.clone(), mid.clone());
            let of = Scope::Inbox(name.clone());
            searching(query, of, move |v| match v.ask.post && whole {
                true => mbox::thread(v, &name, &mid),
                false => search::thread(v, &name, &mid),
            })
            .posts()
            .or_suggestions(other, id)
        }
        Route::Site(page) => site(page),
        Route::Inbox(name, page) => inbox(name, page),
        Route::Message(name, mid, page) => message_page(name, mid, page),
        Route::Git(name, file) if file.path == "git-upload-pack" => {
            bulk(move |v| git::pack(v, &name, &file)).takes_bytes()
        }
        Route::Git(name, file) => bulk(move |v| git::show(v, &name, &file)),
        Route::Moved(path) => plain(move |v| Ok(Answer::moved(v.ask.with_query(path)))),
        Route::Elsewhere(path) => plain(move |v| Ok(Answer::elsewhere(v.ask.with_query(path)))),
        Route::Nothing => plain(|_| Err(WebError::MISSING)),
    }
}

/// An address below the former name of an inbox.
pub(super) fn renamed(inbox: Inbox, inside: String) -> Line {
    plain(move |v| find::renamed(v, &inbox, &inside)).posts()
}

fn site(page: SitePage) -> Line {
    match page {
        SitePage::Listing => list(listing::show).kept(Scope::Site).by_query("f"),
        SitePage::Manifest => list(manifest::site),
        SitePage::Robots => plain(|_| Ok(assets::robots())),
        SitePage::Favicon => plain(|_| Ok(assets::icon())),
        SitePage::Asset(file) => plain(move |v| sheet::of_site(v, &file)),
        SitePage::Find(mid) => plain(move |v| find::show(v, &mid)),
        SitePage::InboxOrMessage(name) => plain(move |v| find::inbox_or_message(v, &name)),
    }
}

fn inbox(name: InboxName, page: InboxPage) -> Line {
    let of = Scope::Inbox(name.clone());
    match page {
        InboxPage::Topics => list(move |v| front(v, &name))
            .kept(of)
            .by_query("rt")
            .posts(),
        InboxPage::New => list(move |v| new::show(v, &name)).kept(of).by_query("t"),
        InboxPage::NewAtom => list(move |v| feed::new(v, &name)).kept(of).by_query("t"),
        InboxPage::TopicList(order, Format::Html) => {
            list(move |v| topic_list::show(v, &name, order)).kept(of)
        }
        InboxPage::TopicList(order, Format::Atom) => {
            list(move |v| feed::topics(v, &name, order)).kept(of)
        }
        InboxPage::AllMbox => bulk(move |v| mbox::all(v, &name)),
        InboxPage::Description => plain(move |v| description::show(v, &name)),
        InboxPage::Tombstones => plain(move |v| gone::file(v, &name)),
        InboxPage::Manifest => list(move |v| manifest::inbox(v, &name)),
        InboxPage::Text(key, Form::Html) => plain(move |v| text::show(v, &name, &key)).kept(of),
        InboxPage::Text(key, Form::Raw) => plain(move |v| text::raw(v, &name, &key)),
        InboxPage::Css(file) => plain(move |v| sheet::of_inbox(v, &name, &file)),
        InboxPage::Missing => plain(move |v| refusal::nothing(v, &name)),
    }
}

fn message_page(name: InboxName, mid: MessageId, page: MessagePage) -> Line {
    let of = Scope::Inbox(name.clone());
    let (other, id) = (name.clone(), mid.clone());
    let (removed_from, removed) = (name.clone(), mid.clone());
    let shape = match page {
        MessagePage::Show | MessagePage::Flat | MessagePage::Nested | MessagePage::Diff => {
            Shape::Page
        }
        MessagePage::Raw | MessagePage::Mbox | MessagePage::Atom | MessagePage::Attachment(_) => {
            Shape::File
        }
    };
    let line = match page {
        MessagePage::Show => plain(move |v| message::show(v, &name, &mid))
            .kept(of)
            .posts()
            .or_suggestions(other, id),
        MessagePage::Flat => plain(move |v| thread::flat(v, &name, &mid))
            .kept(of)
            .or_suggestions(other, id),
        MessagePage::Nested => plain(move |v| thread::nested(v, &name, &mid))
            .kept(of)
            .or_suggestions(other, id),
        MessagePage::Raw => plain(move |v| raw::show(v, &name, &mid)).kept(of),
        MessagePage::Mbox => plain(move |v| mbox::thread(v, &name, &mid)).kept(of),
        MessagePage::Atom => list(move |v| feed::thread(v, &name, &mid)).kept(of),
        MessagePage::Attachment(index) => {
            plain(move |v| attachment::show(v, &name, &mid, &index)).posts()
        }
        MessagePage::Diff => bulk(move |v| copies::show(v, &name, &mid)).kept(of),
    };
    line.or_gone(removed_from, removed, shape)
}

/// The front page of an inbox; nothing can be posted to it but a search.
fn front(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    match visit.ask.post {
        true => Err(WebError::MISSING),
        false => topics::show(visit, name),
    }
}

fn plain(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        page: Box::new(page),
        class: Class::Page,
        otherwise: None,
        scope: None,
        by_query: "",
        posts: Posts::Nothing,
    }
}

fn list(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        class: Class::List,
        ..plain(page)
    }
}

fn bulk(page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static) -> Line {
    Line {
        class: Class::Bulk,
        ..plain(page)
    }
}

/// Whether a search asks for a file of all there is.
fn is_everything(query: &Query) -> bool {
    let search = Search::of(query);
    search.q.is_empty() && search.view == SearchView::Mbox
}

/// The keys that a search and its form are read from.
const SEARCH_KEYS: &str = "qoklrtxsfcbpnde";

/// What is found may depend on the time of day (`d:yesterday..`); then it is not kept.
fn searching(
    query: &Query,
    of: Scope,
    page: impl FnOnce(&Visit<'_>) -> Result<Answer, WebError> + Send + 'static,
) -> Line {
    let line = Line {
        class: Class::Search,
        ..plain(page)
    };
    match query.value('q').is_some_and(search::is_timeless) {
        true => line.kept(of).by_query(SEARCH_KEYS),
        false => line,
    }
}

impl Line {
    fn kept(self, scope: Scope) -> Line {
        Line {
            scope: Some(scope),
            ..self
        }
    }

    /// Where the message was removed, that is said.
    fn or_gone(self, name: InboxName, mid: MessageId, shape: Shape) -> Line {
        let page = self.page;
        let page: Page = Box::new(move |v| match page(v) {
            Err(error @ (WebError::NoMessage | WebError::NotFound(_))) if !v.ask.post => {
                gone::instead(v, &name, &mid, shape)?.ok_or(error)
            }
            page => page,
        });
        Line { page, ..self }
    }

    /// Where there is no such message, ideas where it may be.
    fn or_suggestions(self, name: InboxName, mid: MessageId) -> Line {
        Line {
            otherwise: Some(Box::new(move |v| missing::show(v, &name, &mid))),
            ..self
        }
    }

    fn by_query(self, keys: &'static str) -> Line {
        Line {
            by_query: keys,
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
