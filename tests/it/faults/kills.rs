//! SIGKILL at random instants.

use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::incoming::with_input;
use crate::support::{Caller, git, git_text, wait_until};

use super::{
    Lot, Numbers, Whom, all_is_well, each_is_there_once, empty_world, kill, mail, mails, start,
    usual, world,
};

/// How often each kind of kill is tried.
pub(super) fn rounds() -> u32 {
    let set = std::env::var("THREADBARE_KILLS").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(24)
}

/// How often the program was killed before it had ended.
#[derive(Default)]
struct Toll {
    tried: u32,
    killed: u32,
}

impl Toll {
    /// Kills the program at a random instant of its work, unless it ends before; gives how it ended.
    ///
    /// `long` is how long that work takes when nobody kills it, by what was last seen of it: machines are now fast, now slow.
    fn strike(
        &mut self,
        mut child: Child,
        long: &mut Duration,
        lot: &mut Lot,
        whom: Whom,
    ) -> ExitStatus {
        self.tried += 1;
        let (began, after) = (Instant::now(), lot.instant(*long));
        while began.elapsed() < after {
            if let Some(status) = child.try_wait().unwrap() {
                *long = began.elapsed();
                return status;
            }
            std::thread::sleep(STEP);
        }
        let status = kill(child, whom);
        if status.code().is_none() {
            self.killed += 1;
            // The last instants of a run that takes longer are to be hit, too.
            *long += *long / 8;
        }
        status
    }

    /// A harness that kills nobody proves nothing.
    #[track_caller]
    fn tell(&self, what: &str) {
        let (seed, tried, killed) = (Lot::SEED, self.tried, self.killed);
        println!("{what}: killed {killed} of {tried} times, seed {seed:#x}");
        assert!(
            killed * 4 > tried,
            "{what}: killed {killed} of {tried} times"
        );
    }
}

/// How exactly the end of a program is seen.
const STEP: Duration = Duration::from_millis(1);

#[test]
fn killed_while_it_indexes() {
    let (world, mut epoch) = world(300);
    let mut long = [usual(|| drop(world.index())); 3];
    let expected = world.articles();
    let (mut lot, mut toll) = (Lot::new(), Toll::default());
    for round in 0..rounds() {
        match round % 3 {
            0 => fs::remove_dir_all(world.path("index")).unwrap(),
            1 => {
                let next = 300 + round * 10;
                epoch.add(&mails(next, next + 10));
            }
            _ => {}
        }
        let args: &[&str] = match round % 3 {
            2 => &["index", "--all", "--reindex"],
            _ => &["index", "--all"],
        };
        let long = &mut long[round as usize % 3];
        let index = start(&world, args, b"");
        toll.strike(index, long, &mut lot, Whom::Itself);
        if round % 2 == 0 {
            let index = start(&world, &["index", "--all"], b"");
            toll.strike(index, long, &mut lot, Whom::Itself);
        }
    }
    toll.tell("index");
    all_is_well(&world, "index", Numbers::Same);
    assert_eq!(world.articles()[..300], expected);
}

