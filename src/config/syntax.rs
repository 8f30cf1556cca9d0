//! git's config syntax: sections, keys and values as git itself reads them (git-config(1), "Syntax"), and one new
//! section as git would write it.

use std::iter::Peekable;
use std::str::Chars;

/// One line of a config file, or of several where it is continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// In lower case.
    pub(super) section: String,
    pub(super) subsection: Option<String>,
    /// In lower case.
    pub(super) key: String,
    /// `None` where there is a key without `=`, which means that it is true.
    pub(super) value: Option<String>,
    /// Counted from 1.
    pub(super) line: usize,
}

/// What is wrong with a file, and in which line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// Reads all settings of a file, in their order.
pub(super) fn parse(text: &str) -> Result<Vec<Setting>, Mistake> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        rest: text.chars().peekable(),
        line: 1,
    };
    let mut settings = Vec::new();
    let mut section: Option<(String, Option<String>)> = None;
    while let Some(c) = reader.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '#' | ';' => reader.skip_comment(),
            '[' => section = Some(reader.section()?),
            c if c.is_ascii_alphabetic() => {
                let line = reader.line;
                let (key, value) = reader.setting(c)?;
                let Some((section, subsection)) = section.clone() else {
                    return Err(Mistake {
                        line,
                        why: "a setting before the first [section]",
                    });
                };
                settings.push(Setting {
                    section,
                    subsection,
                    key,
                    value,
                    line,
                });
            }
            _ => return Err(reader.mistake("neither a [section] nor a setting")),
        }
    }
    Ok(settings)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    /// That of the character that comes next.
    line: usize,
}

impl Reader<'_> {
    /// The next character; a line may end with CRLF.
    fn next(&mut self) -> Option<char> {
        let mut c = self.rest.next()?;
        if c == '\r' && self.rest.peek() == Some(&'\n') {
            self.rest.next();
            c = '\n';
        }
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn mistake(&self, why: &'static str) -> Mistake {
        Mistake {
            line: self.line,
            why,
        }
    }

    fn skip_comment(&mut self) {
        while self.next().is_some_and(|c| c != '\n') {}
    }

    /// After `[`: `name]`, `name "subsection"]`, or the old `name.subsection]`.
    fn section(&mut self) -> Result<(String, Option<String>), Mistake> {
        let mut name = String::new();
        let line = self.line;
        let bad = |why| Err(Mistake { line, why });
        loop {
            match self.next() {
                Some(']') => break,
                Some(' ' | '\t') => return Ok((checked(name, line)?, Some(self.subsection()?))),
                Some(c) if c.is_ascii_alphanumeric() || c == '-' || c == '.' => {
                    name.push(c.to_ascii_lowercase());
                }
                _ => return bad("a section's name has letters, digits, '-' and '.', then ']'"),
            }
        }
        match name.split_once('.') {
            Some((section, subsection)) => {
                let subsection = subsection.to_owned();
                Ok((checked(section.to_owned(), line)?, Some(subsection)))
            }
            None => Ok((checked(name, line)?, None)),
        }
    }

    /// The quoted part of a section's heading, to the `]`.
    fn subsection(&mut self) -> Result<String, Mistake> {
        let mut name = String::new();
        let line = self.line;
        let bad = |why| Err(Mistake { line, why });
        loop {
            match self.next() {
                Some(' ' | '\t') => {}
                Some('"') => break,
                _ => return bad("after a section's name comes ']' or a name in quotes"),
            }
        }
        loop {
            match self.next() {
                None | Some('\n') => return bad("the name in quotes does not end in its line"),
                Some('"') => break,
                Some('\\') => match self.next() {
                    None | Some('\n') => {
                        return bad("the name in quotes does not end in its line");
                    }
                    Some(c) => name.push(c),
                },
                Some(c) => name.push(c),
            }
        }
        match self.next() {
            Some(']') => Ok(name),
            _ => bad("after the name in quotes comes ']'"),
        }
    }

    /// A key that begins with `first`, and its value.
    fn setting(&mut self, first: char) -> Result<(String, Option<String>), Mistake> {
        let mut key = String::from(first.to_ascii_lowercase());
        let line = self.line;
        while let Some(&c) = self.rest.peek() {
            if !c.is_ascii_alphanumeric() && c != '-' {
                break;
            }
            key.push(c.to_ascii_lowercase());
            self.next();
        }
        loop {
            match self.next() {
                None | Some('\n') => return Ok((key, None)),
                Some(' ' | '\t') => {}
                Some('=') => return Ok((key, Some(self.value()?))),
                Some(_) => {
                    let why = "after a key comes '=' or the end of the line";
                    return Err(Mistake { line, why });
                }
            }
        }
    }

    /// A value, to the end of its line: unquoted, with its escapes replaced, without the blanks around it.
    fn value(&mut self) -> Result<String, Mistake> {
        let mut value = String::new();
        // Up to here it is kept, whatever blanks follow.
        let mut kept = 0;
        let mut quoted = false;
        loop {
            let line = self.line;
            let bad = |why| Err(Mistake { line, why });
            let c = match self.next() {
                None | Some('\n') if quoted => return bad("a quote does not end in its line"),
                None | Some('\n') => break,
                Some(c) => c,
            };
            match c {
                ' ' | '\t' | '\r' if !quoted => {
                    if !value.is_empty() {
                        value.push(c);
                    }
                    continue;
                }
                '#' | ';' if !quoted => {
                    self.skip_comment();
                    break;
                }
                '"' => quoted = !quoted,
                '\\' => match self.next() {
                    None | Some('\n') => {}
                    Some('t') => value.push('\t'),
                    Some('b') => value.push('\u{8}'),
                    Some('n') => value.push('\n'),
                    Some(c @ ('\\' | '"')) => value.push(c),
                    Some(_) => return bad("after '\\' comes one of n, t, b, \\ or \""),
                },
                c => value.push(c),
            }
            kept = value.len();
        }
        value.truncate(kept);
        Ok(value)
    }
}

