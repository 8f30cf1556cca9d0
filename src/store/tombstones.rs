//! Mail that is not to come back: the file `tombstones` in the directory of an inbox.
//!
//! A line for each mail that was removed, and nothing in it that says what the mail was: `docs/data.md` has the form.
//! Lines are only ever added, in whatever order, and may be repeated, so that mirrors can follow by fetching the file.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use crate::error::{Error, Result};
use crate::id::{MessageId, Oid};
use crate::mail::{Fingerprint, Message};
use crate::time::Timestamp;

/// The name of the file.
const FILE: &str = "tombstones";

/// What a new file begins with. Lines that are none of ours are passed over.
const HEAD: &str = "# Mail that is not to come back. WHEN DEED MESSAGE-IDS CONTENT BLOB REASON; see docs/data.md\n";

/// The longest reason, in bytes.
const REASON_MAX: usize = 500;

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was taken out by a commit; its bytes stay in history.
    Removed,
    /// Likewise, because it is spam.
    Spam,
    /// Other bytes took its place.
    Edited,
    /// It is gone from history.
    Purged,
    /// It may come back: what was said of it before no longer holds.
    Restored,
}

impl Deed {
    const ALL: [(Deed, &str); 5] = [
        (Deed::Removed, "removed"),
        (Deed::Spam, "spam"),
        (Deed::Edited, "edited"),
        (Deed::Purged, "purged"),
        (Deed::Restored, "restored"),
    ];

    fn parse(word: &str) -> Option<Deed> {
        let found = Deed::ALL.iter().find(|(_, name)| *name == word);
        found.map(|(deed, _)| *deed)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Deed::ALL.iter().find(|(deed, _)| deed == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

/// One line: a mail that is not to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Since when.
    pub when: Timestamp,
    /// Why it is not there.
    pub deed: Deed,
    /// The SHA-1 of each of its Message-IDs, in order; it may have none.
    pub mids: Vec<Oid>,
    /// Which of the mails under these ids.
    pub content: Fingerprint,
    /// The blob that it was.
    pub blob: Oid,
    /// In the words of whoever removed it; may be empty.
    pub reason: String,
}

impl Tombstone {
    /// That of the mail `raw`.
    pub fn of(raw: &[u8], deed: Deed, when: Timestamp, reason: &str) -> Tombstone {
        let message = Message::parse(raw);
        let mut mids: Vec<Oid> = message.message_ids().iter().map(hash_of).collect();
        mids.sort();
        mids.dedup();
        Tombstone {
            when,
            deed,
            mids,
            content: message.fingerprint(),
            blob: Oid::of_blob(raw),
            reason: one_line(reason),
        }
    }

    /// Whether it keeps its mail away.
    pub fn holds(&self) -> bool {
        self.deed != Deed::Restored
    }

    /// Whether its mail is no article where git has it. One that was edited is, until the new one comes: that has its
    /// ids, and takes its number.
    pub fn buries(&self) -> bool {
        self.holds() && self.deed != Deed::Edited
    }

    /// Whether it is about the mail of this id.
    pub fn names(&self, mid: &MessageId) -> bool {
        self.mids.contains(&hash_of(mid))
    }

    fn parse(line: &str) -> Option<Tombstone> {
        let mut words = line.splitn(6, ' ');
        let when = words.next().filter(|when| when.ends_with('Z'))?;
        let digits: String = when.chars().filter(char::is_ascii_digit).collect();
        let when = Timestamp::from_digits(&digits)?;
        let deed = Deed::parse(words.next()?)?;
        let mids = match words.next()? {
            "-" => Vec::new(),
            mids => mids.split(',').map(Oid::parse).collect::<Option<_>>()?,
        };
        let content = fingerprint(words.next()?)?;
        let blob = Oid::parse(words.next()?)?;
        let reason = one_line(words.next().unwrap_or(""));
        Some(Tombstone {
            when,
            deed,
            mids,
            content,
            blob,
            reason,
        })
    }
}

impl fmt::Display for Tombstone {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.when.rfc3339(), self.deed)?;
        match self.mids.as_slice() {
            [] => f.write_str("-")?,
            mids => {
                let mids: Vec<String> = mids.iter().map(Oid::to_string).collect();
                f.write_str(&mids.join(","))?;
            }
        }
        f.write_str(" ")?;
        self.content
            .0
            .iter()
            .try_for_each(|b| write!(f, "{b:02x}"))?;
        write!(f, " {} {}", self.blob, self.reason)
    }
}

/// All tombstones of an inbox. Of several lines about one mail the latest holds.
#[derive(Clone, Debug, Default)]
pub struct Tombstones {
    stones: Vec<Tombstone>,
    by_content: HashMap<[u8; 16], Vec<usize>>,
    by_mid: HashMap<Oid, Vec<usize>>,
}

impl Tombstones {
    /// The file of the inbox at `dir`.
    pub fn path(dir: &Path) -> PathBuf {
        dir.join(FILE)
    }

