//! `/INBOX/_/text/KEY/` — help, colours, mirroring, configuration: our own words, as a page or as plain text.

use askama::Template;

use crate::archive::Inbox;
use crate::id::InboxName;
use crate::render::{self, Html};
use crate::web::answer::{Answer, Media};
use crate::web::elsewhere;
use crate::web::error::{Outcome, WebError};
use crate::web::frame::{Frame, print};
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

#[derive(Template)]
#[template(path = "text.html")]
struct TextPage {
    frame: Frame,
    text: Html,
}

/// A text in sections; those with a name can be linked to.
struct Text {
    title: String,
    sections: Vec<(&'static str, String)>,
}

/// Answers with the page.
pub(in crate::web) fn show(
    visit: &Visit<'_>,
    name: &InboxName,
    key: &str,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let (outcome, text) = match Text::of(visit, &inbox, key)? {
        Some(text) => (Outcome::Found, text),
        None => (Outcome::Missing, Text::none(key)),
    };
    let page = TextPage {
        frame: Frame::of_inbox(visit, &inbox, &text.title),
        text: text.html(),
    };
    Ok(Answer::page(outcome, print(&page)?, Fresh::of_bytes(None)))
}

/// Answers with the plain text.
pub(in crate::web) fn raw(
    visit: &Visit<'_>,
    name: &InboxName,
    key: &str,
) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    let text = Text::of(visit, &inbox, key)?.ok_or(WebError::MISSING)?;
    // Mirrors take the date of the configuration as the birthday of the inbox.
    let modified = if key == "config" && !inbox.is_together() {
        inbox.newest()?
    } else {
        None
    };
    let answer = Answer::found(Media::Plain, text.plain(), Fresh::of_bytes(modified));
    Ok(if key == "config" {
        answer.named("inbox.config")
    } else {
        answer
    })
}

impl Text {
    fn of(visit: &Visit<'_>, inbox: &Inbox, key: &str) -> Result<Option<Text>, WebError> {
        let base = visit.site.inbox_url(inbox);
        let base = base.unwrap_or_else(|| format!("https://SITE/{}/", inbox.config().name));
        Ok(match key {
            "help" => Some(help(elsewhere::section(inbox.config()), &base)),
            "color" => Some(color(&base)),
            "mirror" if inbox.is_together() => Some(mirror_together(inbox, &base)),
            "mirror" => Some(mirror(inbox, &base)),
            "config" if inbox.is_together() => Some(config_together(inbox, &base)),
            "config" => Some(config(inbox, &base)),
            _ => None,
        })
    }

    fn none(key: &str) -> Text {
        let known = "There is help, color, mirror, and config.\n";
        Text {
            title: format!("404 Not Found ({key})"),
            sections: vec![("", format!("404 Not Found ({key})\n\n{known}"))],
        }
    }

    fn plain(&self) -> String {
        let sections: Vec<&str> = self
            .sections
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        sections.join("\n")
    }

    fn html(&self) -> Html {
        let mut html = Html::new();
        for (n, (id, text)) in self.sections.iter().enumerate() {
            if n > 0 {
                html.markup("\n");
            }
            let (heading, rest) = text.split_once('\n').unwrap_or((text, ""));
            if id.is_empty() {
                render::linkify(&mut html, text);
                continue;
            }
            html.markup("<b id=\"");
            html.text(id);
            html.markup("\">");
            html.text(heading);
            html.markup("</b>\n");
            render::linkify(&mut html, rest);
        }
        html
    }
}

