//! The archive as a static site: the same pages, their links leading from file to file.
//!
//! From the front page on, every link is followed that leads to a page of the inbox and that a file can answer; others
//! (searches, other inboxes) are links no more. All messages of a thread share one file for each view of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Chosen;
use super::files::make_empty;
use super::links::{Link, follow, relative, rewrite};
use crate::archive::{Archive, Inbox};
use crate::id::{ArticleNum, InboxName, MessageId};
use crate::render;
use crate::url::{self, Form, Format, InboxPage, MessagePage, Query, Route, SitePage, TopicOrder};
use crate::web::{App, Captured, Settings};

/// The longest name of a message's directory, in bytes.
const NAME_MAX: usize = 180;

/// How many results are on a page of those that stand for the front page of a selection.
const RESULTS: usize = 200;

/// Writes the site into an empty directory. Gives how many files it has.
pub(super) fn write(
    archive: Archive,
    inbox: &Inbox,
    chosen: &Chosen,
    output: &Path,
) -> anyhow::Result<usize> {
    make_empty(output)?;
    let url = inbox.config().urls.first().cloned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let settings = Settings {
        url: url.as_deref().and_then(site_of),
        ..Settings::default()
    };
    let app = App::new(archive, settings);
    let only = match chosen {
        Chosen::All => None,
        Chosen::Found { numbers, .. } => Some(numbers.iter().copied().collect()),
    };
    let mut site = Site {
        inbox,
        only,
        query: match chosen {
            Chosen::All => None,
            Chosen::Found { query, .. } => Some(url::escape_query(query)),
        },
        output,
        files: HashMap::new(),
        names: HashMap::new(),
        taken: HashSet::new(),
        threads: HashMap::new(),
        ready: VecDeque::new(),
    };
    let front = match &site.query {
        None => site.of_path(&format!("/{}/", inbox.config().name), "")?,
        Some(query) => {
            let query = format!("q={query}&l={RESULTS}");
            site.of_path(&format!("/{}/", inbox.config().name), &query)?
        }
    };
    anyhow::ensure!(front.is_some(), "there is no page to begin with");
    chosen.each(inbox, |article| {
        let path = format!(
            "/{}/{}/",
            inbox.config().name,
            url::escape_mid(&article.mid)
        );
        site.of_path(&path, "").map(drop)
    })?;
    let mut count = 0;
    while let Some((target, file)) = site.ready.pop_front() {
        let captured = runtime.block_on(app.capture(&target));
        let captured = captured.with_context(|| format!("{target} broke off"))?;
        site.put(&target, &file, captured)?;
        count += 1;
    }
    Ok(count)
}

/// The site that an inbox's own address is on.
fn site_of(url: &str) -> Option<String> {
    let end = url.trim_end_matches('/').rfind('/')?;
    Some(url[..=end].to_owned())
}

struct Site<'a> {
    inbox: &'a Inbox,
    /// Only these articles, where not all are wanted.
    only: Option<HashSet<ArticleNum>>,
    /// The search that stands for the front page then.
    query: Option<String>,
    output: &'a Path,
    /// Which file has what is at an address.
    files: HashMap<String, String>,
    /// What the directory of a message is called.
    names: HashMap<MessageId, Option<String>>,
    /// The names that are taken, in small letters: not every file system tells them apart otherwise.
    taken: HashSet<String>,
    /// Which message stands for the thread of these articles.
    threads: HashMap<Vec<ArticleNum>, MessageId>,
    /// Addresses that are still to be written, and their files.
    ready: VecDeque<(String, String)>,
}

