//! The doors of a server: TLS, unix sockets, sockets of systemd's, and a server that takes another one's place.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Mail, World, certificate, tls_file, visit_by_tls, wait_until};

fn world() -> World {
    let mut world = World::new();
    let mail = Mail::new("first@weaver.example", "The loom is warped", 1);
    world.inbox("loom").add(&[mail.bytes()]);
    world.index();
    world
}

fn pair(name: &str) -> String {
    let file = |kind: &str| tls_file(&format!("{name}.{kind}")).display().to_string();
    format!("{},{}", file("pem"), file("key"))
}

fn address_of(url: &str) -> SocketAddr {
    url.trim_end_matches('/').parse().unwrap()
}

/// One request over a connection of whatever kind; all that comes back.
fn ask(mut stream: impl Read + Write, path: &str) -> std::io::Result<String> {
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_visitor_is_shown_the_certificate_of_the_name_he_asks_for() {
    let world = world();
    let server = world.serve_with(&[
        "--listen",
        "https://127.0.0.1:0",
        "--certificate",
        &pair("one"),
        "--certificate",
        &pair("two"),
    ]);
    let address = address_of(&server.printed("listening on https://"));
    for (name, file) in [
        ("lists.example.org", "one.pem"),
        ("a.weaver.example", "two.pem"),
        ("localhost", "one.pem"),
    ] {
        let (shown, answer) = visit_by_tls(address, name).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("loom"));
        assert_eq!(shown, certificate(file), "{name}");
    }
    let error = visit_by_tls(address, "unknown.example")
        .unwrap_err()
        .to_string();
    assert!(error.contains("certificate"), "{error}");
    // Plain HTTP at a door with TLS does no harm, and the plain door is open too.
    let answer = ask(TcpStream::connect(address).unwrap(), "/").unwrap_or_default();
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.get("/").ok();
}

#[test]
fn new_certificates_are_taken_and_bad_ones_are_not() {
    let mut world = world();
    let copy = |world: &World, name: &str| {
        for kind in ["pem", "key"] {
            let (new, file) = (world.path("new"), world.path(&format!("site.{kind}")));
            fs::copy(tls_file(&format!("{name}.{kind}")), &new).unwrap();
            fs::rename(new, file).unwrap();
        }
    };
    copy(&world, "one");
    world.set("listen = tls:127.0.0.1:0");
    world.set("certificate = site.pem site.key");
    // --listen of the flag stands in place of the one in the settings.
    let server = world.serve_with(&["--listen", "tls:127.0.0.1:0"]);
    let address = address_of(&server.printed("listening on https://"));
    assert_eq!(
        visit_by_tls(address, "localhost").unwrap().0,
        certificate("one.pem")
    );
    copy(&world, "two");
    wait_until("the new certificate", || {
        visit_by_tls(address, "x.weaver.example")
            .is_ok_and(|(shown, _)| shown == certificate("two.pem"))
    });
    fs::write(world.path("site.pem"), "broken").unwrap();
    wait_until("a line about the bad one", || {
        server
            .log()
            .contains("the certificates stay as they were: ")
    });
    assert!(
        server
            .log()
            .contains("site.pem: there is no certificate in it")
    );
    assert_eq!(
        visit_by_tls(address, "x.weaver.example").unwrap().0,
        certificate("two.pem")
    );
}

#[test]
fn tls_without_a_certificate_or_with_a_foreign_key_is_refused_at_the_start() {
    let world = world();
    let mixed = format!(
        "{},{}",
        tls_file("one.pem").display(),
        tls_file("two.key").display()
    );
    for (args, said) in [
        (
            &["serve", "--listen", "https://127.0.0.1:0"][..],
            "TLS needs a certificate",
        ),
        (
            &[
                "serve",
                "--listen",
                "tls:127.0.0.1:0",
                "--certificate",
                &mixed,
            ],
            "the key does not fit its certificate",
        ),
        (
            &["serve", "--listen", "fd:nothing"],
            "nobody has opened a socket called nothing",
        ),
        (&["serve", "--listen", "nowhere"], "an address is HOST:PORT"),
    ] {
        let done = world.run(args);
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            !done.status.success() && error.contains(said),
            "{args:?}: {error}"
        );
    }
}

#[test]
fn a_unix_socket_is_a_door_and_a_stale_one_is_cleared_away() {
    let world = world();
    let path = world.path("http.sock");
    let place = format!("unix:{}", path.display());
    for _ in 0..2 {
        let server = world.serve_with(&["--listen", &place]);
        assert_eq!(
            server.printed("listening on unix:"),
            path.display().to_string()
        );
        let answer = ask(UnixStream::connect(&path).unwrap(), "/loom/").unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let second = world.run(&["serve", "--listen", &place]);
        let error = String::from_utf8_lossy(&second.stderr).into_owned();
        assert!(error.contains("in use"), "{error}");
        // Killed where it stands; its socket stays behind.
        drop(server);
        assert!(path.exists());
    }
}

