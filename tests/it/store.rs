//! git, from outside: what is written can be read again, and what others wrote, or broke, can be read too.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail like the test itself"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use threadbare::id::{EpochNum, Oid};
use threadbare::store::{
    Blobs, Change, CommitMeta, Epoch, Layout, RefsWatch, Times, Version, What, Who, Writer, append,
    append_many, init_inbox, refs_stamp, remove,
};
use threadbare::time::Timestamp;

fn mail(n: usize) -> Vec<u8> {
    format!("From: a@example.com\nMessage-ID: <{n}@example.com>\nSubject: {n}\n\nNumber {n}.\n")
        .into_bytes()
}

fn meta(n: usize) -> CommitMeta {
    let who = |name: &str, time| Who {
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        time: Timestamp(time),
        zone: 120,
    };
    CommitMeta {
        author: who("a", 1_000_000 + n as i64),
        committer: who("list", 2_000_000 - n as i64),
        subject: format!("number {n}"),
    }
}

/// An inbox with mails `0..count`, and the names of their blobs.
fn inbox(count: usize) -> (TempDir, Vec<Oid>) {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), Some("A list")).unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let blobs = (0..count).map(|n| writer.append(&mail(n), &meta(n)).unwrap());
    let blobs = blobs.collect();
    drop(writer);
    (dir, blobs)
}

fn epoch(dir: &TempDir, number: u32) -> Epoch {
    Epoch::open(&dir.path().join(format!("git/{number}.git"))).unwrap()
}

fn tip(epoch: &Epoch) -> Oid {
    epoch.tip().unwrap().unwrap()
}

fn whats(changes: &[Change]) -> Vec<What> {
    changes.iter().map(|c| c.what.clone()).collect()
}

fn history(path: &Path) -> Vec<What> {
    let epoch = Epoch::open(path).unwrap();
    whats(&epoch.walk(None, tip(&epoch)).unwrap())
}

fn added(blobs: &[Oid]) -> Vec<What> {
    blobs.iter().copied().map(What::Added).collect()
}

/// Removes the file of a loose object.
fn lose(repository: &Path, oid: Oid) {
    let hex = oid.to_string();
    let path = repository.join("objects").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(path).unwrap();
}

fn theirs(oid: Oid) -> git2::Oid {
    git2::Oid::from_bytes(&oid.0).unwrap()
}

fn ours(oid: git2::Oid) -> Oid {
    Oid::from_bytes(oid.as_bytes()).unwrap()
}

/// A commit of the tree with these files, written by libgit2.
fn commit(repo: &git2::Repository, files: &[(&str, &[u8])], parents: &[git2::Oid]) -> git2::Oid {
    let mut index = git2::Index::new().unwrap();
    for (path, bytes) in files {
        index
            .add(&git2::IndexEntry {
                ctime: git2::IndexTime::new(0, 0),
                mtime: git2::IndexTime::new(0, 0),
                dev: 0,
                ino: 0,
                mode: 0o100_644,
                uid: 0,
                gid: 0,
                file_size: 0,
                id: repo.blob(bytes).unwrap(),
                flags: 0,
                flags_extended: 0,
                path: path.as_bytes().to_vec(),
            })
            .unwrap();
    }
    let tree = repo.find_tree(index.write_tree_to(repo).unwrap()).unwrap();
    let who = git2::Signature::new("x", "x@example.com", &git2::Time::new(9, 0)).unwrap();
    let parents: Vec<_> = parents
        .iter()
        .map(|p| repo.find_commit(*p).unwrap())
        .collect();
    let parents: Vec<_> = parents.iter().collect();
    repo.commit(None, &who, &who, "x", &tree, &parents).unwrap()
}

fn point(repo: &git2::Repository, to: git2::Oid) {
    let head = repo.find_reference("HEAD").unwrap();
    let branch = head.symbolic_target().unwrap().unwrap().to_owned();
    repo.reference(&branch, to, true, "").unwrap();
}

