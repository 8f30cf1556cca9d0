//! What the lines of the config file mean.
//!
//! A line that makes no sense is reported as a [`Problem`], and takes nothing down but itself; only a file that
//! cannot be read as git's config syntax is an error.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use super::include::Placed;
use super::keys::{self, hint, is_known};
use super::limiter::Limiters;
use super::site::{Config, InboxConfig, Listing, Problem};
use super::values::{
    extend_new, extend_words, shell_words, size, spam_check, style_sheet, text, truth,
};
use crate::id::InboxName;

/// The settings that these lines make.
pub(super) fn understand(settings: &[Placed]) -> Config {
    let mut reader = Reading::default();
    for placed in settings {
        let setting = &placed.setting;
        match (setting.section.as_str(), &setting.subsection) {
            ("publicinbox", Some(name)) => reader.inbox_line(name, placed),
            ("publicinbox", None) => reader.site_line(placed),
            ("publicinboxmda", None) if setting.key == "spamcheck" => {
                reader.config.spam_check = Some(spam_check(text(placed)));
            }
            ("publicinboxwatch", None) => reader.watch_line(placed),
            ("publicinboximport", None) if setting.key == "dropuniqueunsubscribe" => {
                reader.config.drop_unsubscribe = truth(placed).unwrap_or(false);
            }
            ("publicinboxlimiter", Some(name)) => {
                if let Err(why) = reader.limiters.line(name, &setting.key, text(placed)) {
                    reader.problem(placed.place(), why);
                }
            }
            ("threadbare", None) => reader.own_line(placed),
            ("threadbare", Some(part)) => reader.part_line(part, placed),
            ("extindex", Some(name)) if name == "all" => reader.together_line(placed),
            ("extindex", Some(name)) if setting.key == "topdir" => {
                let why = format!("extindex {name:?} is not served; only \"all\" is known here");
                reader.problem(placed.place(), why);
            }
            _ => {}
        }
    }
    reader.finish()
}

/// A config that is being read.
#[derive(Default)]
pub(super) struct Reading {
    config: Config,
    pub(super) inboxes: Vec<Draft>,
    /// Where in `inboxes` a name is.
    pub(super) by_name: HashMap<String, usize>,
    pub(super) limiters: Limiters,
}

/// An inbox of which not all lines were seen.
pub(super) struct Draft {
    pub(super) place: String,
    /// `None` while no line has said where it lies.
    pub(super) dir: Option<PathBuf>,
    pub(super) inbox: InboxConfig,
}

impl Reading {
    pub(super) fn problem(&mut self, place: impl Into<String>, why: impl Into<String>) {
        self.config.problems.push(Problem {
            place: place.into(),
            why: why.into(),
        });
    }

    /// Notes a key that nobody knows: for public-inbox's sections it may be one of a newer version of it.
    pub(super) fn note_strange(&mut self, placed: &Placed, name: &str, keys: &[&str]) {
        let key = &placed.setting.key;
        if !is_known(key, keys) {
            let why = format!(
                "{name}.{key} is no setting that is known here{}",
                hint(key, keys)
            );
            let place = placed.place();
            self.config.strange.push(Problem { place, why });
        }
    }

    fn site_line(&mut self, placed: &Placed) {
        let value = text(placed);
        self.note_strange(placed, "publicinbox", keys::SITE);
        match placed.setting.key.as_str() {
            "wwwlisting" => self.config.listing = self.listing(placed, value),
            "grokmanifest" => self.config.manifest = self.listing(placed, value),
            "css" => match style_sheet(placed, value) {
                Some(sheet) => self.config.css.push(sheet),
                None => self.problem(placed.place(), "a style sheet needs a path"),
            },
            "sourceinfo" => extend_new(&mut self.config.source_info, value),
            "nntpserver" => extend_new(&mut self.config.servers.nntp, value),
            "imapserver" => extend_new(&mut self.config.servers.imap, value),
            "pop3server" => extend_new(&mut self.config.servers.pop3, value),
            "noobfuscate" => extend_words(&mut self.config.no_obfuscate, value),
            "indexmaxsize" => match size(value) {
                Some(bytes) => self.config.index_max_size = Some(bytes),
                None => self.problem(placed.place(), format!("{value:?} is no size")),
            },
            _ => {}
        }
    }

    fn watch_line(&mut self, placed: &Placed) {
        let value = text(placed);
        match placed.setting.key.as_str() {
            "spamcheck" => self.config.watch_spam_check = spam_check(value),
            "watchspam" => extend_new(&mut self.config.watch_spam, value),
            _ => {}
        }
    }

