//! Words and numbers in any order, against the present moment: `2.weeks.ago`, `noon yesterday`, `12 september`.

use super::fields::Fields;
use super::scan::{LIMIT, alike, letters, month, number, weekday, word};
use crate::time::Timestamp;
use crate::time::calendar::DAY;

const NUMBERS: [&str; 10] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
];
/// Words and numbers in any order, against the present moment.
struct Guess {
    fields: Fields,
    now: i64,
    /// A number whose meaning the next word tells.
    number: i64,
    touched: bool,
}

pub(super) fn approximate(text: &str, now: Timestamp) -> Option<Timestamp> {
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
        if let Some(month) = month(word(text)) {
            self.fields.month = Some(month);
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
        } else if let Some(day) = weekday(word(text)) {
            let n = std::mem::take(&mut self.number).min(LIMIT / DAY / 7);
            let today = (self.now.div_euclid(DAY) + 4).rem_euclid(7);
            let back = today - day;
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
