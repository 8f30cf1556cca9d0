//! What cannot be helped: the program is killed, the disk is full, files go away under it. Whatever happens, no mail that
//! was acknowledged is lost, none is there twice, and the indexes are those that git makes.
//!
//! The instants are drawn from a fixed seed. `THREADBARE_KILLS` is how often each kind of kill is tried: a few dozen times
//! if nothing is said, some hundreds for a night.

mod clock;
mod damage;
mod disk;
mod kills;
mod writers;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use threadbare::mail::Message;

use crate::support::incoming::{kept, new_inbox};
use crate::support::{Epoch, Mail, World, git};

/// Numbers that look drawn by lot, the same in every run (xorshift).
struct Lot(u64);

impl Lot {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

    fn new() -> Lot {
        Lot(Lot::SEED)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1)
    }

    fn instant(&mut self, within: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(within.as_micros()).unwrap()))
    }
}

fn mail(n: u32) -> Vec<u8> {
    let mail = Mail::new(&format!("m{n}@weaver.example"), &format!("Subject {n}"), n);
    let mail = mail.says(&format!(
        "Words of {n}.\n{}",
        "and more of them\n".repeat(20)
    ));
    match n % 4 {
        0 => mail.bytes(),
        _ => mail.answers(&format!("m{}@weaver.example", n - 1)).bytes(),
    }
}

fn mails(from: u32, to: u32) -> Vec<Vec<u8>> {
    (from..to).map(mail).collect()
}

/// A world with the inbox `test`, and so many mails in it.
fn world(count: u32) -> (World, Epoch) {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&mails(0, count));
    (world, epoch)
}

/// A world with the inbox `test` as `threadbare init` lays it, without mail.
fn empty_world() -> (World, PathBuf) {
    let mut world = World::new();
    let dir = new_inbox(&mut world, "test");
    (world, dir)
}

/// Who a signal that ends everything is sent to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// The program alone: what it has started goes on.
    Itself,
    /// The programs that it has started, too, as when the machine goes down.
    Everybody,
}

impl Whom {
    fn drawn(lot: &mut Lot) -> Whom {
        match lot.below(2) {
            0 => Whom::Itself,
            _ => Whom::Everybody,
        }
    }
}

/// Starts the program with a mail, or nothing, on its standard input.
fn start(world: &World, args: &[&str], input: &[u8]) -> Child {
    let mut program = world.program();
    program
        .args(args)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    // Mail that we write is shorter than what a pipe holds.
    child.stdin.take().unwrap().write_all(input).unwrap();
    child
}

/// Kills it, unless it has ended; gives how it ended.
fn kill(mut child: Child, whom: Whom) -> ExitStatus {
    if whom == Whom::Everybody {
        let group = format!("-{}", child.id());
        let kill = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        kill.unwrap();
    }
    // SIGKILL, on every system that has signals.
    child.kill().ok();
    child.wait().unwrap()
}

/// How long it takes when nobody kills it.
fn usual(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

/// Whether an index made anew has to give the same numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Same,
    /// What was purged has left its number behind, of which git knows nothing.
    Fewer,
}

/// What has to hold whatever has happened: git is whole, the indexes agree with it, and are those of an index made anew.
#[track_caller]
fn all_is_well(world: &World, what: &str, numbers: Numbers) {
    world.done(&["index", "--all"]);
    let repositories = fs::read_dir(world.path("lists/test/git")).unwrap();
    for repository in repositories.map(|entry| entry.unwrap().path()) {
        let output = git(&repository)
            .args(["fsck", "--full", "--no-dangling"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {said}");
    }
    world.done(&["fsck"]);
    let before = world.catalogue("index");
    let anew = world.path("anew");
    let anew = anew.to_str().unwrap();
    world.done(&["index", "--all", "--index-dir", anew]);
    world.done(&["fsck", "--index-dir", anew]);
    let after = world.catalogue("anew");
    match numbers {
        Numbers::Same => assert_eq!(before, after, "{what}: an index made anew is the same"),
        Numbers::Fewer => assert_eq!(without_numbers(&before), without_numbers(&after), "{what}"),
    }
    fs::remove_dir_all(anew).unwrap();
    let articles = world.articles();
    assert_eq!(
        articles.len(),
        before.len(),
        "{what}: each article is found"
    );
    let mut ids: Vec<&String> = articles.iter().map(|(_, mid)| mid).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), articles.len(), "{what}: none is there twice");
}

/// The catalogue without the columns that tell numbers.
fn without_numbers(rows: &[String]) -> Vec<String> {
    let row = |row: &String| {
        let mut columns: Vec<&str> = row.split('|').collect();
        columns.remove(14);
        columns.remove(1);
        columns.join("|")
    };
    rows.iter().map(row).collect()
}

/// How often each mail is in the inbox, by its Message-ID.
fn copies(world: &World) -> BTreeMap<String, u32> {
    let mut copies = BTreeMap::new();
    for raw in kept(&world.path("lists/test")) {
        let message = Message::parse(&raw);
        for mid in message.message_ids() {
            *copies.entry(mid.as_str().to_owned()).or_default() += 1;
        }
    }
    copies
}

/// Each of the mails that were acknowledged is there, and no mail is twice.
#[track_caller]
fn each_is_there_once(world: &World, acknowledged: &[u32], what: &str) {
    let copies = copies(world);
    for n in acknowledged {
        let id = format!("m{n}@weaver.example");
        assert_eq!(copies.get(&id), Some(&1), "{what}: {id} was acknowledged");
    }
    let twice: Vec<_> = copies.iter().filter(|(_, n)| **n > 1).collect();
    assert!(twice.is_empty(), "{what}: {twice:?}");
}
