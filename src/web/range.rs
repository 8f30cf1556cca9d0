//! Parts of a file: what a `Range` header asks for (RFC 9110, 14.2).

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};

use super::answer::Section;
use crate::time::Timestamp;

/// What part of a file is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it, also where the header says something that we do not follow.
    All,
    /// A part.
    Part(Section),
    /// One that is not there.
    Beyond,
}

impl Wanted {
    /// What a request asks for of a file of `of` bytes that is there since `modified`.
    pub(super) fn of(request: &HeaderMap, of: u64, modified: Timestamp) -> Wanted {
        let text = |name| request.get(name).and_then(|value| value.to_str().ok());
        let same = request
            .get(IF_RANGE)
            .is_none_or(|date| date == modified.http().as_str());
        match text(RANGE).and_then(|range| range.strip_prefix("bytes=")) {
            Some(range) if same => Wanted::part(range, of).unwrap_or(Wanted::All),
            _ => Wanted::All,
        }
    }

    /// `None` where it is no range, or several.
    fn part(range: &str, of: u64) -> Option<Wanted> {
        let (first, last) = range.split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            // More than fits is more than any file has.
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let (first, end) = match (first, last) {
            ("", count) => (of.saturating_sub(number(count)?), of),
            (first, "") => (number(first)?, of),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                if last < first {
                    return None;
                }
                (first, last.saturating_add(1).min(of))
            }
        };
        if first >= end {
            return Some(Wanted::Beyond);
        }
        let length = end - first;
        Some(Wanted::Part(Section { first, length, of }))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::{IF_RANGE, RANGE};
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Section, Wanted};
    use crate::time::Timestamp;

    fn wanted(range: &'static str, of: u64) -> Wanted {
        let mut request = HeaderMap::new();
        request.insert(RANGE, HeaderValue::from_static(range));
        Wanted::of(&request, of, Timestamp(0))
    }

    #[test]
    fn one_part_can_be_asked_for() {
        for (range, first, length) in [
            ("bytes=0-0", 0, 1),
            ("bytes=5-9", 5, 5),
            ("bytes=5-", 5, 95),
            ("bytes=-5", 95, 5),
            ("bytes=-500", 0, 100),
            ("bytes=90-99999999999999999999999", 90, 10),
        ] {
            let section = Section {
                first,
                length,
                of: 100,
            };
            assert_eq!(wanted(range, 100), Wanted::Part(section), "{range}");
        }
    }

    #[test]
    fn what_is_not_there_is_refused_and_nonsense_is_ignored() {
        for range in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(wanted(range, 100), Wanted::Beyond, "{range}");
        }
        for range in [
            "bytes=9-5",
            "bytes=0-1,3-4",
            "bytes=-",
            "bytes=+1-2",
            "bytes=a-b",
            "lines=1-2",
            "bytes",
        ] {
            assert_eq!(wanted(range, 100), Wanted::All, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Beyond);
    }

    #[test]
    fn a_part_of_another_file_is_not_a_part_of_this_one() {
        let mut request = HeaderMap::new();
        request.insert(RANGE, HeaderValue::from_static("bytes=5-"));
        request.insert(
            IF_RANGE,
            HeaderValue::from_static("Sun, 12 Sep 2021 09:34:48 GMT"),
        );
        assert_eq!(Wanted::of(&request, 10, Timestamp(1)), Wanted::All);
        assert_ne!(
            Wanted::of(&request, 10, Timestamp(1_631_439_288)),
            Wanted::All
        );
    }
}
