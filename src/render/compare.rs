//! How two mails differ: what is shown of each as plain text, and a unified diff of the two.
//!
//! Comparing costs as much as the texts are long *and* unlike, so no more than the beginning of a very long mail is
//! compared.

use similar::algorithms::{self, Capture, Replace};
use similar::{Algorithm, DiffOp, DiffTag, group_diff_ops};

use super::headers::Fields;
use super::{Addresses, Html};
use crate::mail::{Part, PartBody};

/// Lines around a change.
const CONTEXT: usize = 3;
/// Lines of a mail that are compared. Two mails of so many lines that have none in common take a tenth of a second.
const LINES: usize = 3_000;
/// Bytes of a mail that are compared.
const BYTES: usize = 512 * 1024;

/// A mail as lines of plain text: the headers that its page shows, then its parts.
pub fn plain(fields: &Fields, parts: &[Part], addresses: Addresses<'_>) -> String {
    let mut text = String::new();
    let mut header = |name: &str, value: &str| {
        if !value.is_empty() {
            text.extend([name, ": "]);
            text.extend(value.chars().map(|c| if c == '\n' { ' ' } else { c }));
            text.push('\n');
        }
    };
    for (name, values) in [
        ("From", &fields.from),
        ("To", &fields.to),
        ("Cc", &fields.cc),
        ("Subject", &fields.subject),
    ] {
        values.iter().for_each(|value| header(name, value));
    }
    header("Date", fields.date.as_deref().unwrap_or_default());
    for (name, mid) in &fields.ids {
        header(name, &format!("<{mid}>"));
    }
    header(
        "In-Reply-To",
        fields.in_reply_to.as_deref().unwrap_or_default(),
    );
    for part in parts {
        text.push('\n');
        if parts.len() > 1 || !matches!(part.body, PartBody::Text { .. }) {
            text.extend(["[-- Attachment #", &part.index, ": "]);
            if let Some(name) = &part.filename {
                text.extend([name, ", "]);
            }
            text += &format!(
                "Type: {}, Size: {} bytes --]\n",
                part.content_type, part.size
            );
        }
        match &part.body {
            PartBody::Text { text: words, .. } | PartBody::Html { text: words } => text += words,
            PartBody::Embedded { headers } => {
                for (name, value) in headers {
                    text.extend([name, ": ", value, "\n"]);
                }
            }
            PartBody::Opaque => {}
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text.truncate(text.floor_char_boundary(BYTES));
    addresses.written(&text).into_owned()
}

/// All headers of a mail as lines of plain text.
pub fn plain_headers(raw: &[u8], addresses: Addresses<'_>) -> String {
    let end = [&b"\n\n"[..], b"\n\r\n"]
        .iter()
        .filter_map(|end| memchr::memmem::find(raw, end))
        .min()
        .map_or(raw.len(), |at| at + 1);
    let headers = raw.get(..end.min(BYTES)).unwrap_or_default();
    let text = String::from_utf8_lossy(headers).replace('\r', "");
    addresses.written(&text).into_owned()
}

/// The hunks of a unified diff, to be put inside a `<pre>`. `None` where both are the same.
pub fn compare(old: &str, new: &str) -> Option<Html> {
    let (old, new) = (lines(old), lines(new));
    let hunks = group_diff_ops(steps(&old, &new), CONTEXT);
    let changed = |ops: &Vec<DiffOp>| ops.iter().any(|op| op.tag() != DiffTag::Equal);
    let mut out = Html::new();
    for hunk in hunks.iter().filter(|hunk| changed(hunk)) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let old_range = span(first.old_range().start, last.old_range().end);
        let new_range = span(first.new_range().start, last.new_range().end);
        out.markup("<span class=\"hunk\">");
        out.print(format_args!("@@ -{old_range} +{new_range} @@\n"));
        out.markup("</span>");
        for op in hunk {
            if op.tag() == DiffTag::Equal {
                signed(&mut out, " ", &old[op.old_range()]);
                continue;
            }
            if !op.old_range().is_empty() {
                out.markup("<span class=\"del\">");
                signed(&mut out, "-", &old[op.old_range()]);
                out.markup("</span>");
            }
            if !op.new_range().is_empty() {
                out.markup("<span class=\"add\">");
                signed(&mut out, "+", &new[op.new_range()]);
                out.markup("</span>");
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What becomes of which lines, in their order. (The library's own way to ask for them also moves changes to where they
/// look better, and so gets steps out of order where lines repeat.)
fn steps(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut steps = Replace::new(Capture::new());
    match algorithms::diff_slices(Algorithm::Myers, &mut steps, old, new) {
        Ok(()) => steps.into_inner().into_ops(),
        Err(never) => match never {},
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().take(LINES).collect()
}

/// Lines `start..end`, counted from 0, as the header of a hunk says it.
fn span(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

fn signed(out: &mut Html, sign: &'static str, lines: &[&str]) {
    for line in lines {
        out.markup(sign);
        out.line(line);
        out.markup("\n");
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Addresses, LINES, compare, lines, plain, steps};
    use crate::mail::Message;
    use crate::render::Fields;

    #[test]
    fn every_step_begins_where_the_one_before_ends() {
        let seed = include_str!("../../fuzz/corpus/diff/hunks-out-of-order");
        let (old, new) = seed.split_once("\n\n").unwrap();
        let mut pairs = vec![(old.to_owned(), new.to_owned())];
        let mut random = 7_u64;
        let mut text = |count: u64| -> String {
            let mut line = |_| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                ["a\n", "b\n", "\n"][(random >> 40) as usize % 3]
            };
            (0..count).map(&mut line).collect()
        };
        pairs.extend((0..500).map(|n| (text(n % 17), text(n % 13))));
        for (old, new) in &pairs {
            let (old, new) = (lines(old), lines(new));
            let mut at = (0, 0);
            for step in steps(&old, &new) {
                assert_eq!(
                    (step.old_range().start, step.new_range().start),
                    at,
                    "{old:?} {new:?}"
                );
                at = (step.old_range().end, step.new_range().end);
            }
            assert_eq!(at, (old.len(), new.len()));
        }
    }

    #[test]
    fn what_is_shown_of_a_mail_is_what_is_compared() {
        let mail = b"From: A <a@b>\r\nX-Unseen: x\r\nSubject: =?utf-8?q?k=C3=A4se?=\r\nMessage-ID: <m@b>\r\n\r\nhi";
        let message = Message::parse(mail);
        assert_eq!(
            plain(&Fields::of(&message), &message.parts(), Addresses::Shown),
            "From: A <a@b>\nSubject: k\u{e4}se\nMessage-ID: <m@b>\n\nhi\n"
        );
    }

    #[test]
    fn a_diff_has_its_changes_and_three_lines_around_them() {
        let html = compare("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\n<e>\nf\n").expect("a difference");
        assert_eq!(
            html.as_str(),
            "<span class=\"hunk\">@@ -2,5 +2,5 @@\n</span> b\n c\n d\n\
             <span class=\"del\">-e\n</span><span class=\"add\">+&lt;e&gt;\n</span> f\n"
        );
        let html = compare("", "x\n").expect("a difference");
        assert!(html.as_str().contains("@@ -0,0 +1 @@"), "{html}");
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(compare("a\nb\n", "a\nb"), None);
        assert_eq!(compare("", ""), None);
    }

    #[test]
    fn mails_that_are_long_and_unlike_are_compared_in_bounded_time() {
        let text = |of: &str| -> String {
            (0..20 * LINES)
                .map(|n| format!("{of}{}\n", n * n % 977))
                .collect()
        };
        let began = Instant::now();
        for (old, new) in [("a", "b"), ("a", "a"), ("", "-")] {
            let _ = compare(&text(old), &text(new));
        }
        let reversed: String = text("a")
            .lines()
            .rev()
            .flat_map(|line| [line, "\n"])
            .collect();
        assert!(compare(&text("a"), &reversed).is_some());
        // Without optimization, on a busy machine.
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}
