//! Mailboxes in one file: mboxrd, mboxo, mboxcl and mboxcl2, and what Pipermail calls a text.
//!
//! A mail begins at a `From ` line with a date in it, behind a blank line, with a header below: many archives have lines
//! in their bodies that only begin likewise. Memory is bounded by the longest mail.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memchr::memchr;

use super::{Item, Items, Loss, unpack};
use crate::error::{Error, Result};
use crate::mail::parse_mail_date;
use crate::store::MAX_BLOB;
use crate::time::Timestamp;

/// How lines of a body are written that begin with `From `, and how the end of a mail is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quoting {
    /// A true `Content-Length` counts; otherwise as mboxrd.
    #[default]
    Guess,
    /// One `>` is taken from each line that begins with any number of them and `From `.
    Mboxrd,
    /// One `>` is taken from `>From ` and from nothing else.
    Mboxo,
    /// Only `Content-Length` counts; nothing is taken away.
    Mboxcl2,
}

/// The mails of a mailbox from the offset `from` on.
pub(super) fn items(
    path: &Path,
    from: u64,
    quoting: Quoting,
    read: Arc<AtomicU64>,
) -> Result<Items> {
    let input = unpack::open(path, from, read).map_err(|e| Error::io(path, e))?;
    Ok(Box::new(Mbox::new(path, input, from, quoting)))
}

/// Reads a mailbox.
struct Mbox<R> {
    path: PathBuf,
    input: R,
    quoting: Quoting,
    /// Where the next line begins.
    offset: u64,
    /// The `From ` line that ended the mail before, and where it stands.
    begun: Option<(u64, Vec<u8>)>,
    /// The line after it, which had to be read to know.
    ahead: Option<Vec<u8>>,
    line: Vec<u8>,
    ended: bool,
}

/// A mail that is being read.
#[derive(Default)]
struct Draft {
    raw: Vec<u8>,
    /// Whether it is too long to be kept; it is read to its end all the same.
    too_long: bool,
    /// Where its body begins in `raw`, from when that is known.
    body: Option<usize>,
    /// What it says about the length of its body.
    length: Option<usize>,
    /// Whether the last line was blank.
    blank: bool,
}

impl<R: BufRead> Mbox<R> {
    fn new(path: &Path, input: R, offset: u64, quoting: Quoting) -> Mbox<R> {
        Mbox {
            path: path.to_owned(),
            input,
            quoting,
            offset,
            begun: None,
            ahead: None,
            line: Vec::new(),
            ended: false,
        }
    }

    /// Reads a line into `self.line`; whether there was one. Of a line that is longer than any mail only so much is
    /// kept.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut any = false;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if buffer.is_empty() {
                return Ok(any);
            }
            any = true;
            let end = memchr(b'\n', buffer);
            let used = end.map_or(buffer.len(), |end| end + 1);
            let kept = used.min((MAX_BLOB + 2).saturating_sub(self.line.len()));
            self.line.extend_from_slice(&buffer[..kept]);
            self.input.consume(used);
            self.offset += used as u64;
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn next_item(&mut self) -> io::Result<Option<Item>> {
        let (at, from_line) = match self.begun.take() {
            Some(begun) => begun,
            None => match self.find_first()? {
                Some(begun) => begun,
                None => return Ok(None),
            },
        };
        let mut draft = Draft::default();
        if let Some(line) = self.ahead.take() {
            self.push(&mut draft, line);
        }
        let mut next = None;
        while self.read_line()? {
            let start = self.offset - self.line.len() as u64;
            let line = std::mem::take(&mut self.line);
            if draft.may_end() && is_from_line(&line) && !draft.goes_on(self.quoting) {
                // Only where a header follows: a sentence may begin like that, too.
                let more = self.read_line()?;
                if more && begins_header(&self.line) {
                    self.ahead = Some(std::mem::take(&mut self.line));
                    next = Some((start, line));
                    break;
                }
                self.push(&mut draft, line);
                if more {
                    let follows = std::mem::take(&mut self.line);
                    self.push(&mut draft, follows);
                }
                continue;
            }
            self.push(&mut draft, line);
        }
        let end = next.as_ref().map_or(self.offset, |(start, _)| *start);
        self.begun = next;
        let pipermail = is_pipermail(&from_line);
        let raw = match draft.too_long {
            true => Err(format!("it is longer than {MAX_BLOB} bytes")),
            false => Ok(draft.finish()),
        };
        Ok(Some(Item {
            at,
            next: end,
            place: format!("{}, byte {at}", self.path.display()),
            came: came(&from_line),
            raw,
            loss: pipermail.then_some(Loss::Pipermail),
        }))
    }

    /// The first `From ` line. A file that begins with a header is one mail; anything else above the first mail is
    /// none.
    fn find_first(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let beginning = self.offset;
        while self.read_line()? {
            let start = self.offset - self.line.len() as u64;
            let line = std::mem::take(&mut self.line);
            if is_from_line(&line) {
                return Ok(Some((start, line)));
            }
            if start == beginning && begins_header(&line) {
                self.ahead = Some(line);
                return Ok(Some((start, Vec::new())));
            }
        }
        Ok(None)
    }

    fn push(&self, draft: &mut Draft, line: Vec<u8>) {
        draft.blank = matches!(line.as_slice(), b"\n" | b"\r\n");
        if draft.raw.len() + line.len() > MAX_BLOB {
            draft.too_long = true;
        }
        if draft.too_long {
            return;
        }
        if draft.body.is_some() {
            draft
                .raw
                .extend_from_slice(unquoted(&line, self.quoting, draft.length));
            return;
        }
        if let Some(value) = content_length(&line) {
            draft.length = Some(value);
        }
        draft.raw.extend_from_slice(&line);
        if draft.blank {
            draft.body = Some(draft.raw.len());
        }
    }
}

