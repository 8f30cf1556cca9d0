//! The bounds of what is taken in (`docs/limits.md`), at a real server's door.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Ask, Mail, Reply, Server, World, demo, wait_until};

/// A small list, served with these sections in the config.
fn served(sections: &str) -> (World, Server) {
    let mut world = World::new();
    world.add_to_config(sections);
    let mails: Vec<Vec<u8>> = (0..5)
        .map(|n| Mail::new(&format!("m{n}@x.example"), &format!("Mail {n}"), n).bytes())
        .collect();
    world.inbox("x").add(&mails);
    world.index();
    let server = world.serve();
    (world, server)
}

/// What comes back for these bytes until the other side closes, or nothing comes for a while.
fn said(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("")
}

#[test]
fn a_request_line_or_head_that_is_too_long_is_refused() {
    let site = demo();
    let long = "a".repeat(300_000);
    for (what, head, statuses) in [
        (
            "line",
            format!("GET /{long} HTTP/1.1\r\nHost: x\r\n"),
            ["414", "431"],
        ),
        (
            "query",
            format!("GET /loom/?q={long} HTTP/1.1\r\nHost: x\r\n"),
            ["414", "431"],
        ),
        (
            "header",
            format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n"),
            ["431", "431"],
        ),
        (
            "headers",
            format!(
                "GET / HTTP/1.1\r\nHost: x\r\n{}",
                "X-Many: 1\r\n".repeat(300)
            ),
            ["431", "431"],
        ),
    ] {
        let answer = said(&site, format!("{head}Connection: close\r\n\r\n").as_bytes());
        assert!(statuses.contains(&status(&answer)), "{what}: {answer}");
        assert!(answer.len() < 2000, "{what}");
    }
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let site = demo();
    let form = vec![b'x'; 100_000];
    let reply = site.ask(Ask::new("POST", "/loom/?q=x&x=m").body(&form));
    assert_eq!(reply.status, 413);
}

#[test]
fn bodies_of_requests_that_have_no_use_for_one_are_not_awaited() {
    let site = demo();
    let head = "GET /loom/description HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    let mut stream = TcpStream::connect(site.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// Words that nobody has asked for yet: a search that is kept from before costs nothing, and is not counted.
fn new_words() -> String {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    format!("mail+OR+w{}", LAST.fetch_add(1, Ordering::Relaxed))
}

fn search(server: &Server, client: &str) -> Reply {
    let path = format!("/x/?q={}", new_words());
    server.ask(Ask::get(&path).with("X-Forwarded-For", client))
}

#[test]
fn a_network_has_its_rate_of_searches_and_pages_have_none() {
    let (_world, server) = served(
        "[threadbare \"limits\"]\n\tsearchesPerMinute = 2\n[threadbare \"proxy\"]\n\ttrust = 127.0.0.1\n",
    );
    for client in ["192.0.2.1", "192.0.2.200"] {
        search(&server, client).ok();
    }
    let refused = search(&server, "192.0.2.7").status(503);
    assert_eq!(refused.says("retry-after"), "60");
    assert!(refused.text().contains("git clone"), "{}", refused.text());
    search(&server, "198.51.100.1").ok();
    search(&server, "203.0.113.9, 2001:db8::1").ok();
    for _ in 0..5 {
        let page = Ask::get("/x/m1@x.example/").with("X-Forwarded-For", "192.0.2.1");
        server.ask(page).ok();
    }
}

#[test]
fn nobody_says_who_he_is_where_nobody_is_trusted() {
    let (_world, server) = served("[threadbare \"limits\"]\n\tsearchesPerMinute = 1\n");
    search(&server, "192.0.2.1").ok();
    search(&server, "198.51.100.1").status(503);
}

#[test]
fn a_front_end_says_in_a_proxy_header_for_whom_it_comes() {
    let (_world, server) = served(
        "[threadbare \"limits\"]\n\tsearchesPerMinute = 1\n\
         [threadbare \"proxy\"]\n\ttrust = 127.0.0.1\n\tprotocol = true\n",
    );
    let request = || {
        let words = new_words();
        format!(
            "GET /x/?q={words} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nConnection: close\r\n\r\n"
        )
    };
    let v2 = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[203, 0, 113, 1, 127, 0, 0, 1, 1, 1, 0, 80],
    ]
    .concat();
    for (header, expected) in [
        (&b"PROXY TCP4 192.0.2.1 127.0.0.1 4000 80\r\n"[..], "200"),
        (b"PROXY TCP4 192.0.2.2 127.0.0.1 4000 80\r\n", "503"),
        (&v2, "200"),
        (&v2, "503"),
        // Its own address: the header of the request counts, as it comes from a front end.
        (b"PROXY TCP4 127.0.0.1 127.0.0.1 4000 80\r\n", "503"),
        (b"PROXY TCP6 2001:db8::1 ::1 4000 80\r\n", "200"),
    ] {
        let answer = said(&server, &[header, request().as_bytes()].concat());
        let shown = String::from_utf8_lossy(header).into_owned();
        assert_eq!(status(&answer), expected, "{shown}: {answer}");
    }
    assert_eq!(
        said(&server, request().as_bytes()),
        "",
        "without a header nobody is answered"
    );
    assert_eq!(said(&server, b"PROXY TCP4 nonsense\r\n"), "");
}