/// Runs git; `None`, and a word about it, where there is no git here.
fn git(dir: &Path, args: &[&str]) -> Option<String> {
    let run = Command::new("git").arg("-C").arg(dir).args(args).output();
    let Ok(output) = run else {
        skipped!("git is not installed");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_was_appended_is_read_again_in_order() {
    let (dir, blobs) = inbox(5);
    let epoch = epoch(&dir, 0);
    let changes = epoch.walk(None, tip(&epoch)).unwrap();
    assert_eq!(whats(&changes), added(&blobs));
    let times = Times {
        author: Timestamp(1_000_003),
        committer: Timestamp(1_999_997),
    };
    assert_eq!(changes[3].times, times);
    assert_eq!(epoch.read(blobs[3]).unwrap(), Some(mail(3)));

    let since = epoch.walk(Some(changes[2].commit), tip(&epoch)).unwrap();
    assert_eq!(since, changes[3..]);
    assert!(
        epoch
            .walk(Some(tip(&epoch)), tip(&epoch))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_removal_names_the_blob_that_was_added() {
    let (dir, blobs) = inbox(3);
    remove(dir.path(), blobs[1], &meta(9)).unwrap();
    remove(dir.path(), blobs[0], &meta(9)).unwrap();
    append(dir.path(), &mail(0), &meta(0)).unwrap();
    let mut expected = added(&blobs);
    expected.extend([
        What::Removed(blobs[1]),
        What::Removed(blobs[0]),
        What::Added(blobs[0]),
    ]);
    assert_eq!(history(&dir.path().join("git/0.git")), expected);
    assert!(remove(dir.path(), Oid([7; 20]), &meta(9)).is_err());
}

#[test]
fn a_commit_that_touches_no_mail_is_told_too() {
    let (dir, blobs) = inbox(1);
    let path = dir.path().join("git/0.git");
    let repo = git2::Repository::open_bare(&path).unwrap();
    let same = commit(&repo, &[("m", &mail(0))], &[theirs(tip(&epoch(&dir, 0)))]);
    let both = commit(&repo, &[("d", b"x"), ("m", b"y"), ("README", b"")], &[same]);
    point(&repo, both);
    let (x, y) = (
        ours(repo.blob(b"x").unwrap()),
        ours(repo.blob(b"y").unwrap()),
    );
    let expected = [
        What::Added(blobs[0]),
        What::Nothing,
        What::Removed(x),
        What::Added(y),
    ];
    assert_eq!(history(&path), expected);
}

#[test]
fn rewritten_history_is_noticed_and_walked_from_where_it_parted() {
    let (dir, blobs) = inbox(4);
    let path = dir.path().join("git/0.git");
    let epoch = Epoch::open(&path).unwrap();
    let old = epoch.walk(None, tip(&epoch)).unwrap();
    let repo = git2::Repository::open_bare(&path).unwrap();
    let purged = commit(&repo, &[("m", b"")], &[theirs(old[1].commit)]);
    let after = commit(&repo, &[("m", &mail(3))], &[purged]);
    point(&repo, after);

    let (before, now) = (old[3].commit, tip(&epoch));
    assert_eq!(now, ours(after));
    assert!(!epoch.is_ancestor(before, now));
    assert!(epoch.is_ancestor(old[1].commit, now));
    assert!(!epoch.is_ancestor(Oid([7; 20]), now));
    assert_eq!(epoch.fork_point(before, now).unwrap(), Some(old[1].commit));
    let expected = [What::Added(Oid::EMPTY_BLOB), What::Added(blobs[3])];
    let parted = epoch.walk(Some(old[1].commit), now).unwrap();
    assert_eq!(whats(&parted), expected);
    let also = epoch.walk(Some(before), now).unwrap();
    assert_eq!(also, parted, "as git's old..new has it");
    let unrelated = commit(&repo, &[("m", b"")], &[]);
    assert_eq!(epoch.fork_point(ours(unrelated), now).unwrap(), None);
}

#[test]
fn a_full_epoch_is_followed_by_the_next() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    let mut writer = Writer::open(dir.path()).unwrap().with_epochs_of(50);
    let blobs: Vec<Oid> = (0..5)
        .map(|n| writer.append(&mail(n), &meta(n)).unwrap())
        .collect();
    writer.remove(blobs[0], &meta(9)).unwrap();
    drop(writer);
    let layout = Layout::find(dir.path()).unwrap();
    let numbers: Vec<u32> = layout.epochs.iter().map(|(n, _)| n.0).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(history(&layout.epochs[0].1), added(&blobs[..2]));
    let last = [What::Added(blobs[4]), What::Removed(blobs[0])];
    assert_eq!(history(&layout.epochs[2].1), last);
    let alternates = fs::read_to_string(dir.path().join("all.git/objects/info/alternates"));
    assert_eq!(
        alternates.unwrap(),
        "../../git/2.git/objects\n../../git/1.git/objects\n../../git/0.git/objects\n"
    );
    let all = Epoch::open(&dir.path().join("all.git")).unwrap();
    for blob in &blobs {
        assert!(all.read(*blob).unwrap().is_some());
    }

    fs::remove_dir_all(&layout.epochs[1].1).unwrap();
    let partial = Layout::find(dir.path()).unwrap();
    assert_eq!(partial.epoch(EpochNum(1)), None);
    assert_eq!(partial.epoch(EpochNum(2)), layout.epoch(EpochNum(2)));
}

#[test]
fn mail_that_comes_one_by_one_is_packed_before_it_is_too_many_files() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    append(dir.path(), &mail(0), &meta(0)).unwrap();
    let path = dir.path().join("git/0.git");
    let before = Epoch::open(&path).unwrap();
    let mut writer = Writer::open(dir.path()).unwrap().with_loose_objects(0);
    let blobs: Vec<Oid> = (1..30)
        .map(|n| writer.append(&mail(n), &meta(n)).unwrap())
        .collect();
    drop(writer);
    let names = |dir: &Path| -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.collect()
    };
    let objects = path.join("objects");
    let loose = names(&objects).into_iter().filter(|name| name.len() == 2);
    assert!(
        loose
            .into_iter()
            .all(|name| names(&objects.join(name)).is_empty())
    );
    let packs = names(&objects.join("pack"));
    let packs = packs.iter().filter(|name| name.ends_with(".pack")).count();
    assert!((1..8).contains(&packs), "{packs} packs");
    for blob in &blobs {
        assert!(
            before.read(*blob).unwrap().is_some(),
            "by who was there before"
        );
    }
    assert_eq!(history(&path).len(), 30);

    // As long as there are few, they are left alone.
    append(dir.path(), &mail(31), &meta(31)).unwrap();
    assert_eq!(
        names(&objects.join("pack"))
            .iter()
            .filter(|n| n.ends_with(".pack"))
            .count(),
        packs
    );
}

#[test]
fn many_mails_at_once_are_packed_and_read_the_same() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    append(dir.path(), &mail(0), &meta(0)).unwrap();
    let mails = (1..300).map(|n| (mail(n), meta(n)));
    assert_eq!(append_many(dir.path(), mails).unwrap(), 299);
    append(dir.path(), &mail(300), &meta(300)).unwrap();

    let (one_by_one, blobs) = inbox(301);
    let path = dir.path().join("git/0.git");
    assert_eq!(history(&path), added(&blobs));
    assert_eq!(tip(&epoch(&dir, 0)), tip(&epoch(&one_by_one, 0)));
    assert_eq!(epoch(&dir, 0).read(blobs[150]).unwrap(), Some(mail(150)));
    let loose = fs::read_dir(path.join("objects")).unwrap().count();
    assert!(loose <= 8, "{loose}: six loose objects, pack and info");
    git(&path, &["fsck", "--full", "--strict"]);
}

