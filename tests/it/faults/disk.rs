//! The disk is full, at every write.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::incoming::{new_inbox, with_input};
use crate::support::{Caller, World, wait_until};

use super::kills::{leftovers, pack_newest};
use super::{Numbers, all_is_well, copies, each_is_there_once, mail, mails, world};

/// The program with no file of its own allowed to grow beyond so many blocks of 512 bytes: what a full disk looks like.
fn on_a_full_disk(world: &World, blocks: u64, args: &[&str]) -> std::process::Output {
    let program = world.program();
    let mut shell = Command::new("sh");
    // Ignored, so that to write fails (EFBIG) and does not kill.
    shell.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""),
        "sh",
    ]);
    shell
        .arg(program.get_program())
        .args(args)
        .current_dir(world.path(""));
    shell.env_clear();
    shell.envs(
        program
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell.stdin(Stdio::null());
    shell.output().unwrap()
}

#[test]
fn a_full_disk_at_every_write() {
    let (world, _) = world(80);
    world.index();
    let expected = world.articles();
    let mut failed = 0;
    for blocks in [
        0, 1, 2, 4, 8, 16, 32, 64, 100, 150, 200, 300, 500, 800, 1200, 100_000,
    ] {
        fs::remove_dir_all(world.path("index")).unwrap();
        let output = on_a_full_disk(&world, blocks, &["index", "--all"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some(),
            "{blocks}: it was killed: {said}"
        );
        assert!(!said.contains("panicked at"), "{blocks}: {said}");
        failed += u32::from(!output.status.success());
        world.done(&["index", "--all"]);
        assert_eq!(world.articles(), expected, "{blocks}");
        world.done(&["fsck"]);
    }
    assert!(failed > 3, "the disk was never full");
    let id = "m9@weaver.example";
    for blocks in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 40, 80] {
        let output = on_a_full_disk(&world, blocks, &["purge", "test", "-m", id]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some() && !said.contains("panicked at"),
            "{blocks}: {said}"
        );
        world.done(&["index", "--all"]);
        world.done(&["fsck"]);
    }
    world.done(&["purge", "test", "-m", id]);
    all_is_well(&world, "a full disk", Numbers::Fewer);
    assert_eq!(world.articles().len(), expected.len() - 1);
}

/// A small disk of its own, filled and emptied as a test likes; gone when it is dropped.
struct Disk {
    dir: TempDir,
}

impl Disk {
    /// `None` where nobody may mount one, saying so.
    fn new() -> Option<Disk> {
        let disk = Disk {
            dir: TempDir::new().unwrap(),
        };
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(disk.dir.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(disk);
        }
        skipped!("a small disk cannot be mounted here");
        None
    }

    fn filler(&self) -> PathBuf {
        self.dir.path().join("filler")
    }

    /// Leaves so many pages of 4096 bytes free.
    fn leave(&self, pages: u64) {
        let mut file = fs::File::create(self.filler()).unwrap();
        let page = [1; 4096];
        let mut written = 0;
        while file.write_all(&page).is_ok() {
            written += 1;
        }
        file.set_len(u64::saturating_sub(written, pages) * 4096)
            .unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount")
            .arg("-l")
            .arg(self.dir.path())
            .status()
            .ok();
    }
}

/// How much room is left: as little as that each of the first writes fails at some run, and as much as that all succeed.
const PAGES: [u64; 27] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 100, 150,
    250, 600,
];

#[track_caller]
fn told_well(what: &str, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code().is_some() && !said.contains("panicked at"),
        "{what}: {said}"
    );
}

