//! `/manifest.js.gz`, `/INBOX/manifest.js.gz` — the repositories that can be mirrored, in the format of grokmirror:
//! a compressed file of JSON, an object whose keys are paths on this site.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

use crate::archive::Mirrored;
use crate::config::Listing;
use crate::error::Error;
use crate::id::InboxName;
use crate::time::{self, Timestamp};
use crate::web::answer::{Answer, Media};
use crate::web::error::WebError;
use crate::web::freshness::{Fresh, NO_DATE};
use crate::web::site::Visit;

/// What a repository's HEAD says unless something else is told.
const USUAL_HEAD: &str = "ref: refs/heads/master";

/// Answers with the manifest of the site, as far as `publicinbox.grokManifest` lets it be seen.
pub(in crate::web) fn site(visit: &Visit<'_>) -> Result<Answer, WebError> {
    let archive = &visit.site.archive;
    let began = time::now();
    let repositories = match archive.config().manifest {
        Listing::All => archive.manifest(|_| true),
        Listing::MatchDomain => archive.manifest(|inbox| visit.is_of_host(inbox)),
        Listing::Nothing => Vec::new(),
    };
    answer(visit, repositories, began)
}

/// Answers with the manifest of one inbox, also of a hidden one. All of them together have no repository.
pub(in crate::web) fn inbox(visit: &Visit<'_>, name: &InboxName) -> Result<Answer, WebError> {
    let inbox = visit.site.inbox(name)?;
    match inbox.is_together() {
        true => Err(WebError::MISSING),
        false => {
            let began = time::now();
            answer(visit, inbox.manifest(), began)
        }
    }
}

/// The file. `began` is a moment before any of it was read.
fn answer(
    visit: &Visit<'_>,
    repositories: Vec<Mirrored>,
    began: Timestamp,
) -> Result<Answer, WebError> {
    let written = repositories.iter().map(|repository| repository.written);
    let written = written.chain(visit.site.archive.configured()).max();
    // A second that was not over yet may have brought another change, which would have the same date.
    let date = written.filter(|written| *written > NO_DATE && *written < began);
    let all: Map<String, Value> = repositories.into_iter().map(entry).collect();
    let mut file = GzEncoder::new(Vec::new(), Compression::default());
    let packed = file.write_all(Value::Object(all).to_string().as_bytes());
    let packed = packed.and_then(|()| file.finish());
    let packed = packed.map_err(|error| Error::io("the manifest", error))?;
    Ok(Answer::found(
        Media::Gzip,
        packed,
        Fresh::of_bytes(Some(date.unwrap_or(NO_DATE))),
    )
    .unlisted())
}

fn entry(repository: Mirrored) -> (String, Value) {
    let mut about = json!({
        "owner": repository.owner,
        "reference": repository.reference,
        "description": repository.description,
        "modified": repository.modified.0,
        "fingerprint": repository.fingerprint,
    });
    // public-inbox never says it. A mirror of a repository with another branch needs it to have a HEAD at all.
    if let Some(head) = repository.head.filter(|head| head != USUAL_HEAD) {
        about["head"] = Value::String(head);
    }
    (repository.path, about)
}
