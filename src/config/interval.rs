//! `fetchInterval`: how often mirrors are fetched while they are served.

use std::str::FromStr;
use std::time::Duration;

/// How often: `90` or `90s`, `5m`, `1h`, `1d`; `never` and its like mean not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FetchInterval {
    /// It is not fetched.
    Never,
    /// It is fetched so often.
    Every(Duration),
}

impl FetchInterval {
    /// How often; `None` where it is not fetched.
    pub fn duration(self) -> Option<Duration> {
        match self {
            FetchInterval::Never => None,
            FetchInterval::Every(time) => Some(time),
        }
    }
}

impl FromStr for FetchInterval {
    type Err = String;

    fn from_str(value: &str) -> Result<FetchInterval, String> {
        let lower = value.to_ascii_lowercase();
        if matches!(lower.as_str(), "never" | "off" | "no" | "false" | "0") {
            return Ok(FetchInterval::Never);
        }
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("", 1)];
        let split = |(unit, seconds)| Some((lower.strip_suffix(unit)?, seconds));
        let found = units.into_iter().find_map(split);
        let count = found.and_then(|(digits, seconds)| {
            let count: u32 = digits.parse().ok()?;
            (count > 0).then_some(u64::from(count) * seconds)
        });
        let time = count.map(|seconds| FetchInterval::Every(Duration::from_secs(seconds)));
        time.ok_or_else(|| format!("{value:?} is no interval; one looks like 90s, 5m, 1h or never"))
    }
}

#[cfg(test)]
mod tests {
    use super::FetchInterval;

    #[test]
    fn intervals_have_units() {
        for (value, seconds) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("1H", Some(3600)),
            ("2d", Some(172_800)),
            ("never", None),
            ("0", None),
        ] {
            let parsed: FetchInterval = value.parse().unwrap();
            let found = parsed.duration().map(|time| time.as_secs());
            assert_eq!(found, seconds, "{value}");
        }
        for value in ["", "m", "-5", "5 minutes", "1.5h", "99999999999", "5µ"] {
            assert!(value.parse::<FetchInterval>().is_err(), "{value}");
        }
    }
}