    /// Reads those of the inbox at `dir`; no file means none. A line that is cut off or of another kind is passed
    /// over.
    ///
    /// # Errors
    /// [`Error::Io`] where the file is there and cannot be read.
    pub fn read(dir: &Path) -> Result<Tombstones> {
        let path = Tombstones::path(dir);
        match fs::read(&path) {
            Ok(bytes) => Ok(Tombstones::parse(&bytes)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Tombstones::default()),
            Err(e) => Err(Error::io(path, e)),
        }
    }

    /// Those of a file with this text.
    pub fn parse(text: &[u8]) -> Tombstones {
        let text = String::from_utf8_lossy(text);
        let mut lines: Vec<Tombstone> = text.lines().filter_map(Tombstone::parse).collect();
        lines.sort_by_key(|stone| stone.when);
        let mut found = Tombstones::default();
        for stone in lines {
            let alike = found.by_content.entry(stone.content.0).or_default();
            let before = alike
                .iter()
                .copied()
                .find(|at| found.stones[*at].mids == stone.mids);
            match before {
                Some(at) => found.stones[at] = stone,
                None => {
                    let at = found.stones.len();
                    alike.push(at);
                    for mid in &stone.mids {
                        found.by_mid.entry(*mid).or_default().push(at);
                    }
                    found.stones.push(stone);
                }
            }
        }
        found
    }

    /// The one that holds so far about the mail of another one.
    fn about_the_same(&self, stone: &Tombstone) -> Option<&Tombstone> {
        let alike = self.by_content.get(&stone.content.0)?;
        let mut alike = alike.iter().filter_map(|at| self.stones.get(*at));
        alike.find(|known| known.mids == stone.mids)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.stones.is_empty()
    }

    /// All that hold.
    pub fn iter(&self) -> impl Iterator<Item = &Tombstone> {
        self.stones.iter().filter(|stone| stone.holds())
    }

    /// The one that keeps a mail away: same content, and one of its Message-IDs (or none in either). Whoever takes
    /// mail in asks this first.
    pub fn covering(&self, ids: &[MessageId], content: Fingerprint) -> Option<&Tombstone> {
        let alike = self.by_content.get(&content.0)?;
        let mut alike = alike.iter().map(|at| &self.stones[*at]);
        alike.find(|stone| {
            let same = match ids {
                [] => stone.mids.is_empty(),
                ids => ids.iter().any(|mid| stone.names(mid)),
            };
            stone.holds() && same
        })
    }

    /// Likewise for the bytes of a mail.
    pub fn covering_mail(&self, raw: &[u8]) -> Option<&Tombstone> {
        if self.is_empty() {
            return None;
        }
        let message = Message::parse(raw);
        self.covering(&message.message_ids(), message.fingerprint())
    }

    /// The latest of a mail of this id that is not there any more: not of one that was only edited.
    pub fn of(&self, mid: &MessageId) -> Option<&Tombstone> {
        let about = self.by_mid.get(&hash_of(mid))?;
        let about = about.iter().map(|at| &self.stones[*at]);
        about
            .filter(|stone| stone.buries())
            .max_by_key(|stone| stone.when)
    }
}

/// Adds lines to the file of the inbox at `dir`. They last when this returns. Only for who holds the inbox's lock.
pub(super) fn add(dir: &Path, stones: &[Tombstone]) -> Result<()> {
    if stones.is_empty() {
        return Ok(());
    }
    let path = Tombstones::path(dir);
    let failed = |e| Error::io(&path, e);
    let before = fs::read(&path).unwrap_or_default();
    let mut text = String::new();
    if before.is_empty() {
        text.push_str(HEAD);
    } else if !before.ends_with(b"\n") {
        // What a crash has cut off stays alone on its line.
        text.push('\n');
    }
    let known = Tombstones::parse(&before);
    for stone in stones {
        let mut stone = stone.clone();
        if let Some(earlier) = known.about_the_same(&stone) {
            // The latest holds: this one is never before what it is to undo, whatever the clock says.
            stone.when = stone.when.max(Timestamp(earlier.when.0.saturating_add(1)));
        }
        text.push_str(&format!("{stone}\n"));
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    // The name of a new file is in its directory.
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(failed)
}

fn hash_of(mid: &MessageId) -> Oid {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&Sha1::digest(mid.as_str().as_bytes()));
    Oid(bytes)
}

fn fingerprint(hex: &str) -> Option<Fingerprint> {
    if hex.len() != 32 {
        return None;
    }
    // As long as the name of an object, so that one reader of digits does for both.
    let oid = Oid::parse(&format!("{hex}00000000"))?;
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&oid.0[..16]);
    Some(Fingerprint(bytes))
}

