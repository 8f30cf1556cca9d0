//! The room as a whole: mail in, queries in, messages out.

mod copies;
mod disk;

use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::schema::Zone;
use super::{Budget, Cursor, Document, Edge, Filter, Found, Place, Query, Search, Sort, Window};
use crate::id::{ArticleNum, InboxId, MessageKey};
use crate::mail::{CommitTimes, Message, Overview};
use crate::time::Timestamp;

/// The present, for all tests: 2021-09-20 12:00:00.
const NOW: Timestamp = Timestamp(1_632_139_200);

const ALL: Window = Window {
    offset: 0,
    limit: 100,
    edge: None,
};

/// 1: a letter. 2: its answer. 3: a patch. 4: a mail with an attachment, in other scripts. 5: a mail of many words.
const MAILS: [&str; 5] = [
    "From: Ada Lovelace <ada@engines.example>\nTo: list@lists.example, \"Babbage, Charles\" <cb@cam.example>\n\
     Cc: Mary Somerville <mary@stars.example>\nSubject: Running the difference engines\n\
     Date: Sun, 12 Sep 2021 09:34:48 +0000\nMessage-ID: <Note-G.1843@engines.example>\n\
     List-Id: The List <list.lists.example>\n\n\
     Dear all, change-id: note-g-v1\n\nThe engine weaves patterns; don't wait.\n-- \nAda\n",
    "From: Charles Babbage <cb@cam.example>\nTo: Ada Lovelace <ada@engines.example>\n\
     Subject: Re: Running the difference engines\nDate: Mon, 13 Sep 2021 10:00:00 +0000\n\
     Message-ID: <reply@cam.example>\nIn-Reply-To: <Note-G.1843@engines.example>\n\n\
     Ada wrote:\n> The engine weaves patterns; don't wait.\n> Quoted only\n\nI shall run it.\n",
    "From: Grace <grace@navy.example>\nTo: list@lists.example\nSubject: [PATCH v2 1/2] cobol: fix a moth\n\
     Date: Tue, 14 Sep 2021 11:00:00 +0000\nMessage-ID: <patch@navy.example>\n\n\
     Remove the moth.\n---\n relay/moth.c | 2 +-\n\ndiff --git a/relay/moth.c b/relay/moth.c\n\
     index 0123456789ab..abcdef0123456 100644\n--- a/relay/moth.c\n+++ b/relay/moth.c\n\
     @@ -1,3 +1,3 @@ int relay(void)\n \tkept_line();\n-\told_bug(70);\n+\tnew_code(70);\n \treturn 0;\n-- \n2.33\n",
    "From: =?utf-8?q?K=C3=B6nig?= <k@example.org>\nSubject: =?utf-8?b?5pel5pys6Kqe44OG44Kt44K544OI?=\n\
     Date: Wed, 15 Sep 2021 12:00:00 +0000\nMessage-ID: <k@example.org>\nMIME-Version: 1.0\n\
     Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n\
     Привет, мир\n--b\nContent-Type: application/pdf; name=\"annual-report.pdf\"\n\
     Content-Disposition: attachment; filename=\"annual-report.pdf\"\n\nx\n--b--\n",
    "From: Many <many@words.example>\nSubject: engine engine engine\nDate: Thu, 16 Sep 2021 12:00:00 +0000\n\
     Message-ID: <many@words.example>\n\nalpha beta gamma delta U.N.C.L.E. C++ 1,000.5 AT&T\n",
];

fn document(key: i64, raw: &str, inboxes: &[i64]) -> Document {
    let message = Message::parse(raw.as_bytes());
    let overview = Overview::of(&message, CommitTimes::default());
    let places: Vec<Place> = inboxes
        .iter()
        .map(|inbox| Place {
            inbox: InboxId(*inbox),
            num: ArticleNum(key * 10 + inbox),
            received: Timestamp(overview.received.0 + inbox * 3600),
        })
        .collect();
    Document::of(&message, &overview).at(MessageKey(key), &places)
}

