//! What of an inbox's repositories is handed out, and what a manifest says of them.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail like the test itself"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use threadbare::id::EpochNum;
use threadbare::store::{
    CommitMeta, Epoch, KnownFacts, Layout, Who, append, append_many, init_inbox, is_immutable,
};
use threadbare::time::Timestamp;
use threadbare::url::GitFile;

fn inbox() -> TempDir {
    let dir = TempDir::new().unwrap();
    init_inbox(dir.path(), Some("A list")).unwrap();
    append(dir.path(), b"Subject: 1\n\n", &meta(77)).unwrap();
    append_many(dir.path(), [(b"Subject: 2\n\n".to_vec(), meta(50))]).unwrap();
    dir
}

fn meta(time: i64) -> CommitMeta {
    CommitMeta {
        committer: Who {
            email: "list@example.com".to_owned(),
            time: Timestamp(time),
            ..Who::default()
        },
        ..CommitMeta::default()
    }
}

fn git(dir: &Path, args: &[&str]) -> Option<Vec<u8>> {
    match Command::new("git").arg("-C").arg(dir).args(args).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => panic!("git {args:?}: {}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            skipped!("git is not installed");
            None
        }
    }
}

#[test]
fn the_files_of_the_plain_protocol_are_found_and_no_others() {
    let dir = inbox();
    let layout = Layout::find(dir.path()).unwrap();
    let zero = dir.path().join("git/0.git");
    fs::create_dir_all(zero.join("info")).unwrap();
    fs::write(zero.join("info/refs"), "").unwrap();
    fs::write(zero.join("secret"), "").unwrap();
    let found = |epoch: Option<u32>, path: &str| {
        let wanted = GitFile {
            epoch: epoch.map(EpochNum),
            path: path.to_owned(),
        };
        layout.served_file(&wanted)
    };
    // A few mails lie in files of their own until somebody packs them.
    if git(&zero, &["repack", "-adq"]).is_none() {
        return;
    }
    let packs = fs::read_dir(zero.join("objects/pack")).unwrap();
    let pack = packs.map(|e| e.unwrap().file_name().into_string().unwrap());
    let pack = pack
        .into_iter()
        .find(|name| name.ends_with(".pack"))
        .unwrap();
    let tip = Epoch::open(&zero)
        .unwrap()
        .tip()
        .unwrap()
        .unwrap()
        .to_string();
    let real = fs::canonicalize(&zero).unwrap();
    for path in [
        "HEAD",
        "info/refs",
        "description",
        &format!("objects/pack/{pack}"),
    ] {
        assert_eq!(found(Some(0), path), Some(real.join(path)), "{path}");
    }
    assert!(found(None, "HEAD").is_some_and(|path| path.ends_with("all.git/HEAD")));
    assert!(found(None, "objects/info/alternates").is_some());
    for path in [
        "config",
        "secret",
        "hooks/x",
        "",
        ".",
        "objects",
        "objects/pack",
        "../0.git/HEAD",
        "/etc/passwd",
        "objects/../config",
        "objects/pack/../../config",
        "objects/pack/pack-0.pack",
        "objects/pack/x.pack",
        "HEAD\0",
        "git-upload-pack",
        &format!("objects/{}/{}", &tip[..2], &tip[2..]),
    ] {
        assert_eq!(
            found(Some(0), path),
            None,
            "{path}: the tip is packed, the rest is private"
        );
    }
    assert_eq!(found(Some(1), "HEAD"), None);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_repository() {
    use std::os::unix::fs::symlink;
    let dir = inbox();
    let zero = dir.path().join("git/0.git");
    fs::create_dir_all(zero.join("info")).unwrap();
    fs::write(dir.path().join("secret"), "").unwrap();
    symlink(dir.path().join("secret"), zero.join("info/refs")).unwrap();
    let layout = Layout::find(dir.path()).unwrap();
    let wanted = GitFile {
        epoch: Some(EpochNum(0)),
        path: "info/refs".to_owned(),
    };
    assert_eq!(layout.served_file(&wanted), None);
}

#[test]
fn what_never_changes_may_be_kept_for_ever() {
    for (path, never) in [
        ("objects/aa/bb", true),
        ("objects/pack/pack-1.idx", true),
        ("objects/info/packs", false),
        ("info/refs", false),
        ("HEAD", false),
    ] {
        assert_eq!(is_immutable(path), never, "{path}");
    }
}

#[test]
fn a_manifest_agrees_with_git() {
    let dir = inbox();
    let zero = dir.path().join("git/0.git");
    let repo = git2::Repository::open_bare(&zero).unwrap();
    let head = repo.head().unwrap().peel_to_commit().unwrap();
    let older = head.parent_id(0).unwrap();
    repo.reference("refs/tags/a", older, false, "").unwrap();
    let who = git2::Signature::new("x", "x@example.com", &git2::Time::new(5, 0)).unwrap();
    repo.tag("b", head.as_object(), &who, "b", false).unwrap();
    repo.reference_symbolic("refs/heads/alias", "refs/tags/a", false, "")
        .unwrap();
    repo.reference_symbolic("refs/heads/broken", "refs/heads/nothing", false, "")
        .unwrap();
    repo.config()
        .unwrap()
        .set_str("gitweb.owner", "Me")
        .unwrap();
    let epoch = Epoch::open(&zero).unwrap();
    let facts = epoch.facts().unwrap().unwrap();
    assert_eq!(
        facts.modified,
        Timestamp(77),
        "the newest of any ref, not the last"
    );
    assert_eq!(facts.owner.as_deref(), Some("Me"));
    assert_eq!((facts.description, facts.reference), (None, None));
    assert!(
        facts
            .head
            .is_some_and(|head| head.starts_with("ref: refs/heads/"))
    );
    if let Some(refs) = git(&zero, &["show-ref"]) {
        use sha1::Digest;
        let digest = sha1::Sha1::digest(refs);
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(facts.fingerprint, hex);
        git(&zero, &["update-server-info"]);
        let read = |path: &str| fs::read_to_string(zero.join(path)).unwrap();
        assert_eq!(epoch.info_refs().unwrap(), read("info/refs"));
        assert_eq!(epoch.info_packs(), read("objects/info/packs"));
    }
}

#[test]
fn an_empty_repository_has_nothing_to_mirror() {
    let dir = TempDir::new().unwrap();
    git2::Repository::init_bare(dir.path()).unwrap();
    assert_eq!(Epoch::open(dir.path()).unwrap().facts().unwrap(), None);
}

/// As if everything in a directory had been at rest for an hour.
fn age(dir: &Path) {
    let hour = std::time::Duration::from_secs(3600);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        }
        let before = fs::metadata(&path).unwrap().modified().unwrap() - hour;
        fs::File::open(path).unwrap().set_modified(before).unwrap();
    }
}

