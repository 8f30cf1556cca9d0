//! The ids of places on a page. Other sites link to them, so they never change.

use sha1::Digest;
use sha1::Sha1;

use crate::id::MessageId;

/// The SHA-1 of a Message-ID in hexadecimal: with `m`, `e` or `r` before it, the beginning of a message on a page
/// of many, its end, and its line in the overview.
pub fn message(mid: &MessageId) -> String {
    let digest = Sha1::digest(mid.as_str().as_bytes());
    let mut hex = String::with_capacity(40);
    for byte in digest {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
    }
    hex
}

/// The id of a file's diff: what stands before it makes it unique on a page of many messages. `i` before it is
/// the id of its line in the diffstat.
pub(super) fn file(before: &str, index: &str, name: &str) -> String {
    let mut id = String::with_capacity(before.len() + index.len() + name.len() + 8);
    let dotted = index.bytes().map(|b| if b == b'.' { b'/' } else { b });
    for byte in before.bytes().chain(dotted).chain(name.bytes()) {
        match byte {
            // `Z` marks an escaped beginning, so that a name cannot begin with it by itself.
            b'A'..=b'Y' | b'a'..=b'z' if id.is_empty() => id.push(char::from(byte)),
            _ if id.is_empty() => {
                id.push('Z');
                push_hex(&mut id, byte);
            }
            b'/' => id.push(':'),
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b'-' => {
                id.push(char::from(byte));
            }
            _ => {
                id.push_str("::");
                push_hex(&mut id, byte);
            }
        }
    }
    id
}

fn push_hex(text: &mut String, byte: u8) {
    text.push(digit(byte >> 4));
    text.push(digit(byte & 15));
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::{file, message};
    use crate::id::MessageId;

    #[test]
    fn a_message_is_anchored_by_the_sha1_of_its_id() {
        let mid = MessageId::parse("YT4QCHwnqZL/rl0z@kroah.com").expect("an id");
        assert_eq!(message(&mid), "c995f55a1a67aaff812b644d15a045efc99ec67a");
    }

    #[test]
    fn a_diff_is_anchored_by_its_part_and_file() {
        for (before, index, name, id) in [
            ("", "1", "drivers/mtd/mtdcore.c", "Z31drivers:mtd:mtdcore.c"),
            ("", "1.2", "a b", "Z31:2a::20b"),
            (
                "../../x@y/",
                "1",
                "mtd/rockchip,nand.yaml",
                "Z2e.:..:x::40y:1mtd:rockchip::2cnand.yaml",
            ),
            ("", "2", "\"><é", "Z32::22::3e::3c::c3::a9"),
        ] {
            assert_eq!(file(before, index, name), id);
        }
    }
}
