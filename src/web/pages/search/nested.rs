//! Results in full, one message after the other, and below them an overview of the threads that they stand in.
//!
//! It is written while it is sent, one message in memory at a time.

use std::collections::HashMap;
use std::io::Write;

use super::asked::Asked;
use super::bar;
use super::summary::frame;
use crate::archive::{Article, Inbox, Query, Results, Thread};
use crate::error::{Error, Result};
use crate::id::ArticleNum;
use crate::render::{self, Family, Html, Links, Sight};
use crate::url::{Search, SearchView};
use crate::web::answer::{Answer, Media, ascii};
use crate::web::entry::{Home, Parent, entry};
use crate::web::error::WebError;
use crate::web::frame::{Foot, Frame, Head, printed};
use crate::web::freshness::Fresh;
use crate::web::lines::Lines;

struct NestedPage {
    frame: Frame,
    /// From the page to the inbox.
    up: String,
    /// From the page to the root of the site.
    site: String,
    inbox: Inbox,
    /// What was found, in order, with its score.
    found: Vec<(Article, u8)>,
    thread: Thread,
    download: String,
    bar: Html,
    notes: Html,
    pager: Html,
    total: usize,
}

/// Answers with a page of results.
pub(super) fn show(
    asked: &Asked<'_, '_>,
    query: &Query,
    results: Results,
) -> std::result::Result<Answer, WebError> {
    let inbox = asked.inbox();
    let bar = bar::above(&asked.search);
    let notes = bar::notes(asked, query, &results);
    let pager = bar::below(&asked.search, &results);
    let (total, complete) = (results.total, results.complete);
    let found: Vec<(Article, u8)> = results
        .matches
        .into_iter()
        .map(|found| (found.article, found.percent))
        .collect();
    let articles: Vec<Article> = found.iter().map(|(article, _)| article.clone()).collect();
    let newest = articles.iter().map(|article| article.received).max();
    let parts: Vec<_> = found.iter().map(|(a, p)| (a.num, a.blob, *p)).collect();
    let fresh = Fresh::of(
        (
            &asked.visit.ask.path,
            asked.search.to_string(),
            notes.as_str(),
            parts,
            total,
            inbox.state(),
            inbox.description(),
        ),
        None,
    );
    let page = NestedPage {
        frame: frame(asked).around(newest),
        up: asked.up.clone(),
        site: asked.visit.ask.up_to_site(),
        thread: inbox.arrange(articles)?,
        inbox: inbox.clone(),
        found,
        download: Search::new(asked.search.q.as_str())
            .shown(SearchView::Mbox)
            .to_string(),
        bar,
        notes,
        pager,
        total,
    };
    let fresh = if complete { fresh } else { Fresh::Never };
    Ok(Answer::stream(Media::Html, fresh, move |out| {
        page.write(out)
    }))
}

impl NestedPage {
    fn write(self, out: &mut dyn Write) -> Result<()> {
        put(out, printed(&Head { frame: &self.frame })?)?;
        put(out, self.above().into_string())?;
        let scores: HashMap<ArticleNum, u8> = self
            .found
            .iter()
            .map(|(article, score)| (article.num, *score))
            .collect();
        let mut lines = Lines::of(&self.inbox, &self.thread);
        for (entry, article) in lines.entries.iter_mut().zip(&lines.articles) {
            if let (Sight::Seen { score, .. }, Some(article)) = (&mut entry.sight, article) {
                *score = scores.get(&article.num).copied();
            }
        }
        let family = Family::of(&lines.entries);
        for (n, (article, score)) in self.found.iter().enumerate() {
            let Some(place) = lines.place(article) else {
                continue;
            };
            put(out, if n == 0 { "<pre>" } else { "<hr>\n<pre>" }.to_owned())?;
            put(out, self.entry(&lines, &family, place, article, *score)?)?;
            put(out, "</pre>\n".to_owned())?;
        }
        put(out, self.below(&lines).into_string())?;
        put(out, printed(&Foot { frame: &self.frame })?)
    }

    fn above(&self) -> Html {
        let mut html = Html::new();
        html.markup("<form id=\"d\" action=\"");
        html.line(&self.download);
        html.markup("\" method=\"post\"><pre>");
        html.append(&self.bar);
        html.markup("</pre></form>\n<pre>");
        html.append(&self.notes);
        html.markup("</pre>\n");
        html
    }

    fn entry(
        &self,
        lines: &Lines<'_>,
        family: &Family,
        place: usize,
        article: &Article,
        score: u8,
    ) -> Result<String> {
        let home = Home {
            inbox: &self.inbox,
            up: &self.up,
            site: &self.site,
        };
        let among = format!("{}+ results", self.total);
        let mut html = render::context(&lines.entries, family, place, false, &among);
        html.append(&entry(&home, article, Parent::Left)?);
        html.append(&render::entry_foot(
            &article.mid,
            &home.base(article),
            None,
            "",
        ));
        html.print(format_args!("\t[relevance {score}%]"));
        Ok(html.into_string())
    }

    fn below(&self, lines: &Lines<'_>) -> Html {
        let mut html = Html::new();
        html.markup("<hr>\n<nav aria-label=\"More results\"><pre id=\"t\">");
        html.append(&self.pager);
        html.markup("</pre><pre>-- pct% links below jump to the message on this page, permalinks otherwise --\n");
        html.append(&render::skeleton(
            &lines.entries,
            Links::Anchors {
                base: &self.up,
                scores: true,
            },
        ));
        html.markup("</pre></nav>\n");
        html
    }
}

fn put(out: &mut dyn Write, html: String) -> Result<()> {
    out.write_all(ascii(html).as_bytes())
        .map_err(|error| Error::io("the answer", error))
}