impl Site<'_> {
    /// The file that has what is at this address; it will be written. `None` where there is to be none.
    fn of_path(
        &mut self,
        path: &str,
        query: &str,
    ) -> anyhow::Result<Option<(String, Option<String>)>> {
        let route = url::parse(path);
        let own = self.inbox.config().name.clone();
        match route {
            Route::Site(SitePage::Asset(name)) => Ok(Some((
                self.file(path, &format!("style/{}", safe(&name))),
                None,
            ))),
            Route::Inbox(name, page) if name == own => {
                Ok(self.of_inbox(&own, page, query).map(|file| (file, None)))
            }
            Route::Message(name, mid, page) if name == own => self.of_message(&own, mid, page),
            _ => Ok(None),
        }
    }

    fn of_inbox(&mut self, name: &InboxName, page: InboxPage, query: &str) -> Option<String> {
        let asked = Query::parse(query);
        let base = format!("/{name}/");
        let whole = self.only.is_none();
        if let (InboxPage::Topics, Some(own)) = (&page, self.query.clone()) {
            // All ways to the front page lead to the results, a page of them for each offset.
            let offset = asked
                .value('o')
                .and_then(|o| o.parse::<usize>().ok())
                .unwrap_or(0);
            if asked.value('q').is_some() && asked.value('x').is_some() {
                return None;
            }
            let mut target = format!("{base}?q={own}&l={RESULTS}");
            let mut file = "index.html".to_owned();
            if offset > 0 && offset.is_multiple_of(RESULTS) {
                target.push_str(&format!("&o={offset}"));
                file = format!("index-{offset}.html");
            }
            return Some(self.file(&target, &file));
        }
        let time = asked.value('t').unwrap_or("").to_owned();
        let sound = time.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let list = |stem: &str, extension: &str| match (time.as_str(), sound) {
            ("", _) | (_, false) => (format!("{stem}.{extension}"), String::new()),
            (time, true) => (format!("{stem}-{time}.{extension}"), format!("?t={time}")),
        };
        let (path, (file, query)) = match page {
            InboxPage::Topics if asked.value('q').is_none() && whole => ("", list("index", "html")),
            InboxPage::New if whole => ("new.html", list("new", "html")),
            InboxPage::NewAtom if whole => ("new.atom", ("new.atom".to_owned(), String::new())),
            InboxPage::TopicList(order, format) if whole => {
                let stem = match order {
                    TopicOrder::New => "topics_new",
                    TopicOrder::Active => "topics_active",
                };
                match format {
                    Format::Html => {
                        return Some(
                            self.file(&format!("{base}{stem}.html"), &format!("{stem}.html")),
                        );
                    }
                    Format::Atom => {
                        return Some(
                            self.file(&format!("{base}{stem}.atom"), &format!("{stem}.atom")),
                        );
                    }
                }
            }
            InboxPage::AllMbox if whole => {
                ("all.mbox.gz", ("all.mbox.gz".to_owned(), String::new()))
            }
            InboxPage::Text(key, form) => {
                let key = safe(&key);
                let (path, file) = match form {
                    Form::Html => (format!("{base}_/text/{key}/"), format!("text/{key}.html")),
                    Form::Raw => (format!("{base}_/text/{key}/raw"), format!("text/{key}.txt")),
                };
                return Some(self.file(&path, &file));
            }
            InboxPage::Css(file) => {
                let safe = safe(&file);
                return Some(self.file(&format!("{base}{file}"), &format!("style/{safe}")));
            }
            _ => return None,
        };
        Some(self.file(&format!("{base}{path}{query}"), &file))
    }

    /// The file, and the place in it that is the message where the file has many.
    fn of_message(
        &mut self,
        name: &InboxName,
        mid: MessageId,
        page: MessagePage,
    ) -> anyhow::Result<Option<(String, Option<String>)>> {
        // A thread shows a mail under its first id, by whichever it is asked for.
        let first = self.inbox.articles(&mid)?.into_iter().next();
        let anchor = render::anchor(first.as_ref().map_or(&mid, |article| &article.mid));
        let (mid, in_thread) = match page {
            MessagePage::Flat | MessagePage::Nested | MessagePage::Mbox | MessagePage::Atom => {
                match self.thread_of(&mid)? {
                    Some(first) => (first, true),
                    None => return Ok(None),
                }
            }
            _ => (mid, false),
        };
        let Some(dir) = self.name_of(&mid)? else {
            return Ok(None);
        };
        let base = format!("/{name}/{}/", url::escape_mid(&mid));
        let (path, file) = match page {
            MessagePage::Show => (String::new(), "index.html".to_owned()),
            MessagePage::Raw => ("raw".to_owned(), "raw.txt".to_owned()),
            MessagePage::Flat => ("T/".to_owned(), "flat.html".to_owned()),
            MessagePage::Nested => ("t/".to_owned(), "nested.html".to_owned()),
            MessagePage::Mbox => ("t.mbox.gz".to_owned(), "thread.mbox.gz".to_owned()),
            MessagePage::Atom => ("t.atom".to_owned(), "thread.atom".to_owned()),
            MessagePage::Diff => ("d/".to_owned(), "copies.html".to_owned()),
            // A file server tells the kind of a file by its name: none is to be a page, or a program.
            MessagePage::Attachment(index) => (
                format!("{index}-a"),
                format!("attachment-{}.bin", safe(&index)),
            ),
        };
        let file = self.file(&format!("{base}{path}"), &format!("m/{dir}/{file}"));
        Ok(Some((file, in_thread.then(|| format!("m{anchor}")))))
    }

    /// Remembers which file has what is at an address, and that it is to be written.
    fn file(&mut self, target: &str, file: &str) -> String {
        if let Some(known) = self.files.get(target) {
            return known.clone();
        }
        self.files.insert(target.to_owned(), file.to_owned());
        self.ready.push_back((target.to_owned(), file.to_owned()));
        file.to_owned()
    }

    /// What the directory of a message is called; `None` where it is not exported.
    fn name_of(&mut self, mid: &MessageId) -> anyhow::Result<Option<String>> {
        if let Some(known) = self.names.get(mid) {
            return Ok(known.clone());
        }
        let articles = self.inbox.articles(mid)?;
        let wanted = articles.iter().any(|article| {
            self.only
                .as_ref()
                .is_none_or(|only| only.contains(&article.num))
        });
        let name = wanted.then(|| {
            let stem = safe(mid.as_str());
            let mut name = stem.clone();
            let mut number = 2;
            while !self.taken.insert(name.to_ascii_lowercase()) {
                name = format!("{stem}={number}");
                number += 1;
            }
            name
        });
        self.names.insert(mid.clone(), name.clone());
        Ok(name)
    }

    /// The message whose pages show the thread of this one.
    fn thread_of(&mut self, mid: &MessageId) -> anyhow::Result<Option<MessageId>> {
        if self.name_of(mid)?.is_none() {
            return Ok(None);
        }
        let Some(thread) = self.inbox.thread(mid)? else {
            return Ok(None);
        };
        let mut members: Vec<ArticleNum> =
            thread.articles.iter().map(|article| article.num).collect();
        members.sort();
        Ok(Some(
            self.threads
                .entry(members)
                .or_insert_with(|| mid.clone())
                .clone(),
        ))
    }

    /// Writes what was at an address into its file.
    fn put(&mut self, target: &str, file: &str, captured: Captured) -> anyhow::Result<()> {
        let body = match captured.media.as_str() {
            "text/html" => {
                let html = String::from_utf8_lossy(&captured.body).into_owned();
                self.rewritten(target, file, &html)?.into_bytes()
            }
            _ => captured.body,
        };
        let place = self.output.join(file);
        if let Some(dir) = place.parent() {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        }
        fs::write(&place, body).with_context(|| place.display().to_string())
    }

    fn rewritten(&mut self, target: &str, file: &str, html: &str) -> anyhow::Result<String> {
        let (base, own_query) = target.split_once('?').unwrap_or((target, ""));
        let mut failed = None;
        let page = rewrite(html, |link| {
            let Some((path, query, fragment)) = follow(base, link) else {
                return Link::Same;
            };
            if let Some(place) = link.strip_prefix('#') {
                let id = format!(" id=\"{place}\"");
                // Forms go, and what they are called.
                let there = html.contains(&id) && !html.contains(&format!("<form{id}"));
                return if there { Link::Same } else { Link::None };
            }
            let query = if link.is_empty() {
                own_query.to_owned()
            } else {
                query
            };
            match self.of_path(&path, &query) {
                Ok(Some((to, anchor))) => {
                    let fragment = match (fragment.as_str(), anchor) {
                        // The message that was asked for, which is another one for every address of the page.
                        ("u", Some(anchor)) => anchor,
                        (fragment, _) => fragment.to_owned(),
                    };
                    let hash = if fragment.is_empty() { "" } else { "#" };
                    Link::To(format!("{}{hash}{fragment}", relative(file, &to)))
                }
                Ok(None) => Link::None,
                Err(error) => {
                    failed = Some(error);
                    Link::None
                }
            }
        });
        failed.map_or(Ok(page), Err)
    }
}

