//! The MIME tree of a mail as a flat list of parts: text to show, attachments with their numbers.

/// One part, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its dotted number, from 1: `2`, `1.1.2`.
    pub index: String,
    /// How deep it lies: 1 for the parts of the mail itself.
    pub depth: usize,
    /// `type/subtype` in lower case.
    pub content_type: String,
    /// The whole `Content-Type` value with its parameters, for the note on a charset that did not hold.
    pub content_type_full: String,
    /// The file name that its sender gave it, decoded; to be shown, never to be trusted.
    pub filename: Option<String>,
    /// `Content-Description`, decoded.
    pub description: Option<String>,
    /// Its size in bytes, transfer encoding undone.
    pub size: usize,
    /// What there is to show.
    pub body: PartBody,
}

/// What there is to show of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartBody {
    /// Text, LF line ends.
    Text {
        /// The decoded text.
        text: String,
        /// Whether the declared charset did not hold and another was assumed.
        mangled: bool,
    },
    /// The words of an HTML part; shown only where a mail has no plain text.
    Html {
        /// The text without its markup.
        text: String,
    },
    /// A whole mail (`message/rfc822`): these headers of it are shown, and its parts follow in the list.
    Embedded {
        /// Name and decoded value, in the order in which they are shown.
        headers: Vec<(String, String)>,
    },
    /// Only a link to download it.
    Opaque,
}

/// A part as it is downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// `type/subtype` in lower case, as the sender claims.
    pub content_type: String,
    /// The charset parameter, where it has one.
    pub charset: Option<String>,
    /// Its bytes, transfer encoding undone.
    pub bytes: Vec<u8>,
}
