//! An installation of public-inbox, made and written to by its own tools, served by it and by us from the same
//! directories at the same time.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Ask, Mail, World, wait_until};

/// Name, version.
const INBOXES: [(&str, &str); 3] = [("warp", "-V2"), ("weft", "-V2"), ("old", "-V1")];

fn is_installed() -> bool {
    let tools = [
        "public-inbox-init",
        "public-inbox-mda",
        "public-inbox-httpd",
    ];
    let found = |tool: &&str| Path::new("/usr/bin").join(tool).exists();
    let all = tools.iter().all(found);
    if !all {
        skipped!("public-inbox is not installed");
    }
    all
}

/// One of its commands in this world.
fn tool(world: &World, name: &str) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(world.path("."))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", world.path("."))
        .env("PI_CONFIG", world.path("config"))
        .env("PI_EMERGENCY", world.path("emergency"))
        .stdin(Stdio::null());
    command
}

fn deliver(world: &World, name: &str, mail: &Mail) {
    let address = format!("{name}@lists.example.org");
    let mut child = tool(world, "public-inbox-mda")
        .arg("--no-precheck")
        .env("ORIGINAL_RECIPIENT", &address)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&mail.bytes())
        .unwrap();
    assert!(
        child.wait().unwrap().success(),
        "public-inbox-mda for {name}"
    );
}

/// Its web server, killed when it is dropped.
struct Peer {
    child: Child,
    address: SocketAddr,
}

impl Peer {
    fn start(world: &World) -> Peer {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let log = || fs::File::create(world.path("peer.log")).unwrap();
        let child = tool(world, "public-inbox-httpd")
            .args(["-W0", "-l", &format!("http://{address}")])
            .stdout(log())
            .stderr(log())
            .spawn()
            .unwrap();
        wait_until("the peer listens", || TcpStream::connect(address).is_ok());
        Peer { child, address }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// All files below a directory with their contents, but for those that the peer itself writes when it reads.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.display().to_string();
                let journal = name.ends_with("-wal") || name.ends_with("-shm");
                if !journal && path.is_file() {
                    found.push((name, fs::read(&path).unwrap()));
                }
            }
        }
    }
    found.sort();
    found
}

#[test]
fn both_serve_the_same_directories_and_see_what_comes_to_them() {
    if !is_installed() {
        return;
    }
    let mut world = World::new();
    world.add_to_config("[publicinboxmda]\n\tspamcheck = none\n");
    for (name, version) in INBOXES {
        let done = tool(&world, "public-inbox-init")
            .args([version, name])
            .arg(world.path(&format!("lists/{name}")))
            .arg(format!("https://lists.example.org/{name}/"))
            .arg(format!("{name}@lists.example.org"))
            .status();
        assert!(
            done.unwrap().success(),
            "public-inbox-init {version} {name}"
        );
        let first = Mail::new(&format!("1@{name}.example"), "The first", 1);
        let second = Mail::new(&format!("2@{name}.example"), "Re: The first", 2)
            .answers(&format!("1@{name}.example"));
        deliver(&world, name, &first);
        deliver(&world, name, &second);
        let done = tool(&world, "public-inbox-index")
            .arg(world.path(&format!("lists/{name}")))
            .status();
        assert!(done.unwrap().success(), "public-inbox-index {name}");
    }
    let before = files(&world.path("lists"));
    world.index();
    let ours = world.serve();
    for (name, _) in INBOXES {
        ours.get(&format!("/{name}/")).ok();
        ours.get(&format!("/{name}/all.mbox.gz")).ok();
    }
    // Reading changes nothing there.
    assert!(before == files(&world.path("lists")));

    let peer = Peer::start(&world);
    let same = |path: &str| {
        let (ours, theirs) = (ours.get(path), Ask::get(path).send(peer.address));
        assert_eq!(ours.status, theirs.status, "{path}");
        let bodies = match path.ends_with(".gz") {
            true => (ours.gunzip(), theirs.gunzip()),
            false => (ours.content(), theirs.content()),
        };
        assert!(
            bodies.0 == bodies.1,
            "{path}: {}\n{}",
            String::from_utf8_lossy(&bodies.0),
            String::from_utf8_lossy(&bodies.1)
        );
    };
    for (name, _) in INBOXES {
        for page in [
            "1@NAME.example/raw",
            "2@NAME.example/raw",
            "2@NAME.example/t.mbox.gz",
            "all.mbox.gz",
        ] {
            same(&format!("/{name}/{}", page.replace("NAME", name)));
        }
    }
    // What comes while both are running is seen by both.
    for (name, _) in INBOXES {
        let third = Mail::new(&format!("3@{name}.example"), "Re: The first", 3)
            .answers(&format!("2@{name}.example"));
        deliver(&world, name, &third);
        let path = format!("/{name}/3@{name}.example/raw");
        wait_until("we see it", || ours.get(&path).status == 200);
        wait_until("the peer sees it", || {
            Ask::get(&path).send(peer.address).status == 200
        });
        same(&path);
        same(&format!("/{name}/1@{name}.example/t.mbox.gz"));
        same(&format!("/{name}/all.mbox.gz"));
    }
}