/// An index of [`MAILS`], all in inbox 1, the second and the third in inbox 2, too.
fn index() -> (tempfile::TempDir, Search) {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    for (key, raw) in (1..).zip(MAILS) {
        let inboxes: &[i64] = if key == 2 || key == 3 { &[1, 2] } else { &[1] };
        writer.add(document(key, raw, inboxes)).unwrap();
    }
    writer.commit("cursor 5").unwrap();
    search.refresh().unwrap();
    (dir, search)
}

fn find(search: &Search, query: &str, filter: Filter<'_>, sort: Sort, window: Window) -> Found {
    let query = Query::parse(query, NOW).unwrap();
    search
        .find(&query, filter, sort, window, Budget::default())
        .unwrap()
}

fn keys_of(found: &Found) -> Vec<i64> {
    found.hits.iter().map(|hit| hit.key.0).collect()
}

fn keys(search: &Search, query: &str) -> Vec<i64> {
    keys_of(&find(search, query, Filter::default(), Sort::Oldest, ALL))
}

#[test]
fn every_prefix_finds_what_it_should_and_nothing_else() {
    let (_dir, search) = index();
    for (query, expected) in [
        // words and their forms
        ("engines", &[1, 2, 5][..]),
        ("engine", &[1, 2, 5]),
        ("Engine", &[1, 2, 5]),
        ("Engines", &[1, 2]),
        ("run", &[1, 2]),
        ("\"run\"", &[2]),
        ("nothing-of-the-kind", &[]),
        ("don't", &[1, 2]),
        ("uncle", &[5]),
        ("c++", &[5]),
        ("1,000.5", &[5]),
        ("AT&T", &[5]),
        ("мир", &[4]),
        ("日本", &[4]),
        ("本語", &[4]),
        ("語日", &[]),
        ("könig", &[4]),
        // places
        ("s:engine", &[1, 2, 5]),
        ("s:moth", &[3]),
        ("s:\"the difference\"", &[1, 2]),
        ("f:ada", &[1]),
        ("f:ada@engines.example", &[1]),
        ("f:engines.example", &[1]),
        ("f:\"Ada Lovelace\"", &[1]),
        ("t:ada", &[2]),
        ("t:\"babbage charles\"", &[1]),
        ("c:mary", &[1]),
        ("tc:mary", &[1]),
        ("tc:ada", &[2]),
        ("a:ada", &[1, 2]),
        ("tcf:mary", &[1]),
        ("mary", &[]),
        ("q:quoted", &[2]),
        ("nq:quoted", &[]),
        ("b:quoted", &[2]),
        ("bs:moth", &[3]),
        ("nq:weaves", &[1]),
        ("nq:\"change-id: note-g-v1\"", &[1]),
        ("nq:\"change-id:note-g-v1\"", &[1]),
        ("\"change-id: note-g-v2\"", &[]),
        ("n:annual-report.pdf", &[4]),
        ("n:pdf", &[4]),
        ("pdf", &[4]),
        ("m:Note-G", &[1]),
        ("m:1843@engines", &[1]),
        ("mid:Note-G.1843@engines.example", &[1]),
        ("mid:note-g.1843@engines.example", &[]),
        ("Note-G.1843@engines.example", &[1]),
        ("references:Note-G.1843@engines.example", &[2]),
        ("l:lists.example", &[1]),
        ("lid:list.lists.example", &[1]),
        ("lid:lists.example", &[]),
        // patches
        ("dfn:relay/moth.c", &[3]),
        ("dfn:moth.c", &[3]),
        ("dfa:old_bug", &[3]),
        ("dfa:new_code", &[]),
        ("dfb:new_code", &[3]),
        ("dfctx:kept_line", &[3]),
        ("dfhh:relay", &[3]),
        ("nq:new_code", &[3]),
        ("new_code", &[3]),
        ("dfpre:0123456", &[3]),
        ("dfpre:0123456789ab", &[3]),
        ("dfpre:012345", &[]),
        ("dfpost:0123456", &[]),
        ("dfpost:abcdef0", &[3]),
        ("dfblob:abcdef01", &[3]),
        ("abcdef012", &[3]),
        // operators
        ("engine AND quoted", &[2]),
        ("moth OR quoted", &[2, 3]),
        ("engine -quoted", &[1, 5]),
        ("engine NOT (quoted OR alpha)", &[1]),
        ("engine XOR alpha", &[1, 2]),
        ("alpha NEAR/3 gamma", &[5]),
        ("gamma NEAR/3 alpha", &[5]),
        ("alpha ADJ gamma", &[5]),
        ("gamma ADJ alpha", &[]),
        ("alpha NEAR/1 delta", &[]),
        ("eng*", &[1, 2, 5]),
        ("s:mo*", &[3]),
        // what b4 asks
        (
            "(s:\"cobol: fix a moth\" AND f:\"grace@navy.example\" AND d:..20210920)",
            &[3],
        ),
        (
            "(nq:\"Remove the moth\" AND s:\"cobol\" AND d:..20210914)",
            &[3],
        ),
        (
            "(s:\"cobol\" OR f:\"cb@cam.example\") AND d:20210913..",
            &[2, 3],
        ),
        (
            "f:\"k@example.org\" AND dt:20210915000000..20210916000000",
            &[4],
        ),
        ("rt:1631700000..", &[4, 5]),
        // time and numbers
        ("d:20210913", &[2, 3]),
        ("d:20210913..20210913", &[2]),
        ("d:..20210912", &[1]),
        ("d:4.days.ago..", &[5]),
        ("d:5.days.ago..", &[4, 5]), // to the second
        ("dt:20210912093448..20210912093448", &[1]),
        ("d:20210912..20210913 f:cb", &[2]),
        ("d:20210912..20210912 d:20210916..20210916", &[1, 5]),
        ("uid:21..31", &[2, 3]),
        ("z:..1", &[]),
        ("z:1..", &[1, 2, 3, 4, 5]),
    ] {
        assert_eq!(keys(&search, query), expected, "{query}");
    }
}