#[test]
fn killed_while_it_delivers() {
    let (mut world, dir) = empty_world();
    // Epochs begin and end while it is killed.
    world.set("epochSize = 1k");
    let deliver = ["deliver", "--no-precheck", "test"];
    let well = |raw: &[u8]| {
        let done = with_input(&world, &deliver, None, raw);
        assert!(done.status.success(), "{done:?}");
    };
    let mut long = usual(|| well(&mail(0)));
    let (mut lot, mut toll) = (Lot::new(), Toll::default());
    let mut acknowledged = vec![0];
    for n in 1..=rounds() {
        let raw = mail(n);
        let mut attempt = |lot: &mut Lot| {
            let child = start(&world, &deliver, &raw);
            toll.strike(child, &mut long, lot, Whom::Itself).success()
        };
        let mut told = attempt(&mut lot);
        // The mail server comes again, mostly; what it gives up on may be there or not.
        let patience = lot.below(4);
        for _ in 0..patience.min(2) {
            told = told || attempt(&mut lot);
        }
        if patience > 0 && !told {
            well(&raw);
            told = true;
        }
        if told {
            acknowledged.push(n);
        }
        if n % 8 == 0 {
            pack_newest(&dir);
        }
    }
    toll.tell("deliver");
    assert!(dir.join("git/1.git").exists(), "no epoch was ever full");
    each_is_there_once(&world, &acknowledged, "deliver");
    all_is_well(&world, "deliver", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}

/// As operators do now and then; only packs count when an epoch is measured.
pub(super) fn pack_newest(dir: &Path) {
    let newest = (0..).map(|n| dir.join(format!("git/{n}.git")));
    let newest = newest.take_while(|epoch| epoch.exists()).last().unwrap();
    let gc = git(&newest).args(["gc", "-q", "--prune=now"]).status();
    assert!(gc.unwrap().success());
}

/// Files that killed programs have left and that not even `git gc` takes away.
pub(super) fn leftovers(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir.join("git")).unwrap() {
        let epoch = entry.unwrap().path();
        git_text(&epoch, &["gc", "-q", "--prune=now"]);
        let said = git_text(&epoch, &["count-objects", "-v"]);
        found.extend(
            said.lines()
                .filter(|l| l.starts_with("garbage: ") && *l != "garbage: 0")
                .map(str::to_owned),
        );
        let mut dirs = vec![epoch.join("objects"), epoch.join("refs")];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() {
                    dirs.push(path);
                } else if name.contains("tmp_") || name.ends_with(".lock") {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    found
}

#[test]
fn killed_while_it_takes_mail_by_lmtp() {
    let (mut world, dir) = empty_world();
    world.set("epochSize = 8k");
    let socket = world.path("lmtp.sock");
    let args = ["--lmtp", socket.to_str().unwrap(), "--no-precheck"];
    let (mut lot, mut killed) = (Lot::new(), 0);
    let next = AtomicU32::new(0);
    let acknowledged = Mutex::new(Vec::new());
    let again = Mutex::new(Vec::new());
    for round in 0..rounds() {
        let server = world.serve_with(&args);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let waiting = again.lock().unwrap().pop();
                        let n = waiting.unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
                        match Caller::hand_in(&socket, "test@lists.example.org", &mail(n))
                            .as_deref()
                        {
                            Some("250") => acknowledged.lock().unwrap().push(n),
                            answer => {
                                assert!(matches!(answer, None | Some("451")), "{answer:?}");
                                again.lock().unwrap().push(n);
                            }
                        }
                    }
                });
            }
            // Within the time in which mail is taken, however long it takes until then.
            let before = acknowledged.lock().unwrap().len();
            wait_until("mail is taken", || {
                acknowledged.lock().unwrap().len() > before
            });
            std::thread::sleep(lot.instant(Duration::from_millis(250)));
            drop(server); // SIGKILL
            killed += 1;
            over.store(true, Ordering::Relaxed);
        });
        if round % 8 == 7 {
            pack_newest(&dir);
        }
    }
    let server = world.serve_with(&args);
    for n in again.into_inner().unwrap() {
        let answer = Caller::hand_in(&socket, "test@lists.example.org", &mail(n));
        assert_eq!(answer.as_deref(), Some("250"), "m{n} comes again");
        acknowledged.lock().unwrap().push(n);
    }
    drop(server);
    let acknowledged = acknowledged.into_inner().unwrap();
    println!(
        "LMTP: killed {killed} times, {} mails, seed {:#x}",
        acknowledged.len(),
        Lot::SEED
    );
    assert_eq!(acknowledged.len(), next.into_inner() as usize);
    each_is_there_once(&world, &acknowledged, "LMTP");
    all_is_well(&world, "LMTP", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}

#[test]
fn killed_while_it_imports() {
    let (mut world, dir) = empty_world();
    world.set("epochSize = 30k");
    let (mut lot, mut toll) = (Lot::new(), Toll::default());
    let (mut next, mut long) = (0, Duration::ZERO);
    for round in 0..rounds().div_ceil(3) + 1 {
        let count = 150 + u32::try_from(lot.below(300)).unwrap();
        let mut mbox = Vec::new();
        for raw in mails(next, next + count) {
            threadbare::mail::mboxrd(&raw, &mut mbox);
        }
        next += count;
        let name = format!("{round}.mbox");
        fs::write(world.path(&name), mbox).unwrap();
        let import = ["import", "test", &name];
        if round > 0 {
            for _ in 0..3 {
                let import = start(&world, &import, b"");
                toll.strike(import, &mut long, &mut lot, Whom::Itself);
            }
        }
        long = usual(|| drop(world.done(&import)));
    }
    toll.tell("import");
    assert!(dir.join("git/1.git").exists(), "no epoch was ever full");
    let all: Vec<u32> = (0..next).collect();
    each_is_there_once(&world, &all, "import");
    all_is_well(&world, "import", Numbers::Same);
    assert_eq!(leftovers(&dir), Vec::<String>::new());
}