#[test]
fn mail_is_delivered_to_a_full_disk() {
    let Some(disk) = Disk::new() else { return };
    let mut world = World::below(disk.dir.path());
    let dir = new_inbox(&mut world, "test");
    // Epochs begin where there is no room for them.
    world.set("epochSize = 1k");
    let deliver = ["deliver", "--no-precheck", "test"];
    let (mut refused, mut taken) = (0, 0);
    for (n, pages) in (0..).zip(PAGES) {
        disk.leave(pages);
        let done = with_input(&world, &deliver, None, &mail(n));
        told_well(&format!("deliver, {pages} pages"), &done);
        let there = copies(&world).contains_key(&format!("m{n}@weaver.example"));
        match done.status.code() {
            Some(0) => taken += 1,
            Some(75) => refused += 1,
            _ => panic!("{pages} pages: {done:?}"),
        }
        assert!(
            there || done.status.code() == Some(75),
            "m{n} was acknowledged"
        );
        disk.make_room();
        let again = with_input(&world, &deliver, None, &mail(n));
        assert!(again.status.success(), "{pages} pages: {again:?}");
        if n % 5 == 4 {
            pack_newest(&dir);
        }
    }
    println!("deliver: {refused} times 75, {taken} times 0");
    assert!(refused > 3 && taken > 3);
    let all: Vec<u32> = (0..u32::try_from(PAGES.len()).unwrap()).collect();
    each_is_there_once(&world, &all, "a full disk");
    all_is_well(&world, "a full disk", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}

#[test]
fn mail_comes_by_lmtp_to_a_full_disk() {
    let Some(disk) = Disk::new() else { return };
    let mut world = World::below(disk.dir.path());
    let dir = new_inbox(&mut world, "test");
    let socket = world.path("lmtp.sock");
    let server = world.serve_with(&["--lmtp", socket.to_str().unwrap(), "--no-precheck"]);
    let hand_in = |n: u32| Caller::hand_in(&socket, "test@lists.example.org", &mail(n)).unwrap();
    let mut refused = 0;
    for (n, pages) in (0..).zip(PAGES) {
        disk.leave(pages);
        let answer = hand_in(n);
        assert!(
            matches!(&*answer, "250" | "452" | "451"),
            "{pages}: {answer}"
        );
        assert!(pages > 0 || answer == "452", "{pages}: {answer}");
        refused += u32::from(answer != "250");
        let front = server.get("/").status;
        assert_eq!(front, 200, "{pages}");
        disk.make_room();
        assert_eq!(hand_in(n), "250", "{pages}");
    }
    println!("LMTP: {refused} times refused");
    assert!(refused > 3);
    let last = format!("/test/m{}@weaver.example/", PAGES.len() - 1);
    wait_until("the newest is shown", || server.get(&last).status == 200);
    drop(server);
    let all: Vec<u32> = (0..u32::try_from(PAGES.len()).unwrap()).collect();
    each_is_there_once(&world, &all, "LMTP");
    all_is_well(&world, "LMTP", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}

#[test]
fn mail_is_imported_and_removed_and_purged_on_a_full_disk() {
    let Some(disk) = Disk::new() else { return };
    let mut world = World::below(disk.dir.path());
    let dir = new_inbox(&mut world, "test");
    world.set("epochSize = 12k");
    let mut failed = [0; 4];
    let mut gone = Vec::new();
    for (n, pages) in (0_u32..).zip(PAGES.into_iter().step_by(2)) {
        let mut mbox = Vec::new();
        for raw in mails(n * 40, n * 40 + 40) {
            threadbare::mail::mboxrd(&raw, &mut mbox);
        }
        fs::write(world.path("mbox"), mbox).unwrap();
        let id = |at: u32| format!("m{}@weaver.example", n * 40 + at);
        let (rm, purge) = (id(3), id(5));
        gone.extend([n * 40 + 3, n * 40 + 5]);
        let commands: [&[&str]; 4] = [
            &["import", "test", "mbox"],
            &["index", "--all", "--reindex"],
            &["rm", "test", "-m", &rm],
            &["purge", "test", "-m", &purge],
        ];
        for (kind, command) in commands.into_iter().enumerate() {
            disk.leave(pages);
            let done = world.run(command);
            told_well(&format!("{command:?}, {pages} pages"), &done);
            failed[kind] += u32::from(!done.status.success());
            disk.make_room();
            let again = world.run(command);
            let said = String::from_utf8_lossy(&again.stderr);
            // What was removed at the first time is not there at the second.
            assert!(
                again.status.success() || (kind == 2 && said.contains("no such mail")),
                "{command:?}, {pages}: {said}"
            );
        }
    }
    println!(
        "import, index, rm, purge failed {failed:?} times of {}",
        PAGES.len().div_ceil(2)
    );
    assert!(failed.iter().all(|times| *times > 2), "{failed:?}");
    let count = 40 * u32::try_from(PAGES.len().div_ceil(2)).unwrap();
    let all: Vec<u32> = (0..count).filter(|n| !gone.contains(n)).collect();
    each_is_there_once(&world, &all, "a full disk");
    assert_eq!(world.articles().len(), all.len());
    all_is_well(&world, "a full disk", Numbers::Fewer);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}
