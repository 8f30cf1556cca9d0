//! What became of the mails of an import: every one that was read is in one of its counts.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::intake::{Repair, Taken};
use super::source::Loss;

/// How many refused mails are named one by one.
const MOST_NAMED: usize = 10_000;

/// What became of the mails that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Mails that the inbox has now and did not have before.
    pub added: u64,
    /// Mails that it had already, also those that came twice.
    pub duplicates: u64,
    /// Mails that were removed before, and are not to come back.
    pub buried: u64,
    /// Mails that were not taken.
    pub refused: u64,
    /// Of the added: what had to be done to them.
    pub repaired: BTreeMap<String, u64>,
    /// Of the added: what had been lost before.
    pub lossy: BTreeMap<String, u64>,
    /// Where the refused ones stand, and why they were refused; the first ten thousand of them.
    pub refusals: Vec<(String, String)>,
}

impl ImportReport {
    /// How many mails were read.
    pub fn read(&self) -> u64 {
        self.added + self.duplicates + self.buried + self.refused
    }

    pub(super) fn count(&mut self, taken: &Taken, place: &str, loss: Option<Loss>) {
        match taken {
            Taken::Added { repair, .. } => {
                self.added += 1;
                if let Some(repair) = repair {
                    *self.repaired.entry(Repair::to_string(repair)).or_default() += 1;
                }
                if let Some(loss) = loss {
                    *self.lossy.entry(loss.to_string()).or_default() += 1;
                }
            }
            Taken::Duplicate => self.duplicates += 1,
            Taken::Buried => self.buried += 1,
            Taken::Refused(why) => {
                self.refused += 1;
                if self.refusals.len() < MOST_NAMED {
                    self.refusals.push((place.to_owned(), why.clone()));
                }
            }
        }
    }

    /// For scripts, and for the next run of an import that was stopped.
    pub fn to_json(&self) -> Value {
        let refusals = self.refusals.iter();
        let refusals: Vec<Value> = refusals
            .map(|(place, why)| json!({ "place": place, "reason": why }))
            .collect();
        json!({
            "read": self.read(),
            "added": self.added,
            "duplicates": self.duplicates,
            "buried": self.buried,
            "refused": self.refused,
            "repaired": self.repaired,
            "lossy": self.lossy,
            "refusals": refusals,
        })
    }

    /// Reads what [`ImportReport::to_json`] wrote; what is missing counts as nothing.
    pub(super) fn of_json(value: &Value) -> ImportReport {
        let number = |key: &str| value[key].as_u64().unwrap_or(0);
        let counts = |key: &str| {
            let counts = value[key].as_object().into_iter().flatten();
            counts
                .filter_map(|(what, n)| Some((what.clone(), n.as_u64()?)))
                .collect()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let refusals = value["refusals"].as_array().into_iter().flatten();
        ImportReport {
            added: number("added"),
            duplicates: number("duplicates"),
            buried: number("buried"),
            refused: number("refused"),
            repaired: counts("repaired"),
            lossy: counts("lossy"),
            refusals: refusals
                .map(|one| (text(&one["place"]), text(&one["reason"])))
                .collect(),
        }
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>10} mails read, of these", self.read())?;
        for (count, what) in [
            (self.added, "added"),
            (self.duplicates, "duplicates: the inbox has them already"),
            (self.buried, "kept out: they were removed before"),
            (self.refused, "refused"),
        ] {
            writeln!(f, "{count:>10} {what}")?;
        }
        for (what, count) in &self.repaired {
            writeln!(f, "of the added, {count} {what}")?;
        }
        for (what, count) in &self.lossy {
            writeln!(f, "of the added, {count} are {what}")?;
        }
        for (place, why) in &self.refusals {
            writeln!(f, "refused: {place}: {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ImportReport;
    use crate::id::Oid;
    use crate::ingest::source::Loss;
    use crate::ingest::{Repair, Taken};

    #[test]
    fn counts_add_up_and_outlive_a_restart() {
        let mut report = ImportReport::default();
        let added = |repair| Taken::Added {
            blob: Oid::EMPTY_BLOB,
            repair,
        };
        report.count(&added(None), "a", Some(Loss::Pipermail));
        report.count(&added(Some(Repair::NoMessageId)), "b", None);
        report.count(&Taken::Duplicate, "c", None);
        report.count(&Taken::Buried, "d", None);
        report.count(&Taken::Refused("no".to_owned()), "e", None);
        assert_eq!(report.read(), 5);
        assert_eq!(ImportReport::of_json(&report.to_json()), report);
        assert!(report.to_string().contains("refused: e: no"));
    }
}
