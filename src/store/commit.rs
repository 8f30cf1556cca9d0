//! The commits that mail is stored by, byte for byte as public-inbox writes them.

use crate::id::Oid;
use crate::time::Timestamp;

/// A person and a moment, as a commit names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// A name to show; may be empty.
    pub name: String,
    /// An address without its angle brackets; may be empty.
    pub email: String,
    /// When.
    pub time: Timestamp,
    /// In which zone, in minutes east of Greenwich.
    pub zone: i32,
}

/// Everything in a commit but its tree and parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitMeta {
    /// The mail's `From` and `Date`; the inbox itself where a mail is removed.
    pub author: Who,
    /// The inbox, and when the mail came.
    pub committer: Who,
    /// The mail's subject, decoded.
    pub subject: String,
}

impl CommitMeta {
    /// The commit object.
    pub(super) fn object(&self, tree: Oid, parent: Option<Oid>) -> String {
        let parent = parent.map_or_else(String::new, |oid| format!("parent {oid}\n"));
        let (author, committer) = (self.author.line(), self.committer.line());
        let subject = self.title();
        format!("tree {tree}\n{parent}author {author}\ncommitter {committer}\n\n{subject}\n")
    }

    /// The subject in one line.
    pub(super) fn title(&self) -> String {
        let line = self.subject.replace(|c: char| c.is_ascii_control(), " ");
        match line.trim() {
            "" => "(no subject)".to_owned(),
            some => some.to_owned(),
        }
    }
}

impl Who {
    /// `Name <address> SECONDS ZONE`. git knows no time before 1970.
    pub(super) fn line(&self) -> String {
        let plain = |text: &str| {
            let bad = |c: char| c.is_ascii_control() || matches!(c, '<' | '>');
            text.replace(bad, "").trim().to_owned()
        };
        let zone = self.zone.clamp(-14 * 60 + 1, 14 * 60);
        let sign = if zone < 0 { '-' } else { '+' };
        let (hours, minutes) = (zone.abs() / 60, zone.abs() % 60);
        let (name, email) = (plain(&self.name), plain(&self.email));
        let seconds = self.time.0.max(0);
        format!("{name} <{email}> {seconds} {sign}{hours:02}{minutes:02}")
    }
}

/// The tree of an epoch's commit: one file, `m` for a mail that came and `d` for one that goes.
pub(super) fn tree_of_one(name: char, blob: Oid) -> Vec<u8> {
    let mut tree = format!("100644 {name}\0").into_bytes();
    tree.extend(blob.0);
    tree
}

#[cfg(test)]
mod tests {
    use super::{CommitMeta, Who};
    use crate::id::Oid;
    use crate::time::Timestamp;

    #[test]
    fn a_commit_has_one_line_for_each_thing_whatever_the_mail_says() {
        let meta = CommitMeta {
            author: Who {
                name: "A\nparent <x>".to_owned(),
                email: "a@example.com>".to_owned(),
                time: Timestamp(-3),
                zone: -210,
            },
            committer: Who::default(),
            subject: "two\nlines\tof\0it".to_owned(),
        };
        let zeros = Oid([0; 20]);
        let expected = format!(
            "tree {zeros}\nparent {zeros}\nauthor Aparent x <a@example.com> 0 -0330\ncommitter  <> 0 +0000\n\ntwo lines of it\n"
        );
        assert_eq!(meta.object(zeros, Some(zeros)), expected);
        assert!(
            CommitMeta::default()
                .object(zeros, None)
                .ends_with("\n\n(no subject)\n")
        );
    }
}
