//! `/INBOX/NAME.css`, `/+/NAME.css` — a style sheet of the operator's.

use crate::archive::Sheets;
use crate::id::InboxName;
use crate::web::answer::{Answer, Media};
use crate::web::assets;
use crate::web::error::WebError;
use crate::web::freshness::Fresh;
use crate::web::site::Visit;

/// Answers in an inbox.
pub(in crate::web) fn of_inbox(
    visit: &Visit<'_>,
    inbox: &InboxName,
    name: &str,
) -> Result<Answer, WebError> {
    let own = visit.site.inbox(inbox)?.sheets();
    let found = operators(visit, &own, name);
    found
        .or_else(|| operators(visit, &visit.site.archive.sheets(), name))
        .ok_or(WebError::MISSING)
}

/// Answers beside the listing, where our own files are, too.
pub(in crate::web) fn of_site(visit: &Visit<'_>, name: &str) -> Result<Answer, WebError> {
    match operators(visit, &visit.site.archive.sheets(), name) {
        Some(answer) if name != assets::style_name() => Ok(answer),
        _ => assets::show(name),
    }
}

/// Pages ask for it together with its fingerprint; so it may be kept for as long as anybody likes.
fn operators(visit: &Visit<'_>, sheets: &Sheets, name: &str) -> Option<Answer> {
    let sheet = sheets.find(name)?;
    let fresh = if visit.ask.raw_query == sheet.fingerprint {
        Fresh::Forever
    } else {
        Fresh::of_bytes(None)
    };
    Some(Answer::found(Media::Css, sheet.content.to_vec(), fresh))
}
