//! A git epoch that a test writes, commit by commit, and rewrites when it has to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A plain mail, for tests that care for what happens to it and not for what it is.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) id: String,
    subject: String,
    parent: Option<String>,
    minute: u32,
    body: String,
}

impl Mail {
    pub(crate) fn new(id: &str, subject: &str, minute: u32) -> Mail {
        Mail {
            id: id.to_owned(),
            subject: subject.to_owned(),
            parent: None,
            minute,
            body: format!("The words of {id}.\n"),
        }
    }

    pub(crate) fn answers(mut self, parent: &str) -> Mail {
        self.parent = Some(parent.to_owned());
        self
    }

    pub(crate) fn says(mut self, body: &str) -> Mail {
        self.body = format!("{body}\n");
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (hour, minute) = (self.minute / 60 % 24, self.minute % 60);
        let day = 1 + self.minute / 60 / 24;
        let date = format!("{day} Jan 2026 {hour:02}:{minute:02}:00 +0000");
        let parent = self.parent.as_ref();
        let parent = parent.map_or(String::new(), |id| format!("In-Reply-To: <{id}>\n"));
        format!(
            "From: Test <test@weaver.example>\nTo: test@lists.example.org\nSubject: {}\nDate: {date}\n\
             Message-ID: <{}>\n{parent}\n{}",
            self.subject, self.id, self.body
        )
        .into_bytes()
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Add(Vec<u8>),
    Remove(Vec<u8>),
}

/// A bare repository whose history is the deeds that were asked for.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(crate) dir: PathBuf,
    deeds: Vec<Deed>,
}

impl Epoch {
    pub(crate) fn new(dir: &Path) -> Epoch {
        std::fs::create_dir_all(dir).unwrap();
        let epoch = Epoch {
            dir: dir.to_owned(),
            deeds: Vec::new(),
        };
        epoch.git(&["init", "-q", "--bare", "-b", "master", "."]);
        epoch
    }

    /// A repository of version 1 with one commit per mail, at `dir`.
    pub(crate) fn version_1(dir: &Path, mails: &[Vec<u8>]) {
        let epoch = Epoch::new(dir);
        let mut stream = Vec::new();
        for (index, mail) in mails.iter().enumerate() {
            let when = 1_770_000_000 + 60 * index;
            stream.extend_from_slice(
                format!(
                    "commit refs/heads/master\nauthor A <a@weaver.example> {when} +0000\n\
                     committer list <list@lists.example.org> {when} +0000\ndata 6\na mail\n\
                     M 100644 inline {index:02x}/{index:038x}\ndata {}\n",
                    mail.len()
                )
                .as_bytes(),
            );
            stream.extend_from_slice(mail);
            stream.extend_from_slice(b"\n\n");
        }
        epoch.fast_import(&stream);
    }

    /// One commit per mail, in this order.
    pub(crate) fn add(&mut self, mails: &[Vec<u8>]) {
        self.append(mails.iter().cloned().map(Deed::Add).collect());
    }

    /// What `public-inbox-learn rm` does.
    pub(crate) fn remove(&mut self, mail: &[u8]) {
        self.append(vec![Deed::Remove(mail.to_vec())]);
    }

    /// What `public-inbox-purge` does: the history is written anew with an empty blob in that mail's place.
    pub(crate) fn purge(&mut self, mail: &[u8]) {
        self.edit(mail, b"");
    }

    /// What `public-inbox-edit` does: the history is written anew with other bytes in that mail's place.
    pub(crate) fn edit(&mut self, mail: &[u8], new: &[u8]) {
        let mut found = false;
        for deed in &mut self.deeds {
            if let Deed::Add(bytes) = deed
                && bytes == mail
            {
                *bytes = new.to_vec();
                found = true;
            }
        }
        assert!(found, "there is no such mail to rewrite");
        self.import(&self.deeds, 0, None);
        self.git(&["reflog", "expire", "--expire=now", "--all"]);
        self.git(&["gc", "-q", "--prune=now"]);
    }

    /// Repacks as a caretaker does: what was read from loose objects comes from a pack now.
    pub(crate) fn repack(&self) {
        self.git(&["gc", "-q", "--prune=now"]);
    }

    fn append(&mut self, deeds: Vec<Deed>) {
        let from = (!self.deeds.is_empty()).then_some("refs/heads/master^0");
        self.import(&deeds, self.deeds.len(), from);
        self.deeds.extend(deeds);
    }

    fn import(&self, deeds: &[Deed], first: usize, from: Option<&str>) {
        let mut stream = Vec::new();
        if from.is_none() {
            stream.extend_from_slice(b"reset refs/heads/master\n\n");
        }
        for (index, deed) in deeds.iter().enumerate() {
            let when = 1_770_000_000 + 60 * (first + index);
            let (bytes, name, subject) = match deed {
                Deed::Add(bytes) => (bytes, "m", "a mail"),
                Deed::Remove(bytes) => (bytes, "d", "rm"),
            };
            stream.extend_from_slice(
                format!(
                    "commit refs/heads/master\nauthor A <a@weaver.example> {when} +0000\n\
                     committer list <list@lists.example.org> {when} +0000\ndata {}\n{subject}\n",
                    subject.len()
                )
                .as_bytes(),
            );
            if let (0, Some(from)) = (index, from) {
                stream.extend_from_slice(format!("from {from}\n").as_bytes());
            }
            stream.extend_from_slice(
                format!("deleteall\nM 100644 inline {name}\ndata {}\n", bytes.len()).as_bytes(),
            );
            stream.extend_from_slice(bytes);
            stream.extend_from_slice(b"\n\n");
        }
        self.fast_import(&stream);
    }

    fn fast_import(&self, stream: &[u8]) {
        let mut child = git(&self.dir)
            .args(["fast-import", "--quiet", "--force", "--date-format=raw"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stream).unwrap();
        assert!(child.wait().unwrap().success(), "git fast-import");
    }

    fn git(&self, args: &[&str]) {
        let done = git(&self.dir).args(args).status().unwrap();
        assert!(done.success(), "git {args:?}");
    }
}

/// git, deaf to the settings of whoever runs the tests.
pub(crate) fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR");
    command
}

/// What git says.
pub(crate) fn git_text(dir: &Path, args: &[&str]) -> String {
    let done = git(dir).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}
