//! The names of things: every identifier is made by parsing, and stays what it is from the door on.

use std::fmt;
use std::sync::Arc;

use sha1::{Digest, Sha1};

use crate::error::Error;

/// The longest Message-ID that is kept, in bytes; what is longer is cut there.
pub const MESSAGE_ID_MAX: usize = 244;

/// The name of an inbox, one segment of a URL: `[A-Za-z0-9_-][A-Za-z0-9_.+-]*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InboxName(Arc<str>);

impl InboxName {
    /// Takes `text` as the name of an inbox; `None` where it cannot be one.
    pub fn parse(text: &str) -> Option<InboxName> {
        let mut bytes = text.bytes();
        let first = bytes.next()?;
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        let fits = word(first) && bytes.all(|b| word(b) || b == b'.' || b == b'+');
        (fits && text.len() <= 255).then(|| InboxName(text.into()))
    }

    /// The bare name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Message-ID (RFC 5322, 3.6.4) without its angle brackets: 1 to 244 bytes, no TAB, CR, LF or NUL.
/// Two of them are the same only if they are so byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// Takes `text` as a Message-ID: control white space is dropped and what is too long is cut.
    /// `None` where nothing is left.
    pub fn parse(text: &str) -> Option<MessageId> {
        let dropped = |c: char| matches!(c, '\n' | '\t' | '\r' | '\0');
        let mut kept: String = if text.contains(dropped) {
            text.chars().filter(|c| !dropped(*c)).collect()
        } else {
            text.to_owned()
        };
        if kept.len() > MESSAGE_ID_MAX {
            kept.truncate(kept.floor_char_boundary(MESSAGE_ID_MAX));
        }
        (!kept.is_empty()).then(|| MessageId(kept.into_boxed_str()))
    }

    /// The bare id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a git object, SHA-1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub [u8; 20]);

impl Oid {
    /// The empty blob, which stands in the place of a purged mail.
    pub const EMPTY_BLOB: Oid = Oid([
        0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8,
        0xc2, 0xe4, 0x8c, 0x53, 0x91,
    ]);

    /// Reads 40 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Oid> {
        if hex.len() != 40 || !hex.is_ascii() {
            return None;
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let digit = |b: u8| (b as char).to_digit(16);
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Some(Oid(bytes))
    }

    /// The name that git gives to a file of these bytes.
    pub fn of_blob(bytes: &[u8]) -> Oid {
        Oid::of_object("blob", bytes)
    }

    /// The name that git gives to an object of this kind.
    pub fn of_object(kind: &str, bytes: &[u8]) -> Oid {
        let mut hash = Sha1::new();
        hash.update(format!("{kind} {}\0", bytes.len()));
        hash.update(bytes);
        let mut name = [0; 20];
        name.copy_from_slice(&hash.finalize());
        Oid(name)
    }

    /// Takes the 20 bytes of a database column or a git library.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where they are not 20.
    pub fn from_bytes(bytes: &[u8]) -> Result<Oid, Error> {
        match bytes.try_into() {
            Ok(bytes) => Ok(Oid(bytes)),
            Err(_) => Err(Error::corrupt("an object name that is not 20 bytes long")),
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

/// The number of an epoch: the `N` of `git/N.git`. A v1 inbox has the one epoch 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpochNum(pub u32);

impl fmt::Display for EpochNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a message in one inbox, in the order of history from 1 on; what NNTP and IMAP call it by.
///
/// A mail that has no Message-ID gets none in public-inbox. It is kept under a number below zero here, so that
/// it can be read while the numbers of all others agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArticleNum(pub i64);

impl fmt::Display for ArticleNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The row of an inbox in the catalogue. Made anew with every new catalogue: never in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InboxId(pub i64);

/// The row of a message in the catalogue, one for the whole site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey(pub i64);

/// The row of a Message-ID in the catalogue: threads are woven of these, whether or not such a mail was ever seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MidKey(pub i64);

/// A thread of the site. May change when mail joins two threads: never in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadId(pub i64);

#[cfg(test)]
mod tests {
    use super::{InboxName, MESSAGE_ID_MAX, MessageId, Oid};

    #[test]
    fn inbox_names_are_one_plain_path_segment() {
        for (text, fits) in [
            ("ksummit", true),
            ("linux-c++-programming", true),
            ("_x.y", true),
            ("", false),
            (".hidden", false),
            ("+a", false),
            ("a/b", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(InboxName::parse(text).is_some(), fits, "{text}");
        }
    }

    #[test]
    fn message_ids_lose_control_white_space_and_what_is_too_long() {
        let parsed = MessageId::parse("a\n\tb@c\0").map(|m| m.to_string());
        assert_eq!(parsed.as_deref(), Some("ab@c"));
        assert_eq!(MessageId::parse("\n"), None);
        let long = MessageId::parse(&"é".repeat(200)).map(|m| m.as_str().len());
        assert_eq!(long, Some(MESSAGE_ID_MAX));
    }

    #[test]
    fn oids_are_40_hexadecimal_digits() {
        let hex = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
        assert_eq!(Oid::parse(hex), Some(Oid::EMPTY_BLOB));
        assert_eq!(Oid::EMPTY_BLOB.to_string(), hex);
        assert_eq!(Oid::of_blob(b""), Oid::EMPTY_BLOB);
        for bad in ["", "e69d", &hex.replace('e', "g"), &hex.replace("e6", "é")] {
            assert_eq!(Oid::parse(bad), None, "{bad}");
        }
    }
}
