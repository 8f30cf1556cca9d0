//! Mail as one compressed file: gzip members, which may follow each other (RFC 1952, 2.2), so that memory stays flat.

use std::io::Write;

use super::compress::Gzip;
use crate::archive::{Article, Inbox};
use crate::error::{Error, Result};
use crate::mail;

/// Bytes of mail to a gzip member.
const MEMBER: usize = 256 * 1024;

/// Collects mail into gzip members.
pub(super) struct Members<'a> {
    out: &'a mut dyn Write,
    gzip: Gzip,
    mbox: Vec<u8>,
    written: bool,
}

impl<'a> Members<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Members<'a> {
        Members {
            out,
            gzip: Gzip::default(),
            mbox: Vec::new(),
            written: false,
        }
    }

    /// What git has lost is left out, as if it had been removed.
    pub(super) fn add_from(&mut self, inbox: &Inbox, article: &Article) -> Result<()> {
        match inbox.read(article)? {
            Some(raw) => self.add(&raw),
            None => Ok(()),
        }
    }

    fn add(&mut self, raw: &[u8]) -> Result<()> {
        mail::mboxrd(raw, &mut self.mbox);
        if self.mbox.len() >= MEMBER {
            self.pack()
        } else {
            Ok(())
        }
    }

    fn pack(&mut self) -> Result<()> {
        let member = self.gzip.pack(&self.mbox);
        let packed = member.and_then(|member| self.out.write_all(&member));
        self.mbox.clear();
        self.written = true;
        packed.map_err(|error| Error::io("the answer", error))
    }

    /// An empty file would be no gzip at all.
    pub(super) fn end(mut self) -> Result<()> {
        if self.mbox.is_empty() && self.written {
            Ok(())
        } else {
            self.pack()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Members;

    #[test]
    fn an_mbox_without_mail_is_still_a_gzip_file() {
        let mut file = Vec::new();
        Members::new(&mut file).end().unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "");
    }

    #[test]
    fn members_follow_each_other() {
        let mail = format!("Subject: x\n\n{}\n", "wool ".repeat(20_000));
        let mut file = Vec::new();
        let mut members = Members::new(&mut file);
        for _ in 0..5 {
            members.add(mail.as_bytes()).unwrap();
        }
        members.end().unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text.matches("Subject: x\n").count(), 5);
    }
}
