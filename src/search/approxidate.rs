//! Dates as people write them: `last.week`, `2.days.ago`, `2021-09-12`, `noon yesterday`.
//!
//! [`approxidate`] understands what `git rev-parse --since=` understands, and answers the same second, in UTC. Two
//! things surprise there, and are kept: a date without a time takes the present time of day, and a month without a
//! year is the last one of that name.

use crate::time::Timestamp;

pub(super) const DAY: i64 = 86_400;

/// The second that git's approxidate takes `text` for. `None` where it understands nothing of it.
pub(super) fn approxidate(text: &str, now: Timestamp) -> Option<Timestamp> {
    exact(text).or_else(|| approximate(text, now))
}

/// A calendar's fields, each unknown at first. Months count from 0, as they are computed with.
#[derive(Clone, Copy, Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
}

impl Fields {
    fn at(moment: i64) -> Fields {
        let (year, month, day) = civil(moment.div_euclid(DAY));
        let second = moment.rem_euclid(DAY);
        Fields {
            year: Some(year),
            month: Some(month),
            day: Some(day),
            hour: Some(second / 3600),
            minute: Some(second / 60 % 60),
            second: Some(second % 60),
        }
    }

    /// The second that these fields name; all of them must be known. What overflows runs over: 31 April is 1 May.
    fn moment(&self) -> Option<i64> {
        let days = days(self.year?, self.month?, self.day?);
        Some(days * DAY + self.hour? * 3600 + self.minute? * 60 + self.second?)
    }

    fn set_time(&mut self, hour: i64, minute: i64, second: i64) -> bool {
        let fits =
            (0..=24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
        if fits {
            (self.hour, self.minute, self.second) = (Some(hour), Some(minute), Some(second));
        }
        fits
    }

    /// Takes a date, if it is one. `not_after`: a guess that lies ten days after that is a wrong one.
    fn set_date(&mut self, year: i64, month: i64, day: i64, not_after: Option<i64>) -> bool {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return false;
        }
        let this_year = not_after.map(|now| civil(now.div_euclid(DAY)).0);
        let year = match year {
            -1 => match this_year {
                Some(year) => year,
                None => {
                    (self.month, self.day) = (Some(month - 1), Some(day));
                    return true;
                }
            },
            1970..2100 => year,
            71..100 => 1900 + year,
            0..38 => 2000 + year,
            _ => return false,
        };
        if not_after.is_some_and(|now| now + 10 * DAY < self.with_date(year, month, day)) {
            return false;
        }
        (self.year, self.month, self.day) = (Some(year), Some(month - 1), Some(day));
        true
    }

    /// The second of that date at the time that is known so far.
    fn with_date(&self, year: i64, month: i64, day: i64) -> i64 {
        match (self.hour, self.minute, self.second) {
            (Some(h), Some(m), Some(s)) => days(year, month - 1, day) * DAY + h * 3600 + m * 60 + s,
            _ => -1, // not to be told
        }
    }

    /// Numbers joined by one sign: a time, or a date in the order of some country. Says how far it read.
    fn set_joined(&mut self, text: &[u8], now: Option<i64>) -> Option<usize> {
        let (first, mut at) = number(text);
        let sign = *text.get(at)?;
        let (second, len) = number(text.get(at + 1..)?);
        if len == 0 {
            return None;
        }
        at += 1 + len;
        let mut third = -1;
        if text.get(at) == Some(&sign) {
            let (n, len) = number(&text[at + 1..]);
            if len > 0 {
                third = n;
                at += 1 + len;
            }
        }
        let found = match sign {
            b':' => self.set_time(first, second, third.max(0)),
            b'-' | b'/' | b'.' => {
                let dotted = sign == b'.';
                let iso = first > 70
                    && (self.set_date(first, second, third, None)
                        || self.set_date(first, third, second, None));
                iso || (!dotted && self.set_date(third, first, second, now))
                    || self.set_date(third, second, first, now)
                    || (dotted && self.set_date(third, first, second, now))
            }
            _ => false,
        };
        found.then_some(at)
    }
}

