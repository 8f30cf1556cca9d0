//! The operator's style sheets (`publicinbox.css`), read from their files.

use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::config::StyleSheet;

/// A longer file is no style sheet.
const LONGEST: u64 = 1 << 20;

/// A style sheet that visitors are offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// `NAME.css`; no two have the same.
    pub name: String,
    /// For which media.
    pub media: Option<String>,
    /// The name by which a browser offers it.
    pub title: Option<String>,
    /// Where it is to be found instead of here.
    pub href: Option<String>,
    /// Its fingerprint: another one with every other content, and the same on every server that has the same file.
    pub fingerprint: String,
    /// What is in it; nothing where it is found elsewhere.
    pub content: Arc<[u8]>,
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// When a file was written, and how long it is.
type Stamp = (SystemTime, u64);

/// All of them, in the order of the config.
#[derive(Debug, Default)]
pub struct Sheets {
    /// Those that can be read.
    pub list: Vec<Sheet>,
    /// Changes whenever one of them does.
    pub state: u64,
}

impl Sheets {
    /// Reads them, save those that are as they were `before`. Their names are none of those of `site`, beside which they
    /// are shown.
    pub(super) fn read(settings: &[StyleSheet], before: &Sheets, site: &[Sheet]) -> Sheets {
        let mut list: Vec<Sheet> = Vec::with_capacity(settings.len());
        for setting in settings {
            let kept = before.list.iter().find(|sheet| sheet.is_still(setting));
            let Some(mut sheet) = kept.cloned().or_else(|| Sheet::read(setting)) else {
                continue;
            };
            sheet.name = name(&setting.path, site, &list);
            list.push(sheet);
        }
        let mut hasher = DefaultHasher::new();
        for sheet in &list {
            (
                &sheet.name,
                &sheet.media,
                &sheet.title,
                &sheet.href,
                &sheet.fingerprint,
            )
                .hash(&mut hasher);
        }
        let state = hasher.finish();
        Sheets { list, state }
    }

    /// Logs which of these could not be read.
    pub(super) fn complain(&self, settings: &[StyleSheet]) {
        for css in settings.iter().filter(|css| css.href.is_none()) {
            if !self.list.iter().any(|sheet| sheet.is_of(css)) {
                tracing::error!("{} is no style sheet that can be read", css.path.display());
            }
        }
    }

    /// The sheet of that name, where its file is here.
    pub fn find(&self, name: &str) -> Option<&Sheet> {
        let mut here = self.list.iter().filter(|sheet| sheet.href.is_none());
        here.find(|sheet| sheet.name == name)
    }
}

impl Sheet {
    fn read(setting: &StyleSheet) -> Option<Sheet> {
        let (content, stamp) = match setting.href {
            Some(_) => (Vec::new(), None),
            None => {
                let stamp = stamp(&fs::metadata(&setting.path).ok()?)?;
                (fs::read(&setting.path).ok()?, Some(stamp))
            }
        };
        Some(Sheet {
            name: String::new(),
            media: setting.media.clone(),
            title: setting.title.clone(),
            href: setting.href.clone(),
            fingerprint: fingerprint(&content),
            content: content.into(),
            path: setting.path.clone(),
            stamp,
        })
    }

    /// Whether it is the one that this line of the config means.
    pub(super) fn is_of(&self, setting: &StyleSheet) -> bool {
        self.path == setting.path
            && (&self.media, &self.title, &self.href)
                == (&setting.media, &setting.title, &setting.href)
    }

    fn is_still(&self, setting: &StyleSheet) -> bool {
        self.is_of(setting)
            && match self.stamp {
                None => true,
                some => fs::metadata(&self.path).ok().as_ref().and_then(stamp) == some,
            }
    }
}

fn fingerprint(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// `None` for what is no style sheet.
fn stamp(about: &Metadata) -> Option<Stamp> {
    let fits = about.is_file() && about.len() <= LONGEST;
    fits.then_some((about.modified().ok()?, about.len()))
}

/// What a file is called in addresses: its own name, with a number before it where another sheet has it already.
fn name(path: &Path, site: &[Sheet], own: &[Sheet]) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.+".contains(c) {
            c
        } else {
            '-'
        }
    };
    let name: String = stem.chars().map(plain).chain(".css".chars()).collect();
    if site.iter().chain(own).any(|sheet| sheet.name == name) {
        return format!("{}-{name}", site.len() + own.len() + 1);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::Sheets;
    use crate::config::StyleSheet;

    #[test]
    fn sheets_have_names_of_their_own_and_what_cannot_be_read_is_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| StyleSheet {
            path: dir.path().join(name),
            ..StyleSheet::default()
        };
        std::fs::create_dir(dir.path().join("b")).expect("a directory");
        for name in ["a.css", "b/a.css", "na\"me.css"] {
            std::fs::write(dir.path().join(name), name).expect("a file");
        }
        let settings = [
            at("a.css"),
            at("missing.css"),
            at("b"),
            at("b/a.css"),
            at("na\"me.css"),
        ];
        let sheets = Sheets::read(&settings, &Sheets::default(), &[]);
        let names: Vec<&str> = sheets
            .list
            .iter()
            .map(|sheet| sheet.name.as_str())
            .collect();
        assert_eq!(names, ["a.css", "2-a.css", "na-me.css"]);
        assert_eq!(
            sheets.find("2-a.css").map(|sheet| &*sheet.content),
            Some(&b"b/a.css"[..])
        );
    }

    #[test]
    fn a_sheet_that_is_written_anew_is_read_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.css");
        let settings = [StyleSheet {
            path: path.clone(),
            ..StyleSheet::default()
        }];
        std::fs::write(&path, "one").expect("a file");
        let first = Sheets::read(&settings, &Sheets::default(), &[]);
        assert_eq!(Sheets::read(&settings, &first, &[]).state, first.state);
        std::fs::write(&path, "three").expect("a file");
        let second = Sheets::read(&settings, &first, &[]);
        assert_ne!(second.state, first.state);
        assert_eq!(&*second.list[0].content, b"three");
    }
}
