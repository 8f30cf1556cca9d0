//! What an answer can come to, and what a visitor is told when it went wrong. The only file with HTTP statuses.

use axum::http::StatusCode;

use super::answer::{Answer, Media};
use super::gate::Full;
use crate::error::Error;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Here it is.
    Found,
    /// Here is the part of it that was asked for.
    Part,
    /// Not here, but these places may have it.
    Choices,
    /// It lives elsewhere for good.
    Moved,
    /// Likewise, and what is posted is to be posted there.
    MovedWithAll,
    /// It is elsewhere for now.
    Elsewhere,
    /// The visitor's copy is still good.
    Unchanged,
    /// The request cannot be understood.
    Invalid,
    /// Not from there.
    Forbidden,
    /// There was such a thing, and it was removed.
    Gone,
    /// There is no such thing.
    Missing,
    /// Not with that method.
    NotAllowed,
    /// The request's body is larger than any we know a use for.
    TooLarge,
    /// It has no such part.
    NoSuchPart,
    /// The request's body is of a kind that we do not take.
    Unsuitable,
    /// Something of ours broke.
    Failed,
    /// Too much to do; later.
    Busy,
}

impl Outcome {
    /// Its status code.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Outcome::Found => StatusCode::OK,
            Outcome::Part => StatusCode::PARTIAL_CONTENT,
            // Not 404: the peer's clients know a page of suggestions by this.
            Outcome::Choices => StatusCode::MULTIPLE_CHOICES,
            Outcome::Moved => StatusCode::MOVED_PERMANENTLY,
            Outcome::MovedWithAll => StatusCode::PERMANENT_REDIRECT,
            Outcome::Elsewhere => StatusCode::FOUND,
            Outcome::Unchanged => StatusCode::NOT_MODIFIED,
            Outcome::Invalid => StatusCode::BAD_REQUEST,
            Outcome::Forbidden => StatusCode::FORBIDDEN,
            Outcome::Gone => StatusCode::GONE,
            Outcome::Missing => StatusCode::NOT_FOUND,
            Outcome::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Outcome::NoSuchPart => StatusCode::RANGE_NOT_SATISFIABLE,
            Outcome::Unsuitable => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Outcome::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Outcome::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why there is no page.
#[derive(Debug)]
pub(super) enum WebError {
    /// There is no such thing; what else to say, as a line of text.
    NotFound(&'static str),
    /// There is no such message in the inbox. Where a page was asked for, suggestions take its place.
    NoMessage,
    /// The request cannot be used, and why.
    Invalid(String),
    /// Another method is needed: the value of `Allow`.
    NotAllowed(&'static str),
    /// The body of a POST is too large.
    TooLarge,
    /// The body of a POST is of another kind than this.
    Unsuitable(&'static str),
    /// All hands are full.
    Busy,
    /// One of the rooms below failed.
    Failed(Error),
    /// A page panicked; the details are in the log already.
    Broken,
}

impl WebError {
    /// Nothing at that address.
    pub(super) const MISSING: WebError = WebError::NotFound("Not Found");

    /// The short text for the visitor. A failure is logged here, once; its details are not for strangers.
    pub(super) fn answer(&self, path: &str) -> Answer {
        let (outcome, text) = match self {
            WebError::NotFound(text) => (Outcome::Missing, (*text).to_owned()),
            WebError::NoMessage => (Outcome::Missing, "Not Found".to_owned()),
            WebError::Invalid(why) => (Outcome::Invalid, format!("Bad request: {why}")),
            WebError::NotAllowed(_) => (Outcome::NotAllowed, "Method Not Allowed".to_owned()),
            WebError::TooLarge => (
                Outcome::TooLarge,
                "The body of this request is too large.".to_owned(),
            ),
            WebError::Unsuitable(what) => (Outcome::Unsuitable, format!("What is posted here has to be {what}.")),
            WebError::Busy => (
                Outcome::Busy,
                "Too many requests of this kind at once. Please try again in a minute.\n\
                 Whoever wants everything is best served by `git clone`: see the mirror page of each inbox."
                    .to_owned(),
            ),
            WebError::Failed(error) => {
                tracing::error!(path, error = %error, "no answer to {path}: {error}");
                (Outcome::Failed, "Something broke here. It has been written to the log.".to_owned())
            }
            WebError::Broken => {
                tracing::error!(path, "no answer to {path}: the page panicked");
                (Outcome::Failed, "Something broke here. It has been written to the log.".to_owned())
            }
        };
        let mut answer = Answer::new(outcome, Media::Plain, format!("{text}\n"));
        match self {
            WebError::NotAllowed(methods) => answer.allow = Some(methods),
            WebError::Busy => answer.retry_after = Some(60),
            _ => {}
        }
        answer
    }
}

impl From<Full> for WebError {
    fn from(_: Full) -> WebError {
        WebError::Busy
    }
}

impl From<Error> for WebError {
    fn from(error: Error) -> WebError {
        match error {
            Error::Invalid { what, why } => WebError::Invalid(format!("{what}: {why}")),
            Error::Busy => WebError::Busy,
            other => WebError::Failed(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, WebError};
    use crate::error::Error;

    #[test]
    fn every_error_has_its_status() {
        for (error, status) in [
            (WebError::MISSING, 404),
            (Error::invalid("q", "too long").into(), 400),
            (WebError::NotAllowed("GET, HEAD"), 405),
            (WebError::TooLarge, 413),
            (WebError::Unsuitable("text"), 415),
            (WebError::Busy, 503),
            (Error::Db("locked".into()).into(), 500),
        ] {
            let answer = error.answer("/x");
            assert_eq!(answer.outcome.status().as_u16(), status, "{error:?}");
        }
    }

    #[test]
    fn what_broke_is_not_told_to_strangers() {
        let answer = WebError::Failed(Error::Db("secret".into())).answer("/");
        assert_eq!(answer.outcome, Outcome::Failed);
        assert!(
            !answer
                .whole()
                .is_some_and(|body| body.windows(6).any(|w| w == b"secret"))
        );
    }
}
