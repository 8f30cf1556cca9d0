//! `clone` and `fetch`, and `serve` fetching by itself: from our own server, and from one that means no good.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Ask, Epoch, Mail, Server, World, tls_file, wait_until};

const PRINT: &str = "395e83aca24c88bc21b35403c3acadf7a1d9e4b1";

fn mails(name: &str, count: u32) -> Vec<Vec<u8>> {
    let mail = |n| Mail::new(&format!("{name}-{n}@weaver.example"), "Threads", n).bytes();
    (0..count).map(mail).collect()
}

/// A site with `warp` in three epochs, `weft` of version 1, and `shed`.
struct Upstream {
    world: World,
    epochs: Vec<Epoch>,
    server: Server,
}

fn upstream() -> Upstream {
    let mut world = World::new();
    let mut epochs = vec![world.inbox("warp")];
    epochs[0].add(&mails("zero", 4));
    for number in 1..3 {
        let mut epoch = Epoch::new(&world.path(&format!("lists/warp/git/{number}.git")));
        epoch.add(&mails(&format!("epoch-{number}"), 3));
        epochs.push(epoch);
    }
    world.version_1("weft", &mails("old", 5));
    world.inbox("shed").add(&mails("shed", 2));
    world.set_inbox("warp", "listid = warp.lists.example.org");
    world.set_inbox("warp", "newsgroup = org.example.warp");
    world.index();
    let server = world.serve();
    Upstream {
        world,
        epochs,
        server,
    }
}

