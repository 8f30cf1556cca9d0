//! A site without a config file: a few directories named on the command line.

use std::path::{Component, Path, PathBuf};

use super::{Config, InboxConfig};
use crate::id::InboxName;

impl Config {
    /// The site of a few inboxes that no file tells about. Each is called like its directory; only the mail in it may
    /// tell a better address than the one that is made up here.
    pub fn for_directories(dirs: &[PathBuf]) -> Config {
        let mut config = Config::default();
        for dir in dirs {
            let name = unique(name_of(dir), &config.inboxes);
            let mut inbox = InboxConfig::new(name, dir.clone());
            inbox.addresses = vec![format!("{}@localhost", inbox.name)];
            config.inboxes.push(inbox);
        }
        config
    }
}

/// What an inbox in this directory is called: the last part of its path that can be made a name. `git/0.git` and the
/// like only say that a repository is there.
fn name_of(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let parts = absolute.components().rev().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    let mut names = parts.filter_map(|part| {
        let bare = part.strip_suffix(".git").unwrap_or(&part);
        let says_nothing = bare == "git" || bare.bytes().all(|b| b.is_ascii_digit());
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
        let name = bare.replace(|c| !allowed(c), "-");
        let name = name.trim_matches(['-', '.', '+']).to_owned();
        (!says_nothing && !name.is_empty()).then_some(name)
    });
    names.next().unwrap_or_else(|| "inbox".to_owned())
}

/// The name itself, or with `-2` and so on where others have it.
fn unique(mut name: String, others: &[InboxConfig]) -> InboxName {
    name.truncate(240);
    let fallback = || InboxName::parse("inbox");
    let candidates = (2..).map(|n| format!("{name}-{n}"));
    let mut candidates = std::iter::once(name.clone()).chain(candidates);
    let free = candidates.find_map(|candidate| {
        let parsed = InboxName::parse(&candidate).or_else(fallback)?;
        let taken = others.iter().any(|inbox| inbox.name == parsed);
        (!taken).then_some(parsed)
    });
    #[expect(clippy::expect_used, reason = "there are more numbers than inboxes")]
    free.expect("a name that made of allowed characters, with any number, is a name")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Config;
    use crate::id::InboxName;

    #[test]
    fn directories_without_a_file_are_called_by_their_names() {
        let dirs: Vec<PathBuf> = [
            "/srv/linux mtd/",
            "/a/ksummit/git/0.git",
            "/b/ksummit.git",
            "/c/äöü/12",
            "/",
        ]
        .iter()
        .map(PathBuf::from)
        .collect();
        let config = Config::for_directories(&dirs);
        let names: Vec<&str> = config.inboxes.iter().map(|i| i.name.as_str()).collect();
        assert_eq!(names, ["linux-mtd", "ksummit", "ksummit-2", "c", "inbox"]);
        assert_eq!(config.inboxes[0].addresses, ["linux-mtd@localhost"]);
        assert_eq!(config.inboxes[1].dir, dirs[1]);
        let name = InboxName::parse("ksummit-2").unwrap();
        assert_eq!(config.inbox(&name).unwrap().dir, dirs[2]);
    }
}
