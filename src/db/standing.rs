//! Where messages stand, of those that searches found a moment ago: whatever is sought, the newest mail is often among it.

use quick_cache::sync::Cache;
use rusqlite::OptionalExtension;

use super::articles::Place;
use super::pool::Reader;
use crate::error::Result;
use crate::id::{InboxId, MessageKey};

/// Of so many messages their place in an inbox is kept: each takes some hundred and fifty bytes.
const PLACES: usize = 32 * 1024;

/// Places that were read, each as it was in one state of its inbox.
pub(super) struct Standing(Cache<(InboxId, MessageKey), (State, Place)>);

/// The state of an inbox, in one generation of connections: another catalogue may count from the beginning again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    generation: u64,
    state: u64,
}

impl Standing {
    /// None yet.
    pub(super) fn new() -> Standing {
        Standing(Cache::new(PLACES))
    }

    /// The one place that a message has in an inbox, if it is known and nothing has changed there since.
    pub(super) fn find(&self, inbox: InboxId, message: MessageKey, now: State) -> Option<Place> {
        let (then, place) = self.0.get(&(inbox, message))?;
        (then == now).then_some(place)
    }

    /// Remembers it.
    pub(super) fn keep(&self, place: Place, now: State) {
        (self.0).insert((place.inbox, place.message), (now, place));
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl Reader {
    /// The state of an inbox, for [`Standing`]: within a snapshot, that of all that is read there.
    pub(super) fn state(&self, inbox: InboxId) -> Result<State> {
        let mut statement =
            (self.sql()?).prepare_cached("SELECT state FROM inbox WHERE id = ?1")?;
        let state = statement.query_row([inbox], |row| row.get(0)).optional()?;
        Ok(State {
            generation: self.generation(),
            state: state.unwrap_or(0), // an inbox without a row has no places either
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::db::{Db, Outcome, Stored, Writer};
    use crate::id::{ArticleNum, EpochNum, InboxId, MessageKey, Oid};
    use crate::mail::{CommitTimes, Message, Overview};
    use crate::time::Timestamp;

    const INBOX: InboxId = InboxId(1);
    const OTHER: InboxId = InboxId(2);

    fn add(writer: &mut Writer, inbox: InboxId, id: &str, blob: u8, num: i64) -> MessageKey {
        let mail = format!("Message-ID: <{id}>\nSubject: A loom\n\nThreads.\n");
        let at = Timestamp(i64::from(blob));
        let times = CommitTimes {
            author: at,
            committer: at,
        };
        let overview = Overview::of(&Message::parse(mail.as_bytes()), times);
        let stored = Stored {
            epoch: EpochNum(0),
            blob: Oid([blob; 20]),
        };
        match writer.add(inbox, stored, &overview, Some(ArticleNum(num))) {
            Ok(Outcome::Added { message, .. }) => message,
            other => panic!("{id}: {other:?}"),
        }
    }

    #[test]
    fn what_is_kept_of_an_inbox_holds_until_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path()).unwrap();
        let other = dir.path().join("other");
        let inboxes = [dir.path(), &other].map(|dir| db.inbox(dir).unwrap());
        assert_eq!(inboxes, [INBOX, OTHER]);
        let mut writer = db.writer().unwrap();
        writer.begin().unwrap();
        let messages = [("a@x", 1), ("b@x", 2), ("c@x", 3)]
            .map(|(id, num)| add(&mut writer, INBOX, id, id.as_bytes()[0], num));
        add(&mut writer, OTHER, "b@x", b'o', 1);
        writer.commit().unwrap();
        let blobs = || -> Vec<(i64, u8)> {
            let reader = db.reader().unwrap();
            let found = reader.articles_of(INBOX, &messages).unwrap();
            found.iter().map(|a| (a.num.0, a.blob.0[0])).collect()
        };
        let before = [(1, b'a'), (2, b'b'), (3, b'c')];
        assert_eq!(blobs(), before, "read");
        assert_eq!(blobs(), before, "kept");
        let reader = db.reader().unwrap();
        let kept = || {
            let state = reader.state(INBOX).unwrap();
            let places = messages.map(|message| db.standing().find(INBOX, message, state));
            places.map(|place| place.is_some())
        };
        assert_eq!(kept(), [true; 3]);

        // The second is rewritten: the same message, of another blob. The third goes.
        writer.begin().unwrap();
        writer.remove(INBOX, ArticleNum(2)).unwrap();
        assert_eq!(add(&mut writer, INBOX, "b@x", b'B', 2), messages[1]);
        writer.remove(INBOX, ArticleNum(3)).unwrap();
        assert_eq!(kept(), [true; 3], "nobody else sees it yet");
        writer.commit().unwrap();
        assert_eq!(kept(), [false; 3]);
        let now = [(1, b'a'), (2, b'B')];
        assert_eq!(blobs(), now, "read");
        assert_eq!(blobs(), now, "kept");
        assert_eq!(kept(), [true, true, false]);
        db.forget_messages();
        assert_eq!(kept(), [false; 3]);
        assert_eq!(blobs(), now);
        let nowhere = reader.articles_of(InboxId(7), &messages).unwrap();
        assert!(nowhere.is_empty());
    }
}
