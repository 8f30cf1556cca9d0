//! The epochs of an inbox without a manifest: as its page for mirrors tells, or asked for one after the other.

use std::collections::BTreeSet;

use super::address::Address;
use super::http::{Got, Http};
use crate::error::Result;
use crate::id::EpochNum;

/// No inbox has more; a manifest may not name more either.
const MAX_EPOCHS: u32 = 1000;
/// How long a page for mirrors may be, in bytes.
const MAX_PAGE: u64 = 1 << 20;
/// How long the `HEAD` of a repository may be, in bytes.
const MAX_HEAD: u64 = 4 << 10;

/// The epochs of the inbox at `url`; none where it is of version 1, or is not there.
///
/// # Errors
/// [`Error::Upstream`](crate::error::Error::Upstream): nobody answers.
pub(super) fn epochs(http: &Http, url: &Address) -> Result<BTreeSet<EpochNum>> {
    let page = match http.get(&url.join("_/text/mirror/raw"), None, MAX_PAGE) {
        Ok(Got::Found(page)) => page.bytes,
        // Servers of other makes have no such page.
        _ => Vec::new(),
    };
    let told = told(&String::from_utf8_lossy(&page), url);
    match told.first() {
        Some(first) if has(http, url, *first)? => Ok(told),
        _ => from(http, url, EpochNum(0)),
    }
}

/// Those of the inbox at `url` that follow each other from this one on.
///
/// # Errors
/// [`Error::Upstream`](crate::error::Error::Upstream): nobody answers.
pub(super) fn from(http: &Http, url: &Address, first: EpochNum) -> Result<BTreeSet<EpochNum>> {
    let mut found = BTreeSet::new();
    for number in (first.0..MAX_EPOCHS).map(EpochNum) {
        if !has(http, url, number)? {
            break;
        }
        found.insert(number);
    }
    Ok(found)
}

/// Whether that epoch is there.
fn has(http: &Http, url: &Address, number: EpochNum) -> Result<bool> {
    let head = http.get(&url.join(&format!("git/{number}.git/HEAD")), None, MAX_HEAD)?;
    // Some servers have a page for whatever is not there.
    Ok(matches!(head, Got::Found(head) if head.bytes.starts_with(b"ref: ")))
}

/// The epochs that a page for mirrors names: `git clone --mirror https://…/INBOX/3 …`.
fn told(page: &str, url: &Address) -> BTreeSet<EpochNum> {
    let path = url.path().trim_end_matches('/');
    let inbox = path.rsplit('/').next().unwrap_or_default();
    let number = |command: &str| {
        let repository = command.split_whitespace().next()?.trim_end_matches('/');
        let (above, number) = repository.rsplit_once('/')?;
        let above = above.strip_suffix("/git").unwrap_or(above);
        let digits = number.strip_suffix(".git").unwrap_or(number);
        let number: u32 = digits.parse().ok()?;
        let plain = digits.len() == number.to_string().len();
        let fits = plain && number < MAX_EPOCHS;
        (fits && above.ends_with(&format!("/{inbox}"))).then_some(EpochNum(number))
    };
    page.split("git clone --mirror ")
        .skip(1)
        .filter_map(number)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Address, told};

    #[test]
    fn only_epochs_of_the_inbox_itself_are_taken_from_a_page() {
        let url = Address::parse("https://a.example/lists/warp/").unwrap();
        let page = "Everybody may:\n\n  git clone --mirror https://a.example/lists/warp/0 warp/git/0.git # oldest\n\
            \x20 git clone --mirror http://onion.example/warp/git/12.git warp/git/12.git\n\
            \x20 git clone --mirror https://a.example/lists/weft/3 weft/git/3.git\n\
            \x20 git clone --mirror https://a.example/lists/warp/007\n\
            \x20 git clone --mirror https://a.example/lists/warp/1000\n\
            \x20 git clone --mirror https://a.example/lists/warp\n  git clone --mirror ";
        let numbers: Vec<u32> = told(page, &url).iter().map(|number| number.0).collect();
        assert_eq!(numbers, [0, 12]);
    }
}
