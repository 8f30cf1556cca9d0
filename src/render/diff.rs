//! Diffs in a text: which line is what.
//!
//! The state machine trusts the counts of a hunk's header only as far as they help: a removed `- ` and the `-- `
//! before a signature look alike. Counts that lie cost a wrong colour and nothing else.

use memchr::memmem;

/// What a line is shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words.
    Plain,
    /// A quotation.
    Quote,
    /// A line that a diff leaves as it is.
    Context,
    /// From `diff --git` to `+++`.
    Head,
    /// `@@ … @@`.
    Hunk,
    /// An added line.
    Add,
    /// A removed line.
    Del,
}

/// Whether the text holds a diff at all: `--- x`, `+++ y`, `@@ ` on three lines, or git's header for one.
pub(super) fn has_diff(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at_line = |at: usize| at == 0 || bytes.get(at - 1) == Some(&b'\n');
    memmem::find_iter(bytes, b"+++ ")
        .any(|at| at_line(at) && next_line(&text[at..]).starts_with("@@ "))
        || memmem::find_iter(bytes, b"diff --git ").any(at_line)
}

/// Tells of line after line what it is.
#[derive(Debug, Default)]
pub(super) struct Reader {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// Outside of any diff.
    #[default]
    Out,
    /// In the lines before the first hunk of a file.
    Head,
    /// In a hunk, with so many old and new lines to come.
    Hunk { old: u32, new: u32 },
    /// Behind a hunk that is complete; another may follow.
    Between,
}

impl Reader {
    /// What the first line of `text` is, where all lines before it have been read.
    pub(super) fn kind(&mut self, text: &str) -> Kind {
        if let State::Hunk { old, new } = &mut self.state {
            match text.as_bytes().first() {
                Some(b'+') if *new > 0 => {
                    *new -= 1;
                    return Kind::Add;
                }
                Some(b'-') if *old > 0 => {
                    *old -= 1;
                    return Kind::Del;
                }
                Some(b' ' | b'\n' | b'\r') | None if *old > 0 || *new > 0 => {
                    *old = old.saturating_sub(1);
                    *new = new.saturating_sub(1);
                    return Kind::Context;
                }
                Some(b'\\') => return Kind::Context,
                _ => {}
            }
        }
        if text.starts_with('>') {
            self.state = State::Out;
            return Kind::Quote;
        }
        if ["diff --git ", "diff --cc ", "diff --combined "]
            .iter()
            .any(|start| text.starts_with(start))
        {
            self.state = State::Head;
            return Kind::Head;
        }
        if matches!(self.state, State::Head) && is_head(text) {
            return Kind::Head;
        }
        if begins_without_git(text) {
            self.state = State::Head;
            return Kind::Head;
        }
        let in_diff = !matches!(self.state, State::Out);
        if in_diff && text.starts_with("@@") {
            let (old, new) = counts(first_line(text));
            self.state = State::Hunk { old, new };
            return Kind::Hunk;
        }
        match self.state {
            State::Hunk { old, new } => self.beyond_counts(text, old == 0 && new == 0),
            State::Out | State::Head | State::Between => {
                if !matches!(self.state, State::Between) || !text.starts_with([' ', '\n', '\r']) {
                    self.state = State::Out;
                }
                Kind::Plain
            }
        }
    }

    /// A line of a hunk that its header did not promise: people edit patches by hand, and mailers break lines.
    fn beyond_counts(&mut self, text: &str, complete: bool) -> Kind {
        match text.as_bytes().first() {
            Some(b'-') if is_signature(text) => {
                self.state = State::Out;
                Kind::Plain
            }
            Some(b'+') => Kind::Add,
            Some(b'-') => Kind::Del,
            Some(b' ') => Kind::Context,
            Some(b'\n' | b'\r') | None => {
                self.state = State::Between;
                Kind::Plain
            }
            _ if complete => {
                self.state = State::Out;
                Kind::Plain
            }
            _ => Kind::Context,
        }
    }
}

fn is_signature(text: &str) -> bool {
    matches!(
        first_line(text).trim_end_matches(['\n', '\r']),
        "-- " | "--"
    )
}