#[test]
fn large_mails_go_into_several_packs() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    // Bytes that nothing can make shorter: in powers of 5 modulo a prime.
    let large = |n: usize| -> Vec<u8> {
        let next = |at: &u64| Some(at * 48_271 % 2_147_483_647);
        let numbers = std::iter::successors(Some(n as u64 + 1), next);
        numbers.map(|at| (at >> 9) as u8).take(24 << 10).collect()
    };
    let mut writer = Writer::open(dir.path()).unwrap().with_packs_of(40 << 10);
    let mails = (0..400).map(|n| match n % 100 {
        0 => (large(n), meta(n)),
        _ => (mail(n), meta(n)),
    });
    writer.append_many(mails).unwrap();
    let packs = fs::read_dir(dir.path().join("git/0.git/objects/pack")).unwrap();
    assert!(packs.count() >= 4, "two packs and their indexes");
    let epoch = epoch(&dir, 0);
    let changes = epoch.walk(None, tip(&epoch)).unwrap();
    assert_eq!(changes.len(), 400);
    for (n, change) in changes.iter().enumerate().step_by(100) {
        let What::Added(blob) = change.what else {
            panic!("{change:?}")
        };
        assert!(epoch.read(blob).unwrap() == Some(large(n)), "{n}");
    }
}

