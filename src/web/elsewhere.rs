//! Where mail programs get the mail of an inbox: the news, IMAP and POP3 servers that the config names, as URLs.

use crate::config::InboxConfig;

/// The section of a text that tells, after the name that links know it by; `None` where there is nothing to tell.
pub(super) fn section(settings: &InboxConfig) -> Option<(&'static str, String)> {
    let servers = &settings.servers;
    let news = urls(settings, "nntp", &servers.nntp);
    let imap = urls(settings, "imap", &servers.imap);
    let pop3 = urls(settings, "pop3", &servers.pop3);
    let mut text = String::new();
    tell(&mut text, "As a newsgroup:", &news);
    tell(
        &mut text,
        "As IMAP folders that anybody may read, 50,000 messages in each (.0, .1, ...):",
        &imap,
    );
    tell(&mut text, "By POP3:", &pop3);
    if let (false, Some(group)) = (pop3.is_empty(), &settings.newsgroup) {
        text += &format!(
            "    The password is: anonymous\n\
             \x20   The user name is a UUID of your own (uuidgen makes one) and then @{group}\n\n"
        );
    }
    let id = match (news.is_empty(), imap.is_empty()) {
        (false, _) => "nntp",
        (true, false) => "imap",
        (true, true) => "pop3",
    };
    let told = text.trim_end();
    (!told.is_empty()).then(|| (id, format!("mail programs\n-------------\n\n{told}\n")))
}

fn tell(text: &mut String, what: &str, urls: &[String]) {
    if urls.is_empty() {
        return;
    }
    *text += &format!("  {what}\n");
    for url in urls {
        *text += &format!("    {url}\n");
    }
    text.push('\n');
}

/// The URLs of one kind: of servers that have all newsgroups, then of mirrors, whose URLs are whole already.
fn urls(settings: &InboxConfig, kind: &str, servers: &[String]) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    if let Some(group) = &settings.newsgroup {
        urls.extend(servers.iter().map(|server| url(server, kind, group)));
    }
    for mirror in settings.mirrors.iter().filter(|url| url.starts_with(kind)) {
        if !urls.contains(mirror) {
            urls.push(mirror.clone());
        }
    }
    urls
}

/// What leads a mail program to a newsgroup on a server, which may be written with its scheme or without.
fn url(server: &str, kind: &str, group: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap_or((kind, server));
    let place = rest.trim_end_matches('/');
    match kind {
        "nntp" => format!("{scheme}://{place}/{group}"),
        "imap" if place.contains('@') => format!("{scheme}://{place}/{group}.0"),
        // RFC 5092, 3: without an account.
        "imap" => format!("{scheme}://;AUTH=ANONYMOUS@{place}/{group}.0"),
        _ => format!("{scheme}://{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{section, url};
    use crate::config::InboxConfig;
    use crate::id::InboxName;

    #[test]
    fn a_server_may_be_a_name_or_a_url() {
        for (server, kind, whole) in [
            ("news.example", "nntp", "nntp://news.example/org.x"),
            ("nntps://n.example:9/", "nntp", "nntps://n.example:9/org.x"),
            (
                "m.example",
                "imap",
                "imap://;AUTH=ANONYMOUS@m.example/org.x.0",
            ),
            ("imaps://a@m.example", "imap", "imaps://a@m.example/org.x.0"),
            ("pop3s://m.example", "pop3", "pop3s://m.example"),
        ] {
            assert_eq!(url(server, kind, "org.x"), whole);
        }
    }

    #[test]
    fn a_list_without_a_newsgroup_is_only_at_its_mirrors() {
        let name = InboxName::parse("x").unwrap();
        let mut inbox = InboxConfig::new(name, "/x".into());
        inbox.servers.nntp.push("news.example".to_owned());
        assert_eq!(section(&inbox), None);
        inbox.mirrors.push("imap://m.example/x.0".to_owned());
        let (id, text) = section(&inbox).unwrap();
        assert!(id == "imap" && text.contains("imap://m.example/x.0"));
        assert!(!text.contains("news"), "{text}");
        inbox.newsgroup = Some("org.x".to_owned());
        inbox.servers.pop3.push("m.example".to_owned());
        let (id, text) = section(&inbox).unwrap();
        assert_eq!(id, "nntp");
        for line in [
            "nntp://news.example/org.x\n",
            "pop3://m.example\n",
            "@org.x",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
