//! Whether a repository holds together: every commit and tree of its history is there and is what its name says.

use std::collections::HashSet;

use super::epoch::Epoch;
use super::object::Commit;
use crate::error::Result;
use crate::id::Oid;

/// The longest commit or tree that is looked at, in bytes.
const MAX_META: usize = 16 << 20;

impl Epoch {
    /// Tells what is wrong with the history behind `tip`: commits and trees that are missing, damaged, or not what their
    /// names say. Mail is left to who reads it.
    ///
    /// # Errors
    /// [`crate::error::Error::Store`] where the repository cannot be read at all.
    pub fn verify(&self, tip: Oid, mut tell: impl FnMut(String)) -> Result<()> {
        let objects = self.objects()?;
        let shallow = self.shallow();
        let mut seen = HashSet::new();
        let mut waiting = vec![tip];
        while let Some(oid) = waiting.pop() {
            if !seen.insert(oid) {
                continue;
            }
            let mut sound = |kind: &str, oid: Oid| match objects.read(oid, kind, MAX_META) {
                Ok(raw) if Oid::of_object(kind, &raw) == oid => Some(raw),
                Ok(_) => {
                    tell(format!("{kind} {oid} is not what its name says"));
                    None
                }
                Err(lack) => {
                    tell(lack.about(kind, oid));
                    None
                }
            };
            let Some(raw) = sound("commit", oid) else {
                continue;
            };
            let Some(commit) = Commit::parse(&raw) else {
                tell(format!("commit {oid} cannot be read"));
                continue;
            };
            // A tree of one entry is hardly ever that of another commit, so all of them are looked at.
            sound("tree", commit.tree);
            if !shallow.contains(&oid) {
                waiting.extend(commit.parents());
            }
        }
        Ok(())
    }
}