#[test]
fn what_was_not_committed_is_as_if_it_had_never_been() {
    let (dir, blobs) = inbox(1);
    let mut writer = Writer::open(dir.path()).unwrap();
    writer.add(&mail(1), &meta(1)).unwrap();
    drop(writer);
    let path = dir.path().join("git/0.git");
    assert_eq!(history(&path), added(&blobs));

    let mut writer = Writer::open(dir.path()).unwrap();
    let one = writer.add(&mail(1), &meta(1)).unwrap();
    writer.add_removal(one, &meta(2)).unwrap();
    let two = writer.add(&mail(2), &meta(3)).unwrap();
    writer.commit().unwrap();
    let all = [
        What::Added(blobs[0]),
        What::Added(one),
        What::Removed(one),
        What::Added(two),
    ];
    assert_eq!(history(&path), all);
    git(&path, &["fsck", "--full", "--strict"]);
}

#[test]
fn a_writer_that_was_killed_keeps_nobody_out() {
    let (dir, blobs) = inbox(1);
    let path = dir.path().join("git/0.git");
    let branch = fs::read_to_string(path.join("HEAD")).unwrap();
    let lock = format!("{}.lock", branch.trim().strip_prefix("ref: ").unwrap());
    fs::write(path.join(&lock), format!("{}\n", Oid([7; 20]))).unwrap();
    fs::write(path.join("threadbare.tip"), "half").unwrap();
    let blob = append(dir.path(), &mail(1), &meta(1)).unwrap();
    assert_eq!(history(&path), added(&[blobs[0], blob]));
    assert!(!path.join(&lock).exists());
}

#[test]
fn version_1_is_written_as_it_is_read() {
    let dir = TempDir::new().unwrap();
    let repo = git2::Repository::init_bare(dir.path()).unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    assert_eq!(writer.version(), Version::V1);
    let blobs: Vec<Oid> = (0..60)
        .map(|n| writer.add(&mail(n), &meta(n)).unwrap())
        .collect();
    let twin = writer.add(&mail(3), &meta(3)).unwrap_err().to_string();
    assert!(twin.contains("already"), "{twin}");
    let nameless = writer
        .add(b"Subject: x\n\n", &meta(3))
        .unwrap_err()
        .to_string();
    assert!(nameless.contains("it has none"), "{nameless}");
    writer.commit().unwrap();
    writer.remove(blobs[7], &meta(70)).unwrap();
    assert!(writer.remove(blobs[7], &meta(71)).is_err(), "it is gone");
    drop(writer);
    let mut expected = added(&blobs);
    expected.push(What::Removed(blobs[7]));
    assert_eq!(history(dir.path()), expected);
    let head = repo.head().unwrap().peel_to_tree().unwrap();
    let hash = sha1_of("8@example.com");
    let found = head.get_path(Path::new(&format!("{}/{}", &hash[..2], &hash[2..])));
    assert_eq!(ours(found.unwrap().id()), blobs[8]);
    assert_eq!(
        fs::metadata(dir.path().join("ssoma.lock")).unwrap().len(),
        1
    );
    git(dir.path(), &["fsck", "--full", "--strict"]);
}

fn sha1_of(text: &str) -> String {
    use sha1::{Digest, Sha1};
    Oid(Sha1::digest(text.as_bytes()).into()).to_string()
}

#[test]
fn mail_is_written_to_the_branch_that_is_read() {
    let (dir, blobs) = inbox(1);
    let path = dir.path().join("git/0.git");
    fs::write(path.join("HEAD"), "ref: refs/heads/elsewhere\n").unwrap();
    let blob = append(dir.path(), &mail(1), &meta(1)).unwrap();
    assert_eq!(history(&path), added(&[blobs[0], blob]));
    assert!(!path.join("refs/heads/elsewhere").exists());
}

#[test]
fn flipped_bits_are_never_worse_than_an_error() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    append_many(dir.path(), (0..40).map(|n| (mail(n), meta(n)))).unwrap();
    let path = dir.path().join("git/0.git");
    append(dir.path(), &mail(40), &meta(40)).unwrap();
    let dirs = fs::read_dir(path.join("objects")).unwrap();
    let files = dirs.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap());
    let files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 5, "a pack, its index, and three loose objects");
    for file in files {
        let whole = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        for step in 0..150 {
            let mut broken = whole.clone();
            let at = step * 7919 % broken.len();
            broken[at] ^= 1 << (step % 8);
            fs::write(&file, broken).unwrap();
            let Ok(epoch) = Epoch::open(&path) else {
                continue;
            };
            let changes = epoch.walk(None, tip(&epoch)).unwrap_or_default();
            for change in changes.iter().take(100) {
                if let What::Added(blob) | What::Removed(blob) = change.what {
                    // Whatever comes of it.
                    let _ = epoch.read(blob);
                }
            }
        }
        fs::write(&file, whole).unwrap();
    }
    assert_eq!(history(&path).len(), 41);
}

