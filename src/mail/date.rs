//! `Date:` and `Received:` as points in time.
//!
//! First the form that mail has (RFC 5322, 3.3, and its older brothers), as strictly as public-inbox reads it, so
//! that both file a mail at the same second; then whatever else people's programs have written. A date that no
//! calendar has, or that lies before 1970, is none.

use super::charset;
use crate::time::Timestamp;
use crate::time::calendar::{self, DAY, MONTHS, WEEKDAYS};

/// The last second of year 9999, less a day for zones.
const LAST: i64 = 253_402_300_799 - 86_400;

/// Reads a date as mail and mailboxes have them, in whatever order its words stand.
pub fn parse_mail_date(text: &str) -> Option<Timestamp> {
    parse_date(text.as_bytes())
}

/// Reads the value of a `Date` header.
pub(super) fn parse_date(value: &[u8]) -> Option<Timestamp> {
    parse_moment(value).map(|(time, _)| time)
}

/// The same, with how far east of Greenwich it was written, in minutes.
pub(super) fn parse_moment(value: &[u8]) -> Option<(Timestamp, i32)> {
    let text = charset::guess(value.get(..1000).unwrap_or(value));
    let (time, offset) = mail_form(&text).or_else(|| any_form(&text))?;
    let minutes = i32::try_from(offset / 60).ok();
    // Zones that are nowhere count for the point in time, but git shall not be told of them.
    let zone = minutes.filter(|zone| zone.abs() < 14 * 60);
    Some((time, zone.unwrap_or(0)))
}

/// Reads the value of a `Received` header: its date stands after the last semicolon.
pub(super) fn parse_received(value: &[u8]) -> Option<Timestamp> {
    received_moment(value).map(|(time, _)| time)
}

/// The same, with its zone.
pub(super) fn received_moment(value: &[u8]) -> Option<(Timestamp, i32)> {
    let semicolon = memchr::memrchr(b';', value)?;
    parse_moment(&value[semicolon + 1..])
}

/// A date and a time of day, not yet known to exist.
#[derive(Clone, Copy, Debug, Default)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// The point in time, `offset` seconds east of Greenwich.
    fn at(self, offset: i64) -> Option<Timestamp> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let exists = (1..=days).contains(&self.day)
            && (0..=23).contains(&self.hour)
            && (0..=59).contains(&self.minute)
            && (0..=60).contains(&self.second); // 60: a leap second
        if !exists {
            return None;
        }
        let clock = self.hour * 3600 + self.minute * 60 + self.second;
        let seconds =
            calendar::day_number(self.year, self.month - 1, self.day) * DAY + clock - offset;
        (0..=LAST).contains(&seconds).then_some(Timestamp(seconds))
    }
}

/// `[Wed, ]1 Sep 2021 9:04[:05] +0200`
fn mail_form(text: &str) -> Option<(Timestamp, i64)> {
    let mut at = Cursor(text.trim_start());
    if at.word().is_some() {
        at.skip(|c| c == ',' || c == '.' || c.is_whitespace());
    }
    let day = at.number(2)?;
    at.skip(|c| c == ',' || c == '-' || c.is_whitespace());
    let month = month(at.word()?)?;
    at.skip(|c| c == ',' || c == '-' || c == '.' || c.is_whitespace());
    let (digits, year) = at.counted(4)?;
    at.blanks()?;
    let hour = at.number(2)?;
    at.clock_sign()?;
    let minute = at.clock_field()?;
    let second = match at.clock_sign() {
        Some(()) => at.clock_field()?,
        None => 0,
    };
    at.blanks()?;
    let offset = at.zone()?;
    let civil = Civil {
        year: whole_year(digits, year),
        month,
        day,
        hour,
        minute,
        second,
    };
    Some((civil.at(offset)?, offset))
}

/// Years of two and three digits count from 1900, and a result before 1950 is one of this century.
fn whole_year(digits: usize, year: i64) -> i64 {
    match digits {
        4.. => year,
        _ if year + 1900 < 1950 => year + 2000,
        _ => year + 1900,
    }
}

/// English names, full or cut to three letters.
fn month(word: &str) -> Option<i64> {
    let word = word.to_ascii_lowercase();
    let found = MONTHS
        .iter()
        .position(|name| word.len() >= 3 && name.starts_with(&word))?;
    i64::try_from(found + 1).ok()
}

/// The digits of a numeric zone in seconds: one digit is hours, two are minutes, otherwise the last two are
/// minutes. Zones that are nowhere are taken at their word.
fn zone_seconds(digits: usize, number: i64) -> Option<i64> {
    match digits {
        1 => Some(number * 3600),
        2..=5 => Some(number / 100 * 3600 + number % 100 * 60),
        _ => None,
    }
}

