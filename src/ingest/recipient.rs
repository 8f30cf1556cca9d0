//! Which inbox a mail is for.

use crate::config::{Config, InboxConfig};
use crate::mail::Message;

/// The inbox that has this address, in any case of letters.
pub fn by_address<'a>(config: &'a Config, address: &str) -> Option<&'a InboxConfig> {
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    config.inboxes.iter().find(|inbox| {
        let mut addresses = inbox.addresses.iter();
        addresses.any(|known| known.eq_ignore_ascii_case(address))
    })
}

/// The inboxes that say they are the archive of the list that a mail came by (RFC 2919): their `listid` is one of its
/// `List-Id`s.
pub fn by_list_id<'a>(config: &'a Config, message: &Message<'_>) -> Vec<&'a InboxConfig> {
    let ids = message.all_raw_headers("List-Id").into_iter();
    let ids: Vec<String> = ids.filter_map(|value| bare_list_id(&value)).collect();
    let wanted = |inbox: &&InboxConfig| {
        let mut known = inbox.list_ids.iter();
        known.any(|known| ids.iter().any(|id| id.eq_ignore_ascii_case(known)))
    };
    config.inboxes.iter().filter(wanted).collect()
}

/// `Some words <list.example.org>`: what stands in brackets.
fn bare_list_id(value: &str) -> Option<String> {
    let (_, rest) = value.split_once('<')?;
    let (id, _) = rest.split_once('>')?;
    Some(id.trim().to_owned())
}

/// The `List-Id` that a mail gets which has none: the list's address with a dot for its `@`.
pub(super) fn list_id_of(inbox: &InboxConfig) -> Option<String> {
    let address = inbox.addresses.first()?;
    Some(format!("<{}>", address.replace('@', ".")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{by_address, by_list_id};
    use crate::config::{Config, InboxConfig};
    use crate::id::InboxName;
    use crate::mail::Message;

    #[test]
    fn inboxes_are_found_by_address_and_by_list_id() {
        let mut inbox = InboxConfig::new(InboxName::parse("loom").unwrap(), PathBuf::new());
        inbox.addresses = vec!["Loom@lists.example.org".to_owned()];
        inbox.list_ids = vec!["loom.lists.example.org".to_owned()];
        let config = Config {
            inboxes: vec![inbox],
            ..Config::default()
        };
        for (address, found) in [
            ("loom@LISTS.example.org", true),
            ("<loom@lists.example.org>", true),
            ("loom@example.org", false),
            ("", false),
        ] {
            assert_eq!(by_address(&config, address).is_some(), found, "{address}");
        }
        for (header, found) in [
            ("List-Id: Loom <LOOM.lists.example.org>", 1),
            ("List-Id: <other.x>\nList-Id: <loom.lists.example.org>", 1),
            ("List-Id: loom.lists.example.org", 0),
            ("List-Id: <>", 0),
            ("Subject: x", 0),
        ] {
            let raw = format!("{header}\n\n");
            let message = Message::parse(raw.as_bytes());
            assert_eq!(by_list_id(&config, &message).len(), found, "{header}");
        }
    }
}