/// A date and a time, both given in full, as in a mail or in ISO 8601.
fn exact(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if let Some(epoch) = text.strip_prefix('@') {
        let (n, len) = number(epoch.as_bytes());
        return (len > 0).then_some(Timestamp(n));
    }
    let mut fields = Fields::default();
    let mut offset: Option<i64> = None;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let rest = &bytes[at..];
        at += if b.is_ascii_alphabetic() {
            exact_word(rest, &mut fields, &mut offset)
        } else if b.is_ascii_digit() {
            exact_number(rest, &mut fields, &mut offset)
        } else if matches!(b, b'+' | b'-')
            && fields.hour.is_some()
            && rest.get(1).is_some_and(u8::is_ascii_digit)
        {
            zone_offset(rest, &mut offset)
        } else {
            1
        };
    }
    let in_range = fields.year.is_some_and(|y| (1970..2100).contains(&y));
    let moment = fields.moment().filter(|_| in_range)?;
    Some(Timestamp(moment - offset.unwrap_or(0) * 60))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "sundays",
    "mondays",
    "tuesdays",
    "wednesdays",
    "thursdays",
    "fridays",
    "saturdays",
];
const NUMBERS: [&str; 10] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
];
/// Hours east of Greenwich, summer time counted in.
const ZONES: [(&str, i64); 20] = [
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("wet", 0),
    ("bst", 1),
    ("west", 1),
    ("cet", 1),
    ("met", 1),
    ("cest", 2),
    ("mest", 2),
    ("eet", 2),
    ("eest", 3),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

fn exact_word(text: &[u8], fields: &mut Fields, offset: &mut Option<i64>) -> usize {
    if let Some(month) = MONTHS.iter().position(|name| alike(text, name) >= 3) {
        fields.month = Some(month as i64);
        return alike(text, MONTHS[month]);
    }
    if let Some(day) = WEEKDAYS.iter().find(|name| alike(text, name) >= 3) {
        return alike(text, day);
    }
    let zone = ZONES
        .iter()
        .find(|(name, _)| alike(text, name) == name.len());
    if let Some((name, hours)) = zone {
        offset.get_or_insert(hours * 60);
        return name.len();
    }
    for (half, hours) in [("pm", 12), ("am", 0)] {
        if alike(text, half) == 2 {
            fields.hour = fields.hour.map(|hour| hour % 12 + hours);
            return 2;
        }
    }
    if text[0] == b'T' && text.get(1).is_some_and(u8::is_ascii_digit) {
        return 1;
    }
    letters(text)
}

fn exact_number(text: &[u8], fields: &mut Fields, offset: &mut Option<i64>) -> usize {
    let (n, len) = number(text);
    let no_date = fields.year.is_none() && fields.month.is_none() && fields.day.is_none();
    let no_time = fields.hour.is_none() && fields.minute.is_none() && fields.second.is_none();
    if n >= 100_000_000 && no_date && no_time {
        *fields = Fields::at(n);
        offset.get_or_insert(0);
        return len;
    }
    let joined = text
        .get(len)
        .is_some_and(|b| matches!(b, b':' | b'.' | b'/' | b'-'));
    if joined && let Some(len) = fields.set_joined(text, None) {
        return len + fraction(text, len);
    }
    match len {
        8 => {
            fields.set_date(n / 10_000, n % 10_000 / 100, n % 100, None);
        }
        6 if fields.set_time(n / 10_000, n % 10_000 / 100, n % 100) => {
            return len + fraction(text, len);
        }
        4 | 2
            if !no_date
                && fields.year.is_some()
                && fields.hour.is_none()
                && fields.day.is_some() =>
        {
            let (hour, minute) = if len == 4 { (n / 100, n % 100) } else { (n, 0) };
            fields.set_time(hour, minute, 0);
        }
        4 if n <= 1400 && offset.is_none() => *offset = Some(n / 100 * 60 + n % 100),
        4 if (1901..2100).contains(&n) => fields.year = Some(n),
        1 | 2 if (1..32).contains(&n) && fields.day.is_none() => fields.day = Some(n),
        2 if fields.year.is_none() && n < 10 && fields.day.is_some() => {
            fields.year = Some(2000 + n)
        }
        2 if fields.year.is_none() && n >= 70 => fields.year = Some(1900 + n),
        1 | 2 if (1..13).contains(&n) && fields.month.is_none() => fields.month = Some(n - 1),
        _ => {}
    }
    len
}

/// How long a fraction of a second is that begins at `at`.
fn fraction(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'.') => match number(&text[at + 1..]).1 {
            0 => 0,
            len => len + 1,
        },
        _ => 0,
    }
}

