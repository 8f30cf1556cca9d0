//! Mail as a file: the mboxrd form, and what such files are called.

use memchr::{memchr, memmem};

use super::subject::normalize_subject;

/// Headers that would contradict what follows them, or that programs would act upon.
const DROPPED: [&[u8]; 4] = [b"Lines", b"Bytes", b"Content-Length", b"Status"];

/// Appends one mail to a mailbox in the mboxrd form: lines of its body that could be taken for the beginning of
/// another mail get one more `>`, so that taking one away gives the mail back.
pub fn mboxrd(raw: &[u8], out: &mut Vec<u8>) {
    let raw = without_from_line(raw);
    let (head, body) = split_head(raw);
    let first_line = memchr(b'\n', raw).unwrap_or(0);
    let crlf = first_line > 0 && raw[first_line - 1] == b'\r';
    let eol: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    out.reserve(raw.len() + 64);
    out.extend_from_slice(b"From mboxrd@z Thu Jan  1 00:00:00 1970");
    out.extend_from_slice(eol);
    push_head(head, out);
    push_body(body, out);
    out.extend_from_slice(eol);
}

/// `raw` without a leading `From ` or `>From ` line.
pub(super) fn without_from_line(raw: &[u8]) -> &[u8] {
    if raw.starts_with(b"From ") || raw.starts_with(b">From ") {
        memchr(b'\n', raw).map_or(&[], |end| &raw[end + 1..])
    } else {
        raw
    }
}

/// The header block with the blank line that ends it, and the rest. Text without headers is all body.
fn split_head(raw: &[u8]) -> (&[u8], &[u8]) {
    let (headers, body) = super::headers::Headers::split(raw);
    if headers.is_empty() {
        return (&[], raw);
    }
    raw.split_at(raw.len() - body.len())
}

fn push_head(head: &[u8], out: &mut Vec<u8>) {
    let mut dropping = false;
    for line in head.split_inclusive(|b| *b == b'\n') {
        let continues = matches!(line.first(), Some(b' ' | b'\t'));
        dropping = (continues && dropping) || (!continues && is_dropped(line));
        if !dropping {
            // Programs part an mbox wherever such a line stands, also above a blank one.
            let quoted = line.iter().take_while(|b| **b == b'>').count();
            if line
                .get(quoted..)
                .is_some_and(|rest| rest.starts_with(b"From "))
            {
                out.push(b'>');
            }
            out.extend_from_slice(line);
        }
    }
}

fn is_dropped(line: &[u8]) -> bool {
    let name = memchr(b':', line).map(|colon| &line[..colon]);
    name.is_some_and(|name| DROPPED.iter().any(|d| name.eq_ignore_ascii_case(d)))
}

fn push_body(body: &[u8], out: &mut Vec<u8>) {
    let mut copied = 0;
    for at in memmem::find_iter(body, b"From ") {
        let quoted = body[..at].iter().rev().take_while(|b| **b == b'>').count();
        let line = at - quoted;
        if line == 0 || body[line - 1] == b'\n' {
            out.extend_from_slice(&body[copied..at]);
            out.push(b'>');
            copied = at;
        }
    }
    out.extend_from_slice(&body[copied..]);
}

/// What a mail of that subject is called as a text file.
pub fn raw_file_name(subject: &str) -> String {
    file_name(&normalize_subject(subject), ".txt")
}

/// What a thread of that subject is called as a compressed mailbox.
pub fn mbox_file_name(subject: &str) -> String {
    file_name(subject, ".mbox.gz")
}

/// File names are made of `[A-Za-z0-9_.-]` only, and never begin or end with a dot.
fn file_name(subject: &str, extension: &str) -> String {
    let words = subject.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut stem = words.join("-");
    stem.truncate(200);
    let stem = stem.trim_matches(['.', '-']);
    let stem = if stem.is_empty() { "no-subject" } else { stem };
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use super::{mbox_file_name, mboxrd, raw_file_name};

    fn written(raw: &str) -> String {
        let mut out = Vec::new();
        mboxrd(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    const FROM: &str = "From mboxrd@z Thu Jan  1 00:00:00 1970";

    #[test]
    fn a_mail_is_written_with_one_more_sign_before_each_from() {
        let body = "From a\n>From b\n >From c\nx From d\n>>From e\n>x>From f\nFromage\n";
        let quoted = ">From a\n>>From b\n >From c\nx From d\n>>>From e\n>x>From f\nFromage\n";
        assert_eq!(
            written(&format!("A: 1\n\n{body}")),
            format!("{FROM}\nA: 1\n\n{quoted}\n")
        );
    }

    #[test]
    fn headers_that_lie_about_what_follows_are_dropped() {
        let raw = "From x\nLines: 3\nA: 1\nStatus: R\n folded\nbytes: 1\nX-Status: O\n\nb";
        assert_eq!(written(raw), format!("{FROM}\nA: 1\nX-Status: O\n\nb\n"));
    }

    #[test]
    fn a_from_line_among_the_headers_begins_no_other_mail() {
        let raw = "A: 1\nFrom x@y Thu Jan  1 00:00:00 1970\n>From z\n From folded\nB: 2\n\nb";
        let quoted =
            "A: 1\n>From x@y Thu Jan  1 00:00:00 1970\n>>From z\n From folded\nB: 2\n\nb\n";
        assert_eq!(written(raw), format!("{FROM}\n{quoted}"));
    }

    #[test]
    fn line_ends_are_those_of_the_mail() {
        assert_eq!(
            written("A: 1\r\n\r\nFrom b\r\n"),
            format!("{FROM}\r\nA: 1\r\n\r\n>From b\r\n\r\n")
        );
    }

    #[test]
    fn files_are_named_after_the_subject() {
        for (subject, name) in [
            (
                "Re: [PATCH v2 1/3] mm: fix it",
                "PATCH-v2-1-3-mm-fix-it.txt",
            ),
            ("  ", "no-subject.txt"),
            ("../../etc", "etc.txt"),
            ("a\r\nSet-Cookie: x", "a-Set-Cookie-x.txt"),
            ("été", "t.txt"),
        ] {
            assert_eq!(raw_file_name(subject), name, "{subject}");
        }
        assert_eq!(mbox_file_name("Re: hi"), "Re-hi.mbox.gz");
    }
}