fn one_line(text: &str) -> String {
    let mut line = text.replace(|c: char| c.is_control(), " ");
    line.truncate(line.floor_char_boundary(REASON_MAX));
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Deed, Tombstone, Tombstones, add};
    use crate::id::MessageId;
    use crate::mail::Message;
    use crate::time::Timestamp;

    fn mail(id: &str, body: &str) -> Vec<u8> {
        format!("From: a@example.com\nMessage-ID: <{id}>\nSubject: s\n\n{body}\n").into_bytes()
    }

    fn mid(id: &str) -> MessageId {
        MessageId::parse(id).unwrap()
    }

    #[test]
    fn a_line_comes_back_as_it_was() {
        let raw = mail("a@x", "text");
        for deed in [
            Deed::Removed,
            Deed::Spam,
            Deed::Edited,
            Deed::Purged,
            Deed::Restored,
        ] {
            let stone = Tombstone::of(&raw, deed, Timestamp(1_700_000_000), "why\nnot  so ");
            assert_eq!(stone.reason, "why not  so");
            assert_eq!(Tombstone::parse(&stone.to_string()), Some(stone));
        }
        let nameless = Tombstone::of(b"Subject: x\n\n", Deed::Purged, Timestamp(9), "");
        assert_eq!(Tombstone::parse(&nameless.to_string()), Some(nameless));
        for bad in [
            "",
            "#",
            "2026-01-01T00:00:00Z removed",
            "x y z",
            "1 spam - 00 00 ",
        ] {
            assert_eq!(Tombstone::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_same_mail_is_kept_away_and_another_of_its_id_is_not() {
        let raw = mail("a@x", "text");
        let stone = Tombstone::of(&raw, Deed::Removed, Timestamp(5), "off topic");
        let stones = Tombstones::parse(format!("# head\n{stone}\n{stone}\n").as_bytes());
        assert_eq!(stones.covering_mail(&raw), Some(&stone));
        let relayed = [
            b"Received: by x; Thu, 1 Jan 2026 00:00:00 +0000\n",
            raw.as_slice(),
        ]
        .concat();
        assert_eq!(
            stones.covering_mail(&relayed),
            Some(&stone),
            "by another way"
        );
        assert_eq!(stones.covering_mail(&mail("a@x", "other")), None);
        assert_eq!(stones.covering_mail(&mail("b@x", "text")), None);
        assert_eq!(stones.of(&mid("a@x")), Some(&stone));
        assert_eq!(stones.of(&mid("b@x")), None);
        assert!(
            !stone.to_string().contains("a@x"),
            "nothing that says what it was"
        );
    }

    #[test]
    fn the_latest_line_holds_wherever_it_stands() {
        let raw = mail("a@x", "text");
        let message = Message::parse(&raw);
        let line = |deed, when| Tombstone::of(&raw, deed, Timestamp(when), "").to_string();
        for (lines, kept_away, shown) in [
            (
                vec![line(Deed::Removed, 5), line(Deed::Restored, 9)],
                false,
                false,
            ),
            (
                vec![line(Deed::Restored, 9), line(Deed::Removed, 5)],
                false,
                false,
            ),
            (
                vec![line(Deed::Restored, 5), line(Deed::Purged, 9)],
                true,
                true,
            ),
            (vec![line(Deed::Edited, 5)], true, false),
        ] {
            let stones = Tombstones::parse(lines.join("\n").as_bytes());
            let covering = stones.covering(&message.message_ids(), message.fingerprint());
            assert_eq!(covering.is_some(), kept_away, "{lines:?}");
            assert_eq!(stones.of(&mid("a@x")).is_some(), shown, "{lines:?}");
        }
    }

    #[test]
    fn what_is_said_last_holds_though_the_clock_went_back() {
        let dir = tempfile::tempdir().unwrap();
        let raw = mail("a@x", "text");
        for (deed, when) in [
            (Deed::Removed, 900),
            (Deed::Restored, 500),
            (Deed::Purged, 5),
        ] {
            add(
                dir.path(),
                &[Tombstone::of(&raw, deed, Timestamp(when), "")],
            )
            .unwrap();
            let stones = Tombstones::read(dir.path()).unwrap();
            assert_eq!(stones.covering_mail(&raw).is_some(), deed != Deed::Restored);
        }
    }

    #[test]
    fn a_line_that_a_crash_cut_off_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let one = Tombstone::of(&mail("a@x", "1"), Deed::Spam, Timestamp(5), "");
        let two = Tombstone::of(&mail("b@x", "2"), Deed::Spam, Timestamp(6), "");
        add(dir.path(), std::slice::from_ref(&one)).unwrap();
        let path = Tombstones::path(dir.path());
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"2026-01-01T00:00:0");
        std::fs::write(&path, text).unwrap();
        add(dir.path(), std::slice::from_ref(&two)).unwrap();
        let stones = Tombstones::read(dir.path()).unwrap();
        assert_eq!(stones.iter().collect::<Vec<_>>(), [&one, &two]);
    }
}
