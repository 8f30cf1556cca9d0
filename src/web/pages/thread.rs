//! `/INBOX/MSGID/T/` and `t/` — a whole thread: one message after the other, or answers below what they answer.
//!
//! It is written while it is sent, one message in memory at a time.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use crate::archive::{Article, Inbox, Thread};
use crate::error::{Error, Result};
use crate::id::{InboxName, MessageId};
use crate::render::{self, Family, Html, Links, View};
use crate::time::Timestamp;
use crate::url;
use crate::web::answer::{Answer, Media, ascii};
use crate::web::entry::{Home, Parent, entry};
use crate::web::error::WebError;
use crate::web::frame::{Foot, Frame, Head, printed};
use crate::web::freshness::Fresh;
use crate::web::lines::{self, Lines};
use crate::web::site::Visit;

/// Deeper answers stand no further to the right.
const DEEPEST: usize = 40;

/// Answers `T/`.
pub(in crate::web) fn flat(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    show(visit, name, mid, View::Flat)
}

/// Answers `t/`.
pub(in crate::web) fn nested(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
) -> Result<Answer, WebError> {
    show(visit, name, mid, View::Nested)
}

fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    mid: &MessageId,
    view: View,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let thread = inbox.thread(mid)?.ok_or(WebError::NoMessage)?;
    let newest = thread.articles.iter().map(|a| a.received).max();
    let lists = lists_of(&inbox, &thread.articles)?;
    let title = thread
        .articles
        .first()
        .map_or(lines::NO_SUBJECT.into(), |first| {
            lines::subject(&inbox, first)
        });
    let parts: Vec<_> = thread.articles.iter().map(|a| (a.num, a.blob)).collect();
    let lines: Vec<_> = thread
        .lines
        .iter()
        .map(|line| (line.depth, line.loose))
        .collect();
    let fresh = Fresh::of(
        (
            view == View::Flat,
            mid,
            parts,
            lines,
            thread.total,
            lists,
            visit.site.looks(&inbox),
            &visit.ask.path,
        ),
        inbox.changed(),
    );
    let page = ThreadPage {
        frame: Frame::of_inbox(visit, &inbox, &title)
            .around(newest)
            .beginning_at("u"),
        up: visit.ask.up_to_inbox(),
        inbox,
        thread,
        mid: mid.clone(),
        view,
        newest,
    };
    Ok(Answer::stream(Media::Html, fresh, move |out| {
        page.write(out)
    }))
}

/// On which lists each of them is, where the page tells it.
fn lists_of(inbox: &Inbox, articles: &[Article]) -> Result<Vec<Vec<InboxName>>> {
    if !inbox.is_together() {
        return Ok(Vec::new());
    }
    let names = |article| -> Result<Vec<InboxName>> {
        let lists = inbox.lists_of(article)?;
        Ok(lists
            .iter()
            .map(|list| list.config().name.clone())
            .collect())
    };
    articles.iter().map(names).collect()
}

struct ThreadPage {
    frame: Frame,
    up: String,
    inbox: Inbox,
    thread: Arc<Thread>,
    mid: MessageId,
    view: View,
    newest: Option<Timestamp>,
}

impl ThreadPage {
    fn write(self, out: &mut dyn Write) -> Result<()> {
        put(out, printed(&Head { frame: &self.frame })?)?;
        let lines = Lines::of(&self.inbox, &self.thread);
        match self.view {
            View::Flat => self.write_flat(out, &lines)?,
            View::Nested => self.write_nested(out, &lines)?,
        }
        put(out, self.end(&lines))?;
        put(out, printed(&Foot { frame: &self.frame })?)
    }

    /// One message after the other, by the time they were sent; below them the loose matches, newest first.
    fn write_flat(&self, out: &mut dyn Write, lines: &Lines<'_>) -> Result<()> {
        let family = Family::of(&lines.entries);
        let placed = lines.articles.iter().enumerate();
        let mut order: Vec<(usize, &Article)> =
            placed.filter_map(|(n, a)| Some((n, (*a)?))).collect();
        order.retain(|(_, article)| !self.thread.answered.contains(&article.num));
        order.sort_by_key(
            |(_, article)| match self.thread.loose.contains(&article.num) {
                false => (false, article.sent.0, article.num.0),
                true => (true, -article.sent.0, -article.num.0),
            },
        );
        for (n, (place, article)) in order.into_iter().enumerate() {
            put(out, if n == 0 { "<pre>" } else { "<hr>\n<pre>" }.to_owned())?;
            put(out, self.entry(lines, &family, place, article)?)?;
            put(out, "</pre>\n".to_owned())?;
        }
        Ok(())
    }

