//! What a mirror that has only a part of its upstream says of itself with every answer, so that clients (b4, liblore)
//! know where to ask for the rest.

use axum::http::{HeaderMap, HeaderValue};

use super::site::Site;
use crate::archive::Partial;
use crate::id::InboxName;

/// Adds the two headers to an answer for `path`. Below an inbox they speak of that; elsewhere of all inboxes together.
pub(super) fn write(site: &Site, path: &str, headers: &mut HeaderMap) {
    let first = path.trim_start_matches('/').split('/').next();
    let inbox = first
        .and_then(InboxName::parse)
        .and_then(|name| site.archive.inbox(&name));
    let Some(partial) = inbox
        .or_else(|| site.archive.all())
        .and_then(|i| i.partial())
    else {
        return;
    };
    if let Ok(value) = HeaderValue::try_from(coverage(&partial)) {
        headers.insert("x-archive-coverage", value);
    }
    if let Ok(value) = HeaderValue::try_from(partial.upstream) {
        headers.insert("x-archive-upstream", value);
    }
}

fn coverage(partial: &Partial) -> String {
    match partial.updated {
        Some(updated) => format!("partial; updated={}", updated.0),
        None => "partial".to_owned(),
    }
}
