//! Several writers at once, public-inbox's own among them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::incoming::{new_inbox, with_input};
use crate::support::{Caller, World, git_text, program, wait_until};

use super::kills::leftovers;
use super::{Numbers, all_is_well, each_is_there_once, mail, mails};

/// A program of public-inbox, in the world of a test.
fn peer(world: &World, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("PI_CONFIG", world.path("config"))
        .env("HOME", world.path(""))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(world.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn many_writers_at_once_leave_one_history_with_every_mail() {
    let mda = program("public-inbox-mda");
    let mut world = World::new();
    let dir = new_inbox(&mut world, "test");
    world.set_inbox("test", "filter = PublicInbox::Filter::Mirror");
    world.set("epochSize = 20k");
    world.add_to_config("[publicinboxmda]\n\tspamcheck = none\n");
    if mda.is_some() {
        let index = Path::new("public-inbox-index");
        assert!(peer(&world, index).arg(&dir).status().unwrap().success());
    }
    let mut mbox = Vec::new();
    for raw in mails(1000, 1120) {
        threadbare::mail::mboxrd(&raw, &mut mbox);
    }
    fs::write(world.path("mbox"), mbox).unwrap();
    let socket = world.path("lmtp.sock");
    let server = world.serve_with(&["--lmtp", socket.to_str().unwrap(), "--no-precheck"]);
    let (world, socket, mda) = (&world, &socket, &mda);
    std::thread::scope(|scope| {
        for writer in 0..3 {
            scope.spawn(move || {
                for n in (0..30).filter(|n| n % 3 == writer) {
                    let args = ["deliver", "--no-precheck", "test"];
                    let done = with_input(world, &args, None, &mail(n));
                    assert!(done.status.success(), "{done:?}");
                }
            });
            scope.spawn(move || {
                for n in (100..160).filter(|n| n % 3 == writer) {
                    let answer = Caller::hand_in(socket, "test@lists.example.org", &mail(n));
                    assert_eq!(answer.as_deref(), Some("250"));
                }
            });
        }
        scope.spawn(|| world.done(&["import", "test", "mbox"]));
        if let Some(mda) = mda {
            for writer in 0..2 {
                scope.spawn(move || {
                    for n in (200..216).filter(|n| n % 2 == writer) {
                        let mut mda = peer(world, mda);
                        mda.env("ORIGINAL_RECIPIENT", "test@lists.example.org")
                            .arg("--no-precheck")
                            .stdin(Stdio::piped());
                        let mut child = mda.spawn().unwrap();
                        let mut input = child.stdin.take().unwrap();
                        std::io::Write::write_all(&mut input, &mail(n)).unwrap();
                        drop(input);
                        assert!(child.wait().unwrap().success());
                    }
                });
            }
        }
    });
    let mut all: Vec<u32> = (0..30).chain(100..160).chain(1000..1120).collect();
    if mda.is_some() {
        all.extend(200..216);
    }
    wait_until("all is shown", || {
        all.iter()
            .all(|n| server.get(&format!("/test/m{n}@weaver.example/")).status == 200)
    });
    drop(server);
    each_is_there_once(world, &all, "many writers");
    for entry in fs::read_dir(dir.join("git")).unwrap() {
        let merges = git_text(
            &entry.unwrap().path(),
            &["rev-list", "--merges", "--count", "HEAD"],
        );
        assert_eq!(merges.trim(), "0");
        // One line: what is not reachable from the tip was left by nobody.
    }
    all_is_well(world, "many writers", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
    if mda.is_none() {
        return;
    }
    // Its own numbers are those of history where it counts anew: a writer of its gives its mail a number before it has
    // seen what came from us.
    for entry in fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("msgmap") {
            fs::remove_file(entry).unwrap();
        } else if name.starts_with("xap") {
            fs::remove_dir_all(entry).unwrap();
        }
    }
    let mut index = peer(world, Path::new("public-inbox-index"));
    assert!(index.arg(&dir).status().unwrap().success());
    assert_eq!(theirs(&dir), world.articles());
    // And one of its writers takes out what came by ours.
    let mut learn = peer(world, Path::new("public-inbox-learn"));
    let mut child = learn
        .arg("rm")
        .arg("--all")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &mail(100)).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    world.index();
    let mut index = peer(world, Path::new("public-inbox-index"));
    assert!(index.arg(&dir).status().unwrap().success());
    assert_eq!(theirs(&dir), world.articles());
    assert_eq!(world.articles().len(), all.len() - 1);
    all_is_well(world, "a writer of public-inbox's", Numbers::Same);
}

/// The numbers that public-inbox gives, and the Message-IDs.
fn theirs(dir: &Path) -> Vec<(i64, String)> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    #[expect(
        clippy::disallowed_methods,
        reason = "a look into the database of another program"
    )]
    let sql = rusqlite::Connection::open_with_flags(dir.join("msgmap.sqlite3"), flags).unwrap();
    let mut statement = sql
        .prepare("SELECT num, mid FROM msgmap ORDER BY num")
        .unwrap();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}