#[test]
fn killed_while_it_removes_and_edits_and_purges() {
    let deeds = rounds();
    let (world, _) = world(deeds + 30);
    world.index();
    let before = world.articles();
    let (mut lot, mut toll) = (Lot::new(), Toll::default());
    let edited = |n: u32| {
        let text = String::from_utf8(mail(n)).unwrap();
        text.replace("Words of", "Edited words of").into_bytes()
    };
    let command = |n: u32| {
        let id = format!("m{n}@weaver.example");
        let file = format!("{n}.eml");
        match n % 3 {
            0 => vec!["rm".to_owned(), "test".to_owned(), "-m".to_owned(), id],
            1 => vec!["purge".to_owned(), "test".to_owned(), "-m".to_owned(), id],
            _ => {
                fs::write(world.path(&file), edited(n)).unwrap();
                ["edit", "test", "-m", &id, "--with", &file]
                    .map(str::to_owned)
                    .to_vec()
            }
        }
    };
    let mut long = [Duration::ZERO; 3];
    for n in 0..deeds + 3 {
        let command = command(n);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let usual_time = &mut long[n as usize % 3];
        if n < 3 {
            *usual_time = usual(|| drop(world.done(&command)));
            continue;
        }
        let whom = Whom::drawn(&mut lot);
        let child = start(&world, &command, b"");
        toll.strike(child, usual_time, &mut lot, whom);
        let output = world.run(&command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // What was removed before the kill cannot be removed again, and what was edited needs no edit.
        assert!(
            output.status.success() || (n % 3 != 1 && !said.contains("git:")),
            "m{n}: {said}"
        );
        if n % 3 != 0 {
            let oid = threadbare::id::Oid::of_blob(&mail(n)).to_string();
            let there = git(&world.path("lists/test/git/0.git"))
                .args(["cat-file", "-e", &oid])
                .output()
                .unwrap();
            assert!(!there.status.success(), "m{n} is still in git");
        }
    }
    toll.tell("rm, edit and purge");
    world.done(&["index", "--all"]);
    let last = i64::from(deeds) + 3;
    let stays = |(num, _): &(i64, String)| *num > last || (num - 1) % 3 == 2;
    let expected: Vec<(i64, String)> = before.into_iter().filter(stays).collect();
    assert_eq!(world.articles(), expected);
    let kept = crate::support::incoming::kept(&world.path("lists/test"));
    let words: Vec<bool> = kept
        .iter()
        .map(|raw| memchr::memmem::find(raw, b"Edited words").is_some())
        .collect();
    // What was purged is an empty blob.
    let done = |n: u32| n < deeds + 3;
    let in_git = (0..deeds + 30).filter(|n| !done(*n) || n % 3 != 0);
    let expected: Vec<bool> = in_git.map(|n| done(n) && n % 3 == 2).collect();
    assert_eq!(words, expected, "each that was edited says so");
    // What a killed `git repack` leaves is not looked at.
    all_is_well(&world, "purge", Numbers::Fewer);
}

#[test]
fn killed_while_it_serves() {
    let (world, mut epoch) = world(40);
    let mut lot = Lot::new();
    let mut next = 40;
    for _ in 0..rounds() {
        let server = world.serve();
        epoch.add(&mails(next, next + 5));
        next += 5;
        std::thread::sleep(lot.instant(Duration::from_millis(1000)));
        drop(server); // SIGKILL
    }
    println!("serve: killed {} times, seed {:#x}", rounds(), Lot::SEED);
    let server = world.serve();
    let newest = format!("/test/m{}@weaver.example/", next - 1);
    wait_until("the newest mail is there", || {
        server.get(&newest).status == 200
    });
    all_is_well(&world, "serve", Numbers::Same);
    assert_eq!(world.articles().len(), next as usize);
}

/// A writer that was killed while it moved the branch has left its lock, and git may have left one of its own.
#[test]
fn locks_that_were_left_behind_are_taken_over() {
    let (world, _) = world(3);
    let lock = world.path("lists/test/git/0.git/refs/heads/master.lock");
    let deliver = |n: u32| {
        let output = with_input(
            &world,
            &["deliver", "--no-precheck", "test"],
            None,
            &mail(n),
        );
        output.status.code()
    };
    fs::write(&lock, "0123456789012345678901234567890123456789\n").unwrap();
    assert_eq!(deliver(3), Some(0));
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1 << 30);
    fs::write(&lock, "").unwrap();
    assert_eq!(deliver(4), Some(75), "git may be at work");
    let file = fs::File::options().write(true).open(&lock).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(deliver(4), Some(0));
    // The branch by another name, as it is for a moment.
    let (branch, tip) = (
        lock.with_extension(""),
        world.path("lists/test/git/0.git/threadbare.tip"),
    );
    fs::hard_link(&branch, &tip).unwrap();
    assert_eq!(deliver(5), Some(0));
    assert!(!tip.exists());
    each_is_there_once(&world, &[0, 1, 2, 3, 4, 5], "locks");
    all_is_well(&world, "locks", Numbers::Same);
}
