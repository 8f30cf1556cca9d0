//! A moment as a calendar has it, while its pieces are found one after the other.

use super::scan::number;
use crate::time::calendar::{self, DAY};

/// A calendar's fields, each unknown at first. Months count from 0, as they are computed with.
#[derive(Clone, Copy, Default)]
pub(super) struct Fields {
    pub(super) year: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
}

impl Fields {
    pub(super) fn at(moment: i64) -> Fields {
        let (year, month, day) = calendar::date_of(moment.div_euclid(DAY));
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
    pub(super) fn moment(&self) -> Option<i64> {
        let days = calendar::day_number(self.year?, self.month?, self.day?);
        Some(days * DAY + self.hour? * 3600 + self.minute? * 60 + self.second?)
    }

    pub(super) fn set_time(&mut self, hour: i64, minute: i64, second: i64) -> bool {
        let fits =
            (0..=24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
        if fits {
            (self.hour, self.minute, self.second) = (Some(hour), Some(minute), Some(second));
        }
        fits
    }

    /// Takes a date, if it is one. `not_after`: a guess that lies ten days after that is a wrong one.
    pub(super) fn set_date(
        &mut self,
        year: i64,
        month: i64,
        day: i64,
        not_after: Option<i64>,
    ) -> bool {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return false;
        }
        let this_year = not_after.map(|now| calendar::date_of(now.div_euclid(DAY)).0);
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
            (Some(h), Some(m), Some(s)) => {
                calendar::day_number(year, month - 1, day) * DAY + h * 3600 + m * 60 + s
            }
            _ => -1, // not to be told
        }
    }

    /// Numbers joined by one sign: a time, or a date in the order of some country. Says how far it read.
    pub(super) fn set_joined(&mut self, text: &[u8], now: Option<i64>) -> Option<usize> {
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