impl Draft {
    /// Whether another mail may begin here.
    fn may_end(&self) -> bool {
        self.blank || self.raw.is_empty()
    }

    /// Whether its `Content-Length` says that its body goes on.
    fn goes_on(&self, quoting: Quoting) -> bool {
        if !matches!(quoting, Quoting::Guess | Quoting::Mboxcl2) {
            return false;
        }
        match (self.body, self.length) {
            (Some(body), Some(length)) => {
                self.raw.len() - body < length && quoting == Quoting::Mboxcl2
            }
            _ => false,
        }
    }

    /// Its bytes without the blank line that parts it from the next.
    fn finish(mut self) -> Vec<u8> {
        let body = self.body.unwrap_or(self.raw.len());
        if self
            .length
            .is_some_and(|length| self.raw.len() - body == length)
        {
            return self.raw;
        }
        if self.raw.len() > body && self.blank {
            self.raw.pop();
            if self.raw.last() == Some(&b'\r') {
                self.raw.pop();
            }
        }
        self.raw
    }
}

fn unquoted(line: &[u8], quoting: Quoting, length: Option<usize>) -> &[u8] {
    if line.first() != Some(&b'>') {
        return line;
    }
    let signs = line.iter().take_while(|b| **b == b'>').count();
    let taken = match quoting {
        Quoting::Mboxcl2 => false,
        Quoting::Mboxo => signs == 1,
        Quoting::Mboxrd => true,
        // Who counts has no need to quote; mboxcl does both, and cannot be told from mboxcl2.
        Quoting::Guess => length.is_none() || signs > 0,
    };
    match taken && line[signs..].starts_with(b"From ") {
        true => &line[1..],
        false => line,
    }
}

/// `From someone@example.org Thu Jan  1 00:00:00 1970`: with a time of day and a year in it.
fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let rest = rest.get(..300).unwrap_or(rest);
    let text = String::from_utf8_lossy(rest);
    let mut words = text.split_ascii_whitespace().skip(1);
    let clock = words.any(|word| {
        let mut parts = word.split(':');
        let two = |part: Option<&str>| {
            part.is_some_and(|p| {
                (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit())
            })
        };
        two(parts.next()) && two(parts.next())
    });
    let year = |word: &str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    clock && text.split_ascii_whitespace().any(year)
}

