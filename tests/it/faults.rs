//! What cannot be helped: the program is killed, the disk is full, files go away under it. Whatever happens, no mail that
//! was acknowledged is lost, none is there twice, and the indexes are those that git makes.
//!
//! The instants are drawn from a fixed seed. `THREADBARE_FAULTS` is how often each kind of kill is tried: a few times if
//! nothing is said, some hundreds for a night.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Epoch, Mail, World, git, wait_until};

/// How often each kind of kill is tried.
fn rounds() -> u32 {
    let set = std::env::var("THREADBARE_FAULTS").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(4)
}

/// Numbers that look drawn by lot, the same in every run (xorshift).
struct Lot(u64);

impl Lot {
    fn new() -> Lot {
        Lot(0x9e37_79b9_7f4a_7c15)
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

fn mails(from: u32, to: u32) -> Vec<Vec<u8>> {
    let mail = |n: u32| {
        let mail = Mail::new(&format!("m{n}@weaver.example"), &format!("Subject {n}"), n);
        let mail = mail.says(&format!(
            "Words of {n}.\n{}",
            "and more of them\n".repeat(20)
        ));
        match n % 4 {
            0 => mail.bytes(),
            _ => mail.answers(&format!("m{}@weaver.example", n - 1)).bytes(),
        }
    };
    (from..to).map(mail).collect()
}

fn spawn(world: &World, args: &[&str]) -> Child {
    let mut program = world.program();
    program
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    program.spawn().unwrap()
}

/// Kills it after that long, unless it has ended by then; gives how it ended.
fn kill_after(mut child: Child, after: Duration) -> ExitStatus {
    std::thread::sleep(after);
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

#[track_caller]
fn done(world: &World, args: &[&str]) -> String {
    let output = world.run(args);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}{problem}");
    said
}

/// Number and Message-ID of every article.
fn articles(world: &World) -> Vec<(i64, String)> {
    let found = done(
        world,
        &[
            "search",
            "-i",
            "test",
            "--format",
            "json",
            "-n",
            "100000",
            "d:1990-01-01..",
        ],
    );
    let article = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        (
            json["number"].as_i64().unwrap(),
            json["mid"].as_str().unwrap().to_owned(),
        )
    };
    let mut articles: Vec<(i64, String)> = found.lines().map(article).collect();
    articles.sort();
    articles
}

/// What has to hold whatever has happened: git is whole, the indexes agree with it, and are those of an index made anew.
#[track_caller]
fn all_is_well(world: &World, what: &str) {
    done(world, &["index", "--all"]);
    let git_fsck = git(&world.path("lists/test/git/0.git"))
        .args(["fsck", "--full", "--no-dangling"])
        .output()
        .unwrap();
    assert!(
        git_fsck.status.success(),
        "{what}: {}",
        String::from_utf8_lossy(&git_fsck.stderr)
    );
    done(world, &["fsck"]);
    let before = articles(world);
    let numbers: Vec<i64> = before.iter().map(|(num, _)| *num).collect();
    let anew = world.path("anew");
    let anew_name = anew.to_str().unwrap();
    done(world, &["index", "--all", "--index-dir", anew_name]);
    let args = [
        "search",
        "-i",
        "test",
        "--format",
        "json",
        "-n",
        "100000",
        "d:1990-01-01..",
        "--index-dir",
        anew_name,
    ];
    let count = done(world, &args).lines().count();
    assert_eq!(
        count,
        before.len(),
        "{what}: an index made anew has as many"
    );
    fs::remove_dir_all(anew).unwrap();
    let mut once = numbers.clone();
    once.dedup();
    assert_eq!(once, numbers, "{what}");
    let mut ids: Vec<&String> = before.iter().map(|(_, mid)| mid).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), before.len(), "{what}: none is there twice");
}

fn world(count: u32) -> (World, Epoch) {
    let mut world = World::new();
    let mut epoch = world.inbox("test");
    epoch.add(&mails(0, count));
    (world, epoch)
}

#[test]
fn killed_while_it_indexes() {
    let (world, mut epoch) = world(300);
    let long = usual(|| drop(world.index()));
    let expected = articles(&world);
    let mut lot = Lot::new();
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
        kill_after(spawn(&world, args), lot.instant(long));
        if round % 2 == 0 {
            kill_after(spawn(&world, &["index", "--all"]), lot.instant(long));
        }
    }
    all_is_well(&world, "index");
    assert_eq!(articles(&world)[..300], expected);
}

