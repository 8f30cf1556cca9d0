//! Dates as people write them: `last.week`, `2.days.ago`, `2021-09-12`, `noon yesterday`.
//!
//! [`approxidate`] understands what `git rev-parse --since=` understands, and answers the same second, in UTC. Two
//! things surprise there, and are kept: a date without a time takes the present time of day, and a month without a
//! year is the last one of that name.

mod exact;
mod fields;
mod guess;
mod scan;

use crate::time::Timestamp;

/// The second that git's approxidate takes `text` for. `None` where it understands nothing of it.
pub(super) fn approxidate(text: &str, now: Timestamp) -> Option<Timestamp> {
    exact::exact(text).or_else(|| guess::approximate(text, now))
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