#[test]
fn git_finds_no_fault_with_what_we_write() {
    let (dir, blobs) = inbox(3);
    let path = dir.path().join("git/0.git");
    git(&path, &["fsck", "--full", "--strict"]);
    git(
        &dir.path().join("all.git"),
        &["cat-file", "-e", &blobs[0].to_string()],
    );
    let Some(bitmaps) = git(&path, &["config", "--get", "repack.writebitmaps"]) else {
        return;
    };
    assert_eq!(bitmaps, "true\n", "epochs include the settings of all.git");
    let log = git(
        &path,
        &[
            "log",
            "-1",
            "--format=%an|%ae|%ad|%cn|%ce|%s|%b",
            "--date=raw",
        ],
    );
    let expected = "a|a@example.com|1000002 +0200|list|list@example.com|number 2|\n";
    assert_eq!(log.as_deref(), Some(expected));
    let raw = git(&path, &["log", "--raw", "--format=", "--no-abbrev", "-1"]).unwrap();
    assert!(raw.ends_with("M\tm\n"), "{raw}");
}

#[test]
fn an_inbox_is_made_once_and_never_overwritten() {
    let (dir, blobs) = inbox(1);
    fs::write(dir.path().join("description"), "Mine\nand more\n").unwrap();
    fs::write(
        dir.path().join("cloneurl"),
        "https://a.example/x\n https://b.example/x\n",
    )
    .unwrap();
    let layout = init_inbox(dir.path(), Some("Other")).unwrap();
    assert_eq!(layout.description().as_deref(), Some("Mine"));
    assert_eq!(
        layout.cloneurls(),
        ["https://a.example/x", "https://b.example/x"]
    );
    assert_eq!(history(&layout.epochs[0].1), added(&blobs));
    let config = fs::read_to_string(dir.path().join("git/0.git/config")).unwrap();
    assert_eq!(config.matches("all.git/config").count(), 1);
    assert!(
        init_inbox(&dir.path().join("git/0.git"), None).is_err(),
        "a repository is no inbox"
    );
}

#[test]
fn writers_take_turns() {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), None).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = dir.path();
            scope.spawn(move || {
                for n in 0..10 {
                    append(path, &mail(thread * 100 + n), &meta(n)).unwrap();
                }
            });
        }
    });
    assert_eq!(history(&dir.path().join("git/0.git")).len(), 40);
    let bumps = fs::metadata(dir.path().join("inbox.lock")).unwrap().len();
    assert_eq!(bumps, 40, "one byte for every change");
}

#[test]
fn version_1_is_read_by_the_differences_of_its_trees() {
    let dir = TempDir::new().unwrap();
    let repo = git2::Repository::init_bare(dir.path()).unwrap();
    let path = |n: usize| format!("a{n}/{n:038x}");
    let (one, two, three) = (path(1), path(2), path(3));
    let twin = format!("a1/{:038x}", 9);
    let a = commit(&repo, &[(&one, b"1")], &[]);
    let b = commit(&repo, &[(&one, b"1"), (&two, b"2"), (&twin, b"9")], &[a]);
    let c = commit(
        &repo,
        &[
            (&one, b"1 edited"),
            (&two, b"2"),
            (&twin, b"9"),
            ("README", b""),
        ],
        &[b],
    );
    let d = commit(
        &repo,
        &[(&three, b"3"), (&twin, b"9"), ("a1/short", b"x")],
        &[c],
    );
    point(&repo, d);
    let blob = |bytes: &[u8]| ours(repo.blob(bytes).unwrap());
    let layout = Layout::find(dir.path()).unwrap();
    assert_eq!(layout.version, Version::V1);
    assert_eq!(layout.epochs, [(EpochNum(0), dir.path().to_owned())]);
    assert_eq!(
        history(dir.path()),
        [
            What::Added(blob(b"1")),
            What::Added(blob(b"9")),
            What::Added(blob(b"2")),
            What::Removed(blob(b"1")),
            What::Added(blob(b"1 edited")),
            What::Removed(blob(b"1 edited")),
            What::Removed(blob(b"2")),
            What::Added(blob(b"3")),
        ]
    );
}

