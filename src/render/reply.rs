//! How to answer a message: to whom, with which command, by which link.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Addresses, Html};
use crate::id::MessageId;
use crate::mail::Address;
use crate::url;

/// Longer links are not made: no mail client takes them.
const LONGEST_LINK: usize = 16 * 1024;

/// Who gets an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Recipients {
    /// The first of them, in lower case.
    to: String,
    /// All others, each once, in order.
    cc: Vec<String>,
}

/// What the page says about answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nobody is to be answered by mail; the inbox says this instead.
    Closed(String),
    /// Answers are welcome.
    Open {
        /// Whether only the list is to be written to.
        list_only: bool,
        /// The `git send-email` command, line by line, to be put inside a `<pre>`.
        command: Html,
        /// A `mailto:` address, not escaped for HTML; not where addresses are hidden, or where it would be too long.
        mailto: Option<String>,
    },
}

/// What an inbox wants of answers.
#[derive(Clone, Copy, Debug)]
pub struct ReplySettings<'a> {
    /// `replyto`: `:all`, `:list`, `:none=TEXT`, or a list of header names and addresses.
    pub reply_to: &'a str,
    /// The primary address of the inbox.
    pub list: Option<&'a str>,
    /// How addresses are written.
    pub addresses: Addresses<'a>,
}

/// How to answer the message `mid`. `people` gives the addresses in the headers of a name.
pub fn reply(
    people: impl Fn(&str) -> Vec<Address>,
    mid: &MessageId,
    subject: &str,
    settings: &ReplySettings<'_>,
) -> Reply {
    let wanted = match settings.reply_to.trim() {
        "" => ":all",
        wanted => wanted,
    };
    if let Some(text) = wanted.strip_prefix(":none") {
        return Reply::Closed(text.trim_start_matches('=').to_owned());
    }
    let Some(recipients) = recipients(people, wanted, settings.list) else {
        return Reply::Closed(String::new());
    };
    let mailto = mailto(&recipients, mid, subject);
    Reply::Open {
        list_only: wanted == ":list",
        command: command(&recipients, mid, settings.addresses),
        mailto: (may_link(&recipients, settings.addresses) && mailto.len() <= LONGEST_LINK)
            .then_some(mailto),
    }
}

/// Everybody that the settings name, the first one apart from the others.
fn recipients(
    people: impl Fn(&str) -> Vec<Address>,
    wanted: &str,
    list: Option<&str>,
) -> Option<Recipients> {
    let mut addresses: Vec<String> = Vec::new();
    for item in wanted.split(',').map(str::trim) {
        let names: &[&str] = match item {
            ":all" => &["From", "To", "Cc", "Reply-To"],
            ":list" => {
                addresses.extend(list.map(str::to_owned));
                continue;
            }
            address if address.contains('@') => {
                addresses.push(address.to_owned());
                continue;
            }
            ref name => std::slice::from_ref(name),
        };
        let found = names.iter().flat_map(|name| people(name));
        addresses.extend(found.map(|person| person.email).filter(|a| a.contains('@')));
    }
    if addresses.is_empty() {
        addresses.extend(list.map(str::to_owned));
    }
    let mut seen = HashSet::new();
    let mut each = addresses
        .into_iter()
        .filter(|address| seen.insert(address.to_lowercase()));
    let to = each.next()?.to_lowercase();
    let mut cc: Vec<String> = each.collect();
    cc.sort_unstable();
    Some(Recipients { to, cc })
}

/// A link has addresses as they are: nobody in it may be one to be hidden.
fn may_link(recipients: &Recipients, addresses: Addresses<'_>) -> bool {
    let mut all = std::iter::once(&recipients.to).chain(&recipients.cc);
    all.all(|address| !addresses.hides(address))
}

/// `git send-email …`, four blanks before each argument, each line but the last continued by `\`.
fn command(recipients: &Recipients, mid: &MessageId, addresses: Addresses<'_>) -> Html {
    let mut out = Html::with_capacity(1024);
    out.markup("  git send-email \\\n    --in-reply-to=");
    out.line(&shell_quoted(mid.as_str()));
    out.markup(" \\\n    --to=");
    let address = |out: &mut Html, address: &str| match address.rsplit_once('@') {
        Some((local, domain)) if addresses.hides(address) && domain.contains('.') => {
            let (host, rest) = domain.split_once('.').unwrap_or((domain, ""));
            out.line(&shell_quoted(&format!("{local}@{host}")));
            out.markup("$(echo .)");
            out.line(&shell_quoted(rest));
        }
        _ => out.line(&shell_quoted(address)),
    };
    address(&mut out, &recipients.to);
    for cc in &recipients.cc {
        out.markup(" \\\n    --cc=");
        address(&mut out, cc);
    }
    out.markup(" \\\n    /path/to/YOUR_REPLY\n");
    out
}

/// One word of a POSIX shell.
fn shell_quoted(word: &str) -> Cow<'_, str> {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric()
            || matches!(b, b'_' | b'@' | b'.' | b'/' | b',' | b'%' | b'+' | b'-')
    };
    if !word.is_empty() && word.bytes().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
    }
}