#[test]
fn killed_while_it_removes_and_purges() {
    let (world, _) = world(60);
    world.index();
    let before = articles(&world);
    let mut lot = Lot::new();
    let long = usual(|| drop(done(&world, &["purge", "test", "-m", "m0@weaver.example"])));
    let last = 1 + rounds().min(58);
    for n in 1..=last {
        let id = format!("m{n}@weaver.example");
        let command: [&str; 4] = match n % 3 {
            0 => ["rm", "test", "-m", &id],
            _ => ["purge", "test", "-m", &id],
        };
        kill_after(spawn(&world, &command), lot.instant(long));
        let output = world.run(&command);
        if n % 3 != 0 {
            assert!(
                output.status.success(),
                "{id}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let raw = mails(n, n + 1).remove(0);
            let mut hash = git(&world.path("lists/test/git/0.git"));
            let mut hash = hash
                .args(["hash-object", "--stdin"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            hash.stdin.take().unwrap().write_all(&raw).unwrap();
            let oid = String::from_utf8(hash.wait_with_output().unwrap().stdout).unwrap();
            let there = git(&world.path("lists/test/git/0.git"))
                .args(["cat-file", "-e", oid.trim()])
                .output()
                .unwrap();
            assert!(!there.status.success(), "{id} is still in git");
        }
    }
    done(&world, &["index", "--all"]);
    let expected: Vec<(i64, String)> = before
        .into_iter()
        .filter(|(num, _)| *num > i64::from(last) + 1)
        .collect();
    assert_eq!(articles(&world), expected);
    all_is_well(&world, "purge");
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
        std::thread::sleep(lot.instant(Duration::from_millis(1500)));
        drop(server); // SIGKILL
    }
    let server = world.serve();
    let newest = format!("/test/m{}@weaver.example/", next - 1);
    wait_until("the newest mail is there", || {
        server.get(&newest).status == 200
    });
    all_is_well(&world, "serve");
    assert_eq!(articles(&world).len(), next as usize);
}

#[test]
fn index_files_deleted_while_it_serves() {
    let (world, _) = world(30);
    world.index();
    let expected = articles(&world);
    let server = world.serve();
    let answers = || {
        let found = server.get("/test/?q=Subject");
        server.get("/test/m7@weaver.example/").status == 200
            && found.status == 200
            && found.text().contains("m7@")
    };
    wait_until("it is up", answers);
    for what in ["all", "catalogue", "words", "one file of words"] {
        match what {
            "all" => fs::remove_dir_all(world.path("index")).unwrap(),
            "catalogue" => fs::remove_file(world.path("index/catalogue.sqlite3")).unwrap(),
            "words" => fs::remove_dir_all(world.path("index/words")).unwrap(),
            _ => {
                let dir = fs::read_dir(world.path("index/words"))
                    .unwrap()
                    .flatten()
                    .next()
                    .unwrap()
                    .path();
                fs::remove_file(dir.join("meta.json")).unwrap();
            }
        }
        wait_until("the indexes are made anew", || {
            world.path("index/catalogue.sqlite3").exists()
                && server.get("/test/m29@weaver.example/").status == 200
                && answers()
        });
        wait_until("they are whole", || world.run(&["fsck"]).status.success());
        assert_eq!(articles(&world), expected, "{what}");
    }
}

#[test]
fn damaged_indexes_and_objects_leave_the_server_answering() {
    let (world, _) = world(30);
    world.index();
    let server = world.serve();
    wait_until("it is up", || {
        server.get("/test/m7@weaver.example/").status == 200
    });
    // A pack whose middle is gone.
    git(&world.path("lists/test/git/0.git"))
        .args(["gc", "-q"])
        .status()
        .unwrap();
    let packs = fs::read_dir(world.path("lists/test/git/0.git/objects/pack"))
        .unwrap()
        .flatten()
        .map(|e| e.path());
    let pack = packs
        .into_iter()
        .find(|path| path.extension().is_some_and(|x| x == "pack"))
        .unwrap();
    let whole = fs::read(&pack).unwrap();
    let mut damaged = whole.clone();
    let third = damaged.len() / 3;
    damaged[third..third + 600].fill(0);
    replace(&pack, &damaged);
    for n in 0..30 {
        let status = server.get(&format!("/test/m{n}@weaver.example/")).status;
        assert!(status == 200 || status == 500, "m{n}: {status}");
    }
    assert_eq!(server.get("/").status, 200);
    assert!(!world.run(&["fsck"]).status.success());
    replace(&pack, &whole);
    wait_until("it reads again", || {
        server
            .get("/test/m7@weaver.example/")
            .ok()
            .text()
            .contains("Words of 7")
    });
    // A catalogue of garbage, and its repair beside the running server.
    let file = world.path("index/catalogue.sqlite3");
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0x33);
    let damaged = world.path("damaged");
    fs::write(&damaged, bytes).unwrap();
    fs::rename(&damaged, &file).unwrap();
    for _ in 0..5 {
        let status = server.get("/test/m7@weaver.example/").status;
        assert!(matches!(status, 200 | 300 | 404 | 500), "{status}");
    }
    wait_until("it is repaired", || {
        world.run(&["fsck", "--repair"]).status.success()
    });
    wait_until("it is shown again", || {
        server.get("/test/m7@weaver.example/").status == 200
    });
    all_is_well(&world, "damage");
}

/// Puts a file with these bytes in the place of one that may not be written.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(new, path).unwrap();
}

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
    let expected = articles(&world);
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
        assert!(!said.contains("panicked"), "{blocks}: {said}");
        failed += u32::from(!output.status.success());
        done(&world, &["index", "--all"]);
        assert_eq!(articles(&world), expected, "{blocks}");
        done(&world, &["fsck"]);
    }
    assert!(failed > 3, "the disk was never full");
    let id = "m9@weaver.example";
    for blocks in [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 40, 80] {
        let output = on_a_full_disk(&world, blocks, &["purge", "test", "-m", id]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code().is_some() && !said.contains("panicked"),
            "{blocks}: {said}"
        );
        done(&world, &["index", "--all"]);
        done(&world, &["fsck"]);
    }
    done(&world, &["purge", "test", "-m", id]);
    all_is_well(&world, "a full disk");
    assert_eq!(articles(&world).len(), expected.len() - 1);
}

#[test]
fn the_clock_goes_back() {
    let (world, _) = world(12);
    world.index();
    done(&world, &["rm", "test", "-n", "3"]);
    // As written by a clock that was years ahead.
    let file = world.path("lists/test/tombstones");
    let text = fs::read_to_string(&file).unwrap();
    let year = &text.lines().nth(1).unwrap()[..4];
    fs::write(&file, text.replace(&format!("\n{year}-"), "\n2190-")).unwrap();
    done(&world, &["rm", "test", "-n", "4"]);
    done(&world, &["purge", "test", "-n", "5"]);
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
    all_is_well(&world, "clock");
}