/// `+0200`, `-07:30`, `+02`.
fn zone_offset(text: &[u8], offset: &mut Option<i64>) -> usize {
    let (n, len) = number(&text[1..]);
    let mut end = 1 + len;
    let (mut hours, mut minutes) = (n / 100, n % 100);
    if len <= 2 {
        (hours, minutes) = (n, 0);
        if text.get(end) == Some(&b':') {
            let (m, len) = number(&text[end + 1..]);
            minutes = m;
            end += 1 + len;
        }
    }
    if minutes < 60 && hours < 24 && len <= 4 {
        let east = hours * 60 + minutes;
        *offset = Some(if text[0] == b'-' { -east } else { east });
    }
    end
}

/// Words and numbers in any order, against the present moment.
struct Guess {
    fields: Fields,
    now: i64,
    /// A number whose meaning the next word tells.
    number: i64,
    touched: bool,
}

fn approximate(text: &str, now: Timestamp) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let present = Fields::at(now.0);
    let mut guess = Guess {
        fields: Fields {
            year: None,
            month: None,
            day: None,
            ..present
        },
        now: now.0,
        number: 0,
        touched: false,
    };
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let rest = &bytes[at..];
        at += if b.is_ascii_digit() {
            guess.pending();
            guess.touched = true;
            guess.digits(rest)
        } else if b.is_ascii_alphabetic() {
            guess.word(rest);
            letters(rest)
        } else {
            1
        };
    }
    guess.pending();
    guess.settle(0);
    let moment = guess.fields.moment()?;
    guess.touched.then_some(Timestamp(moment))
}

impl Guess {
    /// A number that no word followed is a day, a month or a year, whichever is still missing.
    fn pending(&mut self) {
        let n = std::mem::take(&mut self.number);
        let fields = &mut self.fields;
        match n {
            0 => {}
            1..32 if fields.day.is_none() => fields.day = Some(n),
            1..13 if fields.month.is_none() => fields.month = Some(n - 1),
            _ if fields.year.is_some() => {}
            1970..2100 => fields.year = Some(n),
            70..100 => fields.year = Some(1900 + n),
            1..38 => fields.year = Some(2000 + n),
            _ => {}
        }
    }

    fn digits(&mut self, text: &[u8]) -> usize {
        let (n, len) = number(text);
        let joined = text
            .get(len)
            .is_some_and(|b| matches!(b, b':' | b'.' | b'/' | b'-'));
        if joined && let Some(len) = self.fields.set_joined(text, Some(self.now)) {
            return len;
        }
        if text[0] != b'0' || len <= 2 {
            self.number = n; // 02 may be a day, 0002 is nothing
        }
        len
    }

    /// Fills in what is missing from the present, and goes back by so many seconds.
    fn settle(&mut self, back: i64) {
        let now = Fields::at(self.now);
        let fields = &mut self.fields;
        fields.day = fields.day.or(now.day);
        fields.month = fields.month.or(now.month);
        if fields.year.is_none() {
            let later = i64::from(fields.month > now.month);
            fields.year = now.year.map(|year| year - later);
        }
        if let Some(moment) = fields.moment() {
            *fields = Fields::at(moment.saturating_sub(back).clamp(-LIMIT, LIMIT));
        }
    }

    fn word(&mut self, text: &[u8]) {
        let whole = |name: &str| alike(text, name) == name.len();
        if let Some(month) = MONTHS.iter().position(|name| alike(text, name) >= 3) {
            self.fields.month = Some(month as i64);
            self.touched = true;
            return;
        }
        if self.special(text) {
            self.touched = true;
            return;
        }
        if self.number == 0 {
            if let Some(n) = NUMBERS.iter().position(|name| whole(name)) {
                self.number = n as i64 + 1;
                self.touched = true;
            } else if whole("last") {
                self.number = 1;
                self.touched = true;
            }
            return;
        }
        self.touched |= self.unit(text);
    }

    fn special(&mut self, text: &[u8]) -> bool {
        let whole = |name: &str| alike(text, name) == name.len();
        if whole("yesterday") {
            self.number = 0;
            self.settle(DAY);
        } else if whole("noon") {
            self.time_of_day(12);
        } else if whole("midnight") {
            self.time_of_day(0);
        } else if whole("tea") {
            self.time_of_day(17);
        } else if whole("pm") || whole("am") {
            let n = std::mem::take(&mut self.number);
            if n != 0 {
                self.fields.set_time(n % 24, 0, 0);
            }
            let half = if whole("pm") { 12 } else { 0 };
            self.fields.hour = self.fields.hour.map(|hour| hour % 12 + half);
        } else if whole("never") {
            self.number = 0;
            self.fields = Fields::at(0);
        } else if whole("now") {
            self.number = 0;
            self.settle(0);
        } else {
            return false;
        }
        true
    }