/// `From someone at example.org  Thu Jan …`, as Pipermail writes it.
fn is_pipermail(line: &[u8]) -> bool {
    let mut words = line
        .split(|b| b.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    words.nth(2) == Some(b"at")
}

/// When a mail was filed: the date in its `From ` line.
fn came(line: &[u8]) -> Option<Timestamp> {
    let text = String::from_utf8_lossy(line);
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let mut starts = days.iter().filter_map(|day| text.find(&format!(" {day} ")));
    parse_mail_date(text.get(starts.next()?..)?.trim())
}

fn begins_header(line: &[u8]) -> bool {
    let end = line
        .iter()
        .position(|b| !(33..=126).contains(b) || *b == b':');
    // Some mailboxes have a second such line, or a quoted one, above the headers.
    end.is_some_and(|end| end > 0 && line.get(end) == Some(&b':')) || line.starts_with(b">From ")
}

fn content_length(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let (name, value) = line.split_at(colon);
    if !name.eq_ignore_ascii_case(b"Content-Length") {
        return None;
    }
    std::str::from_utf8(&value[1..]).ok()?.trim().parse().ok()
}

impl<R: BufRead> Iterator for Mbox<R> {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Result<Item>> {
        if self.ended {
            return None;
        }
        match self.next_item() {
            Ok(Some(item)) => Some(Ok(item)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(Error::io(&self.path, error)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Loss, Mbox, Quoting};

    const FROM: &str = "From a@b Thu Jan  1 00:00:10 1970\n";

    fn read(text: &str, from: usize, quoting: Quoting) -> Vec<String> {
        let input = &text.as_bytes()[from..];
        let mbox = Mbox::new(Path::new("x"), input, from as u64, quoting);
        let raw = mbox.map(|item| item.unwrap().raw.unwrap());
        raw.map(|raw| String::from_utf8(raw).unwrap()).collect()
    }

    #[test]
    fn mails_are_parted_where_a_header_follows_a_from_line_behind_a_blank_one() {
        for (text, mails) in [
            (
                format!("{FROM}A: 1\n\none\n\n{FROM}B: 2\n\ntwo\n\n"),
                vec!["A: 1\n\none\n", "B: 2\n\ntwo\n"],
            ),
            (
                format!("{FROM}A: 1\n\none\n\n{FROM}no header\n\n{FROM}B: 2\n\ntwo"),
                vec![
                    "A: 1\n\none\n\nFrom a@b Thu Jan  1 00:00:10 1970\nno header\n",
                    "B: 2\n\ntwo",
                ],
            ),
            (
                format!("{FROM}A: 1\n\none\n{FROM}B: 2\n"),
                vec!["A: 1\n\none\nFrom a@b Thu Jan  1 00:00:10 1970\nB: 2\n"],
            ),
            (
                format!("{FROM}A: 1\n\nFrom here on: x\n\nFrom me\n\n"),
                vec!["A: 1\n\nFrom here on: x\n\nFrom me\n"],
            ),
            (
                "A: 1\n\nnot a mailbox\n".to_owned(),
                vec!["A: 1\n\nnot a mailbox\n"],
            ),
            (format!("junk\n\n{FROM}A: 1\n\n"), vec!["A: 1\n\n"]),
            (
                format!("{FROM}A: 1\n\n{FROM}B: 2\n\n"),
                vec!["A: 1\n\n", "B: 2\n\n"],
            ),
            (
                FROM.replace('\n', "\r\n") + "A: 1\r\n\r\nx\r\n\r\n",
                vec!["A: 1\r\n\r\nx\r\n"],
            ),
            (String::new(), vec![]),
            ("\0\0\0".to_owned(), vec![]),
        ] {
            assert_eq!(read(&text, 0, Quoting::Guess), mails, "{text}");
        }
    }

    #[test]
    fn quoted_lines_are_read_as_the_format_has_it() {
        let text = format!("{FROM}A: 1\n\n>From a\n>>From b\n >From c\n");
        for (quoting, body) in [
            (Quoting::Guess, "From a\n>From b\n >From c\n"),
            (Quoting::Mboxrd, "From a\n>From b\n >From c\n"),
            (Quoting::Mboxo, "From a\n>>From b\n >From c\n"),
            (Quoting::Mboxcl2, ">From a\n>>From b\n >From c\n"),
        ] {
            assert_eq!(
                read(&text, 0, quoting),
                [format!("A: 1\n\n{body}")],
                "{quoting:?}"
            );
        }
    }

    #[test]
    fn a_counted_body_may_have_anything_in_it() {
        let body = format!("one\n\n{FROM}B: not a mail\n\n");
        let text = format!(
            "{FROM}Content-Length: {}\n\n{body}\n{FROM}C: 3\n\n",
            body.len()
        );
        let mails = read(&text, 0, Quoting::Mboxcl2);
        assert_eq!(mails.len(), 2);
        assert!(mails[0].ends_with(&body));
    }

    #[test]
    fn every_offset_that_was_told_can_be_gone_on_from() {
        let text = format!("{FROM}A: 1\n\none\n\n{FROM}B: 2\n\ntwo\n\n{FROM}C: 3\n\nthree\n");
        let mbox = Mbox::new(Path::new("x"), text.as_bytes(), 0, Quoting::Guess);
        let items: Vec<_> = mbox.map(Result::unwrap).collect();
        assert_eq!(items.len(), 3);
        for (n, item) in items.iter().enumerate() {
            assert_eq!(read(&text, item.at as usize, Quoting::Guess).len(), 3 - n);
            assert_eq!(read(&text, item.next as usize, Quoting::Guess).len(), 2 - n);
            assert_eq!(item.came.map(|t| t.0), Some(10));
            assert_eq!(item.loss, None);
        }
    }

    #[test]
    fn pipermail_is_known_by_its_addresses() {
        let text = "From joe at example.org  Thu Jan  1 00:00:10 1970\nFrom: joe at example.org (Joe)\n\nx\n";
        let mut mbox = Mbox::new(Path::new("x"), text.as_bytes(), 0, Quoting::Guess);
        assert_eq!(mbox.next().unwrap().unwrap().loss, Some(Loss::Pipermail));
    }
}
