//! Weaves threads: the connected sets of Message-IDs under "is the same mail as" and "refers to".
//!
//! A parent that was never seen is a ghost: it has a thread, but no message. When the real message comes it takes
//! the ghost's place, and two threads may become one. Which messages are together depends on what is there and
//! never on the order in which it came, so an index built in steps equals one built at once.

use std::collections::HashMap;

use rusqlite::Connection;

use super::values::unpack_keys;
use crate::error::Result;
use crate::id::{MessageKey, MidKey, ThreadId};
use crate::mail::DisjointSets;

/// How far the members of a thread are counted to tell which of two is the larger.
const COUNTED: usize = 10_000;

/// Makes two threads one and returns it. The larger keeps its id, so that joining many to one stays cheap.
pub(super) fn merge(sql: &Connection, a: ThreadId, b: ThreadId) -> Result<ThreadId> {
    if a == b {
        return Ok(a);
    }
    let size = |thread: ThreadId| -> Result<usize> {
        let mut statement = sql.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM mid WHERE thread = ?1 LIMIT ?2)",
        )?;
        Ok(statement.query_row((thread, COUNTED), |row| row.get(0))?)
    };
    let (size_a, size_b) = (size(a)?, size(b)?);
    let keep_a = size_a > size_b || (size_a == size_b && a < b);
    let (win, lose) = if keep_a { (a, b) } else { (b, a) };
    sql.prepare_cached("UPDATE mid SET thread = ?1 WHERE thread = ?2")?
        .execute((win, lose))?;
    sql.prepare_cached("UPDATE message SET thread = ?1 WHERE thread = ?2")?
        .execute((win, lose))?;
    Ok(win)
}

/// Weaves one thread anew after messages were taken out of it: what no longer hangs together is parted, and ids that
/// nobody has or refers to any more are forgotten.
pub(super) fn unravel(sql: &Connection, thread: ThreadId) -> Result<()> {
    let mut mids = sql.prepare_cached("SELECT id FROM mid WHERE thread = ?1")?;
    let mids: Vec<MidKey> = mids
        .query_map([thread], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut messages =
        sql.prepare_cached("SELECT id, mid, ids, refs FROM message WHERE thread = ?1")?;
    let messages: Vec<(MessageKey, Vec<MidKey>)> = messages
        .query_map([thread], |row| {
            let mut keys = vec![row.get(1)?];
            keys.extend(unpack_keys(row.get_ref(2)?.as_blob()?));
            keys.extend(unpack_keys(row.get_ref(3)?.as_blob()?));
            Ok((row.get(0)?, keys))
        })?
        .collect::<rusqlite::Result<_>>()?;

    let mut sets = DisjointSets::default();
    for (_, keys) in &messages {
        for key in keys {
            sets.join(keys[0], *key);
        }
    }
    // A thread is called after its lowest member.
    let mut names: HashMap<MidKey, MidKey> = HashMap::new();
    for key in sets.members() {
        let name = names.entry(sets.root(key)).or_insert(key);
        *name = (*name).min(key);
    }
    let mut name_of = |key: MidKey| names.get(&sets.root(key)).map(|name| ThreadId(name.0));
    for mid in mids {
        match name_of(mid) {
            Some(name) => sql
                .prepare_cached("UPDATE mid SET thread = ?1 WHERE id = ?2")?
                .execute((name, mid))?,
            None => sql
                .prepare_cached("DELETE FROM mid WHERE id = ?1")?
                .execute([mid])?,
        };
    }
    for (message, keys) in &messages {
        sql.prepare_cached("UPDATE message SET thread = ?1 WHERE id = ?2")?
            .execute((name_of(keys[0]), message))?;
    }
    Ok(())
}
