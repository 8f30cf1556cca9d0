//! What an operator asks without a running server: `status`, `config check`, `doctor`, `man`, `completions`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;

use crate::support::{Mail, World, tls_file};

fn world() -> World {
    let mut world = World::new();
    let mails: Vec<Vec<u8>> = (0..3)
        .map(|n| Mail::new(&format!("{n}@weaver.example"), "Warp", n).bytes())
        .collect();
    world.inbox("loom").add(&mails);
    world
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn code(output: &Output) -> i32 {
    let error = String::from_utf8_lossy(&output.stderr);
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("killed: {error}"))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

#[test]
fn status_says_how_far_an_inbox_is_behind() {
    let mut world = world();
    let before = world.run(&["status"]);
    assert_eq!(code(&before), 3);
    assert!(
        said(&before).contains("warning: there is no index in "),
        "{}",
        said(&before)
    );
    assert!(!world.path("index").exists(), "looking changes nothing");
    world.index();
    let level = world.run(&["status", "--json"]);
    assert_eq!(code(&level), 0, "{}", said(&level));
    let inbox = &json(&level)["inboxes"][0];
    assert_eq!(
        (&inbox["name"], &inbox["messages"], &inbox["behind"]),
        (&"loom".into(), &3.into(), &0.into())
    );
    assert_eq!(
        (&inbox["version"], &inbox["epochs"]),
        (&2.into(), &1.into())
    );
    assert!(inbox["bytes"].as_u64().unwrap() > 500);
    assert!(
        inbox["last_commit"].as_str().unwrap().starts_with("20"),
        "{inbox}"
    );
    assert_eq!(inbox["last_fetch"], Value::Null);
    assert_eq!(json(&level)["findings"], Value::Array(Vec::new()));
    let mut late = world.inbox("late");
    late.add(&[Mail::new("late@weaver.example", "Late", 9).bytes()]);
    fs::write(late.dir.join("FETCH_HEAD"), "").unwrap();
    let table = said(&world.run(&["status"]));
    let line = |name: &str| {
        table
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(line("late").contains("not indexed"), "{table}");
    assert!(line("loom").contains("level"), "{table}");
    let one = json(&world.run(&["status", "--json", "late"]));
    assert_eq!(one["inboxes"].as_array().unwrap().len(), 1);
    assert!(
        one["inboxes"][0]["last_fetch"]
            .as_str()
            .unwrap()
            .starts_with("20")
    );
    world.index();
    late.add(&[Mail::new("later@weaver.example", "Later", 10).bytes()]);
    let table = said(&world.run(&["status"]));
    assert!(table.contains("1 behind"), "{table}");
}

#[test]
fn a_good_config_passes() {
    let world = world();
    let checked = world.run(&["config", "check"]);
    assert_eq!(code(&checked), 0, "{}", said(&checked));
    assert!(said(&checked).contains("nothing is wrong with it"));
}

#[test]
fn what_is_wrong_with_a_config_is_named_with_its_line() {
    let mut world = world();
    world.set("lissen = 127.0.0.1:80");
    world.set("listen = nowhere");
    world.set("listen = https://127.0.0.1:8443");
    world.set("metrics = 127.0.0.1:8443");
    world.set("url = lists.example.org");
    world.inbox("twin").add(&[]);
    world.set_inbox("twin", "address = LOOM@lists.example.org");
    world.set_inbox("twin", "adress = x@example.org");
    world.set_inbox("gone", "inboxdir = gone");
    world.set_inbox("gone", "address = no-address");
    let inner = world.path("lists/loom/inner");
    fs::create_dir_all(inner.join("git")).unwrap();
    fs::write(inner.join("inbox.lock"), "").unwrap();
    world.set_inbox("inner", &format!("inboxdir = {}", inner.display()));
    world.set_inbox("inner", "address = inner@example.org");
    let checked = world.run(&["config", "check"]);
    assert_eq!(code(&checked), 3);
    let found = said(&checked);
    let config = fs::read_to_string(world.path("config")).unwrap();
    let line = |part: &str| 1 + config.lines().position(|line| line.contains(part)).unwrap();
    for part in [
        format!(
            "config:{}: threadbare.lissen is no setting; is listen meant?",
            line("lissen")
        ),
        format!(
            "config:{}: publicinbox.twin.adress is no setting",
            line("adress")
        ),
        format!(
            "config:{}: inbox twin has the address loom@lists.example.org of loom",
            line("LOOM@")
        ),
        "threadbare.listen: listening on nowhere: an address is HOST:PORT".to_owned(),
        "has TLS, and there is no certificate".to_owned(),
        "threadbare.metrics: 127.0.0.1:8443 is taken by threadbare.listen".to_owned(),
        "threadbare.url: \"lists.example.org/\" is no URL".to_owned(),
        "inbox gone: ".to_owned(),
        "\"no-address\" is no address".to_owned(),
        "inbox inner lies inside of inbox loom".to_owned(),
        "inbox inner has no mail yet".to_owned(),
    ] {
        assert!(found.contains(&part), "{part}\nin {found}");
    }
    let list = json(&world.run(&["config", "check", "--json"]));
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["grade"] == "problem")
    );
}

