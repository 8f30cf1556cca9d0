//! The clock goes back, or was ahead.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Ask, World, program, wait_until};

use super::{Numbers, all_is_well, copies, each_is_there_once, mail, world};

#[test]
fn the_clock_goes_back() {
    let (world, _) = world(12);
    world.index();
    world.done(&["rm", "test", "-n", "3"]);
    // As written by a clock that was years ahead.
    let file = world.path("lists/test/tombstones");
    let text = fs::read_to_string(&file).unwrap();
    let year = &text.lines().nth(1).unwrap()[..4];
    fs::write(&file, text.replace(&format!("\n{year}-"), "\n2190-")).unwrap();
    world.done(&["rm", "test", "-n", "4"]);
    world.done(&["purge", "test", "-n", "5"]);
    let server = world.serve();
    for n in [2, 3, 4] {
        wait_until("each is gone", || {
            server.get(&format!("/test/m{n}@weaver.example/")).status == 410
        });
    }
    // Files of the index that are from the future, and commits that are not in the order of their dates.
    let future = fs::File::options()
        .write(true)
        .open(world.path("index/catalogue.sqlite3"))
        .unwrap();
    future
        .set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1 << 33))
        .unwrap();
    all_is_well(&world, "clock", Numbers::Fewer);
}

/// The program with a mail on its input, at another time, such as `-400d`. `None` where no clock can be set, saying so.
fn at(world: &World, when: &str, args: &[&str], input: &[u8]) -> Option<Output> {
    let faketime = program("faketime")?;
    let ours = world.program();
    let mut command = Command::new(faketime);
    command
        .args(["-f", when])
        .arg(ours.get_program())
        .args(args)
        .current_dir(world.path(""))
        .env_clear()
        .envs(
            ours.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("DONT_FAKE_MONOTONIC", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Some(child.wait_with_output().unwrap())
}

#[test]
fn mail_comes_and_goes_while_the_clock_goes_back_and_forth() {
    let (world, dir) = super::empty_world();
    let server = world.serve();
    let deliver = ["deliver", "--no-precheck", "test"];
    let mut seen: Vec<(String, String)> = Vec::new();
    let times = ["+0d", "-400d", "+400d", "-10d", "-401d", "+400d", "+0d"];
    for (n, when) in (0..).zip(times) {
        let Some(done) = at(&world, when, &deliver, &mail(n)) else {
            return;
        };
        assert!(done.status.success(), "{when}: {done:?}");
        let page = format!("/test/m{n}@weaver.example/");
        wait_until("it is shown", || server.get(&page).status == 200);
        for path in ["/test/", "/test/new.atom"] {
            let now = server.get(path).ok();
            let tag = now.header("etag").unwrap().to_owned();
            assert!(
                now.text().contains(&format!("m{n}@")),
                "{path} has what came last"
            );
            assert!(
                !seen.contains(&(path.to_owned(), tag.clone())),
                "{path} after {when}"
            );
            let old = seen.iter().filter(|(known, _)| known == path);
            for (_, old) in old {
                let ask = Ask::get(path).with("If-None-Match", old);
                assert_eq!(server.ask(ask).status, 200);
            }
            seen.push((path.to_owned(), tag));
        }
    }
    let numbers: Vec<i64> = world.articles().into_iter().map(|(num, _)| num).collect();
    assert_eq!(
        numbers,
        [1, 2, 3, 4, 5, 6, 7],
        "in the order in which it came"
    );
    assert!(
        at(&world, "-400d", &["index", "--all"], b"")
            .unwrap()
            .status
            .success()
    );

    // What is said of a mail last holds, whenever it was said.
    let is_there = || copies(&world).contains_key("m1@weaver.example");
    let rm = ["rm", "test", "-m", "m1@weaver.example"];
    for (when, args, there) in [
        ("+400d", &rm[..], false),
        ("+0d", &deliver[..], false),
        ("-400d", &["learn", "ham"][..], true),
        ("+0d", &rm[..], false),
        ("-10d", &deliver[..], false),
        ("+400d", &deliver[..], false),
    ] {
        let done = at(&world, when, args, &mail(1)).unwrap();
        assert!(done.status.success(), "{when} {args:?}: {done:?}");
        assert_eq!(is_there(), there, "{when} {args:?}");
        let status = if there { 200 } else { 410 };
        wait_until("it is shown so", || {
            server.get("/test/m1@weaver.example/").status == status
        });
    }
    drop(server);
    all_is_well(&world, "the clock", Numbers::Same);
    each_is_there_once(&world, &[0, 2, 3, 4, 5, 6], "the clock");
    assert!(dir.join("tombstones").exists());
}
