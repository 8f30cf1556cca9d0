//! Ranges of time as `d:`, `dt:` and `rt:` take them: `20210901..20210930`, `last.week..`, `2021-09`.
//!
//! Plain years, months and days are whole ones; what else is no row of digits is read as git reads it
//! (`approxidate.rs`), to the second.

use super::approxidate::approxidate;
use crate::time::Timestamp;
use crate::time::calendar::{DAY, day_number};

/// What the two ends of a range are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// Whole days, both of them within (`d:`).
    Day,
    /// Seconds as `YYYYMMDDhhmmss` (`dt:`).
    Second,
    /// Seconds since 1970 (`rt:`).
    Epoch,
}

/// A stretch of time, both ends within; an open end is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The first second.
    pub(super) from: Option<Timestamp>,
    /// The last second.
    pub(super) to: Option<Timestamp>,
}

impl Span {
    /// Reads `A..B`, `A..`, `..B`, or `A` alone, which is from there on for a day. `None` where an end is no date.
    pub(super) fn parse(text: &str, grain: Grain, now: Timestamp) -> Option<Span> {
        let end = |text: &str| match text {
            "" => Some(None),
            text => point(text, grain, now).map(Some),
        };
        match text.split_once("..") {
            Some((from, to)) => Some(Span {
                from: end(from)?.map(|(first, _)| first),
                to: end(to)?.map(|(_, last)| last),
            }),
            None => {
                let (first, last) = point(text, grain, now)?;
                let to = match last.0 - first.0 {
                    0 => first.0 + DAY,
                    ONE_DAY if grain == Grain::Day => last.0 + DAY, // as public-inbox has it: that day and the next
                    _ => last.0,
                };
                Some(Span {
                    from: Some(first),
                    to: Some(Timestamp(to)),
                })
            }
        }
    }
}

/// From the first to the last second of a day.
const ONE_DAY: i64 = DAY - 1;

/// The first and the last second that `text` names: the same, or a whole day, month or year.
fn point(text: &str, grain: Grain, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    if let Some(period) = period(text) {
        return Some(period);
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let moment = match text.len() {
        5..14 if digits && grain == Grain::Epoch => Timestamp(text.parse().ok()?),
        14 if digits => Timestamp::from_digits(text)?,
        8 if digits => {
            let start = Timestamp::from_digits(text)?;
            return Some((start, Timestamp(start.0 + ONE_DAY)));
        }
        _ => approxidate(text, now)?,
    };
    Some((moment, moment))
}

/// A whole year, month or day: `2021`, `2021-09`, `2021-09-12`. For git these depend on the present date or time of
/// day, which nobody means.
fn period(text: &str) -> Option<(Timestamp, Timestamp)> {
    let mut parts = text.split('-');
    let year = period_part(parts.next(), 4, 1970..=2099)??;
    let month = period_part(parts.next(), 2, 1..=12)?.map(|month| month - 1);
    let day = period_part(parts.next(), 2, 1..=31)?;
    let (first, next) = match (month, day) {
        (None, _) => (day_number(year, 0, 1), day_number(year + 1, 0, 1)),
        (Some(month), None) => (day_number(year, month, 1), day_number(year, month + 1, 1)),
        (Some(month), Some(day)) => (
            day_number(year, month, day),
            day_number(year, month, day + 1),
        ),
    };
    let whole = parts.next().is_none();
    whole.then_some((Timestamp(first * DAY), Timestamp(next * DAY - 1)))
}

/// A number of so many digits within a range. `Some(None)`: there is none; `None`: it is something else.
fn period_part(
    text: Option<&str>,
    digits: usize,
    range: std::ops::RangeInclusive<i64>,
) -> Option<Option<i64>> {
    let Some(text) = text else { return Some(None) };
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|n| fits && range.contains(n))?;
    Some(Some(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::Strategy;
    use proptest::{prop_assert, proptest};

    use super::{Grain, Span};
    use crate::time::Timestamp;

    /// 2021-09-15 12:34:56, a Wednesday.
    const NOW: Timestamp = Timestamp(1_631_709_296);

    #[test]
    fn ranges_of_days_and_seconds() {
        let day = Grain::Day;
        for (text, grain, from, to) in [
            (
                "20210912..20210913",
                day,
                Some("20210912000000"),
                Some("20210913235959"),
            ),
            ("20210912..", day, Some("20210912000000"), None),
            ("..20210912", day, None, Some("20210912235959")),
            ("..", day, None, None),
            (
                "20210912",
                day,
                Some("20210912000000"),
                Some("20210913235959"),
            ),
            (
                "2021-09-12",
                day,
                Some("20210912000000"),
                Some("20210913235959"),
            ),
            (
                "2021-02",
                day,
                Some("20210201000000"),
                Some("20210228235959"),
            ),
            (
                "2021-12..2022",
                day,
                Some("20211201000000"),
                Some("20221231235959"),
            ),
            ("2.days.ago..", day, Some("20210913123456"), None),
            (
                "yesterday",
                day,
                Some("20210914123456"),
                Some("20210915123456"),
            ),
            (
                "20210912093448..20210912093448",
                Grain::Second,
                Some("20210912093448"),
                Some("20210912093448"),
            ),
            (
                "20210912093448",
                Grain::Second,
                Some("20210912093448"),
                Some("20210913093448"),
            ),
            (
                "20210912..20210912",
                Grain::Second,
                Some("20210912000000"),
                Some("20210912235959"),
            ),
            ("1631439288..", Grain::Epoch, Some("20210912093448"), None),
            (
                "2021-09-12..2021-09-13",
                Grain::Epoch,
                Some("20210912000000"),
                Some("20210913235959"),
            ),
            (
                "86400",
                Grain::Epoch,
                Some("19700102000000"),
                Some("19700103000000"),
            ),
        ] {
            let span = Span::parse(text, grain, NOW);
            let digits = |t: Option<Timestamp>| t.map(Timestamp::digits);
            let read = span.map(|s| (digits(s.from), digits(s.to)));
            let expected = (from.map(str::to_owned), to.map(str::to_owned));
            assert_eq!(read, Some(expected), "{text}");
        }
        for bad in ["foo..", "..foo", "foo", "", "20211301..foo"] {
            assert_eq!(Span::parse(bad, day, NOW), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_date_panic(text in "[0-9]{0,20}[-:./@+ ]{0,2}[0-9]{0,5}[-:. ]?[0-9]{0,20}") {
            let _ = Span::parse(&text, Grain::Day, NOW);
            let _ = Span::parse(&text, Grain::Epoch, NOW);
        }

        #[test]
        fn no_words_make_a_date_panic(text in words()) {
            let span = Span::parse(&text, Grain::Second, NOW);
            prop_assert!(span.is_none_or(|span| span.from <= span.to || span.to.is_none() || text.contains("..")));
        }
    }

    fn words() -> impl Strategy<Value = String> {
        let word = proptest::sample::select(vec![
            "last",
            "year",
            "years",
            "month",
            "months",
            "week",
            "friday",
            "noon",
            "tea",
            "never",
            "yesterday",
            "pm",
            "9",
            "99999999999999999999",
            "12",
            "0",
            "31",
            "jan",
            "dec",
            "..",
            ".",
            " ",
            "-",
            ":",
            "é",
        ]);
        proptest::collection::vec(word, 0..12).prop_map(|words| words.concat())
    }
}
