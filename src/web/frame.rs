//! What stands around every page: the bar at its top, the note at its foot.

use std::fmt;

use askama::Template;

use super::answer::push_ascii;
use super::assets;
use super::error::WebError;
use super::lines;
use super::site::Visit;
use crate::archive::{Inbox, Sheet, Sheets};
use crate::config::IndexLevel;
use crate::error::Error;
use crate::render::{self, Html};
use crate::time::Timestamp;

/// The frame of a page. Templates print it by including `part/head.html` and `part/foot.html`.
pub(super) struct Frame {
    /// What stands in the tab.
    pub(super) title: Html,
    /// What the list calls itself.
    pub(super) description: Html,
    /// Where its name leads; nowhere on its own front page.
    pub(super) home: Option<String>,
    /// `../` up to the inbox; `None` on pages of the whole site, which have no bar of links.
    pub(super) up: Option<String>,
    /// `../` up to the root of the site.
    pub(super) site: String,
    /// The style sheet.
    pub(super) style: &'static str,
    /// The operator's style sheets, which come after it.
    pub(super) sheets: Vec<SheetLink>,
    /// Where the source of what serves the site is to be had, where the operator says so.
    pub(super) sources: Vec<Html>,
    /// Whether there is a search box.
    pub(super) searchable: bool,
    /// What is written into the search box already.
    pub(super) query: String,
    /// What goes with the words of the search box: the view, the order.
    pub(super) kept: Vec<(&'static str, &'static str)>,
    /// The feed that belongs to the page.
    pub(super) feed: Option<String>,
    /// The id of the place where the page itself begins. `main` is set by the frame, others by the page.
    pub(super) skip_to: String,
}

/// A `<link>` to a style sheet of the operator's.
pub(super) struct SheetLink {
    pub(super) href: String,
    pub(super) media: Option<String>,
    pub(super) title: Option<String>,
}

impl SheetLink {
    /// Links to all of these, whose names follow `base`.
    fn all(sheets: &Sheets, base: &str) -> Vec<SheetLink> {
        let link = |sheet: &Sheet| SheetLink {
            // It changes when the file does: browsers keep what they have for long.
            href: match &sheet.href {
                Some(href) => href.clone(),
                None => format!("{base}{}?{}", sheet.name, sheet.fingerprint),
            },
            media: sheet.media.clone(),
            title: sheet.title.clone(),
        };
        sheets.list.iter().map(link).collect()
    }
}

impl Frame {
    /// The frame of a page of the whole site.
    pub(super) fn of_site(visit: &Visit<'_>, title: &str) -> Frame {
        Frame {
            title: line(title),
            description: line(title),
            home: None,
            up: None,
            sheets: SheetLink::all(
                &visit.site.archive.sheets(),
                &format!("{}+/", visit.ask.up_to_site()),
            ),
            sources: sources(&visit.site.archive.config().source_info),
            site: visit.ask.up_to_site(),
            style: assets::style_name(),
            query: String::new(),
            kept: Vec::new(),
            searchable: true,
            feed: None,
            skip_to: "main".to_owned(),
        }
    }

    /// The frame of a page of an inbox.
    pub(super) fn of_inbox(visit: &Visit<'_>, inbox: &Inbox, title: &str) -> Frame {
        let up = visit.ask.up_to_inbox();
        let home = if up.is_empty() {
            "./".to_owned()
        } else {
            up.clone()
        };
        let mut sheets = SheetLink::all(&visit.site.archive.sheets(), &up);
        sheets.extend(SheetLink::all(&inbox.sheets(), &up));
        Frame {
            title: line(title),
            description: line(&lines::description(inbox)),
            home: Some(home),
            sheets,
            sources: sources(&inbox.config().source_info),
            site: visit.ask.up_to_site(),
            style: assets::style_name(),
            query: String::new(),
            kept: Vec::new(),
            searchable: is_searchable(inbox),
            feed: Some(format!("{up}new.atom")),
            skip_to: "main".to_owned(),
            up: Some(up),
        }
    }

    /// The same, its name leading to the list of threads as it was when `newest` came.
    pub(super) fn around(mut self, newest: Option<Timestamp>) -> Frame {
        if let (Some(newest), Some(up)) = (newest, &self.up) {
            self.home = Some(format!("{up}?t={}", newest.digits()));
        }
        self
    }

    /// The same, beginning at the element with that id, which is the page's own.
    pub(super) fn beginning_at(mut self, id: impl Into<String>) -> Frame {
        self.skip_to = id.into();
        self
    }

    /// Where the search form is sent to.
    pub(super) fn action(&self) -> &str {
        match self.up.as_deref() {
            None if !self.site.is_empty() => &self.site,
            None | Some("") => "./",
            Some(up) => up,
        }
    }

    /// `../` up to the inbox, for the links of the bar.
    pub(super) fn to_inbox(&self) -> &str {
        self.up.as_deref().unwrap_or("")
    }
}

/// Whether an inbox has a search: not where its `indexlevel` is `basic`.
pub(super) fn is_searchable(inbox: &Inbox) -> bool {
    inbox.config().index_level != IndexLevel::Basic
}

/// All before the first word of a page that is written while it is sent.
#[derive(Template)]
#[template(path = "part/head.html")]
pub(super) struct Head<'a> {
    pub(super) frame: &'a Frame,
}

/// All after the last.
#[derive(Template)]
#[template(path = "part/foot.html")]
pub(super) struct Foot<'a> {
    pub(super) frame: &'a Frame,
}

/// Where source is to be had: as links, where they are.
fn sources(said: &[String]) -> Vec<Html> {
    let html = |text: &String| {
        let mut html = Html::new();
        render::linkify(&mut html, text);
        html
    };
    said.iter().map(html).collect()
}

/// Text from a mail in one line, safe.
pub(super) fn line(text: &str) -> Html {
    let mut html = Html::new();
    html.line(text);
    html
}

/// Prints a template.
pub(super) fn print(template: &impl Template) -> Result<String, WebError> {
    Ok(printed(template)?)
}

/// The same where only errors of the rooms below can be told.
pub(super) fn printed(template: &impl Template) -> Result<String, Error> {
    let mut page = Page(String::with_capacity(FRAME));
    template
        .render_into(&mut page)
        .map_err(|error| Error::corrupt(format!("a template failed: {error}")))?;
    Ok(page.0)
}

/// What is around the content of a page takes about so much, in bytes.
const FRAME: usize = 4096;

/// A page that is being printed, in ASCII. Its content comes in one piece; with room for what follows, it is copied once.
struct Page(String);

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() > FRAME {
            self.0.reserve_exact(text.len() + text.len() / 16 + FRAME);
        }
        push_ascii(&mut self.0, text);
        Ok(())
    }
}
