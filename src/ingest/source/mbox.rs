//! Mailboxes in one file: mboxrd, mboxo, mboxcl and mboxcl2, and what Pipermail calls a text.
//!
//! A mail begins at a `From ` line with a date in it, behind a blank line, with a header below: many archives have lines
//! in their bodies that only begin likewise. Memory is bounded by the longest mail.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use memchr::{memchr, memmem};

use super::mbox_lines::{begins_header, came, content_length, is_from_line, loss, unquoted};
use super::{Item, Items, unpack};
use crate::error::{Error, Result};
use crate::store::MAX_BLOB;

/// How every mail begins in the mailboxes that public-inbox and we write. There, what follows a mail is one line end and
/// nothing else, so that it comes back as it was, also without a line end of its own.
const OURS: &[u8] = b"From mboxrd@z Thu Jan  1 00:00:00 1970";

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
    /// What is to be read once more, before the input, since a `Content-Length` had led too far.
    again: io::Cursor<Vec<u8>>,
    /// Whether a `Content-Length` in this file was found to be wrong: then none counts.
    lied_to: bool,
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
    /// The first place in `raw` where it would have ended but for its `Content-Length`.
    split: Option<usize>,
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
            again: io::Cursor::default(),
            lied_to: false,
            ended: false,
        }
    }

    /// Reads a line into `self.line`; whether there was one. Of a line that is longer than any mail only so much is
    /// kept.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut any = false;
        loop {
            let replayed = !self.again.fill_buf()?.is_empty();
            let filled = match replayed {
                true => self.again.fill_buf(),
                false => self.input.fill_buf(),
            };
            let buffer = match filled {
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
            match replayed {
                true => self.again.consume(used),
                false => self.input.consume(used),
            }
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
            draft.push(&line);
        }
        let mut next = None;
        while self.read_line()? {
            let start = self.offset - self.line.len() as u64;
            let line = std::mem::take(&mut self.line);
            if (draft.may_end() || line.starts_with(OURS)) && is_from_line(&line) {
                // Only where a header follows: a sentence may begin like that, too. In ours it would be quoted.
                let more = self.read_line()?;
                let follows = std::mem::take(&mut self.line);
                let sure = from_line.starts_with(OURS) && line.starts_with(OURS);
                if more && (sure || begins_header(&follows)) {
                    if !self.counts() || !draft.goes_on() {
                        self.ahead = Some(follows);
                        next = Some((start, line));
                        break;
                    }
                    draft.split.get_or_insert(draft.raw.len());
                }
                draft.push(&line);
                draft.push(&follows);
                continue;
            }
            draft.push(&line);
            if self.went_too_far(&mut draft) {
                return self.next_item_after(at, &from_line, draft);
            }
        }
        if draft.split.is_some() && draft.goes_on() && self.quoting == Quoting::Guess {
            // The file has ended before the length was reached.
            self.take_back(&mut draft);
            return self.next_item_after(at, &from_line, draft);
        }
        let end = next.as_ref().map_or(self.offset, |(start, _)| *start);
        self.begun = next;
        Ok(Some(self.item(at, end, &from_line, draft)))
    }

    fn item(&self, at: u64, next: u64, from_line: &[u8], draft: Draft) -> Item {
        let raw = match draft.too_long {
            true => Err(format!("it is longer than {MAX_BLOB} bytes")),
            false => Ok(draft.finish(self.quoting, from_line)),
        };
        let loss = raw.as_ref().ok().and_then(|raw| loss(from_line, raw));
        Item {
            at,
            next,
            place: format!("{}, byte {at}", self.path.display()),
            came: came(from_line),
            raw,
            loss,
        }
    }

    /// Whether `Content-Length` counts.
    fn counts(&self) -> bool {
        match self.quoting {
            Quoting::Guess => !self.lied_to,
            Quoting::Mboxcl2 => true,
            Quoting::Mboxrd | Quoting::Mboxo => false,
        }
    }

    /// Whether a mail went on over the beginning of another, because of its `Content-Length`, and did not end where that
    /// says. Then it is cut there.
    fn went_too_far(&mut self, draft: &mut Draft) -> bool {
        let beyond = draft.split.is_some() && draft.excess().is_some_and(|excess| excess > 2);
        if beyond && self.quoting == Quoting::Guess {
            self.take_back(draft);
            return true;
        }
        false
    }

    /// Cuts a mail where it should have ended; the rest will be read once more.
    fn take_back(&mut self, draft: &mut Draft) {
        let Some(split) = draft.split.take() else {
            return;
        };
        self.lied_to = true;
        let mut rest = draft.raw.split_off(split);
        self.offset -= rest.len() as u64;
        let left = self.again.position() as usize;
        rest.extend_from_slice(self.again.get_ref().get(left..).unwrap_or_default());
        self.again = io::Cursor::new(rest);
        draft.length = None;
        draft.blank = true;
    }

    /// Ends a mail that was cut.
    fn next_item_after(
        &mut self,
        at: u64,
        from_line: &[u8],
        draft: Draft,
    ) -> io::Result<Option<Item>> {
        Ok(Some(self.item(at, self.offset, from_line, draft)))
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
}

impl Draft {
    /// Whether another mail may begin here.
    fn may_end(&self) -> bool {
        self.blank || self.raw.is_empty()
    }