#[test]
fn patch_ids_are_found_in_long_lists() {
    let (_dir, search) = index();
    let id = super::patch::patch_ids(MAILS[2]).remove(0);
    let list: Vec<String> = (0..500).map(|n| format!("patchid:{n:040x}")).collect();
    assert_eq!(keys(&search, &format!("patchid:{id}")), [3]);
    assert_eq!(
        keys(&search, &format!("{} OR patchid:{id}", list.join(" OR "))),
        [3]
    );
    assert_eq!(
        keys(&search, &format!("patchid:{id} AND d:..20210913")),
        [0i64; 0]
    );
}

#[test]
fn an_inbox_has_its_own_times_and_numbers() {
    let (_dir, search) = index();
    let inbox = |id| Filter {
        inbox: Some(InboxId(id)),
        among: None,
        ..Filter::default()
    };
    let found = find(&search, "d:2021", inbox(2), Sort::Newest, ALL);
    assert_eq!(keys_of(&found), [3, 2]);
    assert_eq!(found.hits[0].num, ArticleNum(32));
    // The second mail came at 11:00 in inbox 1 and at 12:00 in inbox 2.
    let at = |text: &str| Timestamp::from_digits(text).unwrap().0;
    let (eleven, twelve) = (at("20210913110000"), at("20210913120000"));
    for (id, time, expected) in [
        (1, eleven, &[2][..]),
        (2, eleven, &[]),
        (1, twelve, &[]),
        (2, twelve, &[2]),
    ] {
        let found = find(
            &search,
            &format!("rt:{time}..{time}"),
            inbox(id),
            Sort::Newest,
            ALL,
        );
        assert_eq!(keys_of(&found), expected, "inbox {id} at {time}");
    }
    assert_eq!(keys(&search, &format!("rt:{twelve}..{twelve}")), [2]);
}

