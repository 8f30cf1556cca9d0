//! What stands above and below results: their order and views, how the query was read, and the way to more of them.

use super::asked::Asked;
use crate::archive::{Query, Results};
use crate::render::Html;
use crate::url::{Edge, Search, SearchView, Start};

/// A query that is longer is not told in full.
const READING: usize = 300;

/// The line of orders and views, and the buttons for a download.
pub(super) fn above(search: &Search) -> Html {
    let first = Search {
        start: Start::First(0),
        edge: None,
        ..search.clone()
    };
    let ordered = |relevance| Search {
        relevance,
        ..first.clone()
    };
    let mut html = Html::new();
    html.markup("Search results ordered by [");
    choice(&mut html, "date", !search.relevance, &ordered(false));
    html.markup("|");
    choice(&mut html, "relevance", search.relevance, &ordered(true));
    let nested = search.view == SearchView::Nested;
    html.markup("]  view[");
    choice(
        &mut html,
        "summary",
        !nested,
        &search.shown(SearchView::Summary),
    );
    html.markup("|");
    choice(
        &mut html,
        "nested",
        nested,
        &search.shown(SearchView::Nested),
    );
    html.markup("|");
    let feed = Search {
        relevance: false,
        ..search.shown(SearchView::Atom)
    };
    choice(&mut html, "Atom feed", false, &feed);
    html.markup("]\n");
    html.markup(match nested {
        true => "thread overview <a href=\"#t\">below</a> | ",
        false => "\t\t\t",
    });
    html.markup(
        "download mbox.gz: <input type=\"submit\" name=\"z\" value=\"results only\">|\
         <input type=\"submit\" name=\"x\" value=\"full threads\">",
    );
    html
}

fn choice(html: &mut Html, name: &'static str, here: bool, there: &Search) {
    if here {
        html.markup("<b>");
        html.markup(name);
        html.markup("</b>");
    } else {
        html.link(&there.to_string(), name);
    }
}

/// How the query was read, and what else is to be known of these results.
pub(super) fn notes(asked: &Asked<'_, '_>, query: &Query, results: &Results) -> Html {
    let mut html = Html::new();
    html.markup("Read as: ");
    let reading = query.to_string();
    let cut = reading.floor_char_boundary(READING);
    html.line(&reading[..cut]);
    html.markup(if cut < reading.len() { " ...\n" } else { "\n" });
    for note in query.notes() {
        html.markup("Note: ");
        html.line(note);
        html.markup(".\n");
    }
    if let Some(first) = &asked.first_spelling {
        html.markup("Note: nothing was found for \"");
        html.line(first);
        html.markup("\", so it was decoded once more.\n");
    }
    if asked.search.view == SearchView::Mbox {
        html.markup("Note: the file itself comes by the download buttons above.\n");
    }
    if asked.search.threads && asked.search.view != SearchView::Nested {
        html.markup("Note: each thread is shown by one message only.\n");
    }
    if !results.complete {
        html.markup(
            "Note: there was too much to look at all of it; a date may help to narrow it.\n",
        );
    }
    html
}

/// `Results 1-31 of 31`, and links to the pages around this one.
pub(super) fn below(search: &Search, results: &Results) -> Html {
    let (offset, total) = (results.passed, results.total);
    let mut html = Html::new();
    let last = offset.saturating_add(results.shown).min(total);
    if offset < total {
        let about = if results.complete { "" } else { "~" };
        html.print(format_args!(
            "Results {}-{last} of {about}{total}",
            offset + 1
        ));
    } else {
        html.print(format_args!("No more results, only {total}"));
    }
    let (forth, back) = directions(search, results);
    let more = last < total;
    if more {
        html.markup("  ");
        let edge = results.ends.map(|(_, end)| Edge::After(end.to_string()));
        page(&mut html, &search.at(last, edge), "next", &forth);
    }
    if offset > 0 {
        html.markup(if more { " | " } else { "  " });
        // From far behind the end it leads to the last page.
        let end = total.saturating_sub(1) / search.limit * search.limit;
        let before = offset.saturating_sub(search.limit).min(end);
        let edge = results.ends.filter(|_| before > 0);
        let edge = edge.map(|(start, _)| Edge::Before(start.to_string()));
        page(&mut html, &search.at(before, edge), "prev", &back);
    }
    if !search.relevance {
        html.markup(" | ");
        let start = match search.start {
            Start::First(_) => Start::Last(0),
            Start::Last(_) => Start::First(0),
        };
        let reverse = Search {
            start,
            edge: None,
            ..search.clone()
        };
        html.link(&reverse.to_string(), "reverse");
    }
    html.markup(" | options <a href=\"#d\">above</a>");
    html
}

/// What the next page and the one before have, as against this one.
fn directions(search: &Search, results: &Results) -> (String, String) {
    let percent = |found: Option<&crate::archive::Match>| found.map_or(0, |found| found.percent);
    match (search.relevance, search.start) {
        (true, _) => (
            format!("[<= {}%]", percent(results.matches.last())),
            format!("[>= {}%]", percent(results.matches.first())),
        ),
        (false, Start::First(_)) => ("(older)".to_owned(), "(newer)".to_owned()),
        (false, Start::Last(_)) => ("(newer)".to_owned(), "(older)".to_owned()),
    }
}

fn page(html: &mut Html, there: &Search, rel: &'static str, what: &str) {
    html.markup("<a href=\"");
    html.line(&there.to_string());
    html.markup("\" rel=\"");
    html.markup(rel);
    html.markup("\">");
    html.markup(rel);
    html.markup(" ");
    html.line(what);
    html.markup("</a>");
}
