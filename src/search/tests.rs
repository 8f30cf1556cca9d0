//! The room as a whole: mail in, queries in, messages out.

use super::{Budget, Document, Filter, Place, Query, Search, Sort, Window};
use crate::id::{ArticleNum, InboxId, MessageKey};
use crate::mail::{CommitTimes, Message, Overview};
use crate::time::Timestamp;

/// The present, for all tests: 2021-09-20 12:00:00.
const NOW: Timestamp = Timestamp(1_632_139_200);

const ALL: Window = Window {
    offset: 0,
    limit: 100,
    after: None,
};

fn document(key: i64, raw: &str) -> Document {
    let message = Message::parse(raw.as_bytes());
    let overview = Overview::of(&message, CommitTimes::default());
    let place = Place {
        inbox: InboxId(1),
        num: ArticleNum(key),
        received: overview.received,
    };
    Document::of(&message, &overview, MessageKey(key), &[place])
}

fn index(mails: &[&str]) -> (tempfile::TempDir, Search) {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    for (i, raw) in mails.iter().enumerate() {
        writer.add(document(i as i64 + 1, raw)).unwrap();
    }
    writer.commit("all").unwrap();
    search.refresh().unwrap();
    (dir, search)
}

fn keys(search: &Search, query: &str) -> Vec<i64> {
    let query = Query::parse(query, NOW).unwrap();
    let found = search
        .find(&query, Filter::default(), Sort::Oldest, ALL, Budget::default())
        .unwrap();
    found.hits.iter().map(|hit| hit.key.0).collect()
}

#[test]
fn x() {
    let (_dir, search) = index(&["Subject: hello world\nFrom: Greg <greg@kroah.com>\n\nbody running\n"]);
    assert_eq!(keys(&search, "s:hello run"), [1]);
}