#[test]
fn only_where_a_list_has_mail_is_searched() {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    // One list after the other, and then what went to the third.
    for (number, lists) in [[1, 1], [2, 2], [2, 3]].iter().enumerate() {
        for (key, raw) in (1..).zip(MAILS) {
            let key = 100 * number as i64 + key;
            let list = lists[key as usize % 2];
            writer.add_new(document(key, raw, &[list])).unwrap();
        }
        writer.commit("batch").unwrap();
    }
    search.refresh().unwrap();
    let reach = |search: &Search, inbox: Option<i64>| {
        let searcher = search.searcher();
        let copies = search.copies(&searcher).unwrap();
        let inbox = inbox.map(InboxId);
        let (_, reach) = search.lengths.look(&searcher, inbox, &copies).unwrap();
        (0..3).filter(|segment| reach.has(*segment)).count()
    };
    let found = |search: &Search, inbox: i64| {
        let filter = Filter {
            inbox: Some(InboxId(inbox)),
            ..Filter::default()
        };
        let all = find(search, "engine", filter, Sort::Newest, ALL);
        let query = Query::parse("engine", NOW).unwrap();
        let (keys, complete) = search.find_all(&query, filter, Budget::default()).unwrap();
        assert!(complete && keys.len() == all.total);
        all.total
    };
    let everywhere = keys(&search, "engine").len();
    for (inbox, segments) in [(1, 1), (2, 2), (3, 1), (4, 0)] {
        assert_eq!(reach(&search, Some(inbox)), segments, "list {inbox}");
    }
    assert_eq!(reach(&search, None), 3);
    let each = [1, 2, 3, 4].map(|inbox| found(&search, inbox));
    assert!(each[..3].iter().all(|found| *found > 0) && each[3] == 0);
    assert_eq!(each.iter().sum::<usize>(), everywhere);

    // A copy may lie anywhere, and so may the words of its message.
    let copy = Message::parse(MAILS[0].as_bytes());
    let place = Place {
        inbox: InboxId(3),
        num: ArticleNum(7),
        received: Timestamp(0),
    };
    let copy = Document::of_copy(&copy).at(MessageKey(1), &[place]);
    writer.add_new(copy).unwrap();
    writer.commit("copy").unwrap();
    search.refresh().unwrap();
    assert_eq!(reach(&search, Some(3)), 3);
    assert_eq!(reach(&search, Some(1)), 1);
    assert_eq!(found(&search, 3), each[2] + 1);
    assert_eq!(found(&search, 1), each[0]);
}

#[test]
fn a_thread_is_searched_alone() {
    let (_dir, search) = index();
    let filter = Filter {
        inbox: None,
        among: Some(&[MessageKey(1), MessageKey(4)]),
        ..Filter::default()
    };
    let found = find(&search, "engine OR könig", filter, Sort::Oldest, ALL);
    assert_eq!(keys_of(&found), [1, 4]);
    let nobody = Filter {
        inbox: None,
        among: Some(&[]),
        ..Filter::default()
    };
    assert_eq!(find(&search, "engine", nobody, Sort::Oldest, ALL).total, 0);
}

#[test]
fn results_come_in_three_orders() {
    let (_dir, search) = index();
    for (sort, expected) in [
        (Sort::Newest, [5, 2, 1]),
        (Sort::Oldest, [1, 2, 5]),
        (Sort::Relevance, [1, 5, 2]),
    ] {
        let found = find(&search, "engine", Filter::default(), sort, ALL);
        assert_eq!(keys_of(&found), expected, "{sort:?}");
        assert_eq!(found.total, 3);
        assert!(found.complete);
        assert_eq!(found.passed, 0);
    }
}

#[test]
fn what_is_only_quoted_has_no_relevance() {
    let (_dir, search) = index();
    let found = find(
        &search,
        "weaves OR alpha",
        Filter::default(),
        Sort::Oldest,
        ALL,
    );
    let percents: Vec<bool> = found.hits.iter().map(|hit| hit.percent > 0).collect();
    assert_eq!(keys_of(&found), [1, 2, 5]);
    assert_eq!(percents, [true, false, true]);
}

