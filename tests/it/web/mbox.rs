//! `t.mbox.gz` and `all.mbox.gz`: threads and lists to take home.

use super::ids;
use crate::support::{Ask, demo};

/// The mails of an mboxrd file with its quoting undone.
fn split(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for line in mbox.split_inclusive(|byte| *byte == b'\n') {
        if line == b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" {
            mails.push(Vec::new());
            continue;
        }
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        let quoted = quotes > 0 && line[quotes..].starts_with(b"From ");
        let mail = mails.last_mut().expect("an mbox begins with a From_ line");
        mail.extend_from_slice(&line[usize::from(quoted)..]);
    }
    for mail in &mut mails {
        assert_eq!(
            mail.pop(),
            Some(b'\n'),
            "a mail ends with one more line end"
        );
    }
    mails
}

#[test]
fn the_whole_list_comes_back_byte_for_byte() {
    let reply = demo().get("/loom/all.mbox.gz").ok();
    assert_eq!(reply.says("content-type"), "application/gzip");
    let delivered = threadbare::demo::mails().into_iter();
    let expected: Vec<Vec<u8>> = delivered
        .filter(|(list, _)| *list == "loom")
        .map(|(_, bytes)| bytes)
        .collect();
    let got = split(&reply.gunzip());
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(
            String::from_utf8_lossy(got),
            String::from_utf8_lossy(expected)
        );
    }
}

#[test]
fn a_thread_has_all_its_mails_whichever_of_them_one_asks_by() {
    let site = demo();
    let by_first = site
        .get(&format!("/loom/{}/t.mbox.gz", ids::SELVEDGES))
        .ok()
        .gunzip();
    assert_eq!(split(&by_first).len(), 17);
    let by_other = site.get("/loom/3806c1cb-ce43-695a8f64%40weberei.example/t.mbox.gz");
    assert_eq!(by_other.ok().gunzip(), by_first);
}

#[test]
fn a_gz_file_is_never_coded_once_more() {
    let path = format!("/loom/{}/t.mbox.gz", ids::SELVEDGES);
    let reply = demo().ask(Ask::get(&path).with("Accept-Encoding", "gzip, deflate, br, zstd"));
    assert_eq!(reply.ok().header("content-encoding"), None);
}

#[test]
fn the_file_is_named_after_the_thread() {
    let reply = demo()
        .get(&format!("/loom/{}/t.mbox.gz", ids::WELCOME))
        .ok();
    let name = reply.says("content-disposition").replace('"', "");
    assert!(
        name.ends_with("filename=Welcome-to-the-Loom-list.mbox.gz"),
        "{name}"
    );
}

#[test]
fn other_mboxes_are_not_found() {
    for path in ["/loom/2026.mbox.gz", "/loom/nope@x/t.mbox.gz"] {
        demo().get(path).status(404);
    }
}

#[test]
fn head_tells_the_same_without_a_body() {
    let reply = demo().head("/loom/all.mbox.gz").ok();
    assert_eq!(reply.says("content-type"), "application/gzip");
    assert!(reply.body.is_empty());
}