    /// The last time that the clock showed that hour.
    fn time_of_day(&mut self, hour: i64) {
        self.pending();
        if self.fields.hour < Some(hour) {
            self.settle(DAY);
        }
        self.fields.set_time(hour, 0, 0);
    }

    /// `2 weeks`, `last friday`, `3 months`: back by that many.
    fn unit(&mut self, text: &[u8]) -> bool {
        const UNITS: [(&str, i64); 5] = [
            ("seconds", 1),
            ("minutes", 60),
            ("hours", 3600),
            ("days", DAY),
            ("weeks", 7 * DAY),
        ];
        let unit = UNITS
            .iter()
            .find(|(name, _)| alike(text, name) + 1 >= name.len());
        if let Some((_, length)) = unit {
            let n = std::mem::take(&mut self.number);
            self.settle(n.saturating_mul(*length).min(LIMIT));
        } else if let Some(day) = WEEKDAYS.iter().position(|name| alike(text, name) >= 3) {
            let n = std::mem::take(&mut self.number).min(LIMIT / DAY / 7);
            let today = (self.now.div_euclid(DAY) + 4).rem_euclid(7);
            let back = today - day as i64;
            let weeks = if back <= 0 { n } else { n - 1 };
            self.settle((back + 7 * weeks) * DAY);
        } else if alike(text, "months") >= 5 {
            self.settle(0);
            let n = std::mem::take(&mut self.number).min(LIMIT / DAY / 31);
            self.fields.month = self.fields.month.map(|month| month - n);
            self.carry_months();
        } else if alike(text, "years") >= 4 {
            self.settle(0);
            let n = std::mem::take(&mut self.number).min(LIMIT / DAY / 366);
            self.fields.year = self.fields.year.map(|year| year - n);
        } else {
            return false;
        }
        true
    }

    fn carry_months(&mut self) {
        if let (Some(year), Some(month)) = (self.fields.year, self.fields.month) {
            self.fields.year = Some(year + month.div_euclid(12));
            self.fields.month = Some(month.rem_euclid(12));
        }
    }
}

/// No moment further than this from 1970 is computed with: some ten thousand years.
const LIMIT: i64 = 366 * DAY * 10_000;

/// A number and how many digits it has; one that is too large stops growing.
fn number(text: &[u8]) -> (i64, usize) {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let n = text[..len].iter().fold(0i64, |n, b| {
        n.saturating_mul(10).saturating_add(i64::from(b - b'0'))
    });
    (n.min(LIMIT), len)
}

fn letters(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_alphabetic()).count()
}

/// How many letters the word at the start of `text` has, if `name` begins with it, in either case. A digit belongs
/// to the word.
fn alike(text: &[u8], name: &str) -> usize {
    let word = text
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let begins = name.len() >= word && name.as_bytes()[..word].eq_ignore_ascii_case(&text[..word]);
    if begins { word } else { 0 }
}

/// Days since 1970-01-01 in the Gregorian calendar; the month counts from 0 and may overflow, as may the day.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + month.div_euclid(12);
    let month = month.rem_euclid(12);
    // Years begin in March here, so that the odd day stands at the end.
    let (y, m) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 719_469
}