#[test]
fn pages_by_offset_and_by_cursor_are_the_same() {
    let (_dir, search) = index();
    let nobody = Filter::default();
    for sort in [Sort::Newest, Sort::Oldest, Sort::Relevance] {
        let query = "engine OR z:1..";
        let all = find(&search, query, nobody, sort, ALL);
        let whole = keys_of(&all);
        assert_eq!(whole.len(), 5);
        let page = |offset, edge| {
            let limit = 2;
            let window = Window {
                offset,
                limit,
                edge,
            };
            let found = find(&search, query, nobody, sort, window);
            assert_eq!(found.total, 5);
            (keys_of(&found), found.passed)
        };
        for (at, hit) in all.hits.iter().enumerate() {
            assert_eq!(hit.cursor.key(), hit.key);
            let printed = Cursor::parse(&hit.cursor.to_string()).unwrap();
            let behind = (at + 1).min(5)..(at + 3).min(5);
            let expected = (whole[behind].to_vec(), at + 1);
            assert_eq!(page(0, Some(Edge::After(printed))), expected, "{sort:?}");
            assert_eq!(page(at + 1, None), expected, "{sort:?}");
            let before = at.saturating_sub(2)..at;
            let expected = (whole[before.clone()].to_vec(), before.start);
            assert_eq!(page(0, Some(Edge::Before(printed))), expected, "{sort:?}");
        }
    }
    for bad in [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "a.b.c",
        "1.2.99999999999999999999",
    ] {
        assert_eq!(Cursor::parse(bad), None, "{bad}");
    }
}

#[test]
fn mail_that_comes_meanwhile_does_not_move_the_pages() {
    for sort in [Sort::Newest, Sort::Oldest, Sort::Relevance] {
        let (_dir, search) = index();
        let whole = |window| find(&search, "engine", Filter::default(), sort, window);
        let before = whole(ALL);
        let first = before.hits[0];
        let mut writer = search.writer(1).unwrap();
        let more = "Subject: another engine\nDate: Thu, 16 Sep 2021 13:00:00 +0000\n\nx\n";
        for key in 6..9 {
            writer.add(document(key, more, &[1])).unwrap();
        }
        writer.commit("more").unwrap();
        search.refresh().unwrap();
        let after = Window {
            edge: Some(Edge::After(first.cursor)),
            ..ALL
        };
        let (now, found) = (keys_of(&whole(ALL)), whole(after));
        assert_eq!(now.len(), 6);
        let at = now.iter().position(|key| *key == first.key.0).unwrap();
        assert_eq!(keys_of(&found), now[at + 1..], "{sort:?}");
        assert_eq!((found.passed, found.total), (at + 1, 6), "{sort:?}");
        let stayed: Vec<i64> = keys_of(&found).into_iter().filter(|key| *key < 6).collect();
        assert_eq!(stayed, keys_of(&before)[1..], "{sort:?}");
    }
}

#[test]
fn what_is_added_again_takes_the_place_of_what_was_there() {
    let (_dir, search) = index();
    let mut writer = search.writer(1).unwrap();
    let mut document = document(1, &MAILS[0].replace("weaves", "spins"), &[1, 3]);
    document.add_copy(&Message::parse(b"List-Id: <other.lists.example>\n\nx\n"));
    writer.add(document).unwrap();
    writer.remove(MessageKey(5));
    assert_eq!(
        keys(&search, "nq:weaves OR alpha"),
        [1, 5],
        "nothing is seen before the commit"
    );
    writer.commit("cursor 6").unwrap();
    search.refresh().unwrap();
    assert_eq!(keys(&search, "nq:weaves OR alpha"), [0i64; 0]);
    assert_eq!(keys(&search, "spins"), [1]);
    assert_eq!(keys(&search, "lid:list.lists.example"), [1]);
    assert_eq!(keys(&search, "lid:other.lists.example"), [1]);
    assert_eq!(keys(&search, "d:2021"), [1, 2, 3, 4]);
}

/// The messages that `query` finds, in the order of their keys.
fn set(search: &Search, query: &str) -> Vec<i64> {
    let mut keys = keys(search, query);
    keys.sort_unstable();
    keys
}

