//! Config files on disk: what they include, and how they are added to.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail like the test itself"
)]

use std::fs;

use tempfile::TempDir;
use threadbare::config::{Config, Edit};

#[test]
fn a_missing_file_is_an_empty_one() {
    let dir = TempDir::new().unwrap();
    assert_eq!(
        Config::read(&dir.path().join("no/config")).unwrap(),
        Config::default()
    );
}

#[test]
fn included_files_are_read_in_their_place() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    write(
        "config",
        "[publicinbox \"a\"]\ninboxdir = /a\naddress = 1@example.com\n[include]\npath = sub/more\npath = missing\n\
         [includeIf \"gitdir:/\"]\npath = sub/never\n[publicinbox \"a\"]\naddress = 3@example.com\n",
    );
    write(
        "sub/more",
        "[include]\npath = most\n[publicinbox \"b\"]\ninboxdir = here\naddress = b@example.com\n",
    );
    write("sub/most", "[publicinbox \"a\"]\naddress = 2@example.com\n");
    write("sub/never", "this is no config\n");
    let config = Config::read(&dir.path().join("config")).unwrap();
    assert_eq!(config.problems, []);
    let [a, b] = config.inboxes.as_slice() else {
        panic!("{config:?}")
    };
    assert_eq!(
        a.addresses,
        ["1@example.com", "2@example.com", "3@example.com"]
    );
    assert_eq!(
        b.dir,
        dir.path().join("sub/here"),
        "from the file that says so"
    );
}

#[test]
fn files_that_include_each_other_are_refused_soon() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config");
    fs::write(&file, "[include]\npath = config\n".repeat(500)).unwrap();
    let error = Config::read(&file).unwrap_err().to_string();
    assert!(error.contains("config:2: too many"), "{error}");
}

#[test]
fn a_file_that_git_would_not_read_is_an_error_with_its_line() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("config"), "[include]\npath = bad\n").unwrap();
    fs::write(dir.path().join("bad"), "[a]\nb = c\n= d\n").unwrap();
    let error = Config::read(&dir.path().join("config"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("bad:3: "), "{error}");
}

#[test]
fn an_edit_adds_and_leaves_every_other_byte() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config");
    for old in [
        &b""[..],
        &b"# mine \xff\n[a]\r\n  b=c"[..],
        &b"[a]\nb\n\n\n"[..],
    ] {
        fs::write(&file, old).unwrap();
        let mut edit = Edit::open(&file).unwrap();
        edit.add(
            "publicinbox",
            "x",
            &[("inboxdir", "/a # b"), ("address", "x@example.com")],
        );
        assert_eq!(edit.config().unwrap().inboxes.len(), 1);
        edit.save().unwrap();
        let new = fs::read(&file).unwrap();
        assert!(new.starts_with(old));
        let inbox = &Config::read(&file).unwrap().inboxes[0];
        assert_eq!(inbox.dir.to_str(), Some("/a # b"), "{old:?}");
    }
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "no lock stays behind");
}

#[test]
fn an_edit_that_would_say_something_else_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config");
    for old in ["[a]\nb = c \\", "[a]\nb = \"c", "[a"] {
        fs::write(&file, old).unwrap();
        let mut edit = Edit::open(&file).unwrap();
        edit.add("publicinbox", "x", &[("inboxdir", "/a")]);
        assert!(edit.save().is_err(), "{old:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), old);
    }
}

#[test]
fn two_do_not_edit_at_once() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("config");
    let first = Edit::open(&file).unwrap();
    let error = Edit::open(&file).unwrap_err().to_string();
    assert!(error.contains("config.lock"), "{error}");
    drop(first);
    assert!(Edit::open(&file).is_ok());
    assert!(!file.exists(), "nothing was added");
}

#[cfg(unix)]
#[test]
fn an_edit_keeps_the_mode_of_the_file_and_follows_a_link_to_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = TempDir::new().unwrap();
    let (file, link) = (dir.path().join("real"), dir.path().join("link"));
    fs::write(&file, "[a]\nb\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&file, &link).unwrap();
    let mut edit = Edit::open(&link).unwrap();
    edit.add("publicinbox", "x", &[("inboxdir", "/a")]);
    edit.save().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(Config::read(&file).unwrap().inboxes.len(), 1);
}
