//! What an operator sees of a running server: health, figures, logs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::{Ask, Mail, Reply, Server, World, wait_until};

fn world() -> World {
    let mut world = World::new();
    let mail = Mail::new("first@weaver.example", "The loom is warped", 1);
    world.inbox("loom").add(&[mail.bytes()]);
    world.index();
    world
}

/// The address of health's own door.
fn door(server: &Server) -> SocketAddr {
    let url = server.printed("health and figures on http://");
    url.trim_end_matches('/').parse().unwrap()
}

fn figures(server: &Server) -> String {
    Ask::get("/metrics").send(door(server)).ok().text()
}

/// The value of a sample, by its name with its labels.
#[track_caller]
fn value(figures: &str, name: &str) -> f64 {
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {figures}"))
        .parse()
        .unwrap()
}

#[test]
fn health_has_a_door_of_its_own() {
    let world = world();
    let server = world.serve_with(&["--metrics", "127.0.0.1:0"]);
    let door = door(&server);
    let ask = |path: &str| -> Reply { Ask::get(path).send(door) };
    assert_eq!(ask("/healthz").ok().text(), "well\n");
    wait_until("readiness", || ask("/readyz").status == 200);
    assert_eq!(ask("/readyz").text(), "ready\n");
    assert_eq!(ask("/loom/").status, 404);
    assert_eq!(Ask::new("POST", "/healthz").send(door).status, 405);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            server.get(path).status,
            404,
            "visitors see nothing of it: {path}"
        );
    }
}

#[test]
fn the_settings_can_say_where_health_is() {
    let mut world = world();
    world.set("metrics = 127.0.0.1:0");
    let server = world.serve();
    assert_eq!(Ask::get("/healthz").send(door(&server)).status, 200);
}

#[test]
fn figures_count_what_happens() {
    let world = world();
    let server = world.serve_with(&["--metrics", "127.0.0.1:0"]);
    let before = figures(&server);
    for line in before.lines().filter(|line| !line.starts_with('#')) {
        let (_, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line}");
    }
    for _ in 0..3 {
        server.get("/loom/first@weaver.example/").ok();
    }
    server.get("/loom/nothing@weaver.example/");
    server.get("/loom/?q=warped").ok();
    server.get("/loom/new.atom").ok();
    let after = figures(&server);
    let grew = |name: &str| value(&after, name) - value(&before, name);
    assert_eq!(
        grew("threadbare_requests_total{class=\"page\",status=\"2xx\"}"),
        3.0
    );
    assert_eq!(
        grew("threadbare_requests_total{class=\"search\",status=\"2xx\"}"),
        1.0
    );
    assert_eq!(
        grew("threadbare_requests_total{class=\"list\",status=\"2xx\"}"),
        1.0
    );
    assert!(grew("threadbare_request_seconds_count{class=\"page\"}") >= 3.0);
    assert_eq!(grew("threadbare_connections_total"), 6.0);
    // Asked for once it is not kept, asked for twice it is.
    assert_eq!(grew("threadbare_page_cache_hits_total"), 1.0);
    assert!(grew("threadbare_page_cache_misses_total") >= 2.0);
    assert!(grew("threadbare_sent_bytes_total") > 3000.0);
    assert!(value(&after, "threadbare_page_cache_bytes") > 1000.0);
    assert_eq!(
        value(&after, "threadbare_inbox_messages{inbox=\"loom\"}"),
        1.0
    );
    assert_eq!(
        value(&after, "threadbare_inbox_behind_seconds{inbox=\"loom\"}"),
        0.0
    );
    assert!(
        value(
            &after,
            "threadbare_gate_most{class=\"bulk\",gate=\"programs\"}"
        ) >= 1.0
    );
    assert_eq!(
        value(
            &after,
            "threadbare_gate_waiting{class=\"page\",gate=\"work\"}"
        ),
        0.0
    );
    assert!(value(&after, "process_resident_memory_bytes") > 1e6);
    assert!(value(&after, "process_open_fds") > 5.0);
    // Each family is there once, and says what it is.
    let families: Vec<&str> = after
        .lines()
        .filter(|line| line.starts_with("# TYPE "))
        .collect();
    let mut once = families.clone();
    once.sort();
    once.dedup();
    assert_eq!(families.len(), once.len());
}