fn checked(name: String, line: usize) -> Result<String, Mistake> {
    match name.is_empty() {
        true => Err(Mistake {
            line,
            why: "a section needs a name",
        }),
        false => Ok(name),
    }
}

/// A section with these settings, as git would write it.
pub(super) fn write_section(section: &str, subsection: &str, settings: &[(&str, &str)]) -> String {
    let escaped = subsection.replace('\\', "\\\\").replace('"', "\\\"");
    let mut text = format!("[{section} \"{escaped}\"]\n");
    for (key, value) in settings {
        text.push_str(&format!("\t{key} = {}\n", quoted(value)));
    }
    text
}

/// A value with the quotes and escapes that it needs.
fn quoted(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '"' | '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    let bare = value.trim_matches([' ', '\r']) == value && !value.contains(['#', ';', '\r']);
    match bare {
        true => escaped,
        false => format!("\"{escaped}\""),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    use super::{Setting, parse, write_section};

    /// `section.subsection.key`, as `git config --list` prints it.
    fn full_name(setting: &Setting) -> String {
        let Setting { section, key, .. } = setting;
        match &setting.subsection {
            Some(subsection) => format!("{section}.{subsection}.{key}"),
            None => format!("{section}.{key}"),
        }
    }

    fn listed(text: &str) -> Option<Vec<(String, Option<String>)>> {
        let settings = parse(text).ok()?;
        let pairs = settings.into_iter().map(|s| (full_name(&s), s.value));
        Some(pairs.collect())
    }

    /// What git makes of a file; `None` within where it refuses, `None` outside where there is no git.
    #[expect(
        clippy::type_complexity,
        reason = "a list that may be refused by a git that may be missing"
    )]
    fn listed_by_git(text: &str) -> Option<Option<Vec<(String, Option<String>)>>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, text).unwrap();
        let mut git = Command::new("git");
        git.args(["config", "--no-includes", "-z", "--list", "-f"]);
        let output = git.arg(&file).output().ok()?;
        if !output.status.success() {
            return Some(None);
        }
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.split_terminator('\0');
        let pairs = lines.map(|line| match line.split_once('\n') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (line.to_owned(), None),
        });
        Some(Some(pairs.collect()))
    }

    #[test]
    fn files_are_read_as_git_reads_them() {
        for text in [
            "",
            "\u{feff}[a]\nb",
            "[a]\r\nb = c\r\n",
            "[Sec \"Sub ject\"]\n\tKey-1 = V  # comment\n",
            "[a \"q\\\"\\\\x\"] b = on this line ; too\n",
            "[a.Sub]b=1\nB=2",
            "[a]\nb = \" kept \" and \"#not\" x  \n",
            "[a]\nb = one \\\n  two\n",
            "[a]\nb = \\t\\n\\b\\\\\\\"",
            "[a]\nb = c \\",
            "[a]\nb =\nc = \"\"\nd\n",
            "[a]\nb = x\ty  z\n",
            "[a]\nb = # nothing\n",
            "[a]\nb = \"\" \n",
            "# only\n; comments",
            // Refused:
            "[a\nb = c",
            "[a]\nb = \"open\n",
            "[a]\nb = \\q\n",
            "[a]\nb c\n",
            "[a]\n1b = c\n",
            "[a \"b\"\nc = d\n",
            "[a \"b\nc\"]\nd = e\n",
            "[a b]\n",
            "[a]\nb # comment\n",
        ] {
            let Some(expected) = listed_by_git(text) else {
                eprintln!("skipped: git is not installed");
                return;
            };
            assert_eq!(listed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (text, line) in [("[a]\n\n  =", 3), ("b = c", 1), ("[a]\nb = \"x\\\n\n", 3)] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
        let lines: Vec<usize> = parse("[a]\nb\nc = \\\n x\nd")
            .unwrap()
            .iter()
            .map(|s| s.line)
            .collect();
        assert_eq!(lines, [2, 3, 5]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]
        #[test]
        fn no_file_makes_the_parser_panic(text in any::<String>(), junk in r#"[\[\]ab"\\=#; \n\r\t.-]{0,40}"#) {
            let _ = parse(&text);
            let _ = parse(&junk);
        }

        #[test]
        fn what_is_written_is_read_again(name in "[^\n\0]*", value in "[^\0]*", odd in r#"[ \t\n\r"\\;#=x]{0,12}"#) {
            let text = write_section("publicinbox", &name, &[("url", &value), ("address", &odd)]);
            let settings = parse(&text).unwrap();
            let values: Vec<_> = settings.iter().map(|s| s.value.as_deref()).collect();
            prop_assert_eq!(values, [Some(value.as_str()), Some(odd.as_str())]);
            prop_assert_eq!(settings[0].subsection.as_deref(), Some(name.as_str()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
        #[test]
        fn any_value_means_to_us_what_it_means_to_git(value in r#"[ \t"\\;#=xntb\n]{0,16}"#) {
            let text = format!("[a \"b\"]\nc = {value}\n[d]\ne = f\n");
            if let Some(expected) = listed_by_git(&text) {
                prop_assert_eq!(listed(&text), expected, "{:?}", text);
            }
        }
    }
}