/// A name that is good on every file system and in every address, and that nothing has to be escaped in: other
/// characters become `=XX`. Long ones end in a hash.
fn safe(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => name.push_str("=2E"),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'@' => {
                name.push(char::from(byte))
            }
            _ => name.push_str(&format!("={byte:02X}")),
        }
    }
    if name.len() > NAME_MAX {
        name.truncate(NAME_MAX);
        let hash = crate::id::Oid::of_blob(text.as_bytes());
        name.push_str(&format!("={hash}"));
    }
    if name.ends_with('.') {
        name.push('=');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{safe, site_of};

    #[test]
    fn names_are_plain() {
        for (text, name) in [
            ("a.b@c-d_e", "a.b@c-d_e"),
            ("../x", "=2E.=2Fx"),
            (".", "=2E"),
            ("a+b é", "a=2Bb=20=C3=A9"),
            ("x.", "x.="),
        ] {
            assert_eq!(safe(text), name);
        }
        assert!(safe(&"ä".repeat(122)).len() < 255);
        assert_ne!(safe(&"ä".repeat(121)), safe(&"ä".repeat(122)));
    }

    #[test]
    fn the_site_is_above_the_inbox() {
        assert_eq!(
            site_of("https://x.org/lists/a/").as_deref(),
            Some("https://x.org/lists/")
        );
    }
}