#[test]
fn an_inbox_that_cannot_be_indexed_falls_behind_and_catches_up() {
    let mut world = world();
    let mut epoch = world.inbox("late");
    let mails: Vec<Vec<u8>> = (0..3)
        .map(|n| Mail::new(&format!("{n}@weaver.example"), "Late", 1).bytes())
        .collect();
    epoch.add(&mails[..1]);
    let server = world.serve_with(&["--metrics", "127.0.0.1:0"]);
    let door = door(&server);
    wait_until("readiness", || Ask::get("/readyz").send(door).status == 200);
    let lag = || {
        value(
            &figures(&server),
            "threadbare_inbox_behind_seconds{inbox=\"late\"}",
        )
    };
    assert_eq!(lag(), 0.0);
    // While another process indexes, nobody else does.
    let lock = std::fs::File::options()
        .write(true)
        .open(world.path("index/index.lock"))
        .unwrap();
    lock.lock().unwrap();
    epoch.add(&mails[1..]);
    wait_until("a lag", || lag() > 0.0);
    assert_eq!(
        value(
            &figures(&server),
            "threadbare_inbox_behind_seconds{inbox=\"loom\"}"
        ),
        0.0
    );
    lock.unlock().unwrap();
    wait_until("no lag", || lag() == 0.0);
    assert_eq!(
        value(
            &figures(&server),
            "threadbare_inbox_messages{inbox=\"late\"}"
        ),
        3.0
    );
}

#[test]
fn a_server_that_is_told_to_stop_says_so_before_it_stops_listening() {
    let world = world();
    let mut server = world.serve_with(&["--metrics", "127.0.0.1:0", "--drain", "3"]);
    let door = door(&server);
    wait_until("readiness", || Ask::get("/readyz").send(door).status == 200);
    server.signal("TERM");
    wait_until("its word that it leaves", || {
        let reply = Ask::get("/readyz").send(door);
        reply.status == 503 && reply.text() == "leaving\n"
    });
    // A load balancer that has not heard yet still gets its answers.
    server.get("/loom/").ok();
    assert_eq!(Ask::get("/healthz").send(door).status, 200);
    wait_until("its end", || server.has_ended() == Some(true));
}

#[test]
fn a_watchdog_is_fed_while_all_is_well() {
    let world = world();
    let path = world.path("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let env = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "400000"),
    ];
    let _server = world.serve_as("serve.log", &env, &[]);
    let mut fed = 0;
    while fed < 3 {
        let mut line = [0; 500];
        let n = systemd.recv(&mut line).unwrap();
        fed += usize::from(&line[..n] == b"WATCHDOG=1");
    }
}

#[test]
fn every_answer_is_a_line_in_the_log() {
    let world = world();
    let server = world.serve();
    server.get("/loom/first@weaver.example/raw").ok();
    wait_until("the line", || {
        server
            .log()
            .contains("path=\"/loom/first@weaver.example/raw\"")
    });
    let log = server.log();
    let line = log.lines().find(|line| line.contains("/raw")).unwrap();
    for part in [
        "method=GET",
        "status=200",
        "bytes=",
        "ms=",
        "class=\"page\"",
        "from=\"127.0.0.1\"",
        "id=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn a_log_of_json_is_one_object_to_a_line_and_keeps_addresses_as_it_is_told() {
    let mut world = world();
    world.set("logFormat = json");
    world.set("logAddresses = network");
    let server = world.serve();
    let odd = "/loom/%22%0a%7b/";
    server.ask(Ask::get(odd).with("X-Request-Id", "proxy-77"));
    wait_until("the line", || server.log().contains("proxy-77"));
    let log = server.log();
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let line = lines
        .iter()
        .find(|line| line["span"]["id"] == "proxy-77")
        .unwrap();
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], odd);
    assert_eq!(line["from"], "127.0.0.0");
    assert_eq!(line["status"], 404);
    assert!(!log.contains("127.0.0.1\""), "{log}");
}

#[test]
fn a_request_keeps_the_name_that_a_proxy_gave_it() {
    let world = world();
    let server = world.serve_with(&["--log-addresses", "none"]);
    let reply = server.ask(Ask::get("/loom/").with("X-Request-Id", "abc.1"));
    assert_eq!(reply.says("x-request-id"), "abc.1");
    let reply = server.ask(Ask::get("/loom/").with("X-Request-Id", "a b"));
    assert_eq!(
        reply.header("x-request-id"),
        None,
        "an answer that a cache may keep has no name of its own"
    );
    wait_until("the line", || server.log().contains("id=abc.1"));
    assert!(server.log().contains("from=\"-\"") && !server.log().contains("a b"));
}

#[test]
fn a_slow_client_of_health_holds_up_nobody() {
    let world = world();
    let server = world.serve_with(&["--metrics", "127.0.0.1:0"]);
    let door = door(&server);
    let mut slow = TcpStream::connect(door).unwrap();
    slow.write_all(b"GET /met").unwrap();
    assert_eq!(Ask::get("/healthz").send(door).status, 200);
    slow.write_all(b"rics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
}