fn is_head(text: &str) -> bool {
    const STARTS: [&str; 14] = [
        "index ",
        "--- ",
        "+++ ",
        "old mode ",
        "new mode ",
        "deleted file mode ",
        "new file mode ",
        "copy from ",
        "copy to ",
        "rename from ",
        "rename to ",
        "similarity index ",
        "dissimilarity index ",
        "Binary files ",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// `--- x`, `+++ y`, `@@ `: a diff that git did not write.
fn begins_without_git(text: &str) -> bool {
    if !text.starts_with("--- ") {
        return false;
    }
    let second = next_line(text);
    second.starts_with("+++ ") && next_line(second).starts_with("@@ ")
}

pub(super) fn first_line(text: &str) -> &str {
    memchr::memchr(b'\n', text.as_bytes()).map_or(text, |end| &text[..=end])
}

fn next_line(text: &str) -> &str {
    memchr::memchr(b'\n', text.as_bytes()).map_or("", |end| &text[end + 1..])
}

/// The two line counts of `@@ -1,2 +3,4 @@`; no lines where it cannot be read.
fn counts(header: &str) -> (u32, u32) {
    let mut fields = header.split(' ').skip(1);
    let mut count = |sign: char| -> Option<u32> {
        let range = fields.next()?.strip_prefix(sign)?;
        match range.split_once(',') {
            Some((_, count)) => count.parse().ok(),
            None => Some(1),
        }
    };
    match (count('-'), count('+')) {
        (Some(old), Some(new)) => (old, new),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Reader, has_diff};

    fn kinds(text: &str) -> String {
        let mut reader = Reader::default();
        let mut from = 0;
        let mut letters = String::new();
        for line in text.split_inclusive('\n') {
            letters.push(match reader.kind(&text[from..]) {
                Kind::Plain => '.',
                Kind::Quote => '>',
                Kind::Context => ' ',
                Kind::Head => 'h',
                Kind::Hunk => '@',
                Kind::Add => '+',
                Kind::Del => '-',
            });
            from += line.len();
        }
        letters
    }

    #[test]
    fn each_line_of_a_mail_with_a_patch_is_told_apart() {
        for (text, wanted) in [
            (
                "hi\n---\n a | 2\n\ndiff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@ f\n x\n-a\n+b\n-- \n2.1\n",
                "....hhhh@ -+..",
            ),
            // A removed list item is no signature while the counts say otherwise.
            (
                "--- a\n+++ b\n@@ -1,3 +1 @@\n-- \n--- x\n+y\n-z\n-- \nbye\n",
                "hh@--+-..",
            ),
            // Two hunks, an edited count, words after the end.
            (
                "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n+c\n@@ -9 +9 @@\n-d\n+e\nSigned-off\n+1\n",
                "hhh@-++@-+..",
            ),
            // A blank line that lost its blank, and a file that ends without a newline.
            (
                "--- a\n+++ b\n@@ -1,3 +1,3 @@\n a\n\n-b\n\\ No newline\n+c\n\n+1 for this\n",
                "hh@  - +..",
            ),
            ("> --- a\n> +++ b\n> @@ -1 +1 @@\n@@ not\n+ not\n", ">>>.."),
            (
                "diff --git a/x b/x\nrename from y\nrename to x\nok\n",
                "hhh.",
            ),
            (
                "diff --git a/x b/x\nGIT binary patch\nliteral 3\nabc\n",
                "h...",
            ),
            (
                "--- a\n+++ b\n@@ -999999999999 +1,4294967296 @@\n-a\n+b\n",
                "hh@-+",
            ),
        ] {
            assert_eq!(kinds(text), wanted, "{text}");
        }
    }

    #[test]
    fn prose_with_rulers_has_no_diff() {
        for (text, diff) in [
            ("--- a\n+++ b\n@@ -1 +1 @@\n", true),
            ("diff --git a/x b/x\n", true),
            ("--- \n+++ \nno\n", false),
            ("> diff --git a/x b/x\n", false),
        ] {
            assert_eq!(has_diff(text), diff, "{text}");
        }
    }
}
