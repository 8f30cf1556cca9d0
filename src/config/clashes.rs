//! Settings that contradict each other: two inboxes with one address, two doors at one place. Each is named with its
//! file and line.

use std::collections::HashMap;
use std::path::Path;

use super::include::{Placed, read_text, text_of};
use super::site::{Config, Problem};
use crate::error::Result;

/// What in the settings of `file` two inboxes claim for themselves, though only one can have it.
///
/// # Errors
/// As [`Config::read`].
pub fn clashes(file: &Path) -> Result<Vec<Problem>> {
    let Some(text) = text_of(file)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut owners: HashMap<(&'static str, String), (String, String)> = HashMap::new();
    for placed in read_text(file, &text)? {
        let Some((inbox, what, value)) = claim(&placed) else {
            continue;
        };
        let place = placed.place();
        match owners.get(&(what, value.clone())) {
            Some((owner, first)) if *owner != inbox => found.push(Problem {
                place,
                why: format!("inbox {inbox} has the {what} {value} of {owner} ({first})"),
            }),
            Some(_) => {}
            None => {
                owners.insert((what, value), (inbox, place));
            }
        }
    }
    Ok(found)
}

/// Whose line it is, and what it claims, in a form by which equals are recognised.
fn claim(placed: &Placed) -> Option<(String, &'static str, String)> {
    let setting = &placed.setting;
    let inbox = setting.subsection.clone()?;
    let value = setting.value.as_deref().unwrap_or_default().trim();
    if setting.section != "publicinbox" || value.is_empty() {
        return None;
    }
    let (what, value) = match setting.key.as_str() {
        "address" => ("address", value.to_ascii_lowercase()),
        "listid" => ("list id", value.to_ascii_lowercase()),
        "url" => ("url", bare_url(value)),
        "inboxdir" | "mainrepo" => {
            let dir = placed.path(value);
            let dir = dir.canonicalize().unwrap_or(dir);
            ("directory", dir.display().to_string())
        }
        _ => return None,
    };
    Some((inbox, what, value))
}

/// A scheme makes no other place of it, nor does a slash at the end.
fn bare_url(url: &str) -> String {
    let (_, rest) = url.split_once("//").unwrap_or(("", url));
    rest.trim_end_matches('/').to_owned()
}

impl Config {
    /// Inboxes that lie inside of others: `(inner, outer)`.
    pub fn nested(&self) -> Vec<(&super::InboxConfig, &super::InboxConfig)> {
        let real = |dir: &Path| dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let mut sorted: Vec<_> = self.inboxes.iter().map(|i| (real(&i.dir), i)).collect();
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut found = Vec::new();
        // Those that lie inside of a directory follow it at once.
        let mut outer: Option<usize> = None;
        for (n, (dir, inbox)) in sorted.iter().enumerate() {
            match outer.and_then(|at| sorted.get(at)) {
                Some((around, owner)) if dir != around && dir.starts_with(around) => {
                    found.push((*inbox, *owner));
                }
                _ => outer = Some(n),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::clashes;
    use crate::config::Config;

    #[test]
    fn what_two_inboxes_claim_is_named_with_both_lines() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(
            &file,
            "[publicinbox \"a\"]\n\taddress = A@example.com\n\turl = https://example.com/a\n\tinboxdir = /x/y\n\
             [publicinbox \"b\"]\n\taddress = b@example.com\n\taddress = a@example.com\n\turl = //example.com/a/\n\
             \tinboxdir = /x/z\n[publicinbox \"a\"]\n\taddress = a@example.com\n\tlistid = a.example.com\n",
        )
        .unwrap();
        let found: Vec<String> = clashes(&file)
            .unwrap()
            .iter()
            .map(|p| p.to_string())
            .collect();
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(
            found[0].contains("config:7: inbox b has the address a@example.com of a ("),
            "{found:?}"
        );
        assert!(found[0].ends_with("config:2)"), "{found:?}");
        assert!(
            found[1].contains("config:8: inbox b has the url example.com/a of a"),
            "{found:?}"
        );
    }

    #[test]
    fn an_inbox_inside_of_another_is_found() {
        let dirs = ["/srv/a", "/srv/a/b", "/srv/ab", "/srv/a/c/d", "/srv/z"].map(PathBuf::from);
        let config = Config::for_directories(&dirs);
        let nested = config.nested();
        let names: Vec<_> = nested
            .iter()
            .map(|(i, o)| (i.name.as_str(), o.name.as_str()))
            .collect();
        assert_eq!(names, [("b", "a"), ("d", "a")]);
    }
}