#[test]
fn a_mirror_needs_no_lock_file_and_an_epoch_is_an_inbox_by_itself() {
    let (dir, blobs) = inbox(2);
    fs::remove_file(dir.path().join("inbox.lock")).unwrap();
    fs::remove_dir_all(dir.path().join("all.git")).unwrap();
    fs::create_dir(dir.path().join("git/00.git")).unwrap();
    fs::create_dir(dir.path().join("git/7.git")).unwrap();
    let layout = Layout::find(dir.path()).unwrap();
    assert_eq!((layout.version, layout.epochs.len()), (Version::V2, 1));
    assert_eq!(
        history(&layout.epochs[0].1),
        added(&blobs),
        "its config includes a lost file"
    );

    let bare = Layout::find(&layout.epochs[0].1).unwrap();
    assert_eq!(bare.version, Version::V2);
    assert_eq!(bare.epochs, [(EpochNum(0), layout.epochs[0].1.clone())]);
    assert_eq!(
        bare.description(),
        None,
        "what git writes there is no title"
    );
    for nothing in ["git", "nowhere"] {
        assert!(
            Layout::find(&dir.path().join(nothing)).is_err(),
            "{nothing}"
        );
    }
}

#[test]
fn what_git_has_lost_does_not_stop_a_walk() {
    let (dir, blobs) = inbox(6);
    let path = dir.path().join("git/0.git");
    let whole = epoch(&dir, 0).walk(None, tip(&epoch(&dir, 0))).unwrap();
    let repo = git2::Repository::open_bare(&path).unwrap();
    let tree = repo.find_commit(theirs(whole[2].commit)).unwrap().tree_id();
    lose(&path, ours(tree));
    lose(&path, blobs[4]);
    let found = history(&path);
    assert!(matches!(&found[2], What::Unreadable(why) if why.contains(&tree.to_string())));
    assert_eq!(found[3..], added(&blobs[3..]));
    assert_eq!(epoch(&dir, 0).read(blobs[4]).unwrap(), None);
    assert!(
        epoch(&dir, 0).read(whole[5].commit).is_err(),
        "a commit is no mail"
    );

    lose(&path, whole[1].commit);
    let found = history(&path);
    assert_eq!(
        found.len(),
        5,
        "what lies behind a lost commit is out of reach"
    );
    assert!(matches!(&found[0], What::Unreadable(_)));
    fs::write(path.join("shallow"), format!("{}\n", whole[2].commit)).unwrap();
    assert_eq!(
        history(&path).len(),
        4,
        "a shallow clone knows where it ends"
    );
}

#[test]
fn damaged_objects_are_errors_of_their_own() {
    let (dir, blobs) = inbox(3);
    let path = dir.path().join("git/0.git");
    let hex = blobs[1].to_string();
    let file = path.join("objects").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, b"this is not zlib").unwrap();
    assert!(epoch(&dir, 0).read(blobs[1]).is_err());
    assert_eq!(history(&path), added(&blobs));

    fs::write(
        path.join("objects/pack/pack-1234567890123456789012345678901234567890.pack"),
        b"PACK",
    )
    .unwrap();
    fs::write(
        path.join("objects/pack/pack-1234567890123456789012345678901234567890.idx"),
        b"\xfftOc",
    )
    .unwrap();
    assert_eq!(
        history(&path),
        added(&blobs),
        "a broken pack hides nothing else"
    );
}

#[test]
fn a_commit_that_is_its_own_ancestor_ends_the_walk() {
    let (dir, _) = inbox(2);
    let path = dir.path().join("git/0.git");
    let repo = git2::Repository::open_bare(&path).unwrap();
    let changes = epoch(&dir, 0).walk(None, tip(&epoch(&dir, 0))).unwrap();
    // The second commit's bytes, whose parent is the first, in the place of the first: it now names itself.
    let file = |oid: Oid| {
        let hex = oid.to_string();
        path.join("objects").join(&hex[..2]).join(&hex[2..])
    };
    let first = file(changes[0].commit);
    fs::remove_file(&first).unwrap();
    fs::copy(file(changes[1].commit), first).unwrap();
    let now = epoch(&dir, 0);
    // It is not what its name says, so it is none, and history begins behind it.
    let walked = now.walk(None, tip(&now)).unwrap();
    assert!(walked.len() < 3, "{walked:?}");
    assert_eq!(walked.last().unwrap().commit, changes[1].commit);
    assert!(!now.is_ancestor(Oid([7; 20]), tip(&now)));
    drop(repo);
}

