//! The files of a repository that git asks for over HTTP.

use super::route::GitFile;
use crate::id::EpochNum;

/// The files and services that git's protocols ask for; a `config` is never among them.
pub(super) fn git_file(tail: &str) -> Option<GitFile> {
    let epoch_dir = |text: &str| {
        let number = text.strip_suffix(".git").unwrap_or(text);
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| number.parse().ok().map(EpochNum)).flatten()
    };
    let below = tail.strip_prefix("git/").unwrap_or(tail);
    let (epoch, path) = match below.split_once('/') {
        Some((dir, path)) if epoch_dir(dir).is_some() => (epoch_dir(dir), path),
        _ => (None, tail),
    };
    let hex = |text: &str, len: std::ops::RangeInclusive<usize>| {
        len.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
    };
    let known = match path {
        "HEAD" | "info/refs" | "info/attributes" | "git-upload-pack" => true,
        "objects/info/http-alternates" | "objects/info/alternates" | "objects/info/packs" => true,
        "cloneurl" | "description" => epoch.is_some() || path == "cloneurl",
        _ => match path.strip_prefix("objects/") {
            Some(object) => match object.split_once('/') {
                Some(("pack", name)) => name.strip_prefix("pack-").is_some_and(|name| {
                    let stem = name
                        .strip_suffix(".pack")
                        .or_else(|| name.strip_suffix(".idx"));
                    stem.is_some_and(|stem| hex(stem, 40..=64))
                }),
                Some((dir, rest)) => hex(dir, 2..=2) && hex(rest, 38..=62),
                None => false,
            },
            None => false,
        },
    };
    known.then(|| GitFile {
        epoch,
        path: path.to_owned(),
    })
}