#[test]
fn sockets_of_systemd_are_listened_on() {
    let found = Command::new("systemd-socket-activate")
        .arg("--version")
        .output();
    if !found.is_ok_and(|output| output.status.success()) {
        skipped!("systemd-socket-activate is not installed");
        return;
    }
    let world = world();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let given = world.program();
    let mut activate = Command::new("systemd-socket-activate");
    activate
        .args(["--listen", &free.to_string(), "--fdname", "http"])
        .env_clear()
        .current_dir(given.get_current_dir().unwrap());
    for (name, value) in given.get_envs() {
        if let Some(value) = value {
            activate.env(name, value);
            // It passes on what it is told to, and nothing else.
            let pair = format!("{}={}", name.display(), value.display());
            activate.arg("--setenv").arg(pair);
        }
    }
    activate
        .arg(given.get_program())
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(world.path("activated.log")).unwrap());
    let mut child = activate.spawn().unwrap();
    let mut answer = String::new();
    wait_until("an answer at the socket of systemd", || {
        let Ok(stream) = TcpStream::connect(free) else {
            return false;
        };
        answer = ask(stream, "/loom/").unwrap_or_default();
        answer.starts_with("HTTP/1.1 200 OK")
    });
    child.kill().ok();
    child.wait().ok();
}

#[test]
fn a_server_takes_the_place_of_another_and_nobody_is_turned_away() {
    let world = world();
    let socket = world.path("hand-over").display().to_string();
    let mut server = world.serve_as("0.log", &[], &["--hand-over", &socket]);
    let address = server.address;
    let (stop, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let visitors: Vec<_> = (0..4)
        .map(|n| {
            let (stop, asked) = (stop.clone(), asked.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match n {
                        0 => keep_asking(address),
                        _ => {
                            let stream = TcpStream::connect(address).unwrap();
                            let answer = ask(stream, "/loom/first@weaver.example/").unwrap();
                            assert!(is_whole(&answer), "{answer}");
                        }
                    }
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for n in 1..4 {
        let before = asked.load(Ordering::Relaxed);
        let log = format!("{n}.log");
        let next = world.serve_as(&log, &[], &["--hand-over", &socket]);
        assert_eq!(next.address, address);
        let mut old = std::mem::replace(&mut server, next);
        wait_until("the end of the old server", || {
            old.has_ended() == Some(true)
        });
        wait_until("some answers", || {
            asked.load(Ordering::Relaxed) > before + 20
        });
    }
    stop.store(true, Ordering::Relaxed);
    for visitor in visitors {
        visitor.join().expect("a request failed");
    }
    assert!(server.stop());
}

/// Whether an answer has as many bytes as it says.
fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    head.starts_with("HTTP/1.1 200 OK") && length.and_then(|n| n.parse().ok()) == Some(body.len())
}

/// Several requests over one connection, until the server wishes it to end.
fn keep_asking(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..50 {
        stream
            .write_all(b"GET /loom/description HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        let mut piece = [0; 4096];
        while !answer.ends_with(b"The list loom\n") {
            let n = stream.read(&mut piece).unwrap();
            assert!(
                n > 0,
                "cut off after {:?}",
                String::from_utf8_lossy(&answer)
            );
            answer.extend_from_slice(&piece[..n]);
        }
        let answer = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        if answer.contains("connection: close") {
            return;
        }
    }
}

#[test]
fn the_one_who_started_it_is_told_how_it_is() {
    let mut world = world();
    let path = world.path("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let hear = || {
        let mut line = [0; 500];
        let n = systemd.recv(&mut line).unwrap();
        String::from_utf8_lossy(&line[..n]).into_owned()
    };
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let server = world.serve_as("serve.log", &env, &[]);
    let ready = hear();
    assert!(ready.starts_with("READY=1\nMAINPID="), "{ready}");
    server.get("/loom/").ok();
    server.signal("HUP");
    let reloading = hear();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert!(hear().starts_with("READY=1\n"));
    assert!(server.log().contains("the config was read anew"));
    world.set("listen = 127.0.0.1:1");
    server.signal("HUP");
    assert!(server.stop());
    let mut last = hear();
    while !last.starts_with("STOPPING=1") {
        last = hear();
    }
}

#[test]
fn whoever_asks_on_an_old_connection_while_the_server_goes_is_answered() {
    let world = world();
    let server = world.serve();
    let mut stream = TcpStream::connect(server.address).unwrap();
    let say = |stream: &mut TcpStream| -> String {
        let request = b"GET /loom/description HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        let mut piece = [0; 4096];
        while !answer.ends_with("The list loom\n") {
            let n = stream.read(&mut piece).unwrap();
            assert!(n > 0, "cut off: {answer}");
            answer.push_str(&String::from_utf8_lossy(&piece[..n]));
        }
        answer.to_ascii_lowercase()
    };
    assert!(!say(&mut stream).contains("connection: close"));
    let address = server.address;
    server.signal("TERM");
    wait_until("the door to be closed", || {
        TcpStream::connect(address).is_err()
    });
    assert!(say(&mut stream).contains("connection: close"));
    assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0, "and then it ends");
}

#[test]
fn a_stranger_does_not_get_the_sockets() {
    let world = world();
    let socket = world.path("hand-over");
    let server = world.serve_with(&["--hand-over", socket.to_str().unwrap()]);
    wait_until("the socket", || socket.exists());
    // Whoever comes and goes without a word changes nothing.
    drop(UnixStream::connect(&socket).unwrap());
    let mut curious = UnixStream::connect(&socket).unwrap();
    curious.write_all(b"no\n").unwrap();
    drop(curious);
    server.get("/loom/").ok();
    assert!(server.stop());
}