/// Year, month from 0, day of month.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 2 } else { mp - 10 };
    let year = yoe + era * 400 + i64::from(month < 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::approxidate;
    use crate::time::Timestamp;

    /// 2021-09-15 12:34:56, a Wednesday.
    const NOW: Timestamp = Timestamp(1_631_709_296);

    /// What is understood, and the second it means; as git says it where that is there to be asked.
    const KNOWN: [(&str, &str); 39] = [
        ("now", "20210915123456"),
        ("yesterday", "20210914123456"),
        ("last.week", "20210908123456"),
        ("2.days.ago", "20210913123456"),
        ("2 days ago", "20210913123456"),
        ("3.weeks.ago", "20210825123456"),
        ("10.minutes.ago", "20210915122456"),
        ("1.hour.ago", "20210915113456"),
        ("two.hours.ago", "20210915103456"),
        ("last.month", "20210815123456"),
        ("6.months.ago", "20210315123456"),
        ("10.months.ago", "20201115123456"),
        ("last.year", "20200915123456"),
        ("2.years.ago", "20190915123456"),
        ("noon", "20210915120000"),
        ("noon yesterday", "20210914120000"),
        ("yesterday noon", "20210914120000"),
        ("midnight", "20210915000000"),
        ("tea", "20210914170000"),
        ("never", "19700101000000"),
        ("5pm", "20210915170000"),
        ("3am yesterday", "20210914030000"),
        ("last.friday", "20210910123456"),
        ("last.tuesday", "20210914123456"),
        ("2021-09-12", "20210912123456"),
        ("2021-09-12 09:34:48", "20210912093448"),
        ("2021-09-12T09:34:48Z", "20210912093448"),
        ("2021-09-12 09:34:48 +0200", "20210912073448"),
        ("2021-09-12T09:34:48-07:00", "20210912163448"),
        ("Sun, 12 Sep 2021 09:34:48 GMT", "20210912093448"),
        ("09/12/2021", "20210912123456"),
        ("12.09.2021", "20210912123456"),
        ("2021/09/12", "20210912123456"),
        ("Sep 12 2021", "20210912123456"),
        ("12 september", "20210912123456"),
        ("october", "20201015123456"),
        ("July.1.2019", "20190701123456"),
        ("1631439288", "20210912093448"),
        ("@1631439288", "20210912093448"),
    ];

    #[test]
    fn dates_are_understood_as_people_write_them() {
        for (text, digits) in KNOWN {
            let read = approxidate(text, NOW).map(Timestamp::digits);
            assert_eq!(read.as_deref(), Some(digits), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "foo", "...", "-", "é", "\0"] {
            assert_eq!(approxidate(text, NOW), None, "{text}");
        }
    }

    #[test]
    fn git_understands_the_same_second() {
        let more = [
            "12:00",
            "12:00 yesterday",
            "9:30:15",
            "2.weeks.3.days.ago",
            "1.year.2.months.ago",
            "last.sunday",
            "2.fridays.ago",
            "31.august",
            "aug.31",
            "dec.24",
            "24.dec.2019",
            "2019.07.01",
            "07/31/2019",
            "31/07/2019",
            "31.07.2019",
            "1.1.2020",
            "2020-02-30",
            "99-01-02",
            "20210912T093448",
            "20210912 093448",
            "2021-09-12 09:34",
            "2021-09-12 5pm",
            "six.weeks.ago",
            "ten.days.ago",
            "100.days.ago",
            "1000.weeks.ago",
            "5.seconds.ago",
            "yesterday.5pm",
            "noon.2.days.ago",
            "tea.yesterday",
            "jan",
            "january.5",
            "5.january",
            "2018",
            "2021-09",
            "20.5.2019",
            "10.10.2010",
            "10:15am",
            "12am",
            "12pm",
            "12:30pm",
            "10.years",
            "Mon Jan 2 15:04:05 2006 -0700",
            "Thu Jan 1 00:00:00 1970 GMT",
            "1 Jan 70",
            "02.02.99",
            "1234567890",
            "2021-09-12T09:34:48.123456Z",
            "3.months.2.weeks.ago",
            "last saturday noon",
            "eight.hours.ago",
            "2007-08-09 10:11:12 EST",
            "6pm last friday",
            "march 3rd",
            "3rd march",
            "feb 29 2020",
            "april 31",
            "the 5th",
            "friday 5",
            "tuesday",
            "wednesday",
            "thu",
            "week",
            "last day",
            "1 month",
            "12 months ago",
            "13 months ago",
            "24 months ago",
            "2 sundays",
            "4.7.2021",
            "2021.9.1",
            "1/2/3",
            "2021-13-01",
            "0000",
        ];
        let mut asked = 0;
        for text in KNOWN.iter().map(|(text, _)| *text).chain(more) {
            let Some(git) = ask_git(text) else { continue };
            asked += 1;
            let ours = approxidate(text, NOW).unwrap_or(NOW); // git takes nonsense for now
            assert_eq!(ours.digits(), git.digits(), "{text}");
        }
        if asked == 0 {
            eprintln!("skipped: there is no git that can be told what time it is");
        }
    }

    fn ask_git(text: &str) -> Option<Timestamp> {
        let output = Command::new("git")
            .args(["rev-parse", &format!("--since={text}")])
            .env("TZ", "UTC")
            .env("GIT_TEST_DATE_NOW", NOW.0.to_string())
            .output()
            .ok()?;
        let printed = String::from_utf8(output.stdout).ok()?;
        let seconds = printed.trim().strip_prefix("--max-age=")?;
        seconds.parse().ok().map(Timestamp)
    }
}
