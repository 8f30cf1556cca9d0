//! What an archive says of an inbox to those who mirror it: `_/text/config/raw`. It comes from strangers.

use std::path::Path;

use super::site::InboxConfig;
use super::{include, lines, syntax};
use crate::id::InboxName;

/// How long a value may be, in bytes.
const MAX_VALUE: usize = 300;
/// How many values a setting may have.
const MAX_VALUES: usize = 20;

impl InboxConfig {
    /// The settings of the first inbox that such a text describes, as far as a mirror can have the same ones. Nothing
    /// is included, nothing is looked up, and values that could not be written into a line of a config are left out.
    /// `None` where it describes no inbox.
    pub fn offered(text: &str) -> Option<InboxConfig> {
        let settings = syntax::parse(text).ok()?;
        let file = Path::new("").into();
        let placed: Vec<include::Placed> = settings
            .into_iter()
            .map(|setting| include::Placed {
                setting,
                file: std::sync::Arc::clone(&file),
            })
            .collect();
        let mut inbox = lines::understand(&placed).inboxes.into_iter().next()?;
        for list in [
            &mut inbox.addresses,
            &mut inbox.list_ids,
            &mut inbox.info_urls,
            &mut inbox.mirrors,
        ] {
            list.retain(|value| is_plain(value));
            list.truncate(MAX_VALUES);
        }
        inbox.addresses.retain(|address| is_address(address));
        inbox
            .info_urls
            .retain(|url| has_scheme(url, &["https", "http"]));
        let news = ["nntp", "nntps", "imap", "imaps"];
        inbox.mirrors.retain(|url| has_scheme(url, &news));
        inbox.newsgroup = inbox.newsgroup.filter(|group| is_newsgroup(group));
        let kept = InboxConfig {
            addresses: inbox.addresses,
            list_ids: inbox.list_ids,
            info_urls: inbox.info_urls,
            mirrors: inbox.mirrors,
            newsgroup: inbox.newsgroup,
            obfuscate: inbox.obfuscate,
            reply_to: match is_plain(&inbox.reply_to) {
                true => inbox.reply_to,
                false => ":all".to_owned(),
            },
            ..InboxConfig::new(inbox.name, inbox.dir)
        };
        Some(kept)
    }
}

/// Whether this looks like `list@example.com`.
fn is_address(text: &str) -> bool {
    let halves = text.rsplit_once('@');
    halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(['<', '>', ',', ' '])
}

/// Whether this looks like `org.example.list`.
fn is_newsgroup(text: &str) -> bool {
    text.len() <= MAX_VALUE && text.split('.').all(|part| InboxName::parse(part).is_some())
}

fn has_scheme(url: &str, schemes: &[&str]) -> bool {
    let found = url.split_once("://");
    found.is_some_and(|(scheme, _)| schemes.contains(&scheme.to_ascii_lowercase().as_str()))
}

/// Whether this is one line, not too long, that shows as what it is.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_VALUE && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};

    use super::{InboxConfig, is_plain};

    #[test]
    fn what_a_mirror_can_have_as_well_is_taken() {
        let text = "; a comment\n[publicinbox \"loom\"]\n\tinboxdir = /path/to/top-level-inbox\n\
             \turl = https://example.com/loom\n\taddress = loom@a.example\n\taddress = old@a.example\n\
             \tlistid = loom.a.example\n\tnewsgroup = org.example.loom\n\thide = www\n\tfeedmax = 7\n\
             \tnntpmirror = nntps://news.a.example/org.example.loom\n\tobfuscate = true\n\treplyto = :list\n";
        let inbox = InboxConfig::offered(text).unwrap();
        assert_eq!(inbox.addresses, ["loom@a.example", "old@a.example"]);
        assert_eq!(inbox.list_ids, ["loom.a.example"]);
        assert_eq!(inbox.newsgroup.as_deref(), Some("org.example.loom"));
        assert_eq!(inbox.mirrors, ["nntps://news.a.example/org.example.loom"]);
        assert_eq!((inbox.obfuscate, inbox.reply_to.as_str()), (true, ":list"));
        assert!(inbox.hide.is_empty() && inbox.urls.is_empty());
    }

    #[test]
    fn what_a_stranger_should_not_say_is_left_out() {
        let text = "[include]\n\tpath = /etc/passwd\n[publicinbox \"loom\"]\n\tinboxdir = /x\n\
             \taddress = \"a@b\\n[core]\"\n\taddress = nobody\n\taddress = ok@a.example\n\
             \tnewsgroup = ../../x\n\tinfourl = javascript:alert(1)\n\tinfourl = https://ok.example/\n\
             \tnntpmirror = file:///etc\n\treplyto = \"x\\ny\"\n[threadbare]\n\tlisten = 0.0.0.0:80\n";
        let inbox = InboxConfig::offered(text).unwrap();
        assert_eq!(inbox.addresses, ["ok@a.example"]);
        assert_eq!(inbox.info_urls, ["https://ok.example/"]);
        assert_eq!((inbox.newsgroup, inbox.mirrors.len()), (None, 0));
        assert_eq!(inbox.reply_to, ":all");
        for text in ["", "<html>", "[publicinbox]\nwwwlisting = all\n"] {
            assert_eq!(InboxConfig::offered(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn whatever_is_offered_is_plain(value in any::<String>(), junk in any::<String>()) {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let text = format!("[publicinbox \"x\"]\ninboxdir = /x\naddress = \"{escaped}@a.b\"\nreplyto = \"{escaped}\"\n");
            for text in [text, junk] {
                if let Some(inbox) = InboxConfig::offered(&text) {
                    prop_assert!(inbox.addresses.iter().all(|a| is_plain(a)));
                    prop_assert!(is_plain(&inbox.reply_to));
                }
            }
        }
    }
}