/// What is left to read of a date.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(skipped);
    }

    fn take(&mut self, taken: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !taken(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    fn blanks(&mut self) -> Option<()> {
        (!self.take(char::is_whitespace).is_empty()).then_some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        Some(self.take(|c| c.is_ascii_alphabetic())).filter(|w| !w.is_empty())
    }

    fn counted(&mut self, most: usize) -> Option<(usize, i64)> {
        let digits = self.take(|c| c.is_ascii_digit());
        let fits = (1..=most).contains(&digits.len());
        fits.then(|| digits.parse().ok().map(|n| (digits.len(), n)))?
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.counted(most).map(|(_, number)| number)
    }

    fn clock_sign(&mut self) -> Option<()> {
        self.0 = self.0.strip_prefix([':', '.'])?;
        Some(())
    }

    /// Minutes or seconds, which may have a blank for their first digit.
    fn clock_field(&mut self) -> Option<i64> {
        if let Some(rest) = self.0.strip_prefix(' ') {
            self.0 = rest;
        }
        self.number(2)
    }

    /// A zone, in seconds east of Greenwich. Some programs write its sign twice.
    fn zone(&mut self) -> Option<i64> {
        let signs = self.take(|c| c == '+' || c == '-');
        if signs.is_empty() && !self.0.starts_with(|c: char| c.is_ascii_digit()) {
            return calendar::zone(self.word()?).map(|hours| hours * 3600);
        }
        let (digits, number) = self.counted(5)?;
        let seconds = zone_seconds(digits, number)?;
        Some(if signs.ends_with('-') {
            -seconds
        } else {
            seconds
        })
    }
}

/// Dates in any other order: `2021-09-12T09:34:48Z`, `Sun Sep 12 09:34:48 2021`, `September 12, 2021 9:34 PM`.
/// Without a zone they are of Greenwich.
fn any_form(text: &str) -> Option<(Timestamp, i64)> {
    let mut pieces = Pieces::default();
    let bare = without_comments(text);
    let mut words = bare.split(|c: char| c.is_whitespace() || c == ',');
    words.try_for_each(|word| pieces.add(word))?;
    pieces.time()
}

/// `text` without what stands in parentheses.
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut bare = text.to_owned();
    bare.retain(|c| {
        depth += usize::from(c == '(');
        let kept = depth == 0;
        depth -= usize::from(c == ')' && depth > 0);
        kept
    });
    bare
}

/// What the words of a date have told so far.
#[derive(Default)]
struct Pieces {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    clock: Option<(i64, i64, i64)>,
    afternoon: Option<bool>,
    offset: Option<i64>,
}

impl Pieces {
    /// Takes one word; `None` where it makes no sense at its place.
    fn add(&mut self, word: &str) -> Option<()> {
        if word.is_empty() || is_weekday(word) {
            return Some(());
        }
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            if let Some((date, clock)) = word.split_once(['T', 't']) {
                self.iso_day(date)?;
                return self.clock(clock);
            }
            if word.contains(':') {
                return self.clock(word);
            }
            if word.contains(['-', '/']) {
                return self.iso_day(word);
            }
            return self.number(word.trim_end_matches(|c: char| !c.is_ascii_digit()));
        }
        if word.starts_with(['+', '-']) && digits > 0 {
            return self.zone(word);
        }
        match word.to_ascii_lowercase().as_str() {
            "am" => self.afternoon = Some(false),
            "pm" => self.afternoon = Some(true),
            lower => match (month(lower.trim_end_matches('.')), calendar::zone(lower)) {
                (Some(month), _) if self.month.is_none() => self.month = Some(month),
                (_, Some(hours)) => self.offset = Some(hours * 3600),
                _ if self.clock.is_none() => return None,
                _ => {} // the name of some zone, or a remark
            },
        }
        Some(())
    }

    fn number(&mut self, digits: &str) -> Option<()> {
        let number: i64 = digits.parse().ok()?;
        match digits.len() {
            1 | 2 if self.day.is_none() => self.day = Some(number),
            2..=4 if self.year.is_none() => self.year = Some(whole_year(digits.len(), number)),
            _ => return None,
        }
        Some(())
    }

    /// `2021-09-12`, `2021/09/12`, `12-Sep-2021`
    fn iso_day(&mut self, word: &str) -> Option<()> {
        let mut parts = word.split(['-', '/']);
        let (first, middle, last) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || first.len() > 4 || last.len() > 4 {
            return None;
        }
        let middle_month = month(middle).or_else(|| middle.parse().ok())?;
        let (year, day) = if first.len() == 4 {
            (first, last)
        } else {
            (last, first)
        };
        if first.len() != 4 && month(middle).is_none() {
            return None; // 03/04/2021 means different days on two sides of an ocean
        }
        self.year = Some(whole_year(year.len(), year.parse().ok()?));
        self.month = Some(middle_month);
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    /// `09:34`, `09:34:48`, `09:34:48.123+02:00`, `9:34PM`
    fn clock(&mut self, word: &str) -> Option<()> {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
        let (clock, rest) = word.split_at(end.unwrap_or(word.len()));
        let whole = clock.split('.').next()?;
        let mut fields = whole.split(':').map(|f| f.parse::<u8>().ok());
        let (hour, minute) = (fields.next()??, fields.next()??);
        let second = match fields.next() {
            Some(second) => second?,
            None => 0,
        };
        self.clock = Some((hour.into(), minute.into(), second.into()));
        match rest {
            "" => Some(()),
            rest => self.add(rest).or_else(|| self.zone(rest)),
        }
    }

    fn zone(&mut self, word: &str) -> Option<()> {
        let plain: String = word.chars().filter(|c| *c != ':').collect();
        self.offset = Some(Cursor(&plain).zone()?);
        Some(())
    }

    fn time(&self) -> Option<(Timestamp, i64)> {
        let (hour, minute, second) = self.clock.unwrap_or_default();
        let hour = match self.afternoon {
            Some(afternoon) if (1..=12).contains(&hour) => hour % 12 + 12 * i64::from(afternoon),
            _ => hour,
        };
        let civil = Civil {
            year: self.year?,
            month: self.month?,
            day: self.day?,
            hour,
            minute,
            second,
        };
        let offset = self.offset.unwrap_or(0);
        Some((civil.at(offset)?, offset))
    }
}

