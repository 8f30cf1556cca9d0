//! Mail from a mail server: what is looked at before it comes in, as public-inbox-mda does.

use std::borrow::Cow;

use super::filter::Filter;
use super::intake::Rules;
use super::normal::Unsubscribe;
use super::recipient::list_id_of;
use super::spam::{Verdict, check};
use crate::config::{Config, InboxConfig, SpamCheck};
use crate::error::Result;
use crate::mail::{Message, edit};

/// Longer mail than this is not taken if nothing else is said, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// What the first look lets pass at most, in bytes: longer mail is seldom meant for a list.
const PRECHECK_SIZE: usize = 500 << 10;

/// Whether there is a first look at what is plainly no mail for a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precheck {
    /// There is.
    #[default]
    Done,
    /// All goes on to the filter.
    Left,
}

/// Why a mail does not come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Too long, in bytes: what is allowed.
    Size(u64),
    /// The first look has found something.
    Precheck(&'static str),
    /// It is spam.
    Spam,
}

impl std::fmt::Display for Objection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Objection::Size(most) => write!(f, "the mail is longer than {most} bytes"),
            Objection::Precheck(why) => f.write_str(why),
            Objection::Spam => f.write_str("the mail looks like spam"),
        }
    }
}

/// How mail for an inbox is taken in when it is delivered.
///
/// # Errors
/// The inbox's filter is not known.
pub fn delivery_rules(config: &Config, inbox: &InboxConfig) -> Result<Rules> {
    rules(config, inbox, Filter::Base)
}

/// Likewise when it is imported, or comes from a folder that is watched: nothing is refused if no filter is set.
///
/// # Errors
/// The inbox's filter is not known.
pub fn import_rules(config: &Config, inbox: &InboxConfig) -> Result<Rules> {
    rules(config, inbox, Filter::Mirror)
}

fn rules(config: &Config, inbox: &InboxConfig, usual: Filter) -> Result<Rules> {
    let filter = inbox.filter.as_deref().map(Filter::parse).transpose()?;
    Ok(Rules {
        filter: filter.unwrap_or(usual),
        unsubscribe: match config.drop_unsubscribe {
            true => Unsubscribe::Dropped,
            false => Unsubscribe::Kept,
        },
        epoch_size: config.epoch_size,
    })
}

/// The longest mail that is taken, in bytes.
pub fn max_size(config: &Config) -> u64 {
    config.max_message_size.unwrap_or(MAX_SIZE)
}

/// What speaks against a mail for this inbox, if anything does.
///
/// # Errors
/// The spam check could not be made: the mail is to be tried again later.
pub fn objection(
    config: &Config,
    inbox: &InboxConfig,
    precheck: Precheck,
    raw: &[u8],
) -> Result<Option<Objection>> {
    if raw.len() as u64 > max_size(config) {
        return Ok(Some(Objection::Size(max_size(config))));
    }
    if precheck == Precheck::Done
        && let Some(why) = looks_wrong(&Message::parse(raw), inbox)
    {
        return Ok(Some(Objection::Precheck(why)));
    }
    let by = match &config.spam_check {
        Some(by) => by.clone(),
        None if is_installed("spamc") => SpamCheck::Spamc,
        None => SpamCheck::Nothing,
    };
    let spam = check(&by, raw)? == Verdict::Spam;
    Ok(spam.then_some(Objection::Spam))
}

/// A mail as it is handed on: with a `List-Id` if it has none.
pub fn with_list_id<'a>(raw: &'a [u8], inbox: &InboxConfig) -> Cow<'a, [u8]> {
    let message = Message::parse(raw);
    match list_id_of(inbox) {
        Some(id) if message.is_readable() && !message.has("List-Id") => {
            Cow::Owned(edit::with_header(raw, "List-Id", &id))
        }
        _ => Cow::Borrowed(raw),
    }
}

fn looks_wrong(message: &Message<'_>, inbox: &InboxConfig) -> Option<&'static str> {
    let raw_ids = message.all_raw_headers("Message-ID");
    let ids = message.message_ids();
    let id = match (raw_ids.as_slice(), ids.as_slice()) {
        ([value], [_]) => value.trim_matches(['<', '>']),
        _ => return Some("a mail needs one Message-ID"),
    };
    if !id.contains('@') || id.len() > crate::id::MESSAGE_ID_MAX {
        return Some("its Message-ID has no @, or is too long");
    }
    let length = |name| message.header(name).unwrap_or_default().chars().count();
    if length("From") < 3 {
        return Some("it does not say whom it is from");
    }
    if length("Subject") < 2 {
        return Some("it has no subject");
    }
    if message.sent().is_none() {
        return Some("it has no date");
    }
    if message.raw().len() > PRECHECK_SIZE {
        return Some("it is longer than 500 KB");
    }
    let mut to = message.addresses("To");
    to.extend(message.addresses("Cc"));
    let addressed = to.iter().any(|person| {
        let mut own = inbox.addresses.iter();
        own.any(|own| own.eq_ignore_ascii_case(&person.email))
    });
    (!addressed).then_some("it names the list neither in To nor in Cc")
}

/// Whether there is a program of that name.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{looks_wrong, with_list_id};
    use crate::config::InboxConfig;
    use crate::id::InboxName;
    use crate::mail::Message;

    fn inbox() -> InboxConfig {
        let mut inbox = InboxConfig::new(InboxName::parse("loom").unwrap(), PathBuf::new());
        inbox.addresses = vec!["loom@lists.example.org".to_owned()];
        inbox
    }

    #[test]
    fn the_first_look_sees_what_is_no_mail_for_a_list() {
        let good = "Message-ID: <a@b>\nFrom: a@b\nSubject: hello\nTo: x@y\nCc: Loom <LOOM@lists.example.org>\n\
            Date: Thu, 1 Jan 2015 00:00:00 +0000\n\nbody\n";
        let wrong = |raw: &str| looks_wrong(&Message::parse(raw.as_bytes()), &inbox());
        assert_eq!(wrong(good), None);
        for (from, to) in [
            ("Message-ID: <a@b>\n", ""),
            ("<a@b>", "<a@b>\nMessage-ID: <c@d>"),
            ("<a@b>", "<a.b>"),
            ("From: a@b", "From: a"),
            ("Subject: hello", "Subject: x"),
            ("Date: Thu, 1 Jan 2015", "Date: whenever"),
            ("LOOM@", "room@"),
        ] {
            assert!(wrong(&good.replace(from, to)).is_some(), "{from} as {to}");
        }
        assert!(wrong(&(good.to_owned() + &"x".repeat(600 << 10))).is_some());
    }

    #[test]
    fn a_mail_gets_the_list_id_that_it_lacks() {
        let added = with_list_id(b"A: 1\n\nb", &inbox());
        assert_eq!(&*added, b"A: 1\nList-Id: <loom.lists.example.org>\n\nb");
        let has = b"List-Id: <x>\n\nb";
        assert_eq!(&*with_list_id(has, &inbox()), has);
    }
}