#[test]
fn merged_lines_give_each_mail_once() {
    let dir = TempDir::new().unwrap();
    let repo = git2::Repository::init_bare(dir.path()).unwrap();
    let a = commit(&repo, &[("m", b"a")], &[]);
    let b = commit(&repo, &[("m", b"b")], &[a]);
    let c = commit(&repo, &[("m", b"c")], &[a]);
    let merge = commit(&repo, &[("m", b"b")], &[b, c]);
    let d = commit(&repo, &[("m", b"d")], &[merge]);
    point(&repo, d);
    let blob = |bytes: &[u8]| What::Added(ours(repo.blob(bytes).unwrap()));
    let expected = [
        blob(b"a"),
        blob(b"b"),
        blob(b"c"),
        What::Nothing,
        blob(b"d"),
    ];
    assert_eq!(history(dir.path()), expected);
    let epoch = Epoch::open(dir.path()).unwrap();
    let since = epoch.walk(Some(ours(c)), ours(d)).unwrap();
    assert_eq!(whats(&since), [blob(b"b"), What::Nothing, blob(b"d")]);
}

#[test]
fn head_is_followed_wherever_it_points() {
    let (dir, blobs) = inbox(2);
    let path = dir.path().join("git/0.git");
    let old = tip(&epoch(&dir, 0));
    let head = fs::read_to_string(path.join("HEAD")).unwrap();
    fs::write(path.join("HEAD"), format!("{old}\n")).unwrap();
    assert_eq!(tip(&epoch(&dir, 0)), old, "detached");
    fs::write(path.join("HEAD"), "ref: refs/heads/other\n").unwrap();
    assert_eq!(tip(&epoch(&dir, 0)), old, "the only branch there is");
    let repo = git2::Repository::open_bare(&path).unwrap();
    repo.reference("refs/heads/one-more", theirs(old), false, "")
        .unwrap();
    assert_eq!(epoch(&dir, 0).tip().unwrap(), None, "which of two?");
    repo.reference("refs/heads/other", theirs(old), false, "")
        .unwrap();
    assert_eq!(tip(&epoch(&dir, 0)), old);
    for garbage in ["", "ref: ", "ref: ../../../etc/passwd\n", "\u{0}\u{1}"] {
        fs::write(path.join("HEAD"), garbage).unwrap();
        let found = Epoch::open(&path).and_then(|epoch| epoch.tip());
        assert!(!matches!(found, Ok(Some(_))), "{garbage:?}");
    }
    fs::write(path.join("HEAD"), head).unwrap();
    assert_eq!(history(&path), added(&blobs));
}

#[test]
fn repositories_without_commits_or_with_other_names_are_told_apart() {
    let (dir, _) = inbox(0);
    assert_eq!(epoch(&dir, 0).tip().unwrap(), None);
    let empty = TempDir::new().unwrap();
    git2::Repository::init_bare(empty.path()).unwrap();
    assert_eq!(Layout::find(empty.path()).unwrap().version, Version::V1);

    let config = empty.path().join("config");
    let sha256 =
        "[core]\nrepositoryformatversion = 1\nbare = true\n[extensions]\nobjectformat = sha256\n";
    fs::write(config, sha256).unwrap();
    let error = Epoch::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("SHA-1"), "{error}");
    let missing = Epoch::open(&empty.path().join("x"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains('x'), "{missing}");
}

#[test]
fn alternates_that_go_in_a_circle_are_harmless() {
    let (dir, blobs) = inbox(1);
    let path = dir.path().join("git/0.git");
    fs::create_dir_all(path.join("objects/info")).unwrap();
    fs::write(
        path.join("objects/info/alternates"),
        "../../../all.git/objects\n../objects\n",
    )
    .unwrap();
    assert_eq!(history(&path), added(&blobs));
    assert_eq!(epoch(&dir, 0).read(Oid([7; 20])).unwrap(), None);
}

#[test]
fn a_stamp_changes_when_a_branch_moves_and_only_then() {
    let (dir, _) = inbox(1);
    let path = dir.path().join("git/0.git");
    let mut last = refs_stamp(&path);
    assert_eq!(refs_stamp(&path), last);
    for n in 1..20 {
        append(dir.path(), &mail(n), &meta(n)).unwrap();
        let now = refs_stamp(&path);
        assert_ne!(now, last, "{n}");
        last = now;
    }
    if git(&path, &["pack-refs", "--all"]).is_some() {
        assert_ne!(refs_stamp(&path), last);
    }
    assert_eq!(refs_stamp(&path.join("no")), refs_stamp(&path.join("nor")));
}

