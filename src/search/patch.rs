//! Reads patches in mail: which files, blobs, functions and lines they touch, and the id that git gives them.
//!
//! Both readers go over the text once, line by line, and hold nothing but the line they are at.

use sha1::{Digest, Sha1};

use crate::mail::{bare_line, lines};

/// One thing found in the text of a patch mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A line that is no change: the letter around the patch.
    Text(&'a str),
    /// The name of a file, without `a/` or `b/`. May be quoted as git quotes.
    File(&'a str),
    /// What stands behind the second `@@`.
    Hunk(&'a str),
    /// A line that stays.
    Context(&'a str),
    /// A line that goes.
    Removed(&'a str),
    /// A line that comes.
    Added(&'a str),
    /// The blob before, abbreviated or not.
    Pre(&'a str),
    /// The blob after.
    Post(&'a str),
}

/// Whether there may be a patch in `text`: some line begins as a diff's header does.
pub(super) fn may_hold(text: &str) -> bool {
    lines(text).any(|line| match line.as_bytes().first() {
        Some(b'd') => line.starts_with("diff "),
        Some(b'-') => line.starts_with("--- "),
        Some(b'+') => line.starts_with("+++ "),
        _ => false,
    })
}

/// Where the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the letter.
    Letter,
    /// Behind the header of a file, where a hunk is to come.
    Head,
    /// In a hunk.
    Hunk,
    /// In base 85, which nobody searches.
    Binary,
}

/// Tells `found` of everything in `text`, in order.
pub(super) fn read<'a>(text: &'a str, mut found: impl FnMut(Piece<'a>)) {
    let mut place = Place::Letter;
    let mut lines = lines(text).map(bare_line).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("diff ") {
            place = Place::Head;
            header_files(line).for_each(|name| found(Piece::File(name)));
            found(Piece::Text(line));
            continue;
        }
        if line == "-- " || line == "--" {
            place = Place::Letter;
            found(Piece::Text(line));
            continue;
        }
        let old = line.strip_prefix("--- ");
        if let (Some(old), Some(new)) = (old, lines.peek().and_then(|l| l.strip_prefix("+++ "))) {
            place = Place::Head;
            [old, new]
                .into_iter()
                .filter_map(file_name)
                .for_each(|n| found(Piece::File(n)));
            lines.next();
            continue;
        }
        match place {
            Place::Letter => found(Piece::Text(line)),
            Place::Binary if line.is_empty() || is_base85(line) => {}
            Place::Binary | Place::Head | Place::Hunk => {
                if place == Place::Binary {
                    place = Place::Head;
                }
                if line.starts_with("GIT binary patch") {
                    place = Place::Binary;
                } else if let Some((pre, post)) = blobs(line) {
                    found(Piece::Pre(pre));
                    found(Piece::Post(post));
                } else if line.starts_with("@@") {
                    place = Place::Hunk;
                    found(Piece::Hunk(function(line)));
                } else if place == Place::Hunk {
                    found(change(line));
                } else {
                    // Prose may follow where a diff was only spoken of.
                    found(Piece::Text(line));
                }
            }
        }
    }
}

/// A line inside of a hunk.
fn change(line: &str) -> Piece<'_> {
    match line.as_bytes().first() {
        Some(b' ') => Piece::Context(&line[1..]),
        Some(b'-') => Piece::Removed(&line[1..]),
        Some(b'+') => Piece::Added(&line[1..]),
        _ => Piece::Text(line),
    }
}

/// What stands behind the line numbers of `@@ -1,2 +1,2 @@ function`; merges have more signs.
fn function(line: &str) -> &str {
    let numbers = line.trim_start_matches('@');
    let behind = numbers.split_once("@@").map_or("", |(_, behind)| behind);
    behind.trim_start_matches('@').trim()
}

/// The names in `diff --git a/x b/x` or `diff -u x x`. A name with blanks in it comes in pieces, which are words
/// of the same name.
fn header_files(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .filter_map(file_name)
}

/// The name in a header line, without the date that old diffs add, and without git's prefixes.
fn file_name(text: &str) -> Option<&str> {
    let name = text.split('\t').next().unwrap_or("").trim();
    let name = name.trim_matches('"');
    let name = name
        .strip_prefix("a/")
        .or_else(|| name.strip_prefix("b/"))
        .unwrap_or(name);
    (!name.is_empty() && name != "/dev/null").then_some(name)
}

/// The two ids in `index 0123456..789abcd 100644`.
fn blobs(line: &str) -> Option<(&str, &str)> {
    let (pre, rest) = line.strip_prefix("index ")?.split_once("..")?;
    let end = rest
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(rest.len());
    let post = &rest[..end];
    let is_id = |id: &str| {
        (7..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    (is_id(pre) && is_id(post)).then_some((pre, post))
}

/// A line of a binary patch: a letter for its length, then base 85 without a blank.
fn is_base85(line: &str) -> bool {
    ["literal ", "delta "].iter().any(|s| line.starts_with(s))
        || (line.len() >= 2
            && line.as_bytes()[0].is_ascii_alphabetic()
            && line.bytes().all(|b| b.is_ascii_graphic()))
}

/// The longest id of an object that patch-ids know, in hexadecimal digits.
const OID_HEX: usize = 64;

/// The ids that `git patch-id --stable` prints for `text`: one for each patch in it, as 40 hexadecimal digits.
pub(super) fn patch_ids(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut reader = IdReader::default();
    for line in lines(text) {
        if reader.line(line) == Step::Ends {
            ids.extend(std::mem::take(&mut reader).finish());
        }
    }
    ids.extend(reader.finish());
    ids
}

/// Whether a patch goes on.
#[derive(PartialEq, Eq)]
enum Step {
    GoesOn,
    Ends,
}

/// Where the reader of ids stands in the patch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Behind `diff`: headers follow.
    Header,
    /// Behind a binary file's header.
    Binary,
    /// In a hunk that still owes so many lines of the old and the new side. Behind the last of them when both are
    /// nought.
    Hunk(i64, i64),
}

/// Computes one patch-id. Each file is hashed without white space, line numbers and blob ids; the sum of the hashes
/// does not depend on the order of files.
struct IdReader {
    hash: Sha1,
    sum: [u8; 20],
    hashed: usize,
    inside: Inside,
    pre: String,
    post: String,
    /// The line that is hashed, without white space.
    black: Vec<u8>,
}

impl Default for IdReader {
    fn default() -> IdReader {
        IdReader {
            hash: Sha1::new(),
            sum: [0; 20],
            hashed: 0,
            inside: Inside::Header,
            pre: String::new(),
            post: String::new(),
            black: Vec::new(),
        }
    }
}

impl IdReader {
    fn line(&mut self, line: &str) -> Step {
        if line.starts_with("\\ ") && line.len() > 12 {
            return Step::GoesOn; // "\ No newline at end of file", in any language
        }
        if names_a_commit(line) {
            return Step::Ends;
        }
        if self.hashed == 0 && !line.starts_with("diff ") {
            return Step::GoesOn;
        }
        if self.inside == Inside::Header {
            if line.starts_with("GIT binary patch") || line.starts_with("Binary files") {
                self.inside = Inside::Binary;
                self.hash.update(self.pre.as_bytes());
                self.hash.update(self.post.as_bytes());
                self.close_file();
                return Step::GoesOn;
            }
            if let Some(ids) = line.strip_prefix("index ") {
                self.note_blobs(ids);
                return Step::GoesOn;
            }
            if line.starts_with("--- ") {
                self.inside = Inside::Hunk(1, 1); // this line and the "+++" after it
            } else if !line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Step::Ends;
            }
        }
        if self.inside == Inside::Binary {
            if line.starts_with("diff ") {
                self.inside = Inside::Header;
            }
            return Step::GoesOn;
        }
        if self.inside == Inside::Hunk(0, 0) {
            if line.starts_with("@@ -") {
                let (old, new) = hunk_lines(line);
                self.inside = Inside::Hunk(old, new);
                return Step::GoesOn;
            }
            if !line.starts_with("diff ") {
                return Step::Ends;
            }
            self.close_file();
            self.inside = Inside::Header;
        }
        if let Inside::Hunk(old, new) = &mut self.inside {
            let first = line.as_bytes().first();
            *old -= i64::from(matches!(first, Some(b'-' | b' ')));
            *new -= i64::from(matches!(first, Some(b'+' | b' ')));
            if *old == -1 {
                self.inside = Inside::Header; // git takes one line too many for a header, and so do we
            }
        }
        let black = without_white(line.as_bytes(), &mut self.black);
        self.hash.update(black);
        self.hashed += black.len();
        Step::GoesOn
    }

    fn note_blobs(&mut self, ids: &str) {
        let Some((pre, rest)) = ids.split_once("..") else {
            return;
        };
        let post = rest.split(' ').next().unwrap_or("");
        let cut = |id: &str| id.trim_end_matches('\n').chars().take(OID_HEX).collect();
        self.pre = cut(pre);
        self.post = cut(post);
    }

    /// Adds the hash of the file that ends here to the sum: 160 bits, least significant byte first.
    fn close_file(&mut self) {
        let file = std::mem::take(&mut self.hash).finalize();
        let mut carry = 0u16;
        for (sum, byte) in self.sum.iter_mut().zip(file) {
            carry += u16::from(*sum) + u16::from(byte);
            *sum = carry as u8;
            carry >>= 8;
        }
    }

    fn finish(mut self) -> Option<String> {
        self.close_file();
        (self.hashed > 0).then(|| self.sum.iter().map(|b| format!("{b:02x}")).collect())
    }
}

/// What is left of `line` without blanks, tabs and line ends, in `room`. Every byte is written there, and the next one over it
/// where it is white: no processor guesses which are.
fn without_white<'r>(line: &[u8], room: &'r mut Vec<u8>) -> &'r [u8] {
    if room.len() < line.len() {
        room.resize(line.len(), 0);
    }
    let mut kept = 0;
    for &byte in line {
        room[kept] = byte;
        kept += usize::from(!matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }
    &room[..kept]
}

/// `commit 0123…`, `From 0123…`: what stands between the patches of one file.
fn names_a_commit(line: &str) -> bool {
    let id = line
        .strip_prefix("commit ")
        .or_else(|| line.strip_prefix("From "))
        .unwrap_or(line);
    id.len() >= 40 && id.as_bytes()[..40].iter().all(u8::is_ascii_hexdigit)
}

/// How many lines of the old and of the new side `@@ -1,2 +3,4 @@` promises; 1 where it does not say, none where it
/// cannot be read.
fn hunk_lines(line: &str) -> (i64, i64) {
    fn side(text: &str) -> Option<(i64, &str)> {
        let digits = |t: &str| t.bytes().take_while(u8::is_ascii_digit).count();
        let start = digits(text);
        if start == 0 {
            return None;
        }
        let rest = &text[start..];
        let Some(count) = rest.strip_prefix(',') else {
            return Some((1, rest));
        };
        let len = digits(count);
        Some((count[..len].parse().unwrap_or(0), &count[len..]))
    }
    let read = || {
        let (old, rest) = side(line.get(4..)?)?;
        let (new, _) = side(rest.strip_prefix(" +")?)?;
        Some((old, new))
    };
    read().unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::{Piece, patch_ids, read};

    /// A letter with a patch over three files: one changed, one binary, one new.
    const MAIL: &str = "\
A few words first.

Signed-off-by: A <a@example.org>
---
 lib/one.c | 4 ++--
 two.bin   | Bin 0 -> 12 bytes
 new.c     | 1 +

diff --git a/lib/one.c b/lib/one.c
index 0123456789ab..ba9876543210 100644
--- a/lib/one.c
+++ b/lib/one.c
@@ -10,7 +10,7 @@ int main(void)
 {
 \tint a;
 
-\treturn a;
+\treturn  b;
 }
--- a minus before a comment
 \tlast
 
@@ -40 +40 @@
-x
+y
\\ No newline at end of file
diff --git a/two.bin b/two.bin
new file mode 100644
index 0000000..e69de29
GIT binary patch
literal 12
TcmZQzU|?imU|?imU|?imU|?im

literal 0
HcmV?d00001

diff --git a/new.c b/new.c
new file mode 100644
index 0000000..1269488
--- /dev/null
+++ b/new.c
@@ -0,0 +1 @@
+data
-- 
2.47.0
";

    #[test]
    fn a_patch_is_taken_apart() {
        let mut found = Vec::new();
        read(MAIL, |piece| found.push(piece));
        for piece in [
            Piece::Text("A few words first."),
            Piece::Text(" lib/one.c | 4 ++--"),
            Piece::File("lib/one.c"),
            Piece::Pre("0123456789ab"),
            Piece::Post("ba9876543210"),
            Piece::Hunk("int main(void)"),
            Piece::Context("\tint a;"),
            Piece::Removed("\treturn a;"),
            Piece::Added("\treturn  b;"),
            Piece::Removed("-- a minus before a comment"),
            Piece::File("two.bin"),
            Piece::Post("1269488"),
            Piece::Added("data"),
            Piece::Text("2.47.0"),
        ] {
            assert!(found.contains(&piece), "{piece:?}");
        }
        let base85 = |piece: &Piece<'_>| matches!(piece, Piece::Text(t) if t.starts_with("Tcm"));
        assert!(!found.iter().any(base85));
        assert!(!found.contains(&Piece::File("/dev/null")));
    }

    #[test]
    fn prose_below_a_diff_that_has_no_hunk_is_no_change() {
        let mut found = Vec::new();
        read(
            "diff --git a/x.c b/x.c\n...\n - if\n@@@ -1 -1 +1 @@@ main\n if\n",
            |piece| found.push(piece),
        );
        assert_eq!(
            found[3..],
            [
                Piece::Text("..."),
                Piece::Text(" - if"),
                Piece::Hunk("main"),
                Piece::Context("if")
            ]
        );
    }

    #[test]
    fn old_diffs_name_their_files_too() {
        let text = "--- x/a.c.orig\t2001-01-01\n+++ x/a.c\t2001-01-02\n@@ -1 +1 @@\n-a\n+b\n";
        let mut found = Vec::new();
        read(text, |piece| found.push(piece));
        assert_eq!(
            found,
            [
                Piece::File("x/a.c.orig"),
                Piece::File("x/a.c"),
                Piece::Hunk(""),
                Piece::Removed("a"),
                Piece::Added("b"),
            ]
        );
    }

    #[test]
    fn text_without_a_patch_has_no_id() {
        for text in ["", "diff", "hello\n--- \nworld\n", "diff of opinion\n"] {
            let ids = patch_ids(text);
            assert_eq!(ids.len(), usize::from(text.starts_with("diff ")), "{text}");
        }
    }

    #[test]
    fn patch_ids_are_those_that_git_prints() {
        let moved = MAIL.replace("@@ -10,7 +10,7 @@", "@@ -99,7 +98,7 @@");
        let spaced = MAIL.replace("return  b", "return b");
        assert_eq!(
            patch_ids(MAIL),
            patch_ids(&moved),
            "line numbers do not matter"
        );
        assert_eq!(
            patch_ids(MAIL),
            patch_ids(&spaced),
            "white space does not matter"
        );
        let two = format!(
            "From {} Mon Sep 17\n{MAIL}From {} Mon\n{spaced}",
            "1".repeat(40),
            "2".repeat(40)
        );
        let odd = [
            MAIL.to_owned(),
            two,
            MAIL.replace('\n', "\r\n"),
            MAIL.replace("-10,7", "-10,9"),
            MAIL.replace("+10,7", "+10,2"),
            MAIL.replace("@@ -40 +40 @@", "@@ nonsense"),
            MAIL.replace("index 0123456789ab..", "index 0123456789ab"),
            MAIL.replace("GIT binary patch", "Binary files a/x and b/x differ"),
            MAIL.replace("--- a/lib/one.c", "rename from lib/zero.c"),
            MAIL.replace("diff --git a/new.c b/new.c\n", ""),
            MAIL.replace(" \tint a;", "\tint a;"),
            MAIL.lines().take(14).map(|l| format!("{l}\n")).collect(),
            format!("{MAIL}{MAIL}"),
            MAIL.trim_end().to_owned(),
            MAIL.replace("-x\n", "").replace("return", "rückkehr"),
        ];
        for text in odd {
            let Some(expected) = ask_git(&text) else {
                eprintln!("skipped: there is no git to ask");
                return;
            };
            assert_eq!(patch_ids(&text), expected, "{text}");
        }
    }

    fn ask_git(text: &str) -> Option<Vec<String>> {
        let mut git = Command::new("git")
            .args(["patch-id", "--stable"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        git.stdin.take()?.write_all(text.as_bytes()).ok()?;
        let output = git.wait_with_output().ok()?;
        let printed = String::from_utf8(output.stdout).ok()?;
        let ids = printed.lines().filter_map(|line| line.split(' ').next());
        Some(ids.map(str::to_owned).collect())
    }
}
