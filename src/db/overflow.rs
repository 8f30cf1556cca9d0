//! What an import knows of mail that is stored and not indexed yet, where that is too much for the memory: a table in a
//! file without a name, which is gone when this is.

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::id::{MessageId, Oid};

/// Mails by their Message-IDs.
pub struct Overflow {
    sql: Connection,
}

impl Overflow {
    /// Nothing yet.
    ///
    /// # Errors
    /// There is no directory for temporary files.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is no catalogue, and nobody else can open it"
    )]
    pub fn new() -> Result<Overflow> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let sql = Connection::open_with_flags("", flags)?;
        sql.execute_batch(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA cache_size = -8000;
             CREATE TABLE mail (
                 mid   BLOB NOT NULL,  -- the first half of the SHA-256 of a Message-ID
                 blob  BLOB NOT NULL,
                 by_it INTEGER NOT NULL,
                 PRIMARY KEY (mid, blob)
             ) WITHOUT ROWID;",
        )?;
        Ok(Overflow { sql })
    }

    /// Takes mails in: their blobs, and whether they hold their numbers by this id.
    ///
    /// # Errors
    /// There is no room on the disk for temporary files.
    pub fn add<'a>(
        &mut self,
        mails: impl Iterator<Item = (&'a MessageId, Oid, bool)>,
    ) -> Result<()> {
        // In their order, so that each page of the file is written once.
        let mut mails: Vec<_> = mails.map(|(mid, blob, by)| (key(mid), blob, by)).collect();
        mails.sort_unstable_by_key(|(key, ..)| *key);
        let all = self.sql.transaction()?;
        let mut insert = all.prepare_cached("INSERT OR REPLACE INTO mail VALUES (?1, ?2, ?3)")?;
        for (key, blob, by_it) in mails {
            insert.execute((key, blob, by_it))?;
        }
        drop(insert);
        Ok(all.commit()?)
    }

    /// The mails of this id.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(&self, mid: &MessageId) -> Result<Vec<(Oid, bool)>> {
        let mut statement = self
            .sql
            .prepare_cached("SELECT blob, by_it FROM mail WHERE mid = ?1")?;
        let rows = statement.query_map([key(mid)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn key(mid: &MessageId) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(mid.as_str()).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_found_by_any_of_their_ids() {
        let mid = |text: &str| MessageId::parse(text).unwrap();
        let (one, two) = (mid("one@x"), mid("two@x"));
        let blob = |byte: u8| Oid([byte; 20]);
        let mut overflow = Overflow::new().unwrap();
        assert_eq!(overflow.find(&one).unwrap(), []);
        let mails = [(&one, blob(1), true), (&two, blob(1), false)];
        overflow.add(mails.into_iter()).unwrap();
        overflow.add([(&one, blob(2), false)].into_iter()).unwrap();
        assert_eq!(
            overflow.find(&one).unwrap(),
            [(blob(1), true), (blob(2), false)]
        );
        assert_eq!(overflow.find(&two).unwrap(), [(blob(1), false)]);
    }
}
