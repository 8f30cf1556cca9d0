//! Which epochs are wanted: `2`, `0..3`, `4..`, `..~1`, `~0`, as public-inbox-clone understands it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::id::EpochNum;

/// A range of epochs, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochRange {
    /// `None`: from the first there is.
    low: Option<End>,
    /// `None`: to the last there is.
    high: Option<End>,
}

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// This epoch.
    Number(u32),
    /// So many before the last: `~0` is the last one.
    Before(u32),
}

/// A range that is none, or that is not in what there is. A sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake(String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

impl FromStr for EpochRange {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<EpochRange, Mistake> {
        let end = |part: &str| match part {
            "" => Ok(None),
            part => End::parse(part).map(Some),
        };
        let parsed = match text.split_once("..") {
            Some((low, high)) => end(low).and_then(|low| Ok((low, end(high)?))),
            None => End::parse(text).map(|one| (Some(one), Some(one))),
        };
        match parsed {
            Ok((None, None)) | Err(()) => Err(Mistake(format!(
                "{text:?} is no range of epochs; one looks like 2, 0..3, 4.., ..~1 or ~0"
            ))),
            Ok((low, high)) => Ok(EpochRange { low, high }),
        }
    }
}

impl fmt::Display for EpochRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |end: Option<End>| match end {
            None => String::new(),
            Some(End::Number(number)) => number.to_string(),
            Some(End::Before(number)) => format!("~{number}"),
        };
        write!(f, "{}..{}", shown(self.low), shown(self.high))
    }
}

impl EpochRange {
    /// The epochs of `there` that are meant. Some numbers between the ends may not be there.
    ///
    /// # Errors
    /// An end lies outside of what is there, the range ends before it begins, or all between is missing.
    pub fn of(&self, there: &BTreeSet<EpochNum>) -> Result<BTreeSet<EpochNum>, Mistake> {
        let (Some(first), Some(last)) = (there.first(), there.last()) else {
            return Ok(BTreeSet::new());
        };
        let low = self.low.map_or(Ok(*first), |end| end.of(there))?;
        let high = self.high.map_or(Ok(*last), |end| end.of(there))?;
        if low > high {
            let why = format!("the range {self} ends before it begins ({low} to {high})");
            return Err(Mistake(why));
        }
        let meant: BTreeSet<EpochNum> = there.range(low..=high).copied().collect();
        match meant.is_empty() {
            true => Err(Mistake(format!("none of the epochs {self} is there"))),
            false => Ok(meant),
        }
    }
}

impl End {
    fn parse(text: &str) -> Result<End, ()> {
        let (digits, of) = match text.strip_prefix('~') {
            Some(digits) => (digits, End::Before as fn(u32) -> End),
            None => (text, End::Number as fn(u32) -> End),
        };
        // `+5` is a number to Rust.
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        digits.parse().map(of).map_err(|_| ())
    }

    fn of(self, there: &BTreeSet<EpochNum>) -> Result<EpochNum, Mistake> {
        let outside = |shown: String| {
            let ends = there.first().zip(there.last());
            let ends = ends.map_or(String::new(), |(first, last)| format!(" {first} to {last}"));
            Mistake(format!("epoch {shown} is outside of what there is:{ends}"))
        };
        match self {
            End::Number(number) => {
                let number = EpochNum(number);
                let inside = there.first() <= Some(&number) && Some(&number) <= there.last();
                inside
                    .then_some(number)
                    .ok_or_else(|| outside(number.to_string()))
            }
            End::Before(back) => {
                let found = there.iter().rev().nth(back as usize);
                found.copied().ok_or_else(|| outside(format!("~{back}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    use super::{EpochNum, EpochRange};

    fn meant(range: &str, there: &[u32]) -> Result<Vec<u32>, String> {
        let range: EpochRange = range.parse().map_err(|e| format!("{e}"))?;
        let there = there.iter().map(|n| EpochNum(*n)).collect();
        let meant = range.of(&there).map_err(|e| format!("{e}"))?;
        Ok(meant.into_iter().map(|n| n.0).collect())
    }

    #[test]
    fn ranges_are_those_of_public_inbox_clone() {
        for (range, there, expected) in [
            ("2", &[0, 1, 2, 3][..], &[2][..]),
            ("0..2", &[0, 1, 2, 3], &[0, 1, 2]),
            ("2..", &[0, 1, 2, 3], &[2, 3]),
            ("..1", &[0, 1, 2, 3], &[0, 1]),
            ("~0", &[0, 1, 2, 3], &[3]),
            ("~1..", &[0, 1, 2, 3], &[2, 3]),
            ("..~1", &[0, 1, 2, 3], &[0, 1, 2]),
            ("~2..~1", &[0, 1, 2, 3], &[1, 2]),
            ("0..~0", &[0, 1, 2, 3], &[0, 1, 2, 3]),
            ("~1", &[4, 7], &[4]),
            ("5..7", &[4, 7], &[7]),
            ("0..~0", &[], &[]),
        ] {
            assert_eq!(meant(range, there).as_deref(), Ok(expected), "{range}");
        }
    }

    #[test]
    fn what_is_no_range_or_not_there_is_refused() {
        for range in [
            "",
            "..",
            "x",
            "-1",
            "+1",
            "1..2..3",
            "~",
            "1...2",
            "99999999999",
            "~~1",
            "1.. 2",
        ] {
            let said = meant(range, &[0, 1, 2]).unwrap_err();
            assert!(said.contains("is no range"), "{range}: {said}");
        }
        for range in ["3", "0..3", "~3", "2..1", "~0..~1"] {
            assert!(meant(range, &[0, 1, 2]).is_err(), "{range}");
        }
        assert!(meant("0", &[1]).is_err());
        assert!(meant("2..3", &[1, 4]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn only_what_is_there_is_ever_meant(
            text in "(~?[0-9]{1,10})?(\\.\\.)?(~?[0-9]{1,10})?",
            junk in any::<String>(),
            there in proptest::collection::btree_set(any::<u32>(), 0..8),
        ) {
            let there: BTreeSet<EpochNum> = there.into_iter().map(EpochNum).collect();
            for text in [text, junk] {
                if let Ok(range) = text.parse::<EpochRange>() {
                    prop_assert_eq!(range.to_string().parse(), Ok(range));
                    if let Ok(meant) = range.of(&there) {
                        prop_assert!(meant.is_subset(&there));
                        prop_assert_eq!(meant.is_empty(), there.is_empty());
                    }
                }
            }
        }
    }
}
