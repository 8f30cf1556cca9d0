//! b4 and liblore, the programs of those who send and apply patches, against a running server.

use std::process::Command;

use crate::support::{Home, Series, Server, World, program, said};

/// A list with a series in two versions, and another one with half of it.
struct Stage {
    home: Home,
    server: Server,
    _world: World,
}

fn stage() -> Stage {
    let (home, mut world) = (Home::new(), World::new());
    let series = Series::sent_from(&home);
    world.inbox("cloth").add(&series.mails);
    world.inbox("copies").add(&series.mails[..4]);
    world.index();
    let server = world.serve();
    Stage {
        home,
        server,
        _world: world,
    }
}

impl Stage {
    /// b4, told to ask the inbox of our server, in the repository.
    fn b4(&self, inbox: &str, args: &[&str]) -> Option<Command> {
        let mut b4 = self.home.command(program("b4")?);
        let url = format!("{}{inbox}", self.server.url());
        b4.current_dir(self.home.path("cloth"))
            .args(["--no-interactive", "--no-stdin"])
            .args(["-c", &format!("b4.midmask={url}/%s")])
            .args(["-c", &format!("b4.searchmask={url}/?x=m&t=1&q=%s")])
            .args(["-c", &format!("b4.linkmask={url}/%s/")])
            .args(["-c", "b4.attestation-policy=off"])
            .args(args);
        Some(b4)
    }
}

#[test]
fn b4_gets_a_thread_from_any_message_of_it() {
    let stage = stage();
    // `all` is where b4 asks when nobody tells it otherwise.
    for (inbox, mid) in [
        ("cloth", "v2-0@shuttle.example"),
        ("cloth", "review-2@shuttle.example"),
        ("all", "v2-1@shuttle.example"),
    ] {
        let Some(mut b4) = stage.b4(inbox, &["mbox", "-o", "..", "-n", "thread.mbx", mid]) else {
            return;
        };
        let told = stage.home.well(&mut b4);
        assert!(
            told.contains("4 messages in the thread"),
            "{inbox} {mid}: {told}"
        );
        let mbox = stage.home.read("thread.mbx");
        for id in ["v2-0", "v2-1", "v2-2", "review-2"] {
            assert!(mbox.contains(&format!("<{id}@shuttle.example>")), "{id}");
        }
        std::fs::remove_file(stage.home.path("thread.mbx")).unwrap();
    }
    let mut b4 = stage
        .b4("cloth", &["mbox", "no-such@shuttle.example"])
        .unwrap();
    let done = stage.home.run(&mut b4);
    assert!(!done.status.success());
    assert!(said(&done).contains("404"), "{}", said(&done));
}

#[test]
fn b4_am_finds_the_newer_version_and_who_has_reviewed_it() {
    let stage = stage();
    let Some(mut b4) = stage.b4(
        "cloth",
        &[
            "am",
            "-c",
            "-o",
            "..",
            "-n",
            "ready",
            "v1-0@shuttle.example",
        ],
    ) else {
        return;
    };
    let told = stage.home.well(&mut b4);
    assert!(
        told.contains("[PATCH v2 1/2] loom: tighten the warp"),
        "{told}"
    );
    assert!(told.contains("Total patches: 2"), "{told}");
    let ready = stage.home.read("ready.mbx");
    assert!(
        ready.contains("Reviewed-by: Ada Heddle <ada@heddle.example>"),
        "{ready}"
    );
    assert!(ready.contains("return threads + 2;"), "{ready}");
}

#[test]
fn b4_shazam_applies_a_series() {
    let stage = stage();
    let Some(mut b4) = stage.b4("cloth", &["shazam", "v2-0@shuttle.example"]) else {
        return;
    };
    let told = stage.home.well(&mut b4);
    let log = stage
        .home
        .git("cloth", &["log", "--format=%s", "v2~2..HEAD"]);
    assert_eq!(
        log, "loom: double the weft\nloom: tighten the warp",
        "{told}"
    );
    assert_eq!(stage.home.git("cloth", &["diff", "v2", "HEAD"]), "");
    let message = stage
        .home
        .git("cloth", &["log", "-1", "--format=%b", "HEAD~1"]);
    assert!(
        message.contains("Reviewed-by: Ada Heddle <ada@heddle.example>"),
        "{message}"
    );
}

#[test]
fn b4_diff_shows_what_has_changed_between_versions() {
    let stage = stage();
    let Some(mut b4) = stage.b4("cloth", &["diff", "--no-cache", "v2-0@shuttle.example"]) else {
        return;
    };
    let told = stage.home.well(&mut b4);
    assert!(
        told.contains("threads + 1") && told.contains("threads + 2"),
        "{told}"
    );
}

#[test]
fn b4_dig_finds_the_mail_that_a_commit_came_from() {
    let stage = stage();
    for (commit, mid) in [
        ("v2", "v2-2@shuttle.example"),
        ("v1~1", "v1-1@shuttle.example"),
    ] {
        let Some(mut b4) = stage.b4("all", &["dig", "-C", "-c", commit]) else {
            return;
        };
        let told = stage.home.well(&mut b4);
        assert!(told.contains(mid), "{commit}: {told}");
    }
    let mut b4 = stage.b4("cloth", &["dig", "-C", "-c", "base"]).unwrap();
    let done = stage.home.run(&mut b4);
    assert!(!said(&done).contains("@shuttle.example"), "{}", said(&done));
}

#[test]
fn liblore_finds_threads_searches_and_asks_for_news() {
    let stage = stage();
    let Some(python) = program("python") else {
        return;
    };
    let script = r#"
import sys
try:
    from liblore import LoreNode
except ImportError:
    print('skipped: python has no liblore'); sys.exit()
base = sys.argv[1]
for inbox in ('cloth', 'all'):
    with LoreNode(base + inbox) as node:
        node.validate()
        thread = node.get_thread_by_msgid('v2-1@shuttle.example')
        ids = sorted(m['Message-ID'] for m in thread)
        assert ids == ['<review-2@shuttle.example>', '<v2-0@shuttle.example>', '<v2-1@shuttle.example>', '<v2-2@shuttle.example>'], ids
        one = node.get_message_by_msgid('v1-2@shuttle.example')
        assert b'picks * 2' in bytes(one), one
        found = node.get_thread_by_query('s:"tighten the warp" AND f:tester@weaver.example')
        assert len(found) == 8, len(found)
        found = node.get_thread_by_query('nq:"One is not enough"')
        assert any(m['Message-ID'] == '<review-1@shuttle.example>' for m in found), found
        for query in ('s:nothing-like-it', 'm:no-such@shuttle.example'):
            try:
                assert not node.get_thread_by_query(query)
            except Exception as error:
                assert '404' in str(error) or 'not found' in str(error).lower() or 'no ' in str(error).lower(), error
        try:
            node.get_thread_by_msgid('no-such@shuttle.example')
            assert False, 'there is no such thread'
        except AssertionError: raise
        except Exception: pass
print('ok')
"#;
    let mut command = stage.home.command(python);
    command.args(["-c", script, &stage.server.url()]);
    let told = stage.home.well(&mut command);
    match told.strip_prefix("skipped") {
        Some(why) => skipped!("{}", why.trim_matches([':', ' ', '\n'])),
        None => assert!(told.trim_end().ends_with("ok"), "{told}"),
    }
}
