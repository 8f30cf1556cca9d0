//! People: names to show, addresses to search and to write to.

/// One mailbox of an address header (RFC 5322, 3.4), decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The display name, where there is one.
    pub name: Option<String>,
    /// The address; what stands there instead where it has no `@`.
    pub email: String,
}

impl Address {
    /// What lists and overviews call this person: the name, or else the local part of the address.
    pub fn shown(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None => self.email.split('@').next().unwrap_or(&self.email),
        }
    }
}