/// Runs the program, which has to succeed; what it prints.
#[track_caller]
fn well(world: &World, args: &[&str]) -> String {
    let done = world.run(args);
    assert!(done.status.success(), "{args:?}: {}", said(&done));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Runs the program, which has to fail with this status; what it complains of.
#[track_caller]
fn badly(world: &World, args: &[&str], status: i32) -> String {
    let done = world.run(args);
    assert_eq!(
        done.status.code(),
        Some(status),
        "{args:?}: {}",
        said(&done)
    );
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn said(output: &Output) -> String {
    let all = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// What git prints when all goes well.
#[track_caller]
fn git(repository: &Path, args: &[&str]) -> String {
    let done = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {}", said(&done));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// All refs of a repository and where they are.
fn refs(repository: &Path) -> String {
    git(repository, &["for-each-ref"])
}

fn note(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("mirror.json")).unwrap()).unwrap()
}

/// The ids of all mail that a server has in an inbox, by the mbox of all.
fn ids(server: &Server, inbox: &str) -> Vec<String> {
    let ask = Ask::get(&format!("/{inbox}/all.mbox.gz"));
    let text = String::from_utf8(server.ask(ask).ok().gunzip()).unwrap();
    let ids = text
        .lines()
        .filter_map(|line| line.strip_prefix("Message-ID: "));
    ids.map(str::to_owned).collect()
}

#[test]
fn an_inbox_is_cloned_with_one_command_and_served_as_it_is_there() {
    let from = upstream();
    let here = World::new();
    let url = format!("{}warp/", from.server.url());
    let told = well(&here, &["clone", &url]);
    assert!(told.contains("warp: 10 added"), "{told}");

    for number in 0..3 {
        let name = format!("git/{number}.git");
        let (there, copy) = (
            from.world.path("lists/warp").join(&name),
            here.path("warp").join(&name),
        );
        assert_eq!(refs(&there), refs(&copy));
        git(&copy, &["fsck", "--strict"]);
        let remote = git(&copy, &["config", "remote.origin.url"]);
        assert_eq!(remote, format!("{url}git/{number}.git"));
        assert_eq!(git(&copy, &["config", "remote.origin.mirror"]), "true");
    }
    let config = fs::read_to_string(here.path("config")).unwrap();
    for line in [
        "[publicinbox \"warp\"]",
        "address = warp@lists.example.org",
        "listid = warp.lists.example.org",
        "newsgroup = org.example.warp",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
    let description = fs::read_to_string(here.path("warp/description")).unwrap();
    assert_eq!(description, "The list warp\n");

    let server = here.serve();
    for path in [
        "/warp/",
        "/warp/zero-1@weaver.example/raw",
        "/warp/epoch-2-0@weaver.example/T/",
        "/warp/new.atom",
    ] {
        let (there, copy) = (from.server.get(path).ok(), server.get(path).ok());
        // Upstream has an address of its own; the mirror is where it is.
        let without_base = |text: String, server: &Server| {
            let text = text.replace("https://lists.example.org/", "/");
            text.replace(&server.url(), "/")
        };
        assert_eq!(
            without_base(there.text(), &from.server),
            without_base(copy.text(), &server),
            "{path}"
        );
    }
    assert_eq!(ids(&from.server, "warp"), ids(&server, "warp"));
    // Another mirror may be made of this one.
    let (there, copy) = (
        manifest(&from.server, "/warp/manifest.js.gz"),
        manifest(&server, "/warp/manifest.js.gz"),
    );
    assert_eq!(there, copy);
}

fn manifest(server: &Server, path: &str) -> Value {
    serde_json::from_slice(&server.get(path).ok().gunzip()).unwrap()
}

#[test]
fn a_clone_may_be_repeated_and_nothing_changes() {
    let (from, here) = (upstream(), World::new());
    let url = format!("{}warp/", from.server.url());
    well(&here, &["clone", &url]);
    let config = fs::read_to_string(here.path("config")).unwrap();
    let told = well(&here, &["clone", &url]);
    assert!(told.contains("nothing new"), "{told}");
    assert_eq!(fs::read_to_string(here.path("config")).unwrap(), config);

    let other = format!("{}shed/", from.server.url());
    let why = badly(&here, &["clone", &other, "warp"], 1);
    assert!(
        why.contains("a mirror of") && why.contains("is in it"),
        "{why}"
    );
    fs::create_dir(here.path("full")).unwrap();
    fs::write(here.path("full/letter"), "mine").unwrap();
    let why = badly(&here, &["clone", &other, "full"], 1);
    assert!(why.contains("something in it that is no mirror"), "{why}");
    assert_eq!(fs::read_dir(here.path("full")).unwrap().count(), 1);
    let why = badly(&here, &["clone", &other, "--name", "warp"], 1);
    assert!(why.contains("is in it"), "{why}");
    let why = badly(&here, &["clone", &other, "elsewhere", "--name", "warp"], 1);
    assert!(why.contains("--name"), "{why}");
}

#[test]
fn a_site_is_cloned_by_patterns() {
    let (from, here) = (upstream(), World::new());
    let url = from.server.url();
    let told = well(&here, &["clone", "--dry-run", &url]);
    for name in ["warp", "weft", "shed"] {
        assert!(told.contains(&format!("{name}: {url}{name}/")), "{told}");
    }
    assert!(!here.path("lists").exists() && !here.path("127.0.0.1").exists());

    let told = well(
        &here,
        &[
            "clone",
            &url,
            "site",
            "--include",
            "w*",
            "--exclude",
            "warp",
        ],
    );
    assert!(
        told.contains("weft: 5 added") && !told.contains("shed"),
        "{told}"
    );
    well(&here, &["clone", &url, "site"]);
    let server = here.serve();
    for name in ["warp", "weft", "shed"] {
        assert_eq!(ids(&from.server, name), ids(&server, name), "{name}");
    }
    let why = badly(&here, &["clone", &url, "--include", "nothing*"], 1);
    assert!(why.contains("none of its 3 inboxes fits"), "{why}");
}

#[test]
fn an_inbox_of_version_1_is_cloned_and_fetched_with_and_without_a_manifest() {
    let (from, here) = (upstream(), World::new());
    let url = format!("{}weft/", from.server.url());
    well(&here, &["clone", &url]);
    assert!(here.path("weft/HEAD").exists() && !here.path("weft/git").exists());
    assert_eq!(
        refs(&from.world.path("lists/weft")),
        refs(&here.path("weft"))
    );
    well(&here, &["fetch", "weft"]);
    badly(&here, &["fetch", "weft", "--exit-code"], 127);
    let why = badly(&here, &["clone", &url, "other", "--epoch", "0"], 1);
    assert!(why.contains("has no epochs"), "{why}");

    // An old server: a repository and nothing else.
    let repository = from.world.path("lists/weft");
    git(&repository, &["update-server-info"]);
    let plain = Plain::start();
    plain.serve_directory("/old", &repository);
    let url = format!("http://{}/old", plain.address);
    well(&here, &["clone", &url]);
    assert_eq!(refs(&repository), refs(&here.path("old")));
    badly(&here, &["fetch", "old", "--exit-code"], 127);
    let missing = format!("http://{}/nothing/", plain.address);
    let why = badly(&here, &["clone", &missing], 1);
    assert!(why.contains("not found"), "{why}");
    assert!(!here.path("nothing").exists());
}

#[test]
fn a_fetch_gets_what_is_new_and_nothing_else() {
    let (mut from, here) = (upstream(), World::new());
    well(&here, &["clone", &format!("{}warp/", from.server.url())]);
    badly(&here, &["fetch", "--all", "--exit-code"], 127);
    let first = note(&here.path("warp"));

    from.epochs[2].add(&mails("late", 2));
    let mut fourth = Epoch::new(&from.world.path("lists/warp/git/3.git"));
    fourth.add(&mails("fourth", 3));
    wait_until("upstream has four epochs", || {
        let manifest = manifest(&from.server, "/warp/manifest.js.gz");
        manifest.as_object().unwrap().len() == 4
    });
    let asked = from.server.log().matches("git-upload-pack").count();
    let told = well(&here, &["fetch", "--all", "--exit-code"]);
    assert!(told.contains("2 epochs have news, 1 of them new"), "{told}");
    assert!(told.contains("5 added"), "{told}");
    let log = from.server.log();
    let asked: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("git-upload-pack"))
        .skip(asked)
        .collect();
    assert!(
        asked
            .iter()
            .all(|line| line.contains("/2.git/") || line.contains("/3.git/")),
        "old epochs were left alone: {asked:#?}"
    );
    for number in 0..4 {
        let name = format!("warp/git/{number}.git");
        assert_eq!(
            refs(&from.world.path("lists").join(&name)),
            refs(&here.path(&name))
        );
    }
    let second = note(&here.path("warp"));
    assert!(first["updated"].as_i64() <= second["updated"].as_i64());
    assert_eq!(second["offered"], json!([0, 1, 2, 3]));
    badly(&here, &["fetch", "warp", "--exit-code"], 127);
    // A directory is as good as a name, also a relative one.
    from.epochs[2].add(&mails("latest", 1));
    std::fs::rename(here.path("warp"), here.path("moved")).unwrap();
    let told = well(&here, &["fetch", "./moved"]);
    assert!(told.contains("1 epoch has news"), "{told}");
}

#[test]
fn a_purge_upstream_is_followed() {
    let (mut from, here) = (upstream(), World::new());
    well(&here, &["clone", &format!("{}warp/", from.server.url())]);
    let secret = mails("zero", 4)[1].clone();
    let copy = here.path("warp/git/0.git");
    let blob = git(&copy, &["rev-parse", "HEAD~2:m"]);
    let server = here.serve();
    server.get("/warp/zero-1@weaver.example/").ok();
    let number_before = ids(&server, "warp");

    from.epochs[0].purge(&secret);
    let told = well(&here, &["fetch"]);
    assert!(
        told.contains("1 epoch has news, 1 of them rewritten"),
        "{told}"
    );
    assert_eq!(refs(&copy), refs(&from.epochs[0].dir));
    wait_until("the page is gone", || {
        server.get("/warp/zero-1@weaver.example/").status != 200
    });
    server.get("/warp/zero-2@weaver.example/").ok();
    assert_eq!(ids(&server, "warp").len(), number_before.len() - 1);
    let left = Command::new("git")
        .arg("--git-dir")
        .arg(&copy)
        .args(["cat-file", "-e", &blob])
        .status()
        .unwrap();
    assert!(!left.success(), "the mail itself is still on the disk");
}

#[test]
fn a_partial_mirror_keeps_the_places_of_what_it_has_not_and_says_so() {
    let (mut from, here) = (upstream(), World::new());
    let url = format!("{}warp/", from.server.url());
    let why = badly(&here, &["clone", &url, "--epoch", "7"], 1);
    assert!(why.contains("outside of what there is: 0 to 2"), "{why}");
    let why = badly(&here, &["clone", &url, "--epoch", "x"], 2);
    assert!(why.contains("no range of epochs"), "{why}");

    let told = well(&here, &["clone", &url, "--epoch", "~0.."]);
    assert!(told.contains("3 added"), "{told}");
    assert_eq!(refs(&here.path("warp/git/0.git")), "");
    assert_eq!(refs(&here.path("warp/git/1.git")), "");
    let layout = threadbare::store::Layout::find(&here.path("warp")).unwrap();
    let partial = layout.partial().expect("two epochs are missing");
    assert_eq!(partial.upstream, url);
    assert_eq!(
        partial.updated.map(|t| t.0),
        note(&here.path("warp"))["updated"].as_i64()
    );

    from.epochs[0].add(&mails("more", 1));
    from.epochs[2].add(&mails("more", 1));
    let told = well(&here, &["fetch", "warp"]);
    assert!(told.contains("1 epoch has news"), "{told}");
    assert_eq!(refs(&here.path("warp/git/0.git")), "");

    // Somebody wants one of them after all.
    let epoch = here.path("warp/git/1.git");
    let done = Command::new("chmod")
        .arg("u+w")
        .arg(&epoch)
        .status()
        .unwrap();
    assert!(done.success());
    let told = well(&here, &["fetch", "warp"]);
    assert!(told.contains("1 epoch has news, 1 of them new"), "{told}");
    assert_eq!(refs(&epoch), refs(&from.epochs[1].dir));
    // And then all.
    well(&here, &["clone", &url]);
    assert_eq!(
        refs(&here.path("warp/git/0.git")),
        refs(&from.epochs[0].dir)
    );
    let layout = threadbare::store::Layout::find(&here.path("warp")).unwrap();
    assert_eq!(layout.partial(), None);
}

#[test]
fn a_clone_that_was_interrupted_goes_on() {
    let (from, here) = (upstream(), World::new());
    let url = format!("{}warp/", from.server.url());
    let plain = Plain::start();
    // Everything but the mail of the last epoch.
    plain.pass_on_to(from.server.address, |path| !path.contains("/2.git/"));
    let through = format!("http://{}/warp/", plain.address);
    let why = badly(&here, &["clone", &through], 1);
    assert!(why.contains("goes on where it ended"), "{why}");
    assert_eq!(
        refs(&here.path("warp/git/0.git")),
        refs(&from.epochs[0].dir)
    );
    assert_eq!(note(&here.path("warp"))["updated"], Value::Null);
    let config = fs::read_to_string(here.path("config")).unwrap();
    assert!(!config.contains("warp"), "{config}");

    plain.pass_on_to(from.server.address, |_| true);
    plain.forget();
    let told = well(&here, &["clone", &through]);
    assert!(told.contains("1 epoch has news, 1 of them new"), "{told}");
    assert!(told.contains("10 added"), "{told}");
    let again = plain
        .asked()
        .iter()
        .filter(|path| path.contains("/0.git/"))
        .count();
    assert_eq!(again, 0, "what was here was not fetched again");
    let why = badly(&here, &["clone", &url, "warp"], 1);
    assert!(why.contains(&format!("a mirror of {through}")), "{why}");
}

/// What `git clone` takes is often pasted here.
#[test]
fn the_address_of_an_epoch_is_told_from_that_of_its_inbox() {
    let (from, here) = (upstream(), World::new());
    for epoch in ["warp/1", "warp/git/1.git"] {
        let url = format!("http://{}/{epoch}", from.server.address);
        let told = badly(&here, &["clone", &url], 1);
        let inbox = format!(
            "an epoch of http://{}/warp/: clone that",
            from.server.address
        );
        assert!(
            told.contains(&inbox) && told.contains("--epoch 1"),
            "{told}"
        );
    }
    assert!(!here.path("1").exists());
    // An inbox of version 1 is not taken for one.
    let weft = format!("http://{}/weft", from.server.address);
    well(&here, &["clone", &weft]);
}

#[test]
fn one_that_fails_does_not_keep_the_others_from_it() {
    let (mut from, here) = (upstream(), World::new());
    let plain = Plain::start();
    plain.pass_on_to(from.server.address, |_| true);
    let url = format!("http://{}/", plain.address);
    well(&here, &["clone", &url, "site"]);
    let before = note(&here.path("site/warp"));
    from.epochs[2].add(&mails("late", 1));
    let mut shed = Epoch::new(&from.world.path("lists/shed/git/1.git"));
    shed.add(&mails("shed-late", 1));
    plain.pass_on_to(from.server.address, |path| !path.starts_with("/warp/git"));
    wait_until("upstream has the new epoch", || {
        manifest(&from.server, "/shed/manifest.js.gz")
            .as_object()
            .unwrap()
            .len()
            == 2
    });
    let done = here.run(&["fetch"]);
    assert_eq!(done.status.code(), Some(1));
    let told = said(&done);
    assert!(
        told.contains("shed: 1 epoch has news, 1 of them new"),
        "{told}"
    );
    assert!(
        told.contains("threadbare: warp: ") && told.contains("1 of 3 could not"),
        "{told}"
    );
    assert_eq!(note(&here.path("site/warp"))["updated"], before["updated"]);
}

#[test]
fn hostile_manifests_are_refused_and_leave_nothing_behind() {
    let here = World::new();
    let plain = Plain::start();
    let url = format!("http://{}/loom/", plain.address);
    let about = json!({"modified": 1, "fingerprint": PRINT});
    for (manifest, why) in [
        (json!({"/../../x.git": about}).to_string(), "leads outside"),
        (
            json!({"/loom/git/0.git": about, "/a/../../b": about}).to_string(),
            "leads outside",
        ),
        (
            json!({"/loom/git/0.git": {"modified": 1e15}}).to_string(),
            "is no time",
        ),
        (
            json!({"/loom/git/0.git": {"reference": "/../x"}}).to_string(),
            "refers to",
        ),
        ("[".repeat(100_000), "no JSON"),
        (
            "x".repeat(9 << 20),
            "the response body is larger than request limit",
        ),
        (json!({}).to_string(), "lists no inbox"),
    ] {
        plain.answer("/loom/manifest.js.gz", manifest.as_bytes());
        let said = badly(&here, &["clone", &url], 1);
        assert!(said.contains(why), "{why}: {said}");
        assert!(said.len() < 500, "{said}");
    }
    let bomb = gzip(&vec![b' '; 200 << 20]);
    plain.answer("/loom/manifest.js.gz", &bomb);
    let said = badly(&here, &["clone", &url], 1);
    assert!(said.contains("unpacked it has more than"), "{said}");
    assert!(!here.path("loom").exists());
    let config = fs::read_to_string(here.path("config")).unwrap();
    assert!(!config.contains("loom"), "{config}");

    // What is promised is not there.
    plain.answer(
        "/loom/manifest.js.gz",
        json!({"/loom/git/0.git": about}).to_string().as_bytes(),
    );
    let said = badly(&here, &["clone", &url], 1);
    assert!(said.contains("git says"), "{said}");
    let config = fs::read_to_string(here.path("config")).unwrap();
    assert!(!config.contains("loom"), "{config}");
}

#[test]
fn git_is_not_led_to_other_protocols_or_borrowed_objects() {
    let here = World::new();
    let plain = Plain::start();
    let victim = here.path("victim.git");
    let mut epoch = Epoch::new(&victim);
    epoch.add(&mails("victim", 1));
    git(&victim, &["update-server-info"]);
    let tip = git(&victim, &["rev-parse", "HEAD"]);

    // Refs alone; the objects are said to lie in a directory of ours.
    let about = json!({"modified": 1, "fingerprint": PRINT});
    plain.answer(
        "/loom/manifest.js.gz",
        json!({"/loom/git/0.git": about}).to_string().as_bytes(),
    );
    plain.answer("/loom/git/0.git/HEAD", b"ref: refs/heads/master\n");
    plain.answer(
        "/loom/git/0.git/info/refs",
        format!("{tip}\trefs/heads/master\n").as_bytes(),
    );
    let alternates = format!("{}/objects\n", victim.display());
    for file in ["http-alternates", "alternates"] {
        plain.answer(
            &format!("/loom/git/0.git/objects/info/{file}"),
            alternates.as_bytes(),
        );
    }
    let url = format!("http://{}/loom/", plain.address);
    badly(&here, &["clone", &url], 1);
    let copy = here.path("loom/git/0.git");
    assert_eq!(refs(&copy), "");
    assert!(!copy.join("objects/info/alternates").exists());

    // A redirect out of HTTP, and one to another protocol for the manifest.
    plain.redirect("/warp/manifest.js.gz", "file:///etc/passwd");
    let said = badly(
        &here,
        &["clone", &format!("http://{}/warp/", plain.address)],
        1,
    );
    assert!(!said.contains("root:"), "{said}");
    plain.answer(
        "/weft/manifest.js.gz",
        json!({"/weft/git/0.git": about}).to_string().as_bytes(),
    );
    let target = format!("file://{}", victim.display());
    plain.redirect("/weft/git/0.git/info/refs", &format!("{target}/info/refs"));
    badly(
        &here,
        &["clone", &format!("http://{}/weft/", plain.address)],
        1,
    );
    assert_eq!(refs(&here.path("weft/git/0.git")), "");
}

#[test]
fn a_renamed_inbox_is_found_where_it_is_now() {
    let (from, here) = (upstream(), World::new());
    let plain = Plain::start();
    let new = format!("{}warp/manifest.js.gz", from.server.url());
    plain.redirect("/old-name/manifest.js.gz", &new);
    well(
        &here,
        &["clone", &format!("http://{}/old-name/", plain.address)],
    );
    let remote = git(
        &here.path("warp/git/0.git"),
        &["config", "remote.origin.url"],
    );
    assert_eq!(remote, format!("{}warp/git/0.git", from.server.url()));
}

#[test]
fn a_server_fetches_its_mirrors_by_itself() {
    let (mut from, mut here) = (upstream(), World::new());
    well(
        &here,
        &[
            "clone",
            &format!("{}warp/", from.server.url()),
            "--no-config",
        ],
    );
    well(
        &here,
        &[
            "clone",
            &format!("{}shed/", from.server.url()),
            "--no-config",
        ],
    );
    let (warp, shed) = (here.path("warp"), here.path("shed"));
    for (name, dir) in [("warp", &warp), ("shed", &shed)] {
        here.add_to_config(&format!(
            "[publicinbox \"{name}\"]\n\taddress = {name}@x.example\n\tinboxdir = {}\n",
            dir.display()
        ));
    }
    here.set_inbox("shed", "fetchInterval = never");
    let server = here.serve();
    // Nobody has asked for it yet: then somebody does, while it runs.
    from.epochs[2].add(&mails("late", 1));
    let mut late = Epoch::new(&from.world.path("lists/shed/git/1.git"));
    late.add(&mails("shed-late", 1));
    let path = "/warp/late-0@weaver.example/";
    assert_ne!(server.get(path).status, 200);
    here.set("fetchInterval = 1s");
    wait_until("the new mail is here", || server.get(path).status == 200);

    let mut fourth = Epoch::new(&from.world.path("lists/warp/git/3.git"));
    fourth.add(&mails("fourth", 1));
    let path = "/warp/fourth-0@weaver.example/";
    wait_until("the new epoch is here", || server.get(path).status == 200);
    assert_ne!(server.get("/shed/shed-late-0@weaver.example/").status, 200);
    assert!(
        server.log().contains("fetched warp: 1 epoch has news"),
        "{}",
        server.log()
    );
    assert!(server.stop());
}

#[test]
fn an_upstream_that_hangs_delays_neither_the_others_nor_the_end() {
    let (mut from, mut here) = (upstream(), World::new());
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = hanging.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in hanging.incoming() {
            held.push(stream);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    for n in 0..8 {
        let dir = here.path(&format!("slow-{n}"));
        let epoch = Epoch::new(&dir.join("git/0.git"));
        let url = format!("http://{address}/slow-{n}/git/0.git");
        git(&epoch.dir, &["config", "remote.origin.url", &url]);
        git(&epoch.dir, &["config", "remote.origin.mirror", "true"]);
        here.add_to_config(&format!(
            "[publicinbox \"slow-{n}\"]\n\taddress = slow-{n}@x.example\n\tinboxdir = {}\n",
            dir.display()
        ));
    }
    well(
        &here,
        &[
            "clone",
            &format!("{}warp/", from.server.url()),
            "--no-config",
        ],
    );
    let dir = here.path("warp");
    here.add_to_config(&format!(
        "[publicinbox \"warp\"]\n\taddress = warp@x.example\n\tinboxdir = {}\n",
        dir.display()
    ));
    here.set("fetchInterval = 1s");
    let server = here.serve();
    wait_until("the slow one is asked", || {
        connections.load(Ordering::Relaxed) >= 2
    });
    for n in 0..3 {
        from.epochs[2].add(&mails(&format!("late-{n}"), 1));
        let path = format!("/warp/late-{n}-0@weaver.example/");
        wait_until("the new mail is here", || server.get(&path).status == 200);
    }
    assert_eq!(
        connections.load(Ordering::Relaxed),
        2,
        "two of one site, no more"
    );
    assert!(server.stop());
}

#[test]
fn an_upstream_behind_tls_is_followed_if_its_certificate_is_to_be_trusted() {
    let (mut far, mut here) = (World::new(), World::new());
    let mut epoch = far.inbox("warp");
    epoch.add(&mails("zero", 3));
    let file = |kind: &str| tls_file(&format!("one.{kind}")).display().to_string();
    far.set(&format!("certificate = {} {}", file("pem"), file("key")));
    far.index();
    let server = far.serve_with(&["--listen", "https://127.0.0.1:0"]);
    let place = server.printed("listening on https://");
    let port = place
        .trim()
        .trim_end_matches('/')
        .rsplit(':')
        .next()
        .unwrap();
    let url = format!("https://localhost:{port}/warp/");
    // Before there is something in the config that the program wrote itself.
    here.set("fetchInterval = 1s");
    let run = |here: &World, args: &[&str], ca: &str| {
        let mut program = here.program();
        program.args(args).env("SSL_CERT_FILE", tls_file(ca));
        program.output().unwrap()
    };
    let refused = run(&here, &["clone", &url, "warp"], "two.pem");
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(
        said(&refused).to_lowercase().contains("certificate"),
        "{}",
        said(&refused)
    );
    assert!(!here.path("warp").exists());
    let done = run(&here, &["clone", &url, "warp"], "ca.pem");
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("warp: 3 added"), "{}", said(&done));
    epoch.add(&mails("late", 1));
    let done = run(&here, &["fetch", "warp"], "ca.pem");
    assert!(
        said(&done).contains("warp: 1 epoch has news"),
        "{}",
        said(&done)
    );
    // And a server does it by itself.
    let ca = tls_file("ca.pem").display().to_string();
    let mirror = here.serve_as("mirror.log", &[("SSL_CERT_FILE", &ca)], &[]);
    epoch.add(&mails("later", 1));
    wait_until("the new mail is here", || {
        mirror.get("/warp/later-0@weaver.example/").status == 200
    });
}

#[test]
fn a_site_is_asked_once_for_all_its_inboxes() {
    let (mut far, mut here) = (World::new(), World::new());
    let mut epochs = Vec::new();
    for n in 0..6 {
        let name = format!("list-{n}");
        let mut epoch = far.inbox(&name);
        epoch.add(&mails(&name, 2));
        epochs.push(epoch);
    }
    far.index();
    let server = far.serve();
    let plain = Plain::start();
    plain.pass_on_to(server.address, |_| true);
    let url = format!("http://{}/", plain.address);
    // Before there is something in the config that the program wrote itself.
    here.set("fetchInterval = 8s");
    well(&here, &["clone", &url, "lists"]);
    well(&here, &["fetch"]);
    plain.forget();
    let quiet = well(&here, &["fetch"]);
    assert_eq!(quiet.matches("nothing new").count(), 6, "{quiet}");
    assert_eq!(plain.asked(), ["/manifest.js.gz"]);
    // Only the one with news is asked for more.
    epochs[3].add(&mails("late", 1));
    plain.forget();
    let news = well(&here, &["fetch"]);
    assert!(news.contains("list-3: 1 epoch has news"), "{news}");
    let asked = plain.asked();
    let manifests = asked.iter().filter(|path| path.ends_with("manifest.js.gz"));
    let manifests: Vec<&String> = manifests.collect();
    assert_eq!(manifests, ["/manifest.js.gz", "/list-3/manifest.js.gz"]);
    assert!(
        asked
            .iter()
            .all(|path| path == "/manifest.js.gz" || path.contains("list-3"))
    );
    // A single one is asked itself.
    plain.forget();
    well(&here, &["fetch", "list-1"]);
    assert_eq!(plain.asked(), ["/list-1/manifest.js.gz"]);
    // A server keeps those of one site together.
    plain.forget();
    let mirror = here.serve();
    epochs[1].add(&mails("server", 1));
    wait_until("the new mail is here", || {
        mirror.get("/list-1/server-0@weaver.example/").status == 200
    });
    let asked = plain.asked();
    let quiet = |path: &&String| path.ends_with("list-5/manifest.js.gz");
    assert_eq!(asked.iter().filter(quiet).count(), 0, "{asked:?}");
    // Where the site has no manifest, each is asked.
    drop(mirror);
    plain.pass_on_to(server.address, |path| path != "/manifest.js.gz");
    plain.forget();
    well(&here, &["fetch"]);
    assert_eq!(plain.asked().len(), 7);
}

#[test]
fn more_than_is_taken_is_not_taken_and_leaves_nothing_behind() {
    let (mut far, mut here) = (World::new(), World::new());
    // What nobody can pack.
    let mut state = 1_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{:016x}", state ^ (state >> 29))
    };
    let words: String = (0..400_000).map(|_| noise()).collect();
    let mail = Mail::new("noise@weaver.example", "Noise", 1).says(&words);
    far.inbox("loud").add(&[mail.bytes()]);
    far.index();
    let server = far.serve();
    let plain = Plain::start();
    plain.pass_on_to(server.address, |_| true);
    plain.told.lock().unwrap().stops_after = Some(2_500_000);
    here.set("maxFetchSize = 1m");
    let url = format!("http://{}/loud/", plain.address);
    let said = badly(&here, &["clone", &url, "loud"], 1);
    let why = "more than 1 MB came, which is more than is taken (threadbare.maxFetchSize)";
    assert!(said.contains(why), "{said}");
    let packs = here.path("loud/git/0.git/objects/pack");
    let left: Vec<_> = fs::read_dir(packs).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    // Who takes more gets it, by the same command.
    here.set("maxFetchSize = 100m");
    plain.told.lock().unwrap().stops_after = None;
    well(&here, &["clone", &url, "loud"]);
    let site = here.serve();
    site.get("/loud/noise@weaver.example/raw").ok();
}

#[test]
fn an_inbox_of_many_epochs_is_cloned_from_a_server_without_a_manifest() {
    let (mut from, here) = (upstream(), World::new());
    let plain = Plain::start();
    plain.pass_on_to(from.server.address, |path| {
        !path.ends_with("manifest.js.gz")
    });
    let url = format!("http://{}/warp/", plain.address);
    well(&here, &["clone", &url, "warp"]);
    let epochs = |world: &World| {
        let mut names: Vec<_> = fs::read_dir(world.path("warp/git"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(epochs(&here), ["0.git", "1.git", "2.git"]);
    for epoch in 0..3 {
        let name = format!("git/{epoch}.git");
        let there = from.world.path(&format!("lists/warp/{name}"));
        assert_eq!(refs(&here.path(&format!("warp/{name}"))), refs(&there));
    }
    let site = here.serve();
    assert_eq!(ids(&site, "warp"), ids(&from.server, "warp"));
    // A fetch asks for each, and whether there is another one.
    assert!(well(&here, &["fetch", "warp"]).contains("nothing new"));
    let mut new = Epoch::new(&from.world.path("lists/warp/git/3.git"));
    new.add(&mails("new", 1));
    from.epochs.push(new);
    wait_until("it is served", || {
        from.server.get("/warp/git/3.git/HEAD").status == 200
    });
    well(&here, &["fetch", "warp"]);
    assert_eq!(epochs(&here).len(), 4);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A plain server that says what it is told to, to whoever asks.
#[derive(Clone)]
struct Plain {
    address: SocketAddr,
    told: Arc<Mutex<Told>>,
}

/// Whether a request for this path is passed on.
type Fits = fn(&str) -> bool;

#[derive(Default)]
struct Told {
    answers: HashMap<String, Vec<u8>>,
    redirects: HashMap<String, String>,
    directories: Vec<(String, std::path::PathBuf)>,
    behind: Option<(SocketAddr, Fits)>,
    /// After so many bytes of an answer that is passed on nothing comes any more.
    stops_after: Option<u64>,
    asked: Vec<String>,
}

impl Plain {
    fn start() -> Plain {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plain = Plain {
            address: listener.local_addr().unwrap(),
            told: Arc::default(),
        };
        let server = plain.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = server.clone();
                // Who goes away in the middle has heard enough.
                std::thread::spawn(move || server.serve(stream).ok());
            }
        });
        plain
    }

    fn answer(&self, path: &str, body: &[u8]) {
        let mut told = self.told.lock().unwrap();
        told.answers.insert(path.to_owned(), body.to_vec());
    }

    fn redirect(&self, path: &str, to: &str) {
        let mut told = self.told.lock().unwrap();
        told.redirects.insert(path.to_owned(), to.to_owned());
    }

    fn serve_directory(&self, path: &str, dir: &Path) {
        let mut told = self.told.lock().unwrap();
        told.directories.push((path.to_owned(), dir.to_owned()));
    }

    /// Asks another server whatever fits, and refuses the rest.
    fn pass_on_to(&self, server: SocketAddr, fits: Fits) {
        self.told.lock().unwrap().behind = Some((server, fits));
    }

    fn asked(&self) -> Vec<String> {
        self.told.lock().unwrap().asked.clone()
    }

    fn forget(&self) {
        self.told.lock().unwrap().asked.clear();
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let head = loop {
            if let Some(end) = memchr::memmem::find(&request, b"\r\n\r\n") {
                break end + 4;
            }
            let mut piece = [0; 4096];
            match stream.read(&mut piece)? {
                0 => return Ok(()),
                count => request.extend_from_slice(&piece[..count]),
            }
        };
        let text = String::from_utf8_lossy(&request[..head]).into_owned();
        let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
        let path = target.split('?').next().unwrap_or_default().to_owned();
        let (body, redirect, behind, stops_after) = {
            let mut told = self.told.lock().unwrap();
            told.asked.push(path.clone());
            let file = told.directories.iter().find_map(|(below, dir)| {
                let rest = path.strip_prefix(below.as_str())?;
                fs::read(dir.join(rest.trim_start_matches('/'))).ok()
            });
            let body = told.answers.get(&path).cloned().or(file);
            let redirect = told.redirects.get(&path).cloned();
            (body, redirect, told.behind, told.stops_after)
        };
        if let Some(to) = redirect {
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n");
            return stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
        }
        if let Some((server, fits)) = behind
            && body.is_none()
            && fits(&path)
        {
            return pass_on(stream, server, &request, (head, stops_after), &text);
        }
        let status = if body.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let body = body.unwrap_or_default();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        stream.write_all(&body)
    }
}

/// One request to another server, and its answer back.
fn pass_on(
    mut stream: TcpStream,
    server: SocketAddr,
    request: &[u8],
    (head, stops_after): (usize, Option<u64>),
    text: &str,
) -> std::io::Result<()> {
    let mut behind = TcpStream::connect(server)?;
    let lines = text.trim_end().lines();
    let kept: Vec<&str> = lines
        .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    behind.write_all(format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).as_bytes())?;
    behind.write_all(&request[head..])?;
    let mut rest = stream.try_clone()?;
    let mut onwards = behind.try_clone()?;
    let feeding = std::thread::spawn(move || std::io::copy(&mut rest, &mut onwards));
    let most = stops_after.unwrap_or(u64::MAX);
    if std::io::copy(&mut (&mut behind).take(most), &mut stream)? == most {
        // Until whoever asked has had enough.
        let _ = feeding.join();
        return Ok(());
    }
    stream.shutdown(std::net::Shutdown::Both)
}