/// Things to find, each of which is whole by itself.
fn leaf() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "engine",
        "running",
        "Engines",
        "s:moth",
        "q:quoted",
        "\"the engine\"",
        "eng*",
        "alpha NEAR/3 gamma",
        "f:ada@engines.example",
        "mid:patch@navy.example",
        "dfpre:0123456",
        "d:20210913..",
        "z:..400",
        "uid:21..31",
        "nosuchword",
        "\u{65e5}\u{672c}",
    ])
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn operators_are_those_of_sets(a in leaf(), b in leaf(), c in leaf()) {
        static INDEX: LazyLock<(tempfile::TempDir, Search)> = LazyLock::new(index);
        let search = &INDEX.1;
        let (in_a, in_b, in_c) = (set(search, a), set(search, b), set(search, c));
        let which = |test: &dyn Fn(i64) -> bool| -> Vec<i64> { (1..=5).filter(|key| test(*key)).collect() };
        let (a_has, b_has, c_has) =
            (|key| in_a.contains(&key), |key| in_b.contains(&key), |key| in_c.contains(&key));
        for (query, expected) in [
            (format!("({a}) AND ({b})"), which(&|key| a_has(key) && b_has(key))),
            (format!("({a}) ({b})"), which(&|key| a_has(key) && b_has(key))),
            (format!("({a}) OR ({b})"), which(&|key| a_has(key) || b_has(key))),
            (format!("({a}) NOT ({b})"), which(&|key| a_has(key) && !b_has(key))),
            (format!("({a}) -({b})"), which(&|key| a_has(key) && !b_has(key))),
            (format!("({a}) XOR ({b})"), which(&|key| a_has(key) != b_has(key))),
            (format!("({a}) AND ({b}) OR ({c})"), which(&|key| a_has(key) && b_has(key) || c_has(key))),
            (format!("({a}) AND (({b}) OR ({c}))"), which(&|key| a_has(key) && (b_has(key) || c_has(key)))),
        ] {
            prop_assert_eq!(set(search, &query), expected.clone(), "{}", query);
            // Weighed or not, the same is found.
            let found = find(search, &query, Filter::default(), Sort::Relevance, ALL);
            prop_assert_eq!(found.total, expected.len(), "{}", query);
            prop_assert!(found.hits.iter().all(|hit| hit.percent <= 99), "{}", query);
        }
    }
}

#[test]
fn long_and_deep_queries_are_planned_in_no_time() {
    let (_dir, search) = index();
    let xor = ["engine"; 50].join(" XOR ");
    let deep = format!("{}engine{}", "(run XOR ".repeat(49), ")".repeat(49));
    let near = ["engine"; 100].join(" NEAR/1000 ");
    let phrase = format!("\"{}\"", ["engine"; 250].join(" "));
    let any = ["engine", "run", "moth"].repeat(90).join(" OR ");
    let without = format!("z:1.. -({})", ["engine"; 90].join(" "));
    for (text, count) in [
        (xor, 0),
        (deep, 1),
        (near, 3),
        (phrase, 0),
        (any, 4),
        (without, 2),
    ] {
        for sort in [Sort::Newest, Sort::Relevance] {
            let found = find(&search, &text, Filter::default(), sort, ALL);
            assert_eq!(found.total, count, "{text}");
        }
    }
}

#[test]
fn a_spent_budget_stops_the_search() {
    let (_dir, search) = index();
    let query = Query::parse("engine", NOW).unwrap();
    let stop = AtomicBool::new(true);
    let budget = Budget {
        until: None,
        stop: Some(&stop),
    };
    let found = search
        .find(&query, Filter::default(), Sort::Newest, ALL, budget)
        .unwrap();
    assert!(!found.complete);
}

#[test]
fn a_beginning_of_too_many_words_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    let words: Vec<String> = (0..300).map(|n| format!("a{n}")).collect();
    let raw = format!("Subject: x\n\n{}\n", words.join(" "));
    writer.add(document(1, &raw, &[1])).unwrap();
    writer.commit("").unwrap();
    search.refresh().unwrap();
    let find = |text: &str| {
        let query = Query::parse(text, NOW).unwrap();
        search.find(
            &query,
            Filter::default(),
            Sort::Newest,
            ALL,
            Budget::default(),
        )
    };
    let refused = find("a*").unwrap_err().to_string();
    assert!(
        refused.contains("“a*” stands for too many words"),
        "{refused}"
    );
    assert_eq!(find("a1*").unwrap().total, 1);
}

proptest! {
    #[test]
    fn no_query_makes_a_search_panic(text in any::<String>()) {
        thread_local! {
            static INDEX: (tempfile::TempDir, Search) = index();
        }
        INDEX.with(|(_, search)| {
            if let Ok(query) = Query::parse(&text, NOW) {
                let _ = search.find(&query, Filter::default(), Sort::Relevance, ALL, Budget::default());
            }
        });
    }
}
