//! For how long an answer holds, and whether the copy that a visitor has is still good (RFC 9110, 13; RFC 9111).

use std::hash::{BuildHasher, Hash};
use std::time::{Duration, UNIX_EPOCH};

use axum::http::header::{
    CACHE_CONTROL, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use axum::http::{HeaderMap, HeaderValue};

use crate::time::Timestamp;

/// Stands for a date where there is none to tell, for clients that cannot do without one (grokmirror). Whoever sends it
/// back gets the whole answer.
pub(super) const NO_DATE: Timestamp = Timestamp(1);

/// What may be kept, and how it is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    /// Its name is made of its content: it never changes.
    Forever,
    /// The same of a file, and since when it is there.
    Stored(Timestamp),
    /// Small things that hardly ever change.
    Daily,
    /// Mail may change it at any moment: it may be kept, but must be asked for again each time.
    Checked {
        /// What its bytes depend on, as a hash; where there is none it is taken of the bytes themselves.
        seed: Option<u64>,
        /// When it last changed, by a clock that tells any two states of it apart.
        modified: Option<Timestamp>,
    },
    /// Refusals and redirects.
    Never,
}

impl Fresh {
    /// A page whose tag is made of its bytes.
    pub(super) fn of_bytes(modified: Option<Timestamp>) -> Fresh {
        Fresh::Checked {
            seed: None,
            modified,
        }
    }

    /// A long answer: what it will be made of is known before its bytes are.
    pub(super) fn of(parts: impl Hash, modified: Option<Timestamp>) -> Fresh {
        let seed = Some(hash(&(
            env!("CARGO_PKG_VERSION"),
            super::assets::style_name(),
            parts,
        )));
        Fresh::Checked { seed, modified }
    }

    /// Its validators; `body` is the uncompressed text where it is known.
    pub(super) fn validators(self, body: Option<&[u8]>) -> Validators {
        match self {
            Fresh::Checked { seed, modified } => Validators {
                tag: seed.or_else(|| body.map(|body| hash(&body))),
                modified,
            },
            Fresh::Forever | Fresh::Daily => Validators {
                tag: body.map(|body| hash(&body)),
                modified: None,
            },
            Fresh::Stored(modified) => Validators {
                tag: None,
                modified: Some(modified),
            },
            Fresh::Never => Validators::default(),
        }
    }

    /// Says it in headers.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        let control = match self {
            Fresh::Forever | Fresh::Stored(_) => "public, max-age=31536000, immutable",
            Fresh::Daily => "public, max-age=86400",
            Fresh::Checked { .. } => "no-cache",
            Fresh::Never => {
                headers.insert(
                    EXPIRES,
                    HeaderValue::from_static("Fri, 01 Jan 1980 00:00:00 GMT"),
                );
                "no-cache, max-age=0, must-revalidate"
            }
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
    }
}

/// A hash that is the same for the same program; another version answers in full once.
fn hash(parts: &impl Hash) -> u64 {
    foldhash::quality::FixedState::default().hash_one(parts)
}

/// By what a visitor can tell whether his copy is still good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    tag: Option<u64>,
    modified: Option<Timestamp>,
}

impl Validators {
    /// Says them in headers. Tags are weak, for the bytes differ with the compression.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(tag) = self.tag
            && let Ok(value) = HeaderValue::try_from(format!("W/\"{tag:016x}\""))
        {
            headers.insert(ETAG, value);
        }
        if let Some(modified) = self.modified
            && modified.0 > 0
            && let Ok(value) = HeaderValue::try_from(modified.http())
        {
            headers.insert(LAST_MODIFIED, value);
        }
    }

    /// Whether the visitor's copy is still good (RFC 9110, 13.2.2): a tag, where one was sent, outranks a date.
    pub(super) fn unchanged(self, request: &HeaderMap) -> bool {
        if request.contains_key(IF_NONE_MATCH) {
            let Some(tag) = self.tag else { return false };
            let tag = format!("\"{tag:016x}\"");
            let lists = request.get_all(IF_NONE_MATCH).iter();
            return lists
                .filter_map(|list| list.to_str().ok())
                .any(|list| names(list, &tag));
        }
        let since = request.get(IF_MODIFIED_SINCE).and_then(|v| v.to_str().ok());
        match (
            since.and_then(|text| httpdate::parse_http_date(text).ok()),
            self.modified,
        ) {
            (Some(since), Some(modified)) if modified > NO_DATE => {
                let seconds = u64::try_from(modified.0).unwrap_or(0);
                // RFC 9110, 13.1.3 would also take a later date; but mail may come late, under a date that has gone by.
                UNIX_EPOCH + Duration::from_secs(seconds) == since
            }
            _ => false,
        }
    }
}

/// Whether a list of tags (RFC 9110, 13.1.2) names this one. The comparison is the weak one.
fn names(list: &str, tag: &str) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let mut rest = list;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let bare = rest.strip_prefix("W/").unwrap_or(rest);
        let Some(quoted) = bare.strip_prefix('"') else {
            return false;
        };
        let Some(end) = quoted.find('"') else {
            return false;
        };
        if bare.get(..end + 2) == Some(tag) {
            return true;
        }
        rest = &quoted[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH};
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Fresh, Validators};
    use crate::time::Timestamp;

    const OURS: Validators = Validators {
        tag: Some(0xab),
        modified: Some(Timestamp(1_631_439_288)), // Sun, 12 Sep 2021 09:34:48 GMT
    };

    #[test]
    fn a_tag_is_found_in_any_list() {
        for (list, unchanged) in [
            ("\"00000000000000ab\"", true),
            ("W/\"00000000000000ab\"", true),
            ("\"x,y\", W/\"00000000000000ab\"", true),
            (" * ", true),
            ("\"00000000000000ac\"", false),
            ("00000000000000ab", false),
            ("\"unclosed", false),
            ("", false),
            ("W/", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, HeaderValue::from_static(list));
            assert_eq!(OURS.unchanged(&request), unchanged, "{list}");
        }
    }

    #[test]
    fn a_date_in_any_form_has_to_be_that_which_was_sent() {
        for (date, unchanged) in [
            ("Sun, 12 Sep 2021 09:34:48 GMT", true),
            ("Sunday, 12-Sep-21 09:34:48 GMT", true),
            ("Sun Sep 12 09:34:48 2021", true),
            ("Sun, 12 Sep 2021 09:34:49 GMT", false),
            ("Sun, 12 Sep 2021 09:34:47 GMT", false),
            ("yesterday", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(IF_MODIFIED_SINCE, HeaderValue::from_static(date));
            assert_eq!(OURS.unchanged(&request), unchanged, "{date}");
        }
    }

    #[test]
    fn a_tag_that_differs_outranks_a_date_that_would_do() {
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        request.insert(
            IF_MODIFIED_SINCE,
            HeaderValue::from_static("Sun, 12 Sep 2021 09:34:48 GMT"),
        );
        assert!(!OURS.unchanged(&request));
    }

    #[test]
    fn what_is_written_is_understood() {
        let ours = Fresh::of_bytes(None).validators(Some(b"page"));
        let mut answer = HeaderMap::new();
        ours.write(&mut answer);
        let mut request = HeaderMap::new();
        request.insert(IF_NONE_MATCH, answer[ETAG].clone());
        assert!(ours.unchanged(&request));
        assert!(
            !Fresh::of_bytes(None)
                .validators(Some(b"other"))
                .unchanged(&request)
        );
    }
}