    /// What cannot be understood lists nothing: it was written to keep something back.
    fn listing(&mut self, placed: &Placed, value: &str) -> Listing {
        match value.to_ascii_lowercase().as_str() {
            "all" => Listing::All,
            "match=domain" => Listing::MatchDomain,
            "404" => Listing::Nothing,
            _ => {
                let why = format!("{value:?} is none of all, match=domain and 404");
                self.problem(placed.place(), why);
                Listing::Nothing
            }
        }
    }

    fn together_line(&mut self, placed: &Placed) {
        let value = text(placed);
        let together = self.config.all.get_or_insert_default();
        match placed.setting.key.as_str() {
            "topdir" if !value.is_empty() => together.dir = Some(placed.path(value)),
            "url" => extend_new(&mut together.urls, value),
            _ => {}
        }
    }

    fn own_line(&mut self, placed: &Placed) {
        let value = text(placed);
        // What is read below is listed there.
        let key = &placed.setting.key;
        if !is_known(key, keys::OWN) {
            let why = match hint(key, keys::OWN) {
                hint if hint.is_empty() => format!("; there are {}", keys::OWN.join(", ")),
                hint => hint,
            };
            self.problem(
                placed.place(),
                format!("threadbare.{key} is no setting{why}"),
            );
            return;
        }
        match key.as_str() {
            "url" if value.is_empty() => self.config.url = None,
            "url" => self.config.url = Some(format!("{}/", value.trim_end_matches('/'))),
            "indexdir" if value.is_empty() => self.config.index_dir = None,
            "indexdir" => self.config.index_dir = Some(placed.path(value)),
            "listen" => extend_words(&mut self.config.listen, value),
            "fetchinterval" => self.config.fetch_interval = self.parsed(placed, value),
            "lmtp" => extend_words(&mut self.config.lmtp, value),
            "spamcheck" => self.config.spam_check = Some(spam_check(value)),
            "trainspam" => self.config.train_spam = Some(value.to_owned()),
            "trainham" => self.config.train_ham = Some(value.to_owned()),
            "epochsize" | "maxfetchsize" | "maxmessagesize" if size(value).is_none() => {
                self.problem(placed.place(), format!("{value:?} is no size"));
            }
            "epochsize" => self.config.epoch_size = size(value),
            "maxfetchsize" => self.config.max_fetch_size = size(value),
            "maxmessagesize" => self.config.max_message_size = size(value),
            "certificate" => self.certificate(placed, value),
            "metrics" => self.config.metrics = (!value.is_empty()).then(|| value.to_owned()),
            "handover" if value.is_empty() => self.config.hand_over = None,
            "handover" => self.config.hand_over = Some(placed.path(value)),
            "drain" => self.config.drain = self.parsed(placed, value),
            "logformat" => self.config.log_format = self.parsed(placed, value),
            "logaddresses" => self.config.log_addresses = self.parsed(placed, value),
            _ => {}
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, placed: &Placed, value: &str) -> Option<T> {
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.problem(placed.place(), format!("{}: {error}", placed.setting.key));
                None
            }
        }
    }

    /// `CHAIN [KEY]`; the key may be in the same file.
    fn certificate(&mut self, placed: &Placed, value: &str) {
        match &shell_words(value)[..] {
            [] => self.config.certificates.clear(),
            [both] => {
                let both = placed.path(both);
                self.config.certificates.push((both.clone(), both));
            }
            [chain, key] => {
                let pair = (placed.path(chain), placed.path(key));
                self.config.certificates.push(pair);
            }
            _ => self.problem(
                placed.place(),
                "a certificate is one file, or two with its key",
            ),
        }
    }

    /// A line of `[threadbare "PART"]`.
    fn part_line(&mut self, part: &str, placed: &Placed) {
        let (key, value) = (placed.setting.key.as_str(), text(placed));
        let followed = match part {
            "limits" => self.config.limits.follow(key, value),
            "proxy" => self.config.proxy.follow(key, value, truth(placed)),
            // Other rooms have parts of their own.
            _ => Ok(()),
        };
        if let Err(why) = followed {
            self.problem(placed.place(), why);
        }
    }

    /// Says of each inbox that hides addresses which of them everybody may know.
    fn keep_clear(&mut self) {
        let of_lists = self
            .config
            .inboxes
            .iter()
            .flat_map(|inbox| &inbox.addresses);
        let named = self.config.no_obfuscate.iter();
        let bare = |address: &String| address.trim_start_matches('*').to_lowercase();
        let clear: Vec<String> = named.chain(of_lists).map(bare).collect();
        for inbox in self.config.inboxes.iter_mut().filter(|i| i.obfuscate) {
            inbox.clear.clone_from(&clear);
        }
    }

    fn finish(mut self) -> Config {
        let mut groups: HashMap<String, InboxName> = HashMap::new();
        let mut dirs: HashMap<PathBuf, InboxName> = HashMap::new();
        for (number, draft) in std::mem::take(&mut self.inboxes).into_iter().enumerate() {
            let Draft {
                place,
                dir,
                mut inbox,
            } = draft;
            inbox.servers.or(&self.config.servers);
            if inbox.source_info.is_empty() {
                inbox.source_info.clone_from(&self.config.source_info);
            }
            if let Err((place, why)) = self.limiters.settle(number, &mut inbox) {
                self.problem(place, why);
            }
            let name = inbox.name.clone();
            let Some(dir) = dir else {
                self.problem(place, format!("inbox {name} has no inboxdir"));
                continue;
            };
            if let Some(other) = dirs.insert(dir.clone(), name.clone()) {
                self.problem(
                    &place,
                    format!("inbox {name} lies in the directory of {other}"),
                );
            }
            if inbox.addresses.is_empty() {
                self.problem(&place, format!("inbox {name} has no address"));
            }
            if let Some(group) = &inbox.newsgroup {
                let taken = groups.get(&group.to_ascii_lowercase());
                if let Some(other) = taken {
                    let why = format!(
                        "inbox {name} has the newsgroup of {other}, and is left without one"
                    );
                    self.problem(&place, why);
                    inbox.newsgroup = None;
                } else {
                    groups.insert(group.to_ascii_lowercase(), name);
                }
            }
            inbox.dir = dir;
            self.config.inboxes.push(inbox);
        }
        self.keep_clear();
        self.config
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::include::read_text;
    use super::super::site::{LogAddresses, LogFormat};
    use super::{Config, Listing, understand};

    fn config(text: &str) -> Config {
        understand(&read_text(Path::new("/etc/site/config"), text).unwrap())
    }

    #[test]
    fn an_inbox_has_the_settings_of_its_section() {
        let config = config(
            "[publicinbox \"Test\"]\n\taddress = a@example.com\n\taddress = b@example.com\n\
             \turl = https://example.com/Test/\n\tinboxdir = /srv/test\n\tnewsgroup = org.test\n\
             \treplyto = :list\n\tfeedmax = 50\n\tobfuscate\n\thide = www,manifest\n\
             \tnntpmirror = nntp://news.example.com/org.test\n\tinfourl = https://info.example.com/\n\
             [PublicInbox \"Test\"]\n\tListID = test.example.com\n",
        );
        assert_eq!(config.problems, []);
        let [inbox] = config.inboxes.as_slice() else {
            panic!("{config:?}")
        };
        assert_eq!(inbox.name.as_str(), "Test");
        assert_eq!(inbox.dir, Path::new("/srv/test"));
        assert_eq!(inbox.addresses, ["a@example.com", "b@example.com"]);
        assert_eq!(inbox.urls, ["https://example.com/Test/"]);
        assert_eq!(inbox.newsgroup.as_deref(), Some("org.test"));
        assert_eq!(inbox.list_ids, ["test.example.com"]);
        assert_eq!(inbox.mirrors, ["nntp://news.example.com/org.test"]);
        assert_eq!(
            (inbox.reply_to.as_str(), inbox.feed_max, inbox.obfuscate),
            (":list", 50, true)
        );
        assert!(inbox.hides("www") && inbox.hides("manifest") && !inbox.hides("imap"));
    }

    #[test]
    fn the_site_has_settings_of_its_own() {
        let config = config(
            "[publicinbox]\n\twwwListing = match=domain\n\tgrokManifest = 404\n\
             \tcss = /srv/a.css media=screen title='A b'\n\tindexMaxSize = 1m\n\
             \tnoObfuscate = @example.com a@example.org\n\
             [threadbare]\n\turl = https://example.com\n\tindexDir = index\n\tlisten = :80\n\tlisten = [::1]:81\n\
             \tcertificate = tls/a.pem '/k y/a.pem'\n\tcertificate = /b.pem\n\tmetrics = [::1]:82\n\
             \thandOver = /run/x\n\tdrain = 5\n\tlogFormat = JSON\n\tlogAddresses = network\n",
        );
        assert_eq!(config.problems, []);
        assert_eq!(
            (config.listing, config.manifest),
            (Listing::MatchDomain, Listing::Nothing)
        );
        assert_eq!(config.css[0].path, Path::new("/srv/a.css"));
        assert_eq!(config.css[0].media.as_deref(), Some("screen"));
        assert_eq!(config.css[0].title.as_deref(), Some("A b"));
        assert_eq!(config.index_max_size, Some(1 << 20));
        assert_eq!(config.no_obfuscate, ["@example.com", "a@example.org"]);
        assert_eq!(config.url.as_deref(), Some("https://example.com/"));
        assert_eq!(
            config.index_dir.as_deref(),
            Some(Path::new("/etc/site/index"))
        );
        assert_eq!(config.listen, [":80", "[::1]:81"]);
        let pairs = [("/etc/site/tls/a.pem", "/k y/a.pem"), ("/b.pem", "/b.pem")];
        assert_eq!(
            config.certificates,
            pairs.map(|(a, b)| (a.into(), b.into()))
        );
        assert_eq!(config.metrics.as_deref(), Some("[::1]:82"));
        assert_eq!(config.hand_over.as_deref(), Some(Path::new("/run/x")));
        assert_eq!(config.drain, Some(5));
        assert_eq!(config.log_format, Some(LogFormat::Json));
        assert_eq!(config.log_addresses, Some(LogAddresses::Network));
        assert_eq!(config.strange, []);
    }

    #[test]
    fn a_bad_inbox_is_reported_and_does_not_take_the_others_down() {
        let config = config(
            "[publicinbox \"no dir\"]\n\taddress = a@example.com\n\tinboxdir = /a\n\
             [publicinbox \"empty\"]\n\taddress = a@example.com\n\
             [publicinbox \"odd\"]\n\tinboxdir = /odd\n\tfeedmax = many\n\tobfuscate = maybe\n\tnewsgroup = g\n\
             [publicinbox \"twin\"]\n\tinboxdir = /odd\n\taddress = t@example.com\n\tnewsgroup = G\n\
             [publicinbox]\n\twwwlisting = some\n[threadbare]\n\tlissen = 1\n",
        );
        let names: Vec<&str> = config.inboxes.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["odd", "twin"]);
        assert_eq!(config.inboxes[1].newsgroup, None);
        assert_eq!(config.listing, Listing::Nothing);
        let lines: Vec<String> = config.problems.iter().map(|p| p.to_string()).collect();
        for part in [
            "config:2: \"no dir\" cannot",
            "config:8: \"many\"",
            "config:9: \"maybe\"",
            "config:16: \"some\"",
            "config:18: threadbare.lissen",
            "config:5: inbox empty has no inboxdir",
            "config:7: inbox odd has no address",
            "config:12: inbox twin lies",
            "config:12: inbox twin has the newsgroup",
        ] {
            let said = lines.iter().filter(|line| line.contains(part)).count();
            assert_eq!(said, 1, "{part} in {lines:#?}");
        }
        assert_eq!(lines.len(), 9, "{lines:#?}");
    }

    #[test]
    fn mirrors_are_fetched_as_often_as_is_said() {
        let config = config(
            "[threadbare]\n\tfetchInterval = 7s\n[publicinbox \"a\"]\n\tinboxdir = /a\n\
             \taddress = a@example.com\n[publicinbox \"b\"]\n\tinboxdir = /b\n\
             \taddress = b@example.com\n\tfetchInterval = never\n\tfetchInterval = soon\n",
        );
        let often = |n: usize| {
            config
                .fetch_interval(&config.inboxes[n])
                .map(|t| t.as_secs())
        };
        assert_eq!((often(0), often(1)), (Some(7), None));
        assert_eq!(config.problems.len(), 1);
    }

    #[test]
    fn a_key_that_nobody_knows_is_noted_with_what_was_meant() {
        let config = config(
            "[publicinbox]\n\twwwlist = all\n[publicinbox \"a\"]\n\tinboxdir = /a\n\taddress = a@example.com\n\
             \tfeedmx = 3\n[threadbare]\n\tmetric = :80\n\tdrain = soon\n[other]\n\tkey = 1\n",
        );
        let strange: Vec<String> = config.strange.iter().map(|p| p.to_string()).collect();
        assert!(
            strange[0].contains("config:2: publicinbox.wwwlist is no setting"),
            "{strange:?}"
        );
        assert!(strange[1].ends_with("feedmx is no setting that is known here; is feedmax meant?"));
        assert_eq!(strange.len(), 2);
        let problems: Vec<String> = config.problems.iter().map(|p| p.to_string()).collect();
        assert!(
            problems[0].ends_with("metric is no setting; is metrics meant?"),
            "{problems:?}"
        );
        assert!(
            problems[1].contains("config:9: drain: invalid digit"),
            "{problems:?}"
        );
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn an_empty_file_lists_everything() {
        assert_eq!(config("").listing, Listing::All);
        assert_eq!(config(""), Config::default());
    }
}
