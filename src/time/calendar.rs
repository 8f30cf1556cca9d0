//! The Gregorian calendar: its days counted, and the English names of months, weekdays and zones.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// The months in lower case, January first. Each is known by its first three letters.
pub const MONTHS: [&str; 12] = [
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

/// The days of the week in lower case, Sunday first.
pub const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

/// Zones in lower case, and the hours that they are east of Greenwich, summer time counted in.
const ZONES: [(&str, i64); 26] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
    ("akst", -9),
    ("akdt", -8),
    ("hst", -10),
    ("wet", 0),
    ("west", 1),
    ("bst", 1),
    ("cet", 1),
    ("met", 1),
    ("cest", 2),
    ("mest", 2),
    ("eet", 2),
    ("eest", 3),
    ("msk", 3),
    ("jst", 9),
];

/// The hours east of Greenwich of a zone that is known by name, in either case.
pub fn zone(name: &str) -> Option<i64> {
    let zone = ZONES
        .iter()
        .find(|(zone, _)| name.eq_ignore_ascii_case(zone));
    zone.map(|(_, hours)| *hours)
}

/// Days from 1970-01-01 to a date. The month counts from 0, the day from 1; what is too large or too small runs over
/// into the next month or year, or the one before.
pub fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year + month.div_euclid(12);
    let month = month.rem_euclid(12);
    // Years begin in March here, so that the odd day stands at the end.
    let (y, m) = match month < 2 {
        true => (year - 1, month + 10),
        false => (year, month - 2),
    };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day
        - 719_469
}

/// The date that lies so many days after 1970-01-01: year, month from 0, day from 1.
pub fn date_of(day_number: i64) -> (i64, i64, i64) {
    let z = day_number + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let y = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * y + y / 4 - y / 100);
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 2 } else { m - 10 };
    let year = y + era * 400 + i64::from(month < 2);
    (year, month, of_year - (153 * m + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::{date_of, day_number, zone};

    #[test]
    fn days_are_counted_from_1970() {
        for (date, number) in [
            ((1970, 0, 1), 0),
            ((1970, 11, 31), 364),
            ((2000, 1, 29), 11_016),
            ((2000, 2, 1), 11_017),
            ((2021, 8, 12), 18_882),
            ((1969, 11, 31), -1),
            ((1, 0, 1), -719_162),
        ] {
            assert_eq!(day_number(date.0, date.1, date.2), number, "{date:?}");
            assert_eq!(date_of(number), date);
        }
    }

    #[test]
    fn what_is_too_large_runs_over() {
        assert_eq!(day_number(2021, 12, 1), day_number(2022, 0, 1));
        assert_eq!(day_number(2021, -1, 1), day_number(2020, 11, 1));
        assert_eq!(day_number(2021, 3, 31), day_number(2021, 4, 1));
    }

    #[test]
    fn zones_are_known_in_either_case() {
        assert_eq!(zone("CEST"), Some(2));
        assert_eq!(zone("pst"), Some(-8));
        assert_eq!(zone("mars"), None);
    }

    proptest! {
        #[test]
        fn a_date_has_one_number_and_a_number_one_date(number in -5_000_000i64..5_000_000) {
            let (year, month, day) = date_of(number);
            proptest::prop_assert_eq!(day_number(year, month, day), number);
            proptest::prop_assert!((0..12).contains(&month) && (1..=31).contains(&day));
        }
    }
}