#[test]
fn a_config_that_cannot_be_read_is_one_problem_with_its_line() {
    let world = world();
    let file = world.path("other");
    fs::write(&file, "[threadbare]\n\tlisten = \"open\n").unwrap();
    let checked = world.run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(code(&checked), 3);
    assert!(
        said(&checked).contains("other:2: a quote does not end"),
        "{}",
        said(&checked)
    );
    let missing = world.run(&["config", "check", "nowhere"]);
    assert_eq!(code(&missing), 3);
    assert!(said(&missing).contains("there is no such file"));
}

#[test]
fn certificates_are_looked_into() {
    let mut world = world();
    world.set(&format!(
        "certificate = {} {}",
        tls_file("one.pem").display(),
        tls_file("two.key").display()
    ));
    let found = said(&world.run(&["config", "check"]));
    assert!(
        found.contains("the key does not fit its certificate"),
        "{found}"
    );
}

#[test]
fn a_doctor_finds_nothing_where_nothing_is_wrong() {
    let world = world();
    world.index();
    let looked = world.run(&["doctor"]);
    // How much room and how many descriptors there are is this machine's affair.
    let found = json(&world.run(&["doctor", "--json"]));
    let others = |finding: &&Value| {
        let what = finding["what"].as_str().unwrap();
        finding["grade"] != "note"
            && !what.contains("free on the disk")
            && !what.contains("a process of this shell")
    };
    let others: Vec<&Value> = found.as_array().unwrap().iter().filter(others).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!([0, 3].contains(&code(&looked)));
}

#[test]
fn a_doctor_knows_common_ailments() {
    let mut world = world();
    let mut old = world.inbox("old");
    let mail = |n: u32| Mail::new(&format!("old-{n}@weaver.example"), "Old", n).bytes();
    old.add(&[mail(1)]);
    // A partial mirror: its first epoch is not there.
    let dir = world.path("lists/old/git");
    let mut second = crate::support::Epoch::new(&dir.join("1.git"));
    second.add(&[mail(2)]);
    let mut broken = world.inbox("broken");
    broken.add(&[mail(3)]);
    world.index();
    fs::rename(dir.join("0.git"), world.path("away.git")).unwrap();
    let head = broken.dir.join("HEAD");
    fs::write(&head, format!("{}\n", "1".repeat(40))).unwrap();
    fs::remove_dir_all(world.path("index/words")).unwrap();
    let lock = fs::File::open(world.path("index/index.lock")).unwrap();
    lock.lock().unwrap();
    let looked = world.run(&["doctor"]);
    assert_eq!(code(&looked), 3);
    let found = said(&looked);
    for part in [
        "inbox old has no 0.git: it is a partial copy",
        "inbox old: epoch 0 was indexed and is not there any more",
        "inbox broken, epoch 0: ",
        "the words are not those of this catalogue",
        &format!("process {} indexes at the moment", std::process::id()),
    ] {
        assert!(found.contains(part), "{part}\nin {found}");
    }
}

