//! HTTP itself: methods, codings, validators, headers that every answer has.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::ids;
use crate::support::{Ask, demo};

fn pages() -> Vec<String> {
    let mid = ids::SELVEDGES;
    let mut pages: Vec<String> = [
        "",
        "loom/",
        "loom/new.html",
        "loom/new.atom",
        "loom/description",
    ]
    .iter()
    .map(|page| format!("/{page}"))
    .collect();
    pages.push("/loom/_/text/help/".to_owned());
    for page in ["", "raw", "T/", "t/", "t.atom", "t.mbox.gz"] {
        pages.push(format!("/loom/{mid}/{page}"));
    }
    pages
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let site = demo();
    for path in pages() {
        let (get, head) = (site.get(&path), site.head(&path));
        assert_eq!(get.status, head.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in [
            "content-type",
            "etag",
            "last-modified",
            "cache-control",
            "content-disposition",
        ] {
            assert_eq!(get.header(name), head.header(name), "{name} of {path}");
        }
    }
}

#[test]
fn every_answer_forbids_scripts_and_sniffing() {
    let site = demo();
    for path in pages().into_iter().chain(["/nothing/here".to_owned()]) {
        let reply = site.get(&path);
        let policy = reply.says("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert_eq!(reply.says("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("set-cookie"), None, "{path}");
    }
}

#[test]
fn pages_are_coded_as_asked_for() {
    let site = demo();
    let path = format!("/loom/{}/T/", ids::SELVEDGES);
    let plain = site.get(&path).ok();
    assert_eq!(plain.header("content-encoding"), None);
    for (accepts, coding) in [
        ("gzip, deflate", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("zstd;q=0, gzip", Some("gzip")),
        ("gzip;q=0", None),
        ("identity", None),
        ("br", None),
        (",,;;q=,", None),
    ] {
        let reply = site
            .ask(Ask::get(&path).with("Accept-Encoding", accepts))
            .ok();
        assert_eq!(reply.header("content-encoding"), coding, "{accepts}");
        assert_eq!(reply.text(), plain.text(), "{accepts}");
        let vary = reply.says("vary").to_lowercase();
        assert!(vary.contains("accept-encoding"), "{accepts}");
    }
}

#[test]
fn validators_are_answered_whatever_their_form() {
    let site = demo();
    let path = format!("/loom/{}/", ids::WELCOME);
    let fresh = site.get(&path).ok();
    let (tag, date) = (fresh.says("etag"), fresh.says("last-modified"));
    let bare = tag.trim_start_matches("W/");
    for (name, value, status) in [
        ("If-None-Match", tag.to_owned(), 304),
        ("If-None-Match", "*".to_owned(), 304),
        ("If-None-Match", format!("\"x\", W/{bare}, \"y\""), 304),
        ("If-None-Match", "\"x\"".to_owned(), 200),
        ("If-None-Match", "x,,\"".to_owned(), 200),
        ("If-Modified-Since", date.to_owned(), 304),
        (
            "If-Modified-Since",
            "Fri, 01 Jan 2100 00:00:00 GMT".to_owned(),
            200,
        ),
        (
            "If-Modified-Since",
            "Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
            200,
        ),
        ("If-Modified-Since", "yesterday".to_owned(), 200),
    ] {
        let reply = site.ask(Ask::get(&path).with(name, &value));
        assert_eq!(reply.status, status, "{name}: {value}");
    }
}

#[test]
fn other_methods_are_refused_politely() {
    let site = demo();
    for method in ["PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "FOO"] {
        for path in ["/", "/loom/", "/loom/x@y/", "/loom/0/"] {
            assert_eq!(
                site.ask(Ask::new(method, path)).status,
                405,
                "{method} {path}"
            );
        }
    }
    assert_eq!(site.ask(Ask::new("POST", "/").body(b"x=m")).status, 405);
}

#[test]
fn connections_are_kept_and_requests_may_come_in_one_breath() {
    let site = demo();
    let mut stream = TcpStream::connect(site.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let one = "GET /loom/description HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "GET /loom/description HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{one}{one}{last}").as_bytes())
        .unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert_eq!(all.matches("HTTP/1.1 200").count(), 3, "{all}");
}

#[test]
fn the_log_has_a_line_for_a_request() {
    let site = demo();
    site.get("/loom/?a-request-to-be-found=1");
    crate::support::wait_until("the request is in the log", || {
        site.log().contains("/loom/")
    });
}

#[test]
fn it_stops_when_told_to() {
    let site = demo();
    let server = site.world.serve();
    server.get("/loom/").ok();
    assert!(server.stop(), "no graceful end");
}

#[test]
fn crawlers_are_told_where_all_mail_is_to_be_had_at_once_and_what_is_not_worth_their_while() {
    let site = demo();
    let robots = site.get("/robots.txt").ok().text();
    for word in ["git", "/manifest.js.gz", "/all.mbox.gz", "Disallow: /*?q="] {
        assert!(robots.contains(word), "{word}");
    }
    let mid = ids::WELCOME;
    for path in [
        format!("/loom/{mid}/raw"),
        format!("/loom/{mid}/t.mbox.gz"),
        "/loom/all.mbox.gz".to_owned(),
        "/loom/?q=wool".to_owned(),
        "/loom/0/HEAD".to_owned(),
        "/loom/?q=%28".to_owned(),
    ] {
        let reply = site.head(&path);
        assert_eq!(
            reply.header("x-robots-tag"),
            Some("noindex, nofollow"),
            "{path}"
        );
    }
    for path in ["/loom/".to_owned(), format!("/loom/{mid}/")] {
        assert_eq!(site.head(&path).header("x-robots-tag"), None, "{path}");
    }
}