/// A link that opens an answer in a mail client (RFC 6068), the field that matters least last.
fn mailto(recipients: &Recipients, mid: &MessageId, subject: &str) -> String {
    let keeping_at = |text: &str| url::escape_mailto(text).replace("%40", "@");
    // As in the address of its page; only what parts the fields of the link must not be in it.
    let id = url::escape_mid(mid).replace('&', "%26");
    let mut link = format!(
        "mailto:{}?In-Reply-To=%3C{id}%3E",
        keeping_at(&recipients.to),
    );
    if !recipients.cc.is_empty() {
        link.push_str("&Cc=");
        link.push_str(&url::escape_mailto(&recipients.cc.join(",")));
    }
    link.push_str("&Subject=");
    if !is_reply(subject) {
        link.push_str("Re%3A%20");
    }
    link.push_str(&url::escape_mailto(subject));
    link
}

/// Whether a subject has the word `Re:` in it.
fn is_reply(subject: &str) -> bool {
    subject
        .split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')'))
        .any(|word| {
            word.get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("re:"))
        })
}

#[cfg(test)]
mod tests {
    use super::{Addresses, Reply, ReplySettings, reply, shell_quoted};
    use crate::id::MessageId;
    use crate::mail::Address;

    fn people(name: &str) -> Vec<Address> {
        let emails: &[&str] = match name {
            "From" => &["Greg@Kroah.com"],
            "To" => &["leon@kernel.org", "undisclosed"],
            "Cc" => &[
                "Ksummit@lists.linux.dev",
                "LEON@kernel.org",
                "greg@kroah.com",
                "a'b@c.d",
            ],
            "Reply-To" => &["ksummit@lists.linux.dev"],
            _ => &[],
        };
        let address = |email: &&str| Address {
            name: None,
            email: (*email).to_owned(),
        };
        emails.iter().map(address).collect()
    }

    fn answer(reply_to: &str, obfuscate: bool) -> Reply {
        let mid = MessageId::parse("YT4QCHwnqZL/rl0z@kroah.com").expect("an id");
        let settings = ReplySettings {
            reply_to,
            list: Some("ksummit@lists.linux.dev"),
            addresses: match obfuscate {
                true => Addresses::Hidden { except: &[] },
                false => Addresses::Shown,
            },
        };
        reply(people, &mid, "Re: [X] y", &settings)
    }

    #[test]
    fn the_author_is_answered_and_all_others_are_told() {
        let Reply::Open {
            list_only,
            command,
            mailto,
        } = answer(":all", false)
        else {
            panic!("closed");
        };
        assert!(!list_only);
        assert_eq!(
            command.as_str(),
            "  git send-email \\\n    --in-reply-to=YT4QCHwnqZL/rl0z@kroah.com \\\n    --to=greg@kroah.com \\\n    \
             --cc=Ksummit@lists.linux.dev \\\n    --cc=&#39;a&#39;\\&#39;&#39;b@c.d&#39; \\\n    \
             --cc=leon@kernel.org \\\n    /path/to/YOUR_REPLY\n"
        );
        assert_eq!(
            mailto.as_deref(),
            Some(
                "mailto:greg@kroah.com?In-Reply-To=%3CYT4QCHwnqZL%2Frl0z@kroah.com%3E\
                 &Cc=Ksummit%40lists.linux.dev%2Ca%27b%40c.d%2Cleon%40kernel.org&Subject=Re%3A%20%5BX%5D%20y"
            )
        );
    }

    #[test]
    fn an_inbox_says_who_is_to_be_answered() {
        let to = |reply_to: &str| match answer(reply_to, false) {
            Reply::Closed(text) => text,
            Reply::Open { command, .. } => command.into_string(),
        };
        assert!(to(":list").contains("--to=ksummit@lists.linux.dev \\\n    /path"));
        assert!(to("Cc,x@y.z").contains("--to=ksummit@lists.linux.dev \\\n    --cc=LEON@"));
        assert!(to("x@y.z").contains("--to=x@y.z \\\n    /path"));
        assert!(to("X-Nothing").contains("--to=ksummit@"));
        assert_eq!(to(":none=gone <fishing>"), "gone <fishing>");
    }

    #[test]
    fn hidden_addresses_are_hidden_everywhere() {
        let Reply::Open {
            command, mailto, ..
        } = answer(":all", true)
        else {
            panic!("closed");
        };
        assert_eq!(mailto, None);
        assert!(command.as_str().contains("--to=greg@kroah$(echo .)com"));
        assert!(!command.as_str().contains("kernel.org"));
    }

    #[test]
    fn words_of_a_shell_are_quoted_where_they_must_be() {
        for (word, quoted) in [
            ("a/b+c%d@e", "a/b+c%d@e"),
            ("$(rm)", "'$(rm)'"),
            ("a'b", "'a'\\''b'"),
            ("", "''"),
            ("a b", "'a b'"),
        ] {
            assert_eq!(shell_quoted(word), quoted);
        }
    }
}
