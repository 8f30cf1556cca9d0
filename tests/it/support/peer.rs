//! public-inbox's own programs over a world's inboxes, and what each side has numbered.

use std::path::Path;
use std::process::{Command, Stdio};

use super::World;
use super::programs::{fed, program, said};

/// public-inbox as Debian installs it.
pub(crate) struct Peer<'a> {
    world: &'a World,
}

impl Peer<'_> {
    /// `None` where one of these programs is not installed, saying so.
    pub(crate) fn find<'a>(world: &'a World, programs: &[&str]) -> Option<Peer<'a>> {
        programs
            .iter()
            .all(|name| program(&format!("public-inbox-{name}")).is_some())
            .then_some(Peer { world })
    }

    /// The program `public-inbox-NAME`. It finds a `spamc` that takes everything for mail.
    pub(crate) fn command(&self, name: &str) -> Command {
        let bin = self.world.path("bin");
        if !bin.exists() {
            use std::os::unix::fs::PermissionsExt;
            std::fs::create_dir(&bin).unwrap();
            let spamc = bin.join("spamc");
            std::fs::write(&spamc, "#!/bin/sh\nexec cat\n").unwrap();
            std::fs::set_permissions(&spamc, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut path = bin.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(format!("public-inbox-{name}"));
        command
            .current_dir(self.world.path(""))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.world.path(""))
            .env("PI_CONFIG", self.world.path("config"))
            .env("PI_EMERGENCY", self.world.path("emergency"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end, which has to be a good one.
    #[track_caller]
    pub(crate) fn run(&self, name: &str, args: &[&str]) -> String {
        self.well(self.command(name).args(args), b"")
    }

    /// Likewise with a mail on its input.
    #[track_caller]
    pub(crate) fn reads(&self, name: &str, args: &[&str], mail: &[u8]) -> String {
        self.well(self.command(name).args(args), mail)
    }

    /// `public-inbox-mda` for an inbox.
    #[track_caller]
    pub(crate) fn deliver(&self, inbox: &str, mail: &[u8]) {
        let mut mda = self.command("mda");
        mda.arg("--no-precheck")
            .env("ORIGINAL_RECIPIENT", format!("{inbox}@lists.example.org"));
        self.well(&mut mda, mail);
    }

    #[track_caller]
    fn well(&self, command: &mut Command, input: &[u8]) -> String {
        let output = fed(command, input);
        assert!(
            output.status.success(),
            "{command:?}: {:?} {}",
            output.status,
            said(&output)
        );
        said(&output)
    }
}

fn rows(file: &Path, query: &str, argument: &str) -> Vec<(i64, String)> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    #[expect(
        clippy::disallowed_methods,
        reason = "a look into the databases of two programs"
    )]
    let sql = rusqlite::Connection::open_with_flags(file, flags).unwrap();
    let mut statement = sql.prepare(query).unwrap();
    let rows = statement.query_map([argument], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The article numbers of an inbox and the Message-ID of each, by our catalogue. Mail without an id of its own is left
/// out, as public-inbox does.
pub(crate) fn numbers_of_ours(world: &World, dir: &Path) -> Vec<(i64, String)> {
    let query = "SELECT p.num, m.text FROM place p JOIN mid m ON m.id = p.mid JOIN inbox i ON i.id = p.inbox
                  WHERE i.dir = ?1 AND p.num > 0 ORDER BY p.num";
    let dir = dir.canonicalize().unwrap();
    rows(
        &world.path("index/catalogue.sqlite3"),
        query,
        dir.to_str().unwrap(),
    )
}

/// Likewise by public-inbox.
pub(crate) fn numbers_of_theirs(dir: &Path) -> Vec<(i64, String)> {
    rows(
        &dir.join("msgmap.sqlite3"),
        "SELECT num, mid FROM msgmap WHERE ?1 != '' ORDER BY num",
        "x",
    )
}
