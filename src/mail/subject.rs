//! `Re:` and the normal form of subjects.
