//! Results as a list: each with its subject, its author, its date, and the words around what was sought.

use std::collections::HashSet;

use askama::Template;
use foldhash::fast::RandomState;

use super::around::words_around;
use super::asked::Asked;
use super::bar;
use super::fields::{FIELDS, Field};
use crate::archive::{Inbox, Match, Query, Results, Snippets};
use crate::render::Html;
use crate::url::{self, Search, SearchView};
use crate::web::answer::Answer;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::lines;

/// So many results show the words around what was sought: each of them takes a mail to be read.
const SNIPPETS: usize = 25;

/// A result is about so many bytes of a page.
const A_RESULT: usize = 320;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    /// Whether the form is unfolded.
    open: bool,
    fields: &'static [Field],
    action: String,
    help: String,
    /// The orders and views, where there is something to be shown in them.
    bar: Option<Html>,
    download: String,
    notes: Html,
    results: Html,
    pager: Option<Html>,
}

/// Answers with a page of results.
pub(super) fn show(
    asked: &Asked<'_, '_>,
    query: &Query,
    results: &Results,
) -> Result<Answer, WebError> {
    let mut page = page(asked);
    let newest = results
        .matches
        .iter()
        .map(|found| found.article.received)
        .max();
    page.frame = page.frame.around(newest);
    page.bar = Some(bar::above(&asked.search));
    page.notes = bar::notes(asked, query, results);
    page.results = list(asked, query, results);
    page.pager = Some(bar::below(&asked.search, results));
    Ok(Answer::page(
        Outcome::Found,
        print(&page)?,
        match results.complete {
            true => Fresh::of_bytes(None),
            false => Fresh::Never,
        },
    ))
}

/// Answers that there is nothing.
pub(super) fn nothing_found(
    asked: &Asked<'_, '_>,
    query: &Query,
    results: &Results,
) -> Result<Answer, WebError> {
    let mut page = page(asked);
    page.notes = bar::notes(asked, query, results);
    page.results.markup("[No results found]");
    refusal(page, Outcome::Missing)
}

/// Answers that nothing was asked for.
pub(super) fn nothing_asked(asked: &Asked<'_, '_>) -> Result<Answer, WebError> {
    let mut page = page(asked);
    page.results.markup("[Nothing to search for]");
    refusal(page, Outcome::Missing)
}

/// Answers that the query cannot be used, and why.
pub(super) fn refused(asked: &Asked<'_, '_>, why: &str) -> Result<Answer, WebError> {
    let mut page = page(asked);
    page.results.markup("Bad query: <b>");
    page.results.line(why);
    page.results.markup("</b>");
    refusal(page, Outcome::Invalid)
}

fn refusal(mut page: SearchPage, outcome: Outcome) -> Result<Answer, WebError> {
    page.open = true;
    Ok(Answer::page(outcome, print(&page)?, Fresh::Never))
}

fn page(asked: &Asked<'_, '_>) -> SearchPage {
    SearchPage {
        frame: frame(asked),
        open: false,
        fields: &FIELDS,
        action: "./".to_owned(),
        help: format!("{}_/text/help/", asked.up),
        bar: None,
        download: Search::new(asked.search.q.as_str())
            .shown(SearchView::Mbox)
            .to_string(),
        notes: Html::new(),
        results: Html::new(),
        pager: None,
    }
}

/// The frame of a page of results, with the query in its box.
pub(super) fn frame(asked: &Asked<'_, '_>) -> Frame {
    let search = &asked.search;
    let title = match search.q.as_str() {
        "" => "search".to_owned(),
        q => format!("{q} - search results"),
    };
    let mut frame = match asked.at_root() {
        false => Frame::of_inbox(asked.visit, asked.inbox(), &title),
        true => Frame::of_site(asked.visit, &title),
    };
    frame.query.clone_from(&search.q);
    if search.relevance {
        frame.kept.push(("r", "1"));
    }
    if search.view == SearchView::Nested {
        frame.kept.push(("x", "t"));
    }
    if !search.q.is_empty() {
        frame.feed = Some(search.shown(SearchView::Atom).to_string());
    }
    frame
}

fn list(asked: &Asked<'_, '_>, query: &Query, results: &Results) -> Html {
    let mut html = Html::with_capacity(results.matches.len() * A_RESULT);
    let width = results.total.to_string().len();
    let mut seen: HashSet<_, RandomState> = HashSet::default();
    let mut snippets = Snippets::of(query);
    for (n, found) in results.matches.iter().enumerate() {
        // Two mails of one Message-ID are one page.
        if !seen.insert(found.article.key) {
            continue;
        }
        let rank = results.passed + n + 1;
        html.number(rank, width);
        html.markup(". ");
        row(&mut html, asked, found, width);
        if n < SNIPPETS
            && let Some(snippets) = &mut snippets
        {
            words_around(&mut html, asked, snippets, found, width + 2);
        }
        html.markup("\n");
    }
    html
}

fn row(html: &mut Html, asked: &Asked<'_, '_>, found: &Match, width: usize) {
    let article = &found.article;
    let mid = url::escape_mid(&article.mid);
    let on = |list: &Inbox| {
        let site = asked.visit.ask.up_to_site();
        format!("{site}{}/{mid}/", list.config().name)
    };
    html.markup("<b>");
    match found.lists.first() {
        Some(first) if asked.at_root() => html.open_link(&[&on(first)]),
        _ => html.open_link(&[&asked.up, &mid, "/"]),
    }
    html.line(&lines::subject(asked.inbox(), article));
    html.markup("</a></b>\n");
    html.blanks(width + 2);
    html.markup("- by ");
    html.line(&lines::author(asked.inbox(), article));
    html.markup(" @ ");
    html.print(format_args!("{}", article.sent.minute()));
    html.markup(" UTC [");
    html.number(found.percent.into(), 0);
    html.markup("%]");
    for (n, list) in found.lists.iter().enumerate() {
        html.markup(if n == 0 { " in " } else { ", " });
        html.link(&on(list), list.config().name.as_str());
    }
    html.markup("\n");
}
