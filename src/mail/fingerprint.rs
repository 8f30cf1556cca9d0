//! Is this the same mail again? A hash over what matters.

/// A hash over what a reader would call the content of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 16]);