fn is_weekday(word: &str) -> bool {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    word.len() >= 3 && WEEKDAYS.iter().any(|day| day.starts_with(&word))
}

#[cfg(test)]
mod tests {
    use super::{parse_date, parse_received};
    use crate::time::Timestamp;

    fn check(cases: &[(&str, Option<&str>)]) {
        for (given, time) in cases {
            let parsed = parse_date(given.as_bytes()).map(Timestamp::second);
            assert_eq!(parsed.as_deref(), *time, "{given}");
        }
    }

    #[test]
    fn dates_of_mail_are_read() {
        let same = Some("2021-09-12 09:34:48");
        check(&[
            ("Sun, 12 Sep 2021 11:34:48 +0200", same),
            ("Sun, 12 Sep 2021 11:34:48 +0200 (CEST)", same),
            ("12 Sep 2021 09:34:48 GMT", same),
            ("Sunday, 12 September 2021 5:34:48 EDT", same),
            ("Sun, 12 Sep 21 09:34:48 -0000", same),
            ("Sun, 12 Sep 121 09:34:48 +0", same),
            ("Sun 12 Sep 2021 09.34.48 +0000", same),
            ("Sun, 12 Sep 2021 09:34:48 --0000", same),
            ("Sun, 12 Sep 2021 19:34:48 +10", Some("2021-09-12 19:24:48")),
            ("Sun, 12 Sep 2021 9:34:48 +2", Some("2021-09-12 07:34:48")),
            ("Sun, 12 Sep 2021 9: 4: 8 Z", Some("2021-09-12 09:04:08")),
            ("Sun, 12 Sep 2021 09:34 -0560", Some("2021-09-12 15:34:00")),
            ("Tue, 1 Jan 49 00:00:00 +0000", Some("2049-01-01 00:00:00")),
            ("Tue, 1 Jan 99 00:00:00 +0000", Some("1999-01-01 00:00:00")),
            (
                "Thu, 31 Dec 2015 23:59:60 +0000",
                Some("2016-01-01 00:00:00"),
            ),
        ]);
    }

    #[test]
    fn dates_of_other_programs_are_read_too() {
        let same = Some("2021-09-12 09:34:48");
        check(&[
            ("2021-09-12T09:34:48Z", same),
            ("2021-09-12T11:34:48.123+02:00", same),
            ("2021-09-12 11:34:48 +0200", same),
            ("Sun Sep 12 09:34:48 2021", same),
            ("Sun Sep 12 11:34:48 CEST 2021", same),
            ("Sun Sep 12 11:34:48 2021 +0200", same),
            ("September 12, 2021 9:34:48 AM", same),
            ("Sun, 12-Sep-2021 09:34:48", same),
            ("Sun, 12 Sep 2021 09:34:48", same),
            ("12 Sep 2021", Some("2021-09-12 00:00:00")),
            ("Sept 12 2021 12:00 am", Some("2021-09-12 00:00:00")),
        ]);
    }

    #[test]
    fn what_no_calendar_has_is_no_date() {
        check(&[
            ("", None),
            ("yesterday", None),
            ("Sat, 30 Feb 2021 10:00:00 +0000", None),
            ("Sun, 12 Sep 2021 25:61:61 +0000", None),
            ("Sun, 12 Sep 2021 10:00:61 +0000", None),
            ("Thu, 1 Jan 1970 00:00:00 +0100", None),
            ("Thu, 1 Jan 0104 00:00:00 +0000", None),
            ("Fri, 31 Dec 9999 23:59:59 +0000", None),
            ("Sun, 99 Sep 2021 10:00:00 +0000", None),
            ("03/04/2021 10:00", None),
            ("Sun, 12 Sep 99999999999999999999 10:00:00 +0000", None),
            ("Sun, 12 Sep 2021 10:00:00 +99999999999999", None),
        ]);
    }

    #[test]
    fn the_date_of_a_relay_stands_after_its_last_semicolon() {
        let received = b"from a by b; id x;\n\tSun, 12 Sep 2021 11:34:48 +0200 (CEST)";
        assert_eq!(parse_received(received), Some(Timestamp(1_631_439_288)));
        assert_eq!(parse_received(b"from a by b"), None);
    }
}
