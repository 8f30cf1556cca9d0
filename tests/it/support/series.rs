//! A patch series in two versions, made by git from commits, and the mails that went round about it.

use super::programs::Home;

/// The list that it was sent to.
const TO: &str = "cloth@lists.example.org";

/// A repository `cloth` in a home, with the branches `base`, `v1` and `v2`, and the mails of both versions.
pub(crate) struct Series {
    /// Mails in the order in which they were sent.
    pub(crate) mails: Vec<Vec<u8>>,
}

const BASE: &str = "int warp(int threads)\n{\n\treturn threads;\n}\n\nint weft(int picks)\n{\n\treturn picks;\n}\n";

impl Series {
    /// Makes the repository at `cloth` and writes the mails.
    pub(crate) fn sent_from(home: &Home) -> Series {
        home.write("cloth/loom.c", BASE);
        home.write("cloth/README", "A loom.\n");
        home.git("cloth", &["init", "-q"]);
        commit(home, "loom: begin", 0);
        home.git("cloth", &["branch", "base"]);
        let mut mails = vec![cover(1, 1)];
        branch(
            home,
            "v1",
            &[("threads", "threads + 1"), ("picks", "picks * 2")],
            10,
        );
        mails.extend(patches(home, 1, 2));
        mails.push(reply(
            "review-1@shuttle.example",
            "v1-1@shuttle.example",
            "Re: [PATCH 1/2] loom: tighten the warp",
            "> +\treturn threads + 1;\n\nOne is not enough.\n",
            5,
        ));
        mails.push(cover(2, 20));
        branch(
            home,
            "v2",
            &[("threads", "threads + 2"), ("picks", "picks * 2")],
            30,
        );
        mails.extend(patches(home, 2, 21));
        mails.push(reply(
            "review-2@shuttle.example",
            "v2-1@shuttle.example",
            "Re: [PATCH v2 1/2] loom: tighten the warp",
            "Better.\n\nReviewed-by: Ada Heddle <ada@heddle.example>\n",
            40,
        ));
        home.git("cloth", &["checkout", "-q", "base"]);
        Series { mails }
    }
}

/// Two commits on top of `base`: one for each function, another one in each version.
fn branch(home: &Home, name: &str, changes: &[(&str, &str); 2], minute: u32) {
    home.git("cloth", &["checkout", "-q", "-b", name, "base"]);
    let mut text = BASE.to_owned();
    let subjects = ["loom: tighten the warp", "loom: double the weft"];
    for (nth, ((old, new), subject)) in changes.iter().zip(subjects).enumerate() {
        text = text.replace(&format!("return {old};"), &format!("return {new};"));
        home.write("cloth/loom.c", &text);
        let message = format!(
            "{subject}\n\nCloth holds better so.\n\nSigned-off-by: Tester <tester@weaver.example>"
        );
        commit(home, &message, minute + nth as u32);
    }
}

fn commit(home: &Home, message: &str, minute: u32) {
    let date = format!("2026-03-01T12:{minute:02}:00+0000");
    let mut git = home.command("git");
    git.current_dir(home.path("cloth"))
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "commit",
            "-q",
            "-a",
            "-m",
            message,
        ]);
    home.git("cloth", &["add", "-A"]);
    home.well(&mut git);
}

/// The mails that `git format-patch` makes of the branch that is checked out, as answers to the cover letter.
fn patches(home: &Home, version: u32, minute: u32) -> Vec<Vec<u8>> {
    let out = format!("patches-{version}");
    let path = home.path(&out).display().to_string();
    let version_flag = format!("-v{version}");
    let mut args = vec!["format-patch", "-q", "--numbered", "-o", &path];
    if version > 1 {
        args.push(&version_flag);
    }
    args.push("base..HEAD");
    home.git("cloth", &args);
    let mut files: Vec<_> = std::fs::read_dir(home.path(&out))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mail = |(nth, file): (usize, &std::path::PathBuf)| {
        let text = std::fs::read_to_string(file).unwrap();
        // The first line is that of an mbox; the date is when it was sent.
        let (_, text) = text.split_once('\n').unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("Date: "));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let sent = date(minute + nth as u32);
        format!(
            "To: {TO}\nDate: {sent}\nMessage-ID: <v{version}-{}@shuttle.example>\n\
             In-Reply-To: <v{version}-0@shuttle.example>\nReferences: <v{version}-0@shuttle.example>\n{text}",
            nth + 1
        )
        .into_bytes()
    };
    files.iter().enumerate().map(mail).collect()
}

fn cover(version: u32, minute: u32) -> Vec<u8> {
    let prefix = match version {
        1 => "PATCH".to_owned(),
        _ => format!("PATCH v{version}"),
    };
    format!(
        "From: Tester <tester@weaver.example>\nTo: {TO}\nSubject: [{prefix} 0/2] loom: hold better\nDate: {}\n\
         Message-ID: <v{version}-0@shuttle.example>\n\nTwo threads are better than one.\n\n\
         Tester (2):\n  loom: tighten the warp\n  loom: double the weft\n\n loom.c | 4 ++--\n 1 file changed, 2 insertions(+), 2 deletions(-)\n",
        date(minute)
    )
    .into_bytes()
}

fn reply(id: &str, to: &str, subject: &str, body: &str, minute: u32) -> Vec<u8> {
    format!(
        "From: Ada Heddle <ada@heddle.example>\nTo: {TO}\nSubject: {subject}\nDate: {}\nMessage-ID: <{id}>\n\
         In-Reply-To: <{to}>\nReferences: <{to}>\n\n{body}",
        date(minute)
    )
    .into_bytes()
}

fn date(minute: u32) -> String {
    format!("Sun, 1 Mar 2026 13:{minute:02}:00 +0000")
}
