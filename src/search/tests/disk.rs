//! What lies on disk: commits, words that have to go, files cut short.

use super::*;

#[test]
fn the_payload_goes_with_the_commit() {
    let (dir, search) = index();
    assert_eq!(search.payload().unwrap().as_deref(), Some("cursor 5"));
    let mut writer = search.writer(1).unwrap();
    assert!(search.writer(1).is_err(), "there is one writer");
    writer.remove(MessageKey(1));
    writer.roll_back().unwrap();
    writer.commit("cursor 6").unwrap();
    drop(writer);
    let again = Search::open(dir.path()).unwrap();
    assert_eq!(again.payload().unwrap().as_deref(), Some("cursor 6"));
    assert_eq!(keys(&again, "d:2021"), [1, 2, 3, 4, 5]);
}

#[test]
fn an_expunged_mail_leaves_no_word_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let search = Search::open(dir.path()).unwrap();
    let mut writer = search.writer(1).unwrap();
    let secret = "Subject: zyxwvutsecret\nMessage-ID: <zyxwvutsecret@x>\n\nzyxwvutsecret\n\n> zyxwvutsecret\n";
    writer.add(document(1, secret, &[1])).unwrap();
    writer.add(document(2, MAILS[1], &[1])).unwrap();
    writer.commit("1").unwrap();
    search.refresh().unwrap();
    assert!(holds(&search, "secret"), "the test can see words");
    let before = segment_files(dir.path());
    let older = dir.path().join("layout-0");
    std::fs::create_dir(&older).unwrap();
    std::fs::write(older.join("words"), secret).unwrap();
    writer.remove(MessageKey(1));
    writer.commit("2").unwrap();
    search.refresh().unwrap();
    assert!(holds(&search, "secret"), "only marked as removed so far");
    writer.expunge().unwrap();
    let after = segment_files(dir.path());
    assert!(after.iter().all(|file| !before.contains(file)), "{after:?}");
    assert!(!older.exists());
    assert_eq!(keys(&search, "engine"), [2], "who reads goes on reading");
    search.refresh().unwrap();
    assert!(!holds(&search, "secret"));
    assert_eq!(keys(&search, "engine"), [2]);
    assert_eq!(search.payload().unwrap().as_deref(), Some("2"));
    writer.expunge().unwrap();
    assert_eq!(segment_files(dir.path()), after, "nothing is left to do");
}

/// Whether some term in some segment has `text` in it.
fn holds(search: &Search, text: &str) -> bool {
    let fields = super::super::schema::FIELDS.1;
    let searcher = search.searcher();
    let mut found = false;
    for segment in searcher.segment_readers() {
        let (body, quoted) = (Zone::Body, Zone::Quoted);
        for field in [
            fields.words(body),
            fields.stems(body),
            fields.words(quoted),
            fields.stems(quoted),
            fields.exact,
        ] {
            let index = segment.inverted_index(field).unwrap();
            let mut terms = index.terms().stream().unwrap();
            while terms.advance() {
                found |= memchr::memmem::find(terms.key(), text.as_bytes()).is_some();
            }
        }
    }
    found
}

/// The files that belong to one segment or another.
fn segment_files(dir: &std::path::Path) -> Vec<std::ffi::OsString> {
    let files =
        std::fs::read_dir(dir.join(format!("layout-{}", super::super::schema::LAYOUT))).unwrap();
    let names = files.map(|file| file.unwrap().file_name());
    names.filter(|name| name.len() > 32 + 1).collect()
}

#[test]
fn a_file_of_any_other_length_is_an_error_at_most() {
    let (whole, search) = index();
    drop(search);
    let layout = std::fs::read_dir(whole.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for file in std::fs::read_dir(layout.path()).unwrap() {
        let file = file.unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        let lengths = (0..64).chain([bytes.len() / 2, bytes.len().saturating_sub(1)]);
        for length in lengths.filter(|length| *length < bytes.len()) {
            let damaged = tempfile::tempdir().unwrap();
            let copy = damaged.path().join(layout.file_name());
            std::fs::create_dir(&copy).unwrap();
            for other in std::fs::read_dir(layout.path()).unwrap() {
                let other = other.unwrap();
                std::fs::copy(other.path(), copy.join(other.file_name())).unwrap();
            }
            std::fs::write(copy.join(file.file_name()), &bytes[..length]).unwrap();
            if let Ok(search) = Search::open(damaged.path()) {
                let _ = search.refresh();
                let _ = search.payload();
            }
        }
    }
}