    fn push(&mut self, line: &[u8]) {
        self.blank = matches!(line, b"\n" | b"\r\n");
        if self.raw.len() + line.len() > MAX_BLOB {
            self.too_long = true;
        }
        if self.too_long {
            return;
        }
        if self.body.is_none()
            && let Some(length) = content_length(line)
        {
            self.length = Some(length).filter(|length| *length < MAX_BLOB);
        }
        self.raw.extend_from_slice(line);
        if self.blank && self.body.is_none() {
            self.body = Some(self.raw.len());
        }
    }

    /// Whether its `Content-Length` says that its body goes on.
    fn goes_on(&self) -> bool {
        match (self.body, self.length) {
            (Some(body), Some(length)) => self.raw.len() - body < length,
            _ => false,
        }
    }

    /// By how many bytes it is longer than its `Content-Length` says.
    fn excess(&self) -> Option<usize> {
        (self.raw.len() - self.body?).checked_sub(self.length?)
    }

    /// Its bytes as they were before they came into the mailbox.
    fn finish(mut self, quoting: Quoting, from_line: &[u8]) -> Vec<u8> {
        let ours = from_line.starts_with(OURS);
        let body = self.body.unwrap_or(self.raw.len());
        let counted = self.excess() == Some(0);
        if (ours && self.raw.ends_with(b"\n")) || (!counted && self.raw.len() > body && self.blank)
        {
            // The blank line that parts it from the next.
            self.raw.pop();
            // In ours all line ends that are not the mail's are of one kind.
            let crlf = !ours || from_line.ends_with(b"\r\n");
            if crlf && self.raw.last() == Some(&b'\r') {
                self.raw.pop();
            }
        }
        let body = match ours {
            // Lines among the headers are quoted there, too.
            true => 0,
            // Without a body the line end was that of the last header.
            false => body.min(self.raw.len()),
        };
        // Who has lines in it that could begin a mail does not quote.
        let plain =
            quoting == Quoting::Mboxcl2 || (quoting == Quoting::Guess && self.split.is_some());
        if plain || memmem::find(&self.raw[body..], b">From ").is_none() {
            return self.raw;
        }
        let mut out = self.raw[..body].to_vec();
        for line in self.raw[body..].split_inclusive(|b| *b == b'\n') {
            out.extend_from_slice(unquoted(line, quoting));
        }
        out
    }
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

    use super::super::Loss;
    use super::{Mbox, Quoting};
    use crate::ingest::normal::{Unsubscribe, normal};
    use crate::mail::mboxrd;

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
    fn a_count_is_believed_until_one_is_wrong() {
        let body = format!("one\n\n{FROM}B: not a mail\n\n>From x\n");
        let counted =
            |length: usize, body: &str| format!("{FROM}Content-Length: {length}\n\n{body}\n");
        let right = counted(body.len(), &body);
        let mails = read(&format!("{right}{right}"), 0, Quoting::Guess);
        assert_eq!(mails.len(), 2);
        assert!(mails.iter().all(|mail| mail.ends_with(&body)), "{mails:?}");

        let plain = format!("{FROM}C: 3\n\nthree\n\n");
        for length in [0, 3, 9, 60, 150, 5_000, 999_999_999_999] {
            let wrong = counted(length, "one\n");
            let mails = read(&format!("{wrong}{plain}{wrong}{plain}"), 0, Quoting::Guess);
            assert_eq!(mails.len(), 4, "{length}: {mails:?}");
            assert_eq!(mails[3], "C: 3\n\nthree\n", "{length}");
            assert!(mails[2].ends_with("\n\none\n"), "{length}: {mails:?}");
        }
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
    fn what_we_write_comes_back_as_it_was() {
        let pieces: [&[u8]; 14] = [
            b"From ",
            b">",
            b"\n",
            b"\n",
            b"\r\n",
            b"\r",
            b"A: 1\n",
            b" ",
            b"Content-Length: 3\n",
            b"x",
            b"\n\n",
            b"a@b Thu Jan  1 00:00:10 1970\n",
            b"Status: R\n",
            b"mboxrd@z Thu Jan  1 00:00:00 1970\n",
        ];
        let mut seed = 7_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        for round in 0..20_000 {
            let mut mails: Vec<Vec<u8>> = Vec::new();
            for _ in 0..3 {
                let mut raw = b"Subject: x\n".to_vec();
                (0..next(12)).for_each(|_| raw.extend_from_slice(pieces[next(pieces.len())]));
                mails.push(normal(&raw, Unsubscribe::Kept).into_owned());
            }
            let mut mbox = Vec::new();
            mails.iter().for_each(|raw| mboxrd(raw, &mut mbox));
            let read = Mbox::new(Path::new("x"), &mbox[..], 0, Quoting::Guess);
            let read: Vec<Vec<u8>> = read
                .map(|item| normal(&item.unwrap().raw.unwrap(), Unsubscribe::Kept).into_owned())
                .collect();
            let shown = |mails: &[Vec<u8>]| -> Vec<String> {
                mails
                    .iter()
                    .map(|raw| raw.escape_ascii().to_string())
                    .collect()
            };
            assert_eq!(shown(&read), shown(&mails), "round {round}");
        }
    }

    #[test]
    fn pipermail_is_known_by_its_addresses() {
        let text = "From joe at example.org  Thu Jan  1 00:00:10 1970\nFrom: joe at example.org (Joe)\n\nx\n";
        let mut mbox = Mbox::new(Path::new("x"), text.as_bytes(), 0, Quoting::Guess);
        assert_eq!(mbox.next().unwrap().unwrap().loss, Some(Loss::Pipermail));
    }
}
