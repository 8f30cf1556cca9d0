//! The lines of an inbox, in its section of the config file.

use std::path::PathBuf;

use super::include::Placed;
use super::keys;
use super::lines::{Draft, Reading};
use super::site::{FEED_MAX, InboxConfig, IndexLevel};
use super::values::{extend_new, style_sheet, text, truth};
use crate::id::InboxName;

impl Reading {
    pub(super) fn inbox_line(&mut self, name: &str, placed: &Placed) {
        let Some(at) = self.draft(name, placed) else {
            return;
        };
        self.note_strange(placed, &format!("publicinbox.{name}"), keys::INBOX);
        let value = text(placed);
        let mut problem = None;
        let Draft { dir, inbox, .. } = &mut self.inboxes[at];
        match placed.setting.key.as_str() {
            "inboxdir" | "mainrepo" if value.is_empty() || value.contains('\n') => {
                problem = Some(format!("{value:?} is no directory"));
            }
            // An inbox that has both was moved from the old name to the new.
            "mainrepo" if dir.is_some() => {}
            "inboxdir" | "mainrepo" => *dir = Some(placed.path(value)),
            "address" => extend_new(&mut inbox.addresses, value),
            "url" => extend_new(&mut inbox.urls, value),
            "newsgroup" => inbox.newsgroup = (!value.is_empty()).then(|| value.to_owned()),
            "infourl" => extend_new(&mut inbox.info_urls, value),
            "listid" => extend_new(&mut inbox.list_ids, value),
            "replyto" if !value.is_empty() => inbox.reply_to = value.to_owned(),
            "feedmax" => match value.parse::<i64>() {
                Ok(n) => {
                    inbox.feed_max = usize::try_from(n)
                        .ok()
                        .filter(|n| *n > 0)
                        .unwrap_or(FEED_MAX)
                }
                Err(_) => problem = Some(format!("{value:?} is no number")),
            },
            "obfuscate" => match truth(placed) {
                Some(truth) => inbox.obfuscate = truth,
                None => problem = Some(format!("{value:?} is neither true nor false")),
            },
            "hide" => {
                let words = value.split([',', ' ']).filter(|word| !word.is_empty());
                inbox.hide.extend(words.map(str::to_ascii_lowercase));
            }
            "fetchinterval" => match value.parse() {
                Ok(interval) => inbox.fetch_interval = Some(interval),
                Err(why) => problem = Some(why),
            },
            "filter" => inbox.filter = (!value.is_empty()).then(|| value.to_owned()),
            "watch" if truth(placed) == Some(false) => inbox.watch.clear(),
            "watch" => extend_new(&mut inbox.watch, value),
            "watchheader" => match value.split_once(':') {
                Some((name, value)) => {
                    let header = (name.trim().to_owned(), value.trim().to_owned());
                    inbox.watch_headers.push(header);
                }
                None => problem = Some(format!("{value:?} is no header")),
            },
            "nntpmirror" | "imapmirror" => extend_new(&mut inbox.mirrors, value),
            "nntpserver" => extend_new(&mut inbox.servers.nntp, value),
            "imapserver" => extend_new(&mut inbox.servers.imap, value),
            "pop3server" => extend_new(&mut inbox.servers.pop3, value),
            "sourceinfo" => extend_new(&mut inbox.source_info, value),
            "css" => match style_sheet(placed, value) {
                Some(sheet) => inbox.css.push(sheet),
                None => problem = Some("a style sheet needs a path".to_owned()),
            },
            "httpbackendmax" => self.limiters.want(at, placed.place(), value),
            "boost" => match value.parse() {
                Ok(boost) => inbox.boost = boost,
                Err(_) => problem = Some(format!("{value:?} is no number")),
            },
            "alias" => match InboxName::parse(value) {
                Some(alias) if !inbox.aliases.contains(&alias) => inbox.aliases.push(alias),
                Some(_) => {}
                None => problem = Some(format!("{value:?} cannot be the name of an inbox")),
            },
            "indexlevel" => match value.to_ascii_lowercase().as_str() {
                "basic" => inbox.index_level = IndexLevel::Basic,
                // Phrases cost little here: whoever can do without them has them all the same.
                "medium" | "full" => inbox.index_level = IndexLevel::Full,
                _ => problem = Some(format!("{value:?} is none of basic, medium and full")),
            },
            _ => {}
        }
        if let Some(why) = problem {
            self.problem(placed.place(), why);
        }
    }

    /// Where the inbox of this name is kept while it is read. A name that cannot be one is reported once.
    pub(super) fn draft(&mut self, name: &str, placed: &Placed) -> Option<usize> {
        if let Some(at) = self.by_name.get(name) {
            return (*at < self.inboxes.len()).then_some(*at);
        }
        let Some(parsed) = InboxName::parse(name) else {
            self.by_name.insert(name.to_owned(), usize::MAX);
            self.problem(
                placed.place(),
                format!("{name:?} cannot be the name of an inbox"),
            );
            return None;
        };
        self.by_name.insert(name.to_owned(), self.inboxes.len());
        self.inboxes.push(Draft {
            place: placed.place(),
            dir: None,
            inbox: InboxConfig::new(parsed, PathBuf::new()),
        });
        Some(self.inboxes.len() - 1)
    }
}