/// A connection that has asked once, and is kept.
fn kept(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
        .write_all(b"GET /x/description HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    stream
}

fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut rest = [0; 4096];
    loop {
        match (&*stream).read(&mut rest) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn silent_connections_make_room_for_new_ones() {
    let (_world, server) = served("[threadbare \"limits\"]\n\tconnections = 20\n");
    let silent: Vec<TcpStream> = (0..20).map(|_| kept(&server)).collect();
    for _ in 0..5 {
        server.get("/x/").ok();
    }
    wait_until("silent connections are closed", || {
        silent.iter().any(|stream| !is_open(stream))
    });
}

#[test]
fn one_network_has_its_share_of_connections() {
    let (_world, server) = served(
        "[threadbare \"limits\"]\n\tconnectionsPerNetwork = 3\n\
         [threadbare \"proxy\"]\n\ttrust = 127.0.0.1\n\tprotocol\n\theader = none\n",
    );
    // The server asks for the body of a form as soon as it has the question; it does not come.
    let busy = |client: u8| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let hello = format!("PROXY TCP4 192.0.{client}.1 127.0.0.1 1 1\r\n");
        let ask = "POST /x/?q=x&x=m HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n";
        stream.write_all((hello + ask).as_bytes()).ok()?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok()?;
        (&answer == b"HTTP/1.1 100").then_some(stream)
    };
    let held: Vec<Option<TcpStream>> = (0..3).map(|_| busy(2)).collect();
    assert!(held.iter().all(Option::is_some));
    assert!(busy(2).is_none(), "a fourth is closed at once");
    assert!(busy(3).is_some(), "another network has its own share");
    drop(held);
}

/// A mail that does not fit into what the system takes for a connection.
fn large(id: &str, minute: u32) -> Vec<u8> {
    let line = "a line of some length that stands here very often, and is not short\n";
    let mail = Mail::new(id, "A large mail", minute);
    mail.says(&line.repeat((20 << 20) / line.len())).bytes()
}

#[test]
fn answers_that_nobody_takes_do_not_fill_the_memory() {
    let mut world = World::new();
    world.add_to_config("[threadbare \"limits\"]\n\tanswers = 30\n");
    let small = Mail::new("small@x.example", "A small mail", 1).bytes();
    world.inbox("x").add(&[large("large@x.example", 2), small]);
    world.index();
    let server = world.serve_with(&["--cache", "0", "--metrics", "127.0.0.1:0"]);
    let door = server.printed("health and figures on http://");
    let door = door.trim_end_matches('/').parse().unwrap();
    let waiting = || {
        let figures = Ask::get("/metrics").send(door).ok().text();
        let mut lines = figures.lines();
        let line = lines.find_map(|line| line.strip_prefix("threadbare_answer_bytes "));
        line.unwrap().parse::<f64>().unwrap()
    };
    // Each takes 20 MB of memory, and reads none of it.
    let mut greedy = Vec::new();
    let mut most: f64 = 0.0;
    for _ in 0..12 {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let ask = "GET /x/large@x.example/raw HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(ask.as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert!(matches!(&head[9..], b"200" | b"503"));
        greedy.push(stream);
        most = most.max(waiting());
    }
    assert!(most > 30e6, "they did not fill it: {most}");
    // Room is made for those who come, and soon everybody is served again.
    wait_until("room", || {
        server.get("/x/small@x.example/").status == 200 && waiting() <= 30e6
    });
    assert!(most < 90e6, "{most}");
    let cut = greedy.iter().filter(|stream| !is_open(stream)).count();
    assert!(cut > 0, "nobody was sent away");
}
