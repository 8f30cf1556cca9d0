//! Gives an inbox that was cloned its entry in the config file, with what its upstream says of it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{Config, Edit, InboxConfig};
use crate::error::{Error, Result};
use crate::id::InboxName;
use crate::mirror::Address;
use crate::store::Layout;

/// How long the text of an upstream's config may be, in bytes.
const MAX_TEXT: u64 = 256 << 10;

/// What became of the entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Adopted {
    /// It was written. What of upstream's settings other inboxes have already was left out.
    New {
        /// Addresses and newsgroups that were left out.
        left_out: Vec<String>,
    },
    /// The config knew of this directory, by this name.
    Known(InboxName),
}

/// Writes the entry of the inbox `name`, which lies in `dir` and was cloned from `url`.
///
/// # Errors
/// [`Error::Invalid`] where another inbox has that name, or the file cannot be changed; [`Error::Io`].
pub(super) fn adopt(file: &Path, name: &InboxName, dir: &Path, url: &Address) -> Result<Adopted> {
    let mut edit = Edit::open(file)?;
    let config = edit.config()?;
    let place = real(dir);
    if let Some(known) = config
        .inboxes
        .iter()
        .find(|inbox| real(&inbox.dir) == place)
    {
        return Ok(Adopted::Known(known.name.clone()));
    }
    check_name(&config, name)?;
    let Some(path) = dir.to_str().filter(|path| !path.contains('\n')) else {
        let why = "a config file cannot hold such a path";
        return Err(Error::invalid(dir.display().to_string(), why));
    };
    let mut left_out = Vec::new();
    let mut lines = vec![("inboxdir", path.to_owned())];
    lines.extend(settings(&config, name, dir, url, &mut left_out));
    let lines: Vec<(&str, &str)> = lines.iter().map(|(k, v)| (*k, v.as_str())).collect();
    edit.add("publicinbox", name.as_str(), &lines);
    edit.save()?;
    Ok(Adopted::New { left_out })
}

/// Refuses the name of another inbox.
///
/// # Errors
/// [`Error::Invalid`].
pub(super) fn check_name(config: &Config, name: &InboxName) -> Result<()> {
    match config.inbox(name) {
        Some(other) => {
            let why = format!(
                "there is an inbox of that name, in {}; give this one another with --name",
                other.dir.display()
            );
            Err(Error::invalid(format!("inbox {name}"), why))
        }
        None => Ok(()),
    }
}

fn settings(
    config: &Config,
    name: &InboxName,
    dir: &Path,
    url: &Address,
    left_out: &mut Vec<String>,
) -> Vec<(&'static str, String)> {
    let text = text_of(&dir.join("inbox.config.example"));
    let mut said = InboxConfig::offered(&text)
        .unwrap_or_else(|| InboxConfig::new(name.clone(), dir.to_owned()));
    let mut is_free = |address: &String| {
        let mut others = config.inboxes.iter().flat_map(|inbox| &inbox.addresses);
        let free = !others.any(|other| other.eq_ignore_ascii_case(address));
        if !free {
            left_out.push(format!("address {address}"));
        }
        free
    };
    said.addresses.retain(&mut is_free);
    if said.addresses.is_empty() {
        // Mail is stored in the name of its list.
        let stored = Layout::find(dir).ok().and_then(|layout| layout.address());
        let made_up = || format!("{name}@{}", url.host());
        said.addresses = vec![stored.filter(is_free).unwrap_or_else(made_up)];
    }
    if let Some(group) = said.newsgroup.take() {
        let mut others = config
            .inboxes
            .iter()
            .filter_map(|inbox| inbox.newsgroup.as_ref());
        match others.any(|other| other.eq_ignore_ascii_case(&group)) {
            true => left_out.push(format!("newsgroup {group}")),
            false => said.newsgroup = Some(group),
        }
    }
    // Elsewhere it is upstream's; here it is where the site is, if that is known.
    let here = config.url.as_ref().map(|site| format!("{site}{name}/"));
    let mut lines: Vec<(&str, String)> = here.into_iter().map(|url| ("url", url)).collect();
    let each = |key, values: Vec<String>| values.into_iter().map(move |value| (key, value));
    lines.extend(each("address", said.addresses));
    lines.extend(each("listid", said.list_ids));
    lines.extend(each("infourl", said.info_urls));
    lines.extend(each("newsgroup", said.newsgroup.into_iter().collect()));
    for mirror in said.mirrors {
        let key = match mirror.starts_with("imap") {
            true => "imapmirror",
            false => "nntpmirror",
        };
        lines.push((key, mirror));
    }
    if said.obfuscate {
        lines.push(("obfuscate", "true".to_owned()));
    }
    if said.reply_to != ":all" {
        lines.push(("replyto", said.reply_to));
    }
    lines
}

/// A small file; nothing where it cannot be read.
fn text_of(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // What could be read may still say enough.
        let _ = file.take(MAX_TEXT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A path without symbolic links, if it is there.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Adopted, adopt};
    use crate::config::Config;
    use crate::id::InboxName;
    use crate::mirror::Address;

    #[test]
    fn an_entry_takes_nothing_from_other_inboxes_and_is_written_once() {
        let place = tempfile::tempdir().unwrap();
        let (file, dir) = (place.path().join("config"), place.path().join("loom"));
        fs::create_dir(&dir).unwrap();
        let before = "[publicinbox \"other\"]\n\tinboxdir = /other\n\taddress = taken@a.example\n\
             \tnewsgroup = org.taken\n[threadbare]\n\turl = https://here.example\n";
        fs::write(&file, before).unwrap();
        let said = "[publicinbox \"x\"]\n\tinboxdir = /path\n\taddress = loom@a.example\n\
             \taddress = TAKEN@a.example\n\tnewsgroup = org.taken\n\tlistid = loom.a.example\n";
        fs::write(dir.join("inbox.config.example"), said).unwrap();

        let name = InboxName::parse("loom").unwrap();
        let url = Address::parse("https://a.example/loom/").unwrap();
        let expected = ["address TAKEN@a.example", "newsgroup org.taken"];
        let Adopted::New { left_out } = adopt(&file, &name, &dir, &url).unwrap() else {
            panic!("it is new")
        };
        assert_eq!(left_out, expected);
        let config = Config::read(&file).unwrap();
        assert_eq!(config.problems, []);
        let inbox = config.inbox(&name).unwrap();
        assert_eq!(inbox.addresses, ["loom@a.example"]);
        assert_eq!(inbox.list_ids, ["loom.a.example"]);
        assert_eq!(inbox.urls, ["https://here.example/loom/"]);
        assert_eq!(inbox.dir, dir);

        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with(before));
        let again = adopt(&file, &name, &dir, &url).unwrap();
        assert_eq!(again, Adopted::Known(name));
        assert_eq!(fs::read_to_string(&file).unwrap(), text);

        let other = InboxName::parse("other").unwrap();
        let elsewhere = place.path().join("elsewhere");
        let said = adopt(&file, &other, &elsewhere, &url).unwrap_err();
        assert!(said.to_string().contains("--name"), "{said}");
    }
}