#[test]
fn a_doctor_sees_what_may_not_be_written() {
    let world = world();
    world.index();
    let file = world.path("index/catalogue.sqlite3");
    let closed = fs::Permissions::from_mode(0o400);
    fs::set_permissions(&file, closed).unwrap();
    if fs::File::options().append(true).open(&file).is_ok() {
        skipped!("the superuser may write everything");
        return;
    }
    let found = said(&world.run(&["doctor"]));
    assert!(
        found.contains("catalogue.sqlite3 cannot be written"),
        "{found}"
    );
}

#[test]
fn every_command_has_a_manual_page_and_words_to_complete() {
    let world = world();
    let dir = world.path("man");
    let made = world.run(&["man", dir.to_str().unwrap()]);
    assert_eq!(code(&made), 0);
    let page =
        |name: &str| fs::read_to_string(dir.join(name)).unwrap_or_else(|_| panic!("no {name}"));
    assert!(page("threadbare.1").contains("mailing\\-list archive"));
    let serve = page("threadbare-serve.1");
    for flag in ["hand\\-over", "certificate", "log\\-addresses"] {
        assert!(serve.contains(flag), "{flag} in {serve}");
    }
    let help = said(&world.run(&["--help"]));
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() >= 6, "{help}");
    for shell in ["bash", "zsh", "fish"] {
        let words = world.run(&["completions", shell]);
        assert_eq!(code(&words), 0);
        for command in &commands {
            assert!(page(&format!("threadbare-{command}.1")).contains(command));
            assert!(said(&words).contains(command), "{command} for {shell}");
        }
    }
}

#[test]
fn a_home_that_may_not_be_looked_into_keeps_nobody_from_reading_git() {
    // Whoever may look into everything has to be somebody else for this.
    let nobody = [
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
    ];
    let can = std::process::Command::new(nobody[0])
        .args(&nobody[1..])
        .args(["test", "-r", "/"])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        skipped!("nobody here may become another user");
        return;
    }
    let world = world();
    fs::copy(env!("CARGO_BIN_EXE_threadbare"), world.path("threadbare")).unwrap();
    fs::create_dir(world.path("closed")).unwrap();
    fs::write(world.path("closed/.gitconfig"), "[core]\n").unwrap();
    fs::create_dir(world.path("index")).unwrap();
    fs::set_permissions(world.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    for open in [".", "index"] {
        fs::set_permissions(world.path(open), fs::Permissions::from_mode(0o777)).unwrap();
    }
    let done = std::process::Command::new(nobody[0])
        .args(&nobody[1..])
        .arg(world.path("threadbare"))
        .args(["index", "--all"])
        .env("HOME", world.path("closed"))
        .env("XDG_CONFIG_HOME", world.path("closed/below"))
        .env("PI_CONFIG", world.path("config"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{error}");
    assert!(
        said(&done).contains("loom: 3 added\n"),
        "{}{error}",
        said(&done)
    );
}

#[test]
fn settings_of_git_that_nobody_understands_keep_no_mail_away() {
    for place in [".gitconfig", ".config/git/config"] {
        let world = world();
        let file = world.path(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "[user\n\tname = \"Nobody\n").unwrap();
        let index = || {
            let mut program = world.program();
            // What lies in the home is still found there.
            program.env_remove("PI_CONFIG").args(["index", "--all"]);
            program.output().unwrap()
        };
        fs::create_dir(world.path(".public-inbox")).unwrap();
        fs::copy(world.path("config"), world.path(".public-inbox/config")).unwrap();
        let done = index();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(
            done.status.success() && said(&done).contains("loom: 3 added\n"),
            "{place}: {}{error}",
            said(&done)
        );
        world.serve().get("/loom/").ok();
    }
}
