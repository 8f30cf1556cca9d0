//! The files of a patch: lines of its diffstat and the diffs below link each other.

use std::collections::HashMap;

use memchr::memmem;

use super::Html;
use super::anchors;
use super::diff::first_line;

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
    use super::{Files, file_name, renamed};
    use crate::render::Html;

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