    /// Answers below what they answer, in lists.
    fn write_nested(&self, out: &mut dyn Write, lines: &Lines<'_>) -> Result<()> {
        let family = Family::of(&lines.entries);
        let mut lists = Lists::default();
        let mut begun = false;
        for (place, entry) in lines.entries.iter().enumerate() {
            let article = lines.articles.get(place).copied().flatten();
            if article.is_none() && !begun {
                // A ghost above everything tells nothing.
                continue;
            }
            if begun && entry.depth == 0 {
                put(out, lists.go_to(0) + "<hr>\n")?;
            }
            begun = true;
            put(out, lists.go_to(entry.depth.min(DEEPEST)))?;
            put(out, "<pre>".to_owned())?;
            match article {
                Some(article) => put(out, self.entry(lines, &family, place, article)?)?,
                None => put(out, self.ghost(entry.mid))?,
            }
            put(out, "</pre>\n".to_owned())?;
        }
        put(out, lists.go_to(0))
    }

    fn entry(
        &self,
        lines: &Lines<'_>,
        family: &Family,
        place: usize,
        article: &Article,
    ) -> Result<String> {
        let home = Home {
            inbox: &self.inbox,
            up: &self.up,
            site: &format!("{}../", self.up),
        };
        let in_thread = self.in_thread();
        let requested = article.mid == self.mid;
        let mut html = render::context(&lines.entries, family, place, requested, &in_thread);
        html.append(&entry(&home, article, Parent::Left)?);
        html.append(&render::entry_foot(
            &article.mid,
            &home.base(article),
            Some(self.view),
            &in_thread,
        ));
        Ok(html.into_string())
    }

    fn ghost(&self, mid: &MessageId) -> String {
        let mut html = Html::new();
        html.markup("[parent not found: &lt;");
        html.link(
            &format!("{}{}/", self.up, url::escape_mid(mid)),
            mid.as_str(),
        );
        html.markup("&gt;]");
        html.into_string()
    }

    /// What stands below the last message: the overview, and ways out.
    fn end(&self, lines: &Lines<'_>) -> String {
        let up = if self.up.is_empty() { "./" } else { &self.up };
        let mut html = Html::new();
        html.markup("<hr>\n<nav aria-label=\"This thread\"><pre>");
        let only = self.thread.total <= 1;
        html.markup(if only {
            "only message in thread"
        } else {
            "end of thread"
        });
        html.markup(", other threads:[");
        if let Some(newest) = self.newest {
            html.link(
                &format!("{up}?t={}", newest.digits()),
                &format!("~{} UTC", newest.minute()),
            );
            html.markup(" | ");
        }
        html.link(up, "newest");
        html.markup("]\n\n<b id=\"t\">Thread overview:</b> ");
        if only {
            html.markup("(only message)");
        } else {
            html.print(format_args!("{}+ messages", self.thread.total));
        }
        html.markup(" (download: <a href=\"../t.mbox.gz\">mbox.gz</a> / follow: <a href=\"../t.atom\">Atom feed</a>)\n");
        html.markup("-- links below jump to the message on this page --\n");
        html.append(&render::skeleton(
            &lines.entries,
            Links::Anchors {
                base: up,
                scores: false,
            },
        ));
        if self.thread.total > self.thread.articles.len() {
            let _ = writeln!(
                html,
                "  -- use mbox.gz link to download all {} messages --",
                self.thread.total
            );
        }
        html.markup("</pre></nav>\n");
        html.into_string()
    }

    fn in_thread(&self) -> String {
        match self.thread.total {
            0 | 1 => "only message in thread".to_owned(),
            total => format!("{total}+ messages in thread"),
        }
    }
}

fn put(out: &mut dyn Write, html: String) -> Result<()> {
    out.write_all(ascii(html).as_bytes())
        .map_err(|error| Error::io("the answer", error))
}

/// Lists in lists, opened and closed as the depth changes.
#[derive(Default)]
struct Lists {
    depth: usize,
}

impl Lists {
    /// Goes to an item at this depth; 0 is outside of all lists.
    fn go_to(&mut self, depth: usize) -> String {
        let mut html = String::new();
        let sibling = depth > 0 && depth <= self.depth;
        while self.depth > depth {
            html.push_str("</li></ul>\n");
            self.depth -= 1;
        }
        if sibling {
            html.push_str("</li>\n<li>");
        }
        while self.depth < depth {
            html.push_str("<ul><li>");
            self.depth += 1;
        }
        html
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    #[test]
    fn lists_are_closed_as_they_were_opened() {
        let mut lists = Lists::default();
        let steps: Vec<String> = [0, 1, 1, 2, 4, 1, 0, 0]
            .map(|depth| lists.go_to(depth))
            .to_vec();
        assert_eq!(
            steps,
            [
                "",
                "<ul><li>",
                "</li>\n<li>",
                "<ul><li>",
                "<ul><li><ul><li>",
                "</li></ul>\n</li></ul>\n</li></ul>\n</li>\n<li>",
                "</li></ul>\n",
                ""
            ]
        );
    }
}
