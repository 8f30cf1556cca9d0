//! Messages with several copies: what is found does not depend on when the copies came.

use super::*;

/// A message of many: `key` says which lists it went to, and when it came there.
fn places_of(key: i64) -> Vec<Place> {
    let lists: &[i64] = match key % 5 {
        0 => &[1],
        1 => &[2, 3],
        2 => &[1, 2, 3],
        3 => &[1, 1],
        _ => &[3, 4],
    };
    let place = |(n, inbox): (i64, &i64)| Place {
        inbox: InboxId(*inbox),
        num: ArticleNum(key * 10 + n),
        received: Timestamp(1_631_000_000 + (key * 7919 % 60) * 86_400 + inbox * 3600),
    };
    (0..).zip(lists).map(place).collect()
}

fn mail_of(key: i64, inbox: i64) -> String {
    format!(
        "From: a@x\nMessage-ID: <{key}@x>\nSubject: number {key}\nList-Id: <list{inbox}.lists.example>\n\n{} {}\n",
        "engine ".repeat((key % 7) as usize),
        if key % 3 == 0 {
            "moth"
        } else {
            "weaver of many words"
        },
    )
}

/// The message with all of its places and the lists of its copies.
fn whole(key: i64) -> Document {
    let (places, first) = (places_of(key), mail_of(key, places_of(key)[0].inbox.0));
    let message = Message::parse(first.as_bytes());
    let mut document = Document::of(&message, &Overview::of(&message, CommitTimes::default()));
    for place in &places[1..] {
        document.add_copy(&Message::parse(mail_of(key, place.inbox.0).as_bytes()));
    }
    document.at(MessageKey(key), &places)
}

#[test]
fn copies_that_come_later_are_found_as_if_they_had_come_at_once() {
    const MAILS: i64 = 60;
    let (dir_a, dir_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (at_once, in_steps) = (
        Search::open(dir_a.path()).unwrap(),
        Search::open(dir_b.path()).unwrap(),
    );
    let mut writer = at_once.writer(1).unwrap();
    for key in (1..=MAILS).filter(|key| key % 11 != 0) {
        writer.add_new(whole(key)).unwrap();
    }
    writer.commit("1").unwrap();
    at_once.refresh().unwrap();

    let mut writer = in_steps.writer(2).unwrap();
    let raw = |key, at: usize| mail_of(key, places_of(key)[at].inbox.0);
    for key in 1..=MAILS {
        let raw = raw(key, 0);
        let message = Message::parse(raw.as_bytes());
        let document = Document::of(&message, &Overview::of(&message, CommitTimes::default()));
        writer
            .add_new(document.at(MessageKey(key), &places_of(key)[..1]))
            .unwrap();
        if key % 20 == 0 {
            writer.commit("words").unwrap();
        }
    }
    in_steps.refresh().unwrap();
    assert_eq!(
        set(&in_steps, "lid:list2.lists.example").len(),
        12,
        "none of the further copies"
    );
    for at in [2, 1] {
        for key in (1..=MAILS).rev() {
            if let Some(place) = places_of(key).get(at) {
                let raw = raw(key, at);
                let message = Message::parse(raw.as_bytes());
                let copy = match key % 2 {
                    0 => Document::of_copy(&message),
                    _ => Document::of(&message, &Overview::of(&message, CommitTimes::default()))
                        .into_copy(),
                };
                writer.add_new(copy.at(MessageKey(key), &[*place])).unwrap();
            }
            if key % 25 == 0 {
                writer.commit("copies").unwrap();
                in_steps.refresh().unwrap();
                // What was found out of one state of the index is taken over into the next.
                assert!(!set(&in_steps, "engine").is_empty());
            }
        }
    }
    // Some are indexed anew as a whole, others go: with them their copies.
    for key in 1..=MAILS {
        match key {
            _ if key % 11 == 0 => writer.remove(MessageKey(key)),
            _ if key % 13 == 0 => writer.add(whole(key)).unwrap(),
            _ => {}
        }
    }
    writer.commit("2").unwrap();
    in_steps.refresh().unwrap();
    // What is deleted weighs until it is off the disk.
    let by_time = [Sort::Newest, Sort::Oldest];
    let in_all_orders = [Sort::Newest, Sort::Oldest, Sort::Relevance];
    same_answers(&at_once, &in_steps, &by_time);
    writer.expunge().unwrap();
    in_steps.refresh().unwrap();
    same_answers(&at_once, &in_steps, &in_all_orders);
    let opened = Search::open(dir_b.path()).unwrap();
    same_answers(&at_once, &opened, &in_all_orders);
}

/// Asks both indexes everything that has to do with places.
fn same_answers(a: &Search, b: &Search, sorts: &[Sort]) {
    let (one, some, thread) = (
        |id| Some(InboxId(id)),
        [InboxId(3), InboxId(4)],
        [4, 5, 6, 7].map(MessageKey),
    );
    let mut filters = vec![Filter::default()];
    filters.extend((1..=5).map(|id| Filter {
        inbox: one(id),
        ..Filter::default()
    }));
    filters.push(Filter {
        any_of: Some(&some),
        ..Filter::default()
    });
    filters.push(Filter {
        inbox: one(3),
        among: Some(&thread),
        ..Filter::default()
    });
    let queries = [
        "engine",
        "moth engine",
        "weaver -engine",
        "lid:list3.lists.example",
        "l:list2 moth",
        "weaver NOT l:list3",
        "l:\"list2 lists\"",
        "lid:list1.lists.example OR lid:list4.lists.example",
        "l:list1 XOR l:list3",
        "l:lis*",
        "d:2000..",
        "z:1..",
        "uid:100..301",
        "rt:1632000000..1633000000",
        "m:7",
        "mid:7@x OR lid:list4.lists.example",
    ];
    let seven = Window { limit: 7, ..ALL };
    for (query, filter) in queries
        .iter()
        .flat_map(|query| filters.iter().map(move |filter| (query, *filter)))
    {
        for &sort in sorts {
            let (in_a, in_b) = (
                find(a, query, filter, sort, seven),
                find(b, query, filter, sort, seven),
            );
            let told = |found: &Found| -> Vec<_> {
                found
                    .hits
                    .iter()
                    .map(|hit| (hit.key, hit.num, hit.received))
                    .collect()
            };
            let what = format!("{query} in {filter:?} by {sort:?}");
            // A word of a list weighs by how many documents have it, copies included: there the order may differ.
            if sort != Sort::Relevance || !query.contains("l:") {
                assert_eq!(told(&in_a), told(&in_b), "{what}");
            }
            assert_eq!(
                (in_a.total, in_a.complete),
                (in_b.total, in_b.complete),
                "{what}"
            );
        }
        let parsed = Query::parse(query, NOW).unwrap();
        let all = |search: &Search| search.find_all(&parsed, filter, Budget::default()).unwrap();
        assert_eq!(all(a), all(b), "{query} in {filter:?}");
    }
    let traces = |search: &Search| {
        let mut traces = Vec::new();
        search
            .each_trace(|key, trace| traces.push((key, trace)))
            .unwrap();
        traces.sort_by_key(|(key, _)| *key);
        traces
    };
    assert_eq!(traces(a), traces(b));
}