fn help(elsewhere: Option<(&'static str, String)>, base: &str) -> Text {
    let addresses = format!(
        "addresses\n---------\n\n\
         \x20 A message is found by its Message-ID, the name that its sender's mail program gave it. Take the angle\n\
         \x20 brackets off and append it:\n\n    {base}MESSAGE-ID/\n\n\
         \x20 A slash inside a Message-ID is written %2F. These addresses do not change. Behind them there is more:\n\n\
         \x20   {base}MESSAGE-ID/raw          the message as it came, with all its headers\n\
         \x20   {base}MESSAGE-ID/T/           its thread, by date\n\
         \x20   {base}MESSAGE-ID/t/           its thread, answers below what they answer\n\
         \x20   {base}MESSAGE-ID/t.mbox.gz    its thread, for a mail program\n\
         \x20   {base}MESSAGE-ID/t.atom       its thread, for a feed reader\n\n\
         \x20   {base}new.html                the latest messages in full\n\
         \x20   {base}new.atom                the same, for a feed reader\n\
         \x20   {base}topics_new.html         threads, the one that began last first\n\
         \x20   {base}topics_active.html      threads, the one that somebody wrote to last first\n\
         \x20   {base}all.mbox.gz             all messages in one file\n\n\
         \x20 The list of threads shows the latest 200 messages. With ?t=YYYYMMDD or ?t=YYYYMMDDhhmmss (in UTC)\n\
         \x20 it shows those up to that time, with a - behind it those from that time on.\n"
    );
    let threads = "message threading\n-----------------\n\n\
        \x20 Threads are woven of the In-Reply-To and References headers, not of subjects. Messages that were\n\
        \x20 answered but never seen here are shown as [not found]: they were sent elsewhere, or have not come yet.\n\
        \x20 Messages with the same subject and no such header stand below a note that says so.\n";
    let search = "search\n------\n\n\
        \x20 Words find messages that have all of them. \"Words in quotes\" are found side by side, word* by its\n\
        \x20 beginning. AND, OR, NOT and parentheses combine; -word excludes. A prefix says where to look:\n\n\
        \x20   s:       subject                             s:\"kernel summit\"\n\
        \x20   f:       sender                              f:alice@example.com\n\
        \x20   t: c:    recipients in To, in Cc\n\
        \x20   tc: a:   in either, in either or as sender\n\
        \x20   b:       body                                b:regression\n\
        \x20   nq: q:   body without quotations, only in quotations\n\
        \x20   bs:      subject and body\n\
        \x20   n:       names of attachments\n\
        \x20   l:       List-Id\n\
        \x20   m:       Message-ID\n\
        \x20   d:       when it was sent, to the day        d:20240101..20240630, d:2.weeks.ago..\n\
        \x20   dt:      the same, to the second             dt:20240101120000..\n\
        \x20   rt:      when it came, Unix time             rt:1700000000..\n\
        \x20   dfn:     file names in patches               dfn:Makefile\n\
        \x20   dfa: dfb: dfctx: dfhh:   removed, added, unchanged lines, hunk headers\n\
        \x20   dfpre: dfpost: dfblob:   git blobs before, after, either\n\
        \x20   patchid: git patch-id --stable\n";
    let contact = "contact\n-------\n\n\
        \x20 Questions about what is written here go to the list itself; how to answer a message is told below it.\n";
    let mut sections = vec![
        ("", format!("help for {base}\n")),
        ("overview", addresses),
        ("search", search.to_owned()),
        ("threading", threads.to_owned()),
    ];
    sections.extend(elsewhere);
    sections.push(("contact", contact.to_owned()));
    Text {
        title: format!("help for {base}"),
        sections,
    }
}

fn color(base: &str) -> Text {
    let text = format!(
        "color customization for {base}\n\n\
         Pages are light or dark as your system or browser asks for it. Who wants other colors sets them in the user\n\
         style sheet of the browser (Firefox: userContent.css); these classes will stay:\n\n\
         \x20 .q       quoted text\n\
         \x20 .head    first lines of a file in a patch\n\
         \x20 .hunk    the line above each hunk\n\
         \x20 .add     added lines\n\
         \x20 .del     removed lines\n\n\
         For example:\n\n\
         \x20 .q    {{ color: teal !important }}\n\
         \x20 .add  {{ color: green !important }}\n\
         \x20 .del  {{ color: maroon !important }}\n\
         \x20 .head {{ font-weight: bold }}\n\n\
         Colors never tell anything that the text does not, and pages read well without them.\n"
    );
    Text {
        title: format!("color customization for {base}"),
        sections: vec![("", text)],
    }
}

fn mirror(inbox: &Inbox, base: &str) -> Text {
    let settings = inbox.config();
    let name = settings.name.as_str();
    let url = base.trim_end_matches('/');
    let epochs = inbox.epochs();
    let mut text = String::from(
        "mirroring instructions\n\nEverybody may have all of this archive, and keep it up to date with git:\n\n",
    );
    for (n, epoch) in epochs.iter().enumerate() {
        let note = match n {
            _ if epochs.len() == 1 => "",
            0 => " # oldest",
            n if n + 1 == epochs.len() => " # newest",
            _ => "",
        };
        text += &format!("  git clone --mirror {url}/{epoch} {name}/git/{epoch}.git{note}\n");
    }
    if epochs.is_empty() {
        text += "  (there is no mail yet)\n";
    }
    let newsgroup = settings
        .newsgroup
        .as_ref()
        .map_or(String::new(), |group| format!("--ng {group} "));
    let addresses = settings.addresses.join(" ");
    text += &format!(
        "\n  # An archive server makes it readable: in one step with threadbare,\n\
         \x20 # which keeps it up to date as well:\n\
         \x20 threadbare clone {url}\n\n\
         \x20 # or with the commands of public-inbox:\n\
         \x20 public-inbox-init -V2 {newsgroup}\\\n    {name} ./{name} {url} \\\n    {addresses}\n\
         \x20 public-inbox-index ./{name}\n\n\
         Later `git fetch` in each of the repositories gets what is new.\n\n\
         Example config snippet for mirrors: {base}_/text/config/raw\n"
    );
    let mut sections = vec![("", text)];
    sections.extend(elsewhere::section(settings));
    Text {
        title: "mirroring instructions".to_owned(),
        sections,
    }
}

/// Everything together is copied list by list.
fn mirror_together(inbox: &Inbox, base: &str) -> Text {
    let mut text = String::from(
        "mirroring instructions\n\nThis is the mail of several lists, each message once. Each list has repositories of\n\
         its own, and is mirrored by itself; its mirror page tells how:\n\n",
    );
    let site = base.trim_end_matches('/');
    let site = site.rsplit_once('/').map_or(site, |(site, _)| site);
    for list in inbox.members() {
        text += &format!("  {site}/{}/_/text/mirror/\n", list.config().name);
    }
    text += &format!("\nAll repositories, for grokmirror and the like: {site}/manifest.js.gz\n");
    Text {
        title: "mirroring instructions".to_owned(),
        sections: vec![("", text)],
    }
}

fn config_together(inbox: &Inbox, base: &str) -> Text {
    let name = &inbox.config().name;
    let text = format!(
        "; settings for the mail of all lists together, as at\n; {base}\n[extindex \"{name}\"]\n\
         \ttopdir = /path/to/extindex\n\turl = https://example.com/{name}/\n"
    );
    Text {
        title: format!("settings for {base}"),
        sections: vec![("", text)],
    }
}

/// A section of git's configuration language, as public-inbox's tools read it.
fn config(inbox: &Inbox, base: &str) -> Text {
    let settings = inbox.config();
    let name = &settings.name;
    let mut text = format!(
        "; settings for a mirror of\n; {base}\n[publicinbox \"{name}\"]\n\
         \tinboxdir = /path/to/top-level-inbox\n\
         \turl = https://example.com/{name}/\n"
    );
    let mut set = |key: &str, value: &str| text += &format!("\t{key} = {}\n", config_value(value));
    for address in &settings.addresses {
        set("address", address);
    }
    for list_id in &settings.list_ids {
        set("listid", list_id);
    }
    for url in &settings.info_urls {
        set("infourl", url);
    }
    if let Some(group) = &settings.newsgroup {
        set("newsgroup", group);
    }
    if settings.obfuscate {
        set("obfuscate", "true");
    }
    if settings.reply_to != ":all" {
        set("replyto", &settings.reply_to);
    }
    for mirror in &settings.mirrors {
        let key = if mirror.starts_with("imap") {
            "imapmirror"
        } else {
            "nntpmirror"
        };
        set(key, mirror);
    }
    Text {
        title: format!("settings for a mirror of {base}"),
        sections: vec![("", text)],
    }
}

/// A value as `git config` reads it back: quoted where it would be cut or joined otherwise.
fn config_value(value: &str) -> String {
    let plain = |c: char| !matches!(c, '"' | '\\' | '\n' | '\t' | ';' | '#');
    if value.chars().all(plain) && value.trim() == value {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{config_value, help};

    #[test]
    fn values_are_quoted_where_git_would_misread_them() {
        for (value, written) in [
            ("a@b.example", "a@b.example"),
            (":none=no; really", "\":none=no; really\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            (" x", "\" x\""),
            ("a\n[evil]", "\"a\\n[evil]\""),
        ] {
            assert_eq!(config_value(value), written, "{value:?}");
        }
    }

    #[test]
    fn help_can_be_linked_to_at_its_search_section() {
        let html = help(None, "https://lists.example/x/").html();
        assert!(
            html.as_str()
                .contains("<b id=\"search\">search</b>\n------"),
            "{html}"
        );
        assert!(!help(None, "x").plain().contains('<'));
    }
}
