//! Programs that people use, where they are installed: a test that wants one that is not here skips, saying so.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a program may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where a program is: beside the python of `THREADBARE_PYTHON`, in the environment that `.ci/run` makes, or in the
/// `PATH`. `None` where it is not installed, saying so.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let python = std::env::var_os("THREADBARE_PYTHON").map(PathBuf::from);
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = python
        .iter()
        .filter_map(|python| Some(python.parent()?.to_owned()));
    let dirs = dirs.chain([made]).chain(std::env::split_paths(&path));
    let found = dirs.map(|dir| dir.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skipped!("{name} is not installed");
    }
    found
}

/// A home of one's own: programs run here see no settings but those that a test writes.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Home {
        let home = Home(TempDir::new().unwrap());
        let config = "[user]\n\tname = Tester\n\temail = tester@weaver.example\n\
             [init]\n\tdefaultBranch = master\n[advice]\n\tdetachedHead = false\n";
        home.write(".gitconfig", config);
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Writes a file, and the directories above it.
    pub(crate) fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap()
    }

    /// A command that lives here.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end. One that has none is killed, and the test has failed.
    #[track_caller]
    pub(crate) fn run(&self, command: &mut Command) -> Output {
        let shown = format!("{command:?}");
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.unwrap();
        let id = child.id();
        let (say, hear) = mpsc::channel();
        std::thread::spawn(move || say.send(child.wait_with_output()));
        let Ok(done) = hear.recv_timeout(PATIENCE) else {
            Command::new("kill")
                .args(["-KILL", &id.to_string()])
                .status()
                .unwrap();
            panic!("{shown} does not end");
        };
        done.unwrap()
    }

    /// Likewise; it has to succeed. What it says, errors last.
    #[track_caller]
    pub(crate) fn well(&self, command: &mut Command) -> String {
        let done = self.run(command);
        assert!(done.status.success(), "{command:?}: {}", said(&done));
        said(&done)
    }

    /// git, in a directory below.
    #[track_caller]
    pub(crate) fn git(&self, dir: &str, args: &[&str]) -> String {
        let mut git = self.command("git");
        git.current_dir(self.path(dir)).args(args);
        let done = self.run(&mut git);
        assert!(done.status.success(), "git {args:?}: {}", said(&done));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }
}

/// Runs a program with this on its input.
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may not want to read all of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// All that a program has said.
pub(crate) fn said(output: &Output) -> String {
    let all = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8_lossy(&all).into_owned()
}

/// A program that runs until the test ends.
pub(crate) struct Daemon(Child);

impl Daemon {
    pub(crate) fn start(command: &mut Command) -> Daemon {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Daemon(child.unwrap())
    }

    /// Waits until somebody listens there. `false` where the program has ended instead.
    pub(crate) fn listens(&mut self, address: std::net::SocketAddr) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if std::net::TcpStream::connect(address).is_ok() {
                return true;
            }
            if self.0.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked first: it may have children of its own.
        let id = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().ok();
        for _ in 0..100 {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
