//! Points in time, and every form in which they are printed. All of them are UTC.

pub mod calendar;

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// The last second that has a four-digit year.
const LAST: i64 = 253_402_300_799 - 86_400;

/// The clock of this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that asks the clock"
)]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(LAST)))
}

impl Timestamp {
    /// `2021-09-12  9:34`: 16 columns, the hour right-aligned. Overviews and lists.
    pub fn minute(self) -> Minute {
        Minute(self)
    }

    /// `20210912093448`, as `?t=` wants it.
    pub fn digits(self) -> String {
        let t = self.civil();
        format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// `2021-09-12T09:34:48Z` (RFC 3339), as Atom wants it.
    pub fn rfc3339(self) -> String {
        let t = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// `2021-09-12 09:34:48`, to the second.
    pub fn second(self) -> String {
        let text = self.rfc3339();
        text.trim_end_matches('Z').replace('T', " ")
    }

    /// `Sun, 12 Sep 2021 09:34:48 GMT` (RFC 9110, 5.6.7).
    pub fn http(self) -> String {
        let t = self.civil();
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
            [t.weekday().to_monday_zero_offset() as usize];
        let month = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ][t.month() as usize - 1];
        format!(
            "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
            t.day(),
            t.year(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// Reads `YYYYMMDD[hhmmss]`, 8 to 14 digits; missing ones are zero. `None` for anything else, also for days
    /// that no calendar has.
    pub fn from_digits(text: &str) -> Option<Timestamp> {
        if !(8..=14).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let padded = format!("{text:0<14}");
        let field = |from: usize, to: usize| padded[from..to].parse::<i16>().ok();
        let small = |from: usize| field(from, from + 2).and_then(|n| i8::try_from(n).ok());
        let civil = DateTime::new(
            field(0, 4)?,
            small(4)?,
            small(6)?,
            small(8)?,
            small(10)?,
            small(12)?,
            0,
        );
        let instant = Offset::UTC.to_timestamp(civil.ok()?).ok()?;
        Some(Timestamp(instant.as_second()))
    }

    /// The calendar's view; what lies outside four-digit years is moved to their edge.
    fn civil(self) -> DateTime {
        let clamped = self.0.clamp(-62_167_219_200, LAST);
        let instant = jiff::Timestamp::from_second(clamped).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Offset::UTC.to_datetime(instant)
    }
}

/// Prints a [`Timestamp`] to the minute.
#[derive(Clone, Copy, Debug)]
pub struct Minute(Timestamp);

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.0.civil();
        // By hand: a page has hundreds of them, and the formatter takes ten times as long.
        let mut text = *b"0000-00-00  0:00";
        let year = t.year().unsigned_abs();
        put(&mut text, 0, (year / 100) as u8);
        put(&mut text, 2, (year % 100) as u8);
        put(&mut text, 5, t.month().unsigned_abs());
        put(&mut text, 8, t.day().unsigned_abs());
        put(&mut text, 11, t.hour().unsigned_abs());
        put(&mut text, 14, t.minute().unsigned_abs());
        if t.hour() < 10 {
            text[11] = b' ';
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// Two digits.
fn put(text: &mut [u8; 16], at: usize, value: u8) {
    text[at] = b'0' + value / 10 % 10;
    text[at + 1] = b'0' + value % 10;
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn every_printed_form() {
        let t = Timestamp(1_631_439_288);
        assert_eq!(t.minute().to_string(), "2021-09-12  9:34");
        assert_eq!(
            Timestamp(1_631_475_288).minute().to_string(),
            "2021-09-12 19:34"
        );
        assert_eq!(t.digits(), "20210912093448");
        assert_eq!(t.rfc3339(), "2021-09-12T09:34:48Z");
        assert_eq!(t.second(), "2021-09-12 09:34:48");
        assert_eq!(t.http(), "Sun, 12 Sep 2021 09:34:48 GMT");
    }

    #[test]
    fn digits_are_read_back() {
        for (text, seconds) in [
            ("20210912093448", Some(1_631_439_288)),
            ("20210912", Some(1_631_404_800)),
            ("19700101000000", Some(0)),
            ("1999", None),
            ("20211301", None),
            ("99999999999999", None),
            ("2021091x", None),
        ] {
            assert_eq!(
                Timestamp::from_digits(text),
                seconds.map(Timestamp),
                "{text}"
            );
        }
    }

    #[test]
    fn absurd_times_are_printed_without_a_panic() {
        for seconds in [i64::MIN, -1, i64::MAX] {
            assert_eq!(Timestamp(seconds).minute().to_string().len(), 16);
        }
    }
}
