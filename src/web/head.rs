//! The head of a response: the status and headers that an answer comes to.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::answer::Answer;
use super::cache::Kept;
use super::compress::Coding;
use super::error::Outcome;
use super::site::Site;

/// On every answer: mail is written by strangers.
static SECURITY: [(HeaderName, HeaderValue); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    // Feeds, mboxes and raw mail are there to be fetched by others; no page of theirs can run in ours.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
];

static ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// The headers of an answer to a request for `path`, without those that tell copies apart.
pub(super) fn headers(site: &Site, answer: &Answer, path: &str, coding: Coding) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(20);
    if answer.outcome != Outcome::Unchanged {
        headers.insert(CONTENT_TYPE, answer.media.content_type());
        if let Some(value) = coding.header() {
            headers.insert(CONTENT_ENCODING, value);
        }
        if let Some(name) = &answer.file_name
            && let Ok(value) =
                HeaderValue::try_from(format!("inline; filename={}", sound_file_name(name)))
        {
            headers.insert(CONTENT_DISPOSITION, value);
        }
    }
    if answer.media.compressible() {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some(section) = answer.section {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(section.length));
        if let Some(range) = section.content_range(answer.outcome) {
            headers.insert(CONTENT_RANGE, range);
        }
    }
    if let Some(target) = &answer.location
        && let Ok(value) = HeaderValue::try_from(site.location(path, target))
    {
        headers.insert(LOCATION, value);
    }
    if let Some(methods) = answer.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if answer.unlisted {
        headers.insert(&ROBOTS, HeaderValue::from_static("noindex, nofollow"));
    }
    answer.fresh.write(&mut headers);
    for (name, value) in &SECURITY {
        headers.insert(name, value.clone());
    }
    headers
}

/// A response of these parts.
pub(super) fn respond(outcome: Outcome, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = outcome.status();
    *response.headers_mut() = headers;
    response
}

/// A response with a finished page, or the word that the visitor's copy of it is still good.
pub(super) fn respond_kept(kept: &Kept, request: &HeaderMap, head: bool) -> Response<Body> {
    let mut headers = kept.headers.clone();
    if kept.validators.unchanged(request) {
        for name in [
            CONTENT_LENGTH,
            CONTENT_TYPE,
            CONTENT_ENCODING,
            CONTENT_DISPOSITION,
        ] {
            headers.remove(name);
        }
        return respond(Outcome::Unchanged, headers, Body::empty());
    }
    let body = if head {
        Body::empty()
    } else {
        Body::from(kept.body.clone())
    };
    respond(Outcome::Found, headers, body)
}

/// A name made of a subject goes into a header only as a plain word.
fn sound_file_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let sound: String = name
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(200)
        .collect();
    if sound.is_empty() {
        "mail".to_owned()
    } else {
        sound
    }
}

#[cfg(test)]
mod tests {
    use super::sound_file_name;

    #[test]
    fn file_names_cannot_break_a_header() {
        for (given, sound) in [
            ("Re-hello.txt", "Re-hello.txt"),
            ("a\"; x=\r\n", "a---x---"),
            ("", "mail"),
        ] {
            assert_eq!(sound_file_name(given), sound);
        }
        assert_eq!(sound_file_name(&"x".repeat(900)).len(), 200);
    }
}
