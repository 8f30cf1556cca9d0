//! The addresses that mail had in another archive: the file `redirects` in the directory of an inbox.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use sha1::{Digest, Sha1};

use crate::error::{Error, Result};
use crate::id::MessageId;
use crate::mail::Message;
use crate::store::REDIRECTS;
use crate::time::Timestamp;

/// An archive whose addresses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldArchive {
    /// `2005-March/001234.html`, counted from 0 over the whole list.
    Pipermail,
    /// `message/HASH/` and `thread/HASH/`.
    HyperKitty,
    /// `msg01234.html`, counted from 0.
    Mhonarc,
}

impl OldArchive {
    /// The addresses of the mail that was the `count`th, by the Message-ID that it came with.
    fn paths(self, message: &Message<'_>, mid: &MessageId, count: u64) -> Vec<String> {
        match self {
            OldArchive::Pipermail => {
                let Some((sent, zone)) = message.sent_in_zone() else {
                    return Vec::new();
                };
                // The month is that of the machine, which nobody knows any more; the number is never in two of them.
                let there = Timestamp(sent.0 + i64::from(zone) * 60);
                let mut months = vec![month(sent), month(there)];
                months.dedup();
                months
                    .into_iter()
                    .map(|month| format!("{month}/{count:06}.html"))
                    .collect()
            }
            OldArchive::HyperKitty => {
                let hash = base32(&Sha1::digest(mid.as_str().as_bytes()));
                vec![format!("message/{hash}"), format!("thread/{hash}")]
            }
            OldArchive::Mhonarc => vec![format!("msg{count:05}.html")],
        }
    }
}

/// `2005-March`
fn month(time: Timestamp) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let digits = time.digits();
    let (year, rest) = digits.split_at(4);
    let month = rest.get(..2).and_then(|m| m.parse::<usize>().ok());
    let name = month.and_then(|m| NAMES.get(m.checked_sub(1)?));
    format!("{year}-{}", name.unwrap_or(&"January"))
}

/// RFC 4648, 6: what `HyperKitty` calls a mail by.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut word, mut bits) = (0_u32, 0);
    for byte in bytes {
        word = word << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(DIGITS[(word >> bits) as usize & 31]));
        }
        word &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(DIGITS[(word << (5 - bits)) as usize & 31]));
    }
    out
}

/// Addresses on their way into the file.
pub(super) struct Redirects {
    archive: OldArchive,
    lines: String,
}

impl Redirects {
    pub(super) fn new(archive: OldArchive) -> Redirects {
        Redirects {
            archive,
            lines: String::new(),
        }
    }

    pub(super) fn add(&mut self, raw: &[u8], mid: Option<&MessageId>, count: u64) {
        let Some(mid) = mid else { return };
        for path in self.archive.paths(&Message::parse(raw), mid, count) {
            self.lines.push_str(&format!("{path}\t{mid}\n"));
        }
    }

    /// Appends them. Lines that are there twice, after a stop, do no harm.
    pub(super) fn write(&mut self, dir: &Path) -> Result<()> {
        let path = dir.join(REDIRECTS);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(&path);
        let lines = std::mem::take(&mut self.lines);
        let written = file.and_then(|mut file: File| {
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|e| Error::io(&path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::OldArchive;
    use crate::mail::Message;

    #[test]
    fn old_archives_called_a_mail_so() {
        let raw = b"Message-ID: <a@b>\nDate: Thu, 31 Mar 2005 23:30:00 -0500\n\n";
        let message = Message::parse(raw);
        let mid = message.message_ids().remove(0);
        for (archive, paths) in [
            (
                OldArchive::Pipermail,
                vec!["2005-April/000017.html", "2005-March/000017.html"],
            ),
            (OldArchive::Mhonarc, vec!["msg00017.html"]),
            (
                OldArchive::HyperKitty,
                vec![
                    "message/2AZYWIZED4JE6LED7JXVQIMSAA437BO3",
                    "thread/2AZYWIZED4JE6LED7JXVQIMSAA437BO3",
                ],
            ),
        ] {
            assert_eq!(archive.paths(&message, &mid, 17), paths);
        }
    }
}