#[test]
fn what_is_known_of_a_repository_is_told_again_until_its_files_change() {
    let dir = inbox();
    let zero = dir.path().join("git/0.git");
    let facts = |known: &KnownFacts| known.of(EpochNum(0), &zero).unwrap().unwrap();
    // One that was written this moment is read each time, as it could change without another date.
    let (known, first) = (KnownFacts::default(), facts(&KnownFacts::default()));
    assert_eq!(facts(&known), first);
    fs::rename(zero.join("objects"), zero.join("elsewhere")).unwrap();
    assert!(known.of(EpochNum(0), &zero).ok().flatten() != Some(first));
    fs::rename(zero.join("elsewhere"), zero.join("objects")).unwrap();
    // Once it is at rest nothing needs to be opened.
    age(&zero);
    let first = facts(&known);
    fs::rename(zero.join("objects"), zero.join("elsewhere")).unwrap();
    assert_eq!(facts(&known), first);
    assert!(
        known
            .of(EpochNum(0), &dir.path().join("all.git"))
            .unwrap()
            .is_none(),
        "another repository under that number"
    );
    fs::rename(zero.join("elsewhere"), zero.join("objects")).unwrap();
    let repo = git2::Repository::open_bare(&zero).unwrap();
    let head = repo.head().unwrap().target().unwrap();
    let changes: [&dyn Fn(); 4] = [
        &|| drop(repo.reference("refs/heads/a/b", head, false, "").unwrap()),
        &|| fs::write(zero.join("description"), "An epoch\n").unwrap(),
        &|| {
            let mut config = repo.config().unwrap();
            config.set_str("gitweb.owner", "Me").unwrap();
        },
        &|| fs::remove_file(zero.join("refs/heads/a/b")).unwrap(),
    ];
    for (number, change) in changes.iter().enumerate() {
        age(&zero);
        let before = facts(&known);
        change();
        let after = facts(&known);
        assert_ne!(after, before, "{number}");
        let anew = facts(&KnownFacts::default());
        assert_eq!(after, anew, "{number}");
    }
    known.retain(|_| false);
    assert_eq!(facts(&known), facts(&KnownFacts::default()));
}

#[test]
fn a_repository_that_borrows_from_one_other_says_so() {
    let dir = inbox();
    let layout = Layout::find(dir.path()).unwrap();
    let all = Epoch::open(&layout.repository(None).unwrap()).unwrap();
    let zero = layout.repository(Some(EpochNum(0))).unwrap();
    let head = git2::Repository::open_bare(&zero)
        .unwrap()
        .head()
        .unwrap()
        .target()
        .unwrap();
    let repo = git2::Repository::open_bare(all.path()).unwrap();
    repo.reference("refs/heads/x", head, false, "").unwrap();
    let facts = all.facts().unwrap().unwrap();
    assert_eq!(facts.reference, Some(fs::canonicalize(zero).unwrap()));
}

#[test]
fn the_address_of_a_list_is_that_of_whoever_stores_its_mail() {
    let dir = inbox();
    let layout = Layout::find(dir.path()).unwrap();
    assert_eq!(layout.address().as_deref(), Some("list@example.com"));
    for (email, found) in [
        ("me@localhost", false),
        ("", false),
        ("a b@example.com", false),
    ] {
        let mut meta = meta(1);
        meta.committer.email = email.to_owned();
        append(dir.path(), b"x", &meta).unwrap();
        assert_eq!(layout.address().is_some(), found, "{email}");
    }
}
