//! Weaves mail into the catalogue: finds the message that it is a copy of, or makes its row and joins it to its thread.

use rusqlite::OptionalExtension;

use super::mids;
use super::threads;
use super::values::{pack_keys, unpack_keys};
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::id::{MessageId, MessageKey, MidKey, ThreadId};
use crate::mail::{Overview, subject_key};

impl Writer {
    /// A message of the site with the same ids and the same content.
    pub(super) fn same_message(
        &mut self,
        ids: &[MessageId],
        overview: &Overview,
    ) -> Result<Option<MessageKey>> {
        let Some(primary) = ids.first() else {
            return Ok(None);
        };
        let Some((primary, _)) = self.known(primary)? else {
            return Ok(None);
        };
        let mut statement = self.sql.prepare_cached(
            "SELECT m.id, m.ids FROM carries c CROSS JOIN message m ON m.id = c.message
              WHERE c.mid = ?1 AND m.mid = ?1 AND m.fingerprint = ?2",
        )?;
        let found: Option<(MessageKey, Vec<u8>)> = statement
            .query_row((primary, &overview.fingerprint.0[..]), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        drop(statement);
        let Some((message, packed)) = found else {
            return Ok(None);
        };
        let mut others = Vec::new();
        for mid in further(ids, overview) {
            match self.known(mid)? {
                Some((key, _)) => others.push(key),
                None => return Ok(None),
            }
        }
        Ok((pack_keys(&others) == packed).then_some(message))
    }

    pub(super) fn insert_message(
        &mut self,
        ids: &[MessageId],
        overview: &Overview,
    ) -> Result<MessageKey> {
        // The thread of the eldest that it refers to wins, then all others join it.
        let mut thread = None;
        let mut refs = Vec::with_capacity(overview.references.len());
        for mid in &overview.references {
            let (key, joined) = self.mid(mid, thread)?;
            thread = Some(joined);
            refs.push(key);
        }
        let mut own = Vec::with_capacity(1);
        for mid in ids.iter().take(1).chain(further(ids, overview)) {
            let (key, joined) = self.mid(mid, thread)?;
            thread = Some(joined);
            own.push(key);
        }
        let (Some(&primary), Some(thread)) = (own.first(), thread) else {
            return Err(Error::corrupt("a message without a Message-ID"));
        };
        self.sql
            .prepare_cached(
                "INSERT INTO message
                   (mid, thread, subject_key, bytes, lines, fingerprint, ids, refs, subject, author)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute((
                primary,
                thread,
                subject_key(&overview.subject),
                overview.bytes,
                overview.lines,
                &overview.fingerprint.0[..],
                pack_keys(&own[1..]),
                pack_keys(&refs),
                &overview.subject,
                &overview.author,
            ))?;
        let message = MessageKey(self.sql.last_insert_rowid());
        let mut carries = self
            .sql
            .prepare_cached("INSERT OR IGNORE INTO carries (mid, message) VALUES (?1, ?2)")?;
        for key in own {
            carries.execute((key, message))?;
        }
        Ok(message)
    }

    /// Drops a message that no inbox has any more.
    pub(super) fn forget(&mut self, message: MessageKey) -> Result<()> {
        let (thread, mid, ids): (ThreadId, MidKey, Vec<u8>) = self
            .sql
            .prepare_cached("SELECT thread, mid, ids FROM message WHERE id = ?1")?
            .query_row([message], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut carries = self
            .sql
            .prepare_cached("DELETE FROM carries WHERE mid = ?1 AND message = ?2")?;
        for key in std::iter::once(mid).chain(unpack_keys(&ids)) {
            carries.execute((key, message))?;
        }
        drop(carries);
        self.sql
            .prepare_cached("DELETE FROM message WHERE id = ?1")?
            .execute([message])?;
        self.torn.insert(thread);
        Ok(())
    }

    pub(super) fn known(&mut self, mid: &MessageId) -> Result<Option<(MidKey, ThreadId)>> {
        if let Some(known) = self.met.get(mid) {
            return Ok(Some(*known));
        }
        let found = mids::find(&self.sql, mid)?;
        if let Some(found) = found {
            self.met.insert(mid.clone(), found);
        }
        Ok(found)
    }

    /// The row of an id, made where it is new, as a member of `thread`: where it was in another, the two become one.
    pub(super) fn mid(
        &mut self,
        mid: &MessageId,
        thread: Option<ThreadId>,
    ) -> Result<(MidKey, ThreadId)> {
        let (key, now) = match self.known(mid)? {
            Some((key, before)) => match thread {
                Some(thread) if thread != before => (key, self.merge(thread, before)?),
                _ => return Ok((key, before)),
            },
            None => {
                self.sql
                    .prepare_cached("INSERT INTO mid (hash, thread, text) VALUES (?1, ?2, ?3)")?
                    .execute((mids::hash(mid), thread.unwrap_or(ThreadId(0)), mid.as_str()))?;
                let key = MidKey(self.sql.last_insert_rowid());
                let founded = ThreadId(key.0);
                if thread.is_none() {
                    self.sql
                        .prepare_cached("UPDATE mid SET thread = ?1 WHERE id = ?1")?
                        .execute([key])?;
                }
                (key, thread.unwrap_or(founded))
            }
        };
        self.met.insert(mid.clone(), (key, now));
        Ok((key, now))
    }

    fn merge(&mut self, a: ThreadId, b: ThreadId) -> Result<ThreadId> {
        let joined = threads::merge(&self.sql, a, b)?;
        for (_, thread) in self.met.values_mut() {
            if *thread == a || *thread == b {
                *thread = joined;
            }
        }
        if self.torn.remove(&a) | self.torn.remove(&b) {
            self.torn.insert(joined);
        }
        Ok(joined)
    }
}

/// The ids that a mail is found by besides its primary one.
fn further<'a>(
    ids: &'a [MessageId],
    overview: &'a Overview,
) -> impl Iterator<Item = &'a MessageId> + 'a {
    let own = ids.iter().skip(1);
    own.chain(
        overview
            .alternates
            .iter()
            .filter(move |mid| !ids.contains(mid)),
    )
}