/// As if a repository had been at rest for an hour.
fn age(path: &Path) {
    let hour = std::time::Duration::from_secs(3600);
    let now = fs::metadata(path).unwrap();
    let before = now.modified().unwrap() - hour;
    let branches = fs::read_dir(path.join("refs/heads")).unwrap();
    let branches = branches.map(|branch| branch.unwrap().path());
    let dirs = [path.to_owned(), path.join("refs/heads")];
    for file in branches.chain(dirs) {
        fs::File::open(file).unwrap().set_modified(before).unwrap();
    }
}

#[test]
fn whoever_watches_a_repository_sees_every_move_of_a_branch() {
    let (dir, _) = inbox(1);
    let path = dir.path().join("git/0.git");
    let mut watch = RefsWatch::new(&path);
    for n in 1..20 {
        if n % 2 == 0 {
            age(&path);
        }
        let last = watch.stamp(&path);
        assert_eq!(watch.stamp(&path), last);
        append(dir.path(), &mail(n), &meta(n)).unwrap();
        assert_ne!(watch.stamp(&path), last, "{n}");
    }
    for change in [
        &["pack-refs", "--all"][..],
        &["update-ref", "refs/heads/master", "HEAD~1"],
        &["branch", "other"],
        &["symbolic-ref", "HEAD", "refs/heads/other"],
    ] {
        age(&path);
        let last = watch.stamp(&path);
        assert_eq!(watch.stamp(&path), last);
        if git(&path, change).is_some() {
            assert_ne!(watch.stamp(&path), last, "{change:?}");
        }
    }
    // One that is made anew, and one that is gone.
    let last = watch.stamp(&path);
    fs::remove_dir_all(&path).unwrap();
    assert_ne!(watch.stamp(&path), last);
    assert_eq!(RefsWatch::new(&path).stamp(&path), watch.stamp(&path));
}

#[test]
fn many_readers_share_a_pool_while_git_packs_anew() {
    let (dir, blobs) = inbox(40);
    let path = dir.path().join("git/0.git");
    let pool = Blobs::new();
    let read_all = || {
        for (n, blob) in blobs.iter().enumerate() {
            assert_eq!(pool.read(&path, *blob).unwrap(), Some(mail(n)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(read_all);
        }
    });
    git(&path, &["repack", "-adq"]);
    git(&path, &["prune-packed", "-q"]);
    read_all();
    append(dir.path(), &mail(40), &meta(40)).unwrap();
    git(&path, &["repack", "-adfq"]);
    read_all();
    assert_eq!(pool.read(&path, Oid([7; 20])).unwrap(), None);
    assert!(pool.read(&path.join("no"), blobs[0]).is_err());
}

/// A real archive as a bare repository, made from what lies in `../shared/data`; `None`, and a word about it, where
/// it is not there.
fn real(name: &str, into: &Path) -> Option<PathBuf> {
    let shared = std::env::var_os("THREADBARE_SHARED").map(PathBuf::from);
    let data = shared.unwrap_or_else(|| "../shared".into()).join("data");
    let data = fs::canonicalize(&data).unwrap_or(data);
    let bundle = data.join(format!("{name}.bundle"));
    let tar = data.join(format!("{name}.git.tar"));
    if bundle.exists() {
        git(into, &["clone", "-q", "--mirror", bundle.to_str()?, "repo"])?;
        return Some(into.join("repo"));
    }
    if tar.exists() {
        let done = Command::new("tar")
            .arg("-C")
            .arg(into)
            .arg("-xf")
            .arg(&tar)
            .status();
        assert!(done.is_ok_and(|status| status.success()));
        return Some(into.join(format!("{name}.git")));
    }
    skipped!("no {name} in {}", data.display());
    None
}

#[test]
fn real_archives_are_read_whole() {
    for (name, mails, lost) in [("ksummit-0", 3115, 0), ("linux-mtd-0", 8593, 1)] {
        let dir = TempDir::new().unwrap();
        let Some(path) = real(name, dir.path()) else {
            continue;
        };
        let epoch = Epoch::open(&path).unwrap();
        let changes = epoch.walk(None, tip(&epoch)).unwrap();
        assert_eq!(changes.len(), mails, "{name}");
        let missing = changes.iter().filter(|change| match change.what {
            What::Added(blob) => epoch.read(blob).unwrap().is_none(),
            _ => panic!("{name}: {change:?}"),
        });
        assert_eq!(missing.count(), lost, "{name}");
    }
}
