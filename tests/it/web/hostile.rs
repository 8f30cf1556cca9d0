//! Requests that nobody should send, and mail that nobody should write.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Ask, demo, fixtures, hrefs};

#[test]
fn odd_paths_are_answered_and_lead_nowhere_else() {
    let site = demo();
    let long = format!("/loom/{}/", "a".repeat(60_000));
    for path in [
        "/%00",
        "/loom/%00/",
        "/loom/%ff%fe/",
        "/loom/%u0041/",
        "/loom/%",
        "/loom/%2/",
        "/..%2f..%2fetc%2fpasswd",
        "/../../etc/passwd",
        "/loom/../../../etc/passwd",
        "/loom/x/../../../../etc/passwd",
        "//evil.example/",
        "//evil.example/%2f..",
        "/\\evil.example",
        "/loom//",
        "/loom/%0d%0aSet-Cookie:%20a=b/",
        "/loom/%0d%0aSet-Cookie:%20a=b",
        "/loom/0/../config",
        "/loom/0/objects/../config",
        "/+/../../Cargo.toml",
        "/loom/\"><script>alert(1)</script>/",
        "/loom/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E/",
        &long,
    ] {
        let shown = &path[..path.len().min(60)];
        let Some(reply) = site
            .say(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        else {
            continue;
        };
        assert!(
            (300..500).contains(&reply.status) || reply.status == 200,
            "{shown}: {}",
            reply.status
        );
        assert_eq!(reply.header("set-cookie"), None, "{shown}");
        if let Some(location) = reply.header("location") {
            assert!(
                !location.starts_with("//") && !location.contains("evil.example/"),
                "{shown}: {location}"
            );
        }
        let text = reply.text();
        assert!(
            !text.contains("<script>") && !text.contains("root:"),
            "{shown}: {text}"
        );
    }
}

#[test]
fn the_host_header_is_never_believed() {
    let site = demo();
    for path in [
        "/loom",
        "/loom/x@y",
        "/loom/_/text",
        "/loom/_/text/mirror/",
        "/loom/new.atom",
    ] {
        let reply = site.ask(Ask::get(path).with("Host", "evil.example"));
        assert!(
            !reply.header("location").unwrap_or("").contains("evil"),
            "{path}"
        );
        assert!(!reply.text().contains("evil.example"), "{path}");
    }
}

#[test]
fn odd_searches_are_answered_in_time() {
    let site = demo();
    let deep = "(".repeat(300);
    let nots = "NOT+".repeat(100);
    let long = "a".repeat(50_000);
    for query in [
        "%22",
        "*",
        "%00",
        "%ff",
        "d:99999999999999..",
        "s:",
        "\"",
        &deep,
        &nots,
        &long,
    ] {
        let reply = site.get(&format!("/loom/?q={query}"));
        assert!(
            reply.status < 500,
            "{}: {}",
            &query[..query.len().min(20)],
            reply.status
        );
    }
}

#[test]
fn requests_that_are_none_do_not_stop_the_server() {
    let site = demo();
    for bytes in [
        &b"\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(site.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        stream.write_all(bytes).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
    }
    site.get("/").ok();
}

#[test]
fn a_body_without_end_is_cut_off() {
    let site = demo();
    let head = "POST /loom/?x=m&q=s:x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let declared = format!("{head}Content-Length: 10000000000\r\n\r\n");
    let smuggled = format!(
        "{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    );
    for bytes in [declared, smuggled] {
        let mut stream = TcpStream::connect(site.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let junk = vec![b'x'; 64 * 1024];
        // It must stop listening long before these 64 MB.
        let sent = (0..1000)
            .take_while(|_| stream.write_all(&junk).is_ok())
            .count();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        assert!(
            sent < 1000 || answer.starts_with("HTTP/1.1 4"),
            "{sent} {answer}"
        );
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
    }
    site.get("/").ok();
}

#[test]
fn slow_and_silent_visitors_do_not_keep_others_out() {
    let site = demo();
    let mut idle = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(site.address).unwrap();
        stream.write_all(b"GET /loom/ HTT").unwrap();
        idle.push(stream);
    }
    site.get("/loom/").ok();
    assert_eq!(idle.len(), 300);
}

#[test]
fn readers_who_stop_reading_hold_up_nobody() {
    let site = demo();
    let mut stalled = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(site.address).unwrap();
        stream
            .write_all(b"GET /loom/all.mbox.gz HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        stalled.push(stream);
    }
    site.get("/loom/").ok();
    assert_eq!(stalled.len(), 40);
}

#[test]
fn every_page_of_every_odd_mail_is_answered_and_none_is_alive() {
    let site = fixtures();
    let mbox = site.get("/odd/all.mbox.gz").ok().gunzip();
    let mails = memchr::memmem::find_iter(&mbox, "From mboxrd@z ").count();
    assert!(mails > 50, "{mails}");
    let mut links: Vec<String> = Vec::new();
    let index = site.get("/odd/topics_new.html").ok().text();
    links.extend(hrefs(&index).into_iter().filter(|href| {
        href.contains('/') && !href.starts_with('_') && !href.contains("..") && !href.contains(':')
    }));
    let mut seen = 0;
    for href in links {
        let Some((mid, _)) = href.rsplit_once("/#").or_else(|| href.rsplit_once('/')) else {
            continue;
        };
        let mid = mid.trim_end_matches("/T").trim_end_matches("/t");
        for page in ["", "raw", "T/", "t/", "t.atom", "t.mbox.gz"] {
            let path = format!("/odd/{mid}/{page}");
            let reply = site.get(&path);
            assert!(
                reply.status == 200,
                "{}: {}",
                &path[..path.len().min(200)],
                reply.status
            );
            if page != "raw" && !page.ends_with("gz") {
                let html = reply.text();
                for live in [
                    "<script",
                    "<img",
                    "<svg",
                    "onload=alert",
                    "href=\"javascript:",
                    "<iframe",
                ] {
                    assert!(
                        !html.contains(live),
                        "{live} in {}",
                        &path[..path.len().min(200)]
                    );
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn ids_that_look_like_paths_or_programs_are_shown_as_ids() {
    let site = fixtures();
    for mid in [
        "x%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd",
        "ending%2Fraw",
        "new.atom",
        "%3C.%3E",
        "%3C..%3E",
        "what%3Fx=m;q=%23frag%252F%2525@fixtures.example",
        "'%20onclick='alert(1)'%20x=@fixtures.example",
        "gr%C3%BC%C3%9Fe@fixtures.example",
    ] {
        let html = site.get(&format!("/odd/{mid}/")).ok().text();
        assert!(!html.contains("onclick='alert"), "{mid}");
    }
}
