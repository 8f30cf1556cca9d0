//! Diffs in a text: which line is what, and which file it belongs to.
//!
//! The state machine trusts the counts of a hunk's header only as far as they help: a removed `- ` and the `-- `
//! before a signature look alike. Counts that lie cost a wrong colour and nothing else.

use std::collections::HashMap;

use memchr::memmem;

use super::Html;
use super::anchors;

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

fn first_line(text: &str) -> &str {
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

/// The files whose diffs stand in a text, so that lines of the diffstat above them can be links.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What makes the ids of this part unique on the page.
    before: String,
    index: String,
    /// Each file, with its anchor once it is known.
    anchors: HashMap<String, Anchor>,
    /// Their names backwards, in order: a diffstat cuts long names at the front.
    backwards: Vec<(Vec<u8>, String)>,
}

#[derive(Debug, Default)]
struct Anchor {
    /// The name as the diffstat has it, without a leading `.../`.
    listed: Option<String>,
    /// Whether the diff itself was anchored: an id is given once.
    used: bool,
}

impl Files {
    /// Looks for `diff --git` lines.
    pub(super) fn of(text: &str, before: &str, index: &str) -> Files {
        let mut files = Files {
            before: before.to_owned(),
            index: index.to_owned(),
            ..Files::default()
        };
        for at in memmem::find_iter(text.as_bytes(), b"diff --git ") {
            let starts = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
            if let Some(name) = starts.then(|| file_name(first_line(&text[at..]))).flatten() {
                let back = name.bytes().rev().collect();
                if files
                    .anchors
                    .insert(name.clone(), Anchor::default())
                    .is_none()
                {
                    files.backwards.push((back, name));
                }
            }
        }
        files.backwards.sort_unstable();
        files
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Writes a line of a diffstat with its file as a link; `false` where it is no such line.
    pub(super) fn stat_line(&mut self, out: &mut Html, line: &str) -> bool {
        let Some((listed, name)) = stat_name(line) else {
            return false;
        };
        let short = name.strip_prefix(".../").unwrap_or(&name);
        // What a diffstat cut out of `{old => new}`.
        let tail = short.strip_suffix('}').unwrap_or(short);
        let full = if self.anchors.contains_key(&name) {
            Some(name.as_str())
        } else if short.len() < name.len() {
            self.ends_with(tail)
        } else {
            None
        };
        let Some(full) = full.map(str::to_owned) else {
            return false;
        };
        let Some(anchor) = self.anchors.get_mut(&full) else {
            return false;
        };
        if anchor.listed.is_some() || anchor.used {
            return false;
        }
        anchor.listed = Some(short.to_owned());
        let id = anchors::file(&self.before, &self.index, short);
        out.markup(" <a id=\"i");
        out.text(&id);
        out.markup("\" href=\"#");
        out.text(&id);
        out.markup("\">");
        out.text(listed);
        out.markup("</a>");
        out.text(&line[1 + listed.len()..]);
        true
    }

    /// The file whose name ends like this, below some directory.
    fn ends_with(&self, tail: &str) -> Option<&str> {
        let wanted: Vec<u8> = tail.bytes().rev().chain([b'/']).collect();
        let at = self.backwards.partition_point(|(back, _)| *back < wanted);
        let (back, name) = self.backwards.get(at)?;
        back.starts_with(&wanted).then_some(name)
    }

    /// Writes the first line of a file's diff: its anchor, and a link back to its line in the diffstat.
    pub(super) fn head_line(&mut self, out: &mut Html, line: &str) {
        let name = file_name(line);
        let anchor = name.as_ref().and_then(|name| self.anchors.get_mut(name));
        let (Some(name), Some(anchor)) = (name, anchor) else {
            out.text(line);
            return;
        };
        if anchor.used {
            out.text(line);
            return;
        }
        anchor.used = true;
        let id = anchors::file(
            &self.before,
            &self.index,
            anchor.listed.as_deref().unwrap_or(&name),
        );
        out.markup("<a");
        if anchor.listed.is_some() {
            out.markup(" href=\"#i");
            out.text(&id);
            out.markup("\"");
        }
        out.markup(" id=\"");
        out.text(&id);
        out.markup("\">diff</a>");
        out.text(line.strip_prefix("diff").unwrap_or(line));
    }
}

/// The file that a `diff --git a/X b/Y` line is about: `Y`.
fn file_name(line: &str) -> Option<String> {
    let rest = line
        .strip_prefix("diff --git ")?
        .trim_end_matches(['\n', '\r']);
    let bare = |name: &str, side: &str| name.strip_prefix(side).unwrap_or(name).to_owned();
    if let Some(quoted) = rest.strip_suffix('"') {
        // Git quotes names with odd bytes like C strings; such a name is only looked up by itself.
        let start = quoted.rfind(" \"")?;
        return Some(bare(&quoted[start + 2..], "b/"));
    }
    // The same name twice, most often; it may hold blanks.
    let middle = rest.len() / 2;
    if let (Some(old), Some(new)) = (rest.get(..middle), rest.get(middle + 1..))
        && rest.len() % 2 == 1
        && bare(old, "a/") == bare(new, "b/")
    {
        return Some(bare(new, "b/"));
    }
    let (_, new) = rest.rsplit_once(" b/")?;
    Some(new.to_owned())
}

/// The name in a line of a diffstat, as it is written there and as the file is called in the diff.
fn stat_name(line: &str) -> Option<(&str, String)> {
    let rest = line.strip_prefix(' ')?;
    let (padded, tail) = rest.split_once(" | ")?;
    let count = tail.trim_start();
    if !count.starts_with(|c: char| c.is_ascii_digit()) && !count.starts_with("Bin ") {
        return None;
    }
    let listed = padded.trim_end();
    if listed.is_empty() || listed.starts_with(' ') {
        return None;
    }
    Some((listed, renamed(listed)))
}

/// `a/{b => c}/d` is `a/c/d`, `a => b` is `b`, and `x (new)` is `x`.
fn renamed(listed: &str) -> String {
    let listed = match listed.rsplit_once(" (") {
        Some((name, note)) if note.starts_with("new") || note.starts_with("gone") => name,
        _ => listed,
    };
    let Some((old, new)) = listed.split_once(" => ") else {
        return listed.to_owned();
    };
    match (old.rsplit_once('{'), new.split_once('}')) {
        (Some((start, _)), Some((middle, end))) => {
            let end = match (middle, end.strip_prefix('/')) {
                ("", Some(end)) if start.is_empty() || start.ends_with('/') => end,
                _ => end,
            };
            format!("{start}{middle}{end}")
        }
        _ => new.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Files, Kind, Reader, file_name, has_diff, renamed};
    use crate::render::Html;

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

    #[test]
    fn the_file_of_a_diff_is_the_new_one() {
        for (line, name) in [
            ("diff --git a/x y b/x y\n", Some("x y")),
            ("diff --git a/old b/new\n", Some("new")),
            ("diff --git x x\n", Some("x")),
            ("diff --git \"a/\\303\" \"b/\\303\"\n", Some("\\303")),
            ("diff --git \n", None),
        ] {
            assert_eq!(file_name(line).as_deref(), name, "{line}");
        }
        for (listed, name) in [
            ("a/{b => c}/d", "a/c/d"),
            ("a/{ => c}/d", "a/c/d"),
            ("a/{b => }/d", "a/d"),
            ("{b => }/d", "d"),
            ("a => b", "b"),
            ("x (new)", "x"),
        ] {
            assert_eq!(renamed(listed), name, "{listed}");
        }
    }

    #[test]
    fn diffstat_and_diff_link_each_other_where_both_are_there() {
        let text = "diff --git a/d/long/x.c b/d/long/x.c\ndiff --git a/y b/y\n";
        let mut files = Files::of(text, "", "1");
        let mut out = Html::new();
        assert!(files.stat_line(&mut out, " .../long/x.c | 2 +-\n"));
        assert!(!files.stat_line(&mut out, " other.c | 2 +-\n"));
        assert!(!files.stat_line(&mut out, " .../ng/x.c | 2 +-\n"));
        let mut renamed = Html::new();
        assert!(Files::of(text, "", "1").stat_line(&mut renamed, " .../x.c} | 2\n"));
        files.head_line(&mut out, "diff --git a/d/long/x.c b/d/long/x.c\n");
        files.head_line(&mut out, "diff --git a/d/long/x.c b/d/long/x.c\n");
        files.head_line(&mut out, "diff --git a/y b/y\n");
        assert_eq!(
            out.as_str(),
            " <a id=\"iZ31long:x.c\" href=\"#Z31long:x.c\">.../long/x.c</a> | 2 +-\n\
             <a href=\"#iZ31long:x.c\" id=\"Z31long:x.c\">diff</a> --git a/d/long/x.c b/d/long/x.c\n\
             diff --git a/d/long/x.c b/d/long/x.c\n\
             <a id=\"Z31y\">diff</a> --git a/y b/y\n"
        );
    }
}
