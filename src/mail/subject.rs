//! `Re:` and the normal form of subjects.

/// stub
pub fn subject_key(_subject: &str) -> Option<i64> {
    None
}
