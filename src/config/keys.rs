//! Which keys there are, and which one somebody may have meant.

/// Ours: `threadbare.KEY`, as `docs/operations.md` and the manual spell them.
pub(super) const OWN: &[&str] = &[
    "certificate",
    "drain",
    "epochSize",
    "fetchInterval",
    "handOver",
    "indexDir",
    "listen",
    "lmtp",
    "logAddresses",
    "logFormat",
    "maxFetchSize",
    "maxMessageSize",
    "metrics",
    "spamCheck",
    "trainHam",
    "trainSpam",
    "url",
];

/// `publicinbox.KEY`, for the whole site. Some are only for public-inbox's own tools.
pub(super) const SITE: &[&str] = &[
    "cgitbin",
    "cgitdata",
    "cgitrc",
    "css",
    "grokManifest",
    "imapserver",
    "indexBatchSize",
    "indexMaxSize",
    "indexSequentialShard",
    "mailEditor",
    "nntpserver",
    "noObfuscate",
    "pop3server",
    "pop3state",
    "sourceinfo",
    "wwwListing",
];

/// `publicinbox.NAME.KEY`, for one inbox. Some are only for public-inbox's own tools.
pub(super) const INBOX: &[&str] = &[
    "address",
    "alias",
    "altid",
    "boost",
    "coderepo",
    "contentType",
    "css",
    "feedmax",
    "fetchInterval",
    "filter",
    "hide",
    "httpbackendmax",
    "imapmirror",
    "imapserver",
    "inboxdir",
    "indexBatchSize",
    "indexHeader",
    "indexMaxSize",
    "indexSequentialShard",
    "indexlevel",
    "infourl",
    "listid",
    "mainrepo",
    "newsgroup",
    "nntpmirror",
    "nntpserver",
    "obfuscate",
    "pop3server",
    "publicInboxMirror",
    "replyto",
    "sourceinfo",
    "url",
    "watch",
    "watchheader",
];

/// Whether it is one of these, however it is capitalised.
pub(super) fn is_known(key: &str, keys: &[&str]) -> bool {
    keys.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// The one of these that `key` may be a slip of, as part of a sentence; nothing where none is near.
pub(super) fn hint(key: &str, keys: &[&str]) -> String {
    let key = key.to_ascii_lowercase();
    let far = |known: &&str| strsim::damerau_levenshtein(&key, &known.to_ascii_lowercase());
    match keys.iter().min_by_key(|known| far(known)) {
        Some(known) if far(known) <= 1 + key.len() / 5 => format!("; is {known} meant?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{INBOX, OWN, hint, is_known};

    #[test]
    fn a_slip_is_recognised() {
        for (key, said) in [
            ("lissen", "; is listen meant?"),
            ("indexdri", "; is indexDir meant?"),
            ("certificates", "; is certificate meant?"),
            ("colour", ""),
            ("x", ""),
        ] {
            assert_eq!(hint(key, OWN), said, "{key}");
        }
        assert_eq!(hint("adress", INBOX), "; is address meant?");
        assert!(is_known("indexdir", OWN) && !is_known("adress", INBOX));
    }
}
