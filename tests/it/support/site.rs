//! Worlds to run the program in: inboxes on disk, a config, an index of their own, and servers over them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use threadbare::demo as sample;

use super::epoch::{Epoch, Mail};
use super::http::{Ask, Reply};

/// A directory with inboxes, a config and an index, gone when it is dropped.
pub(crate) struct World {
    dir: TempDir,
    settings: String,
    inboxes: String,
}

impl World {
    pub(crate) fn new() -> World {
        World::below(&std::env::temp_dir())
    }

    /// In a directory below this one.
    pub(crate) fn below(dir: &Path) -> World {
        let world = World {
            dir: TempDir::new_in(dir).unwrap(),
            settings: String::new(),
            inboxes: String::new(),
        };
        world.write_config();
        world
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Adds a line to `[threadbare]`, such as `url = https://lists.example.org/`.
    pub(crate) fn set(&mut self, line: &str) {
        self.settings.push_str(&format!("\t{line}\n"));
        self.write_config();
    }

    /// Makes an empty v2 inbox, its address `NAME@lists.example.org`, and puts it into the config.
    pub(crate) fn inbox(&mut self, name: &str) -> Epoch {
        let dir = self.inbox_dir(name, &format!("{name}@lists.example.org"));
        Epoch::new(&dir.join("git/0.git"))
    }

    /// Lays the directory of an inbox, without an epoch, and puts it into the config.
    pub(crate) fn inbox_dir(&mut self, name: &str, address: &str) -> PathBuf {
        let dir = self.path("lists").join(name);
        fs::create_dir_all(dir.join("git")).unwrap();
        fs::write(dir.join("inbox.lock"), "").unwrap();
        self.configure(name, address, &dir);
        dir
    }

    /// Makes an inbox of version 1: one repository, each mail a file in its tree.
    pub(crate) fn version_1(&mut self, name: &str, mails: &[Vec<u8>]) {
        let dir = self.path("lists").join(name);
        Epoch::version_1(&dir, mails);
        self.configure(name, &format!("{name}@lists.example.org"), &dir);
    }

    /// Adds a line to an inbox, such as `hide = manifest`.
    pub(crate) fn set_inbox(&mut self, name: &str, line: &str) {
        self.inboxes
            .push_str(&format!("[publicinbox \"{name}\"]\n\t{line}\n"));
        self.write_config();
    }

    fn configure(&mut self, name: &str, address: &str, dir: &Path) {
        fs::write(dir.join("description"), format!("The list {name}\n")).unwrap();
        self.inboxes.push_str(&format!(
            "[publicinbox \"{name}\"]\n\taddress = {address}\n\turl = https://lists.example.org/{name}/\n\
             \tinboxdir = {}\n",
            dir.display()
        ));
        self.write_config();
    }

    /// Adds sections to the config, as they are.
    pub(crate) fn add_to_config(&mut self, text: &str) {
        self.inboxes.push_str(text);
        self.write_config();
    }

    fn write_config(&self) {
        let index = self.path("index");
        let text = format!(
            "[threadbare]\n\tindexDir = {}\n{}[publicinbox]\n\twwwListing = all\n{}",
            index.display(),
            self.settings,
            self.inboxes
        );
        // As editors do it: a reader sees the old file or the new one.
        let (new, config) = (self.path("config.new"), self.path("config"));
        fs::write(&new, text).unwrap();
        fs::rename(new, config).unwrap();
    }

    /// The program, in this world and in no other.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_threadbare"));
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("PI_CONFIG", self.path("config"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().unwrap()
    }

    /// `threadbare index --all`, which has to succeed.
    #[track_caller]
    pub(crate) fn index(&self) -> Output {
        let done = self.run(&["index", "--all"]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "threadbare index --all: {said}");
        done
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// `threadbare serve` on a free port with further arguments.
    pub(crate) fn serve_with(&self, args: &[&str]) -> Server {
        self.serve_at("127.0.0.1:0", args)
    }

    /// `threadbare serve` at this address with further arguments.
    pub(crate) fn serve_at(&self, address: &str, args: &[&str]) -> Server {
        Server::start(self.program(), &self.path("serve.log"), address, args)
    }

    /// The same with variables in its environment, and a log of its own.
    pub(crate) fn serve_as(&self, log: &str, env: &[(&str, &str)], args: &[&str]) -> Server {
        let mut program = self.program();
        program.envs(env.iter().copied());
        Server::start(program, &self.path(log), "127.0.0.1:0", args)
    }
}

/// A running `threadbare serve`, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// What it has printed.
    printed: Arc<Mutex<Vec<String>>>,
    pub(crate) address: SocketAddr,
}

impl Server {
    fn start(mut command: Command, log: &Path, listen: &str, args: &[&str]) -> Server {
        let mut child = command
            .args(["serve", "--listen", listen])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (found, address) = mpsc::channel();
        let printed = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&printed);
        std::thread::spawn(move || {
            // Reads on after the line it waits for: a full pipe must not stop the server.
            for line in stdout.lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line.clone());
                let url = line.split("listening on http://").nth(1);
                if let Some(address) = url.and_then(|url| url.trim_end_matches('/').parse().ok()) {
                    found.send(address).ok();
                }
            }
        });
        let Ok(address) = address.recv_timeout(Duration::from_secs(120)) else {
            child.kill().ok();
            child.wait().ok();
            let said = fs::read_to_string(log).unwrap_or_default();
            panic!("threadbare serve did not say where it listens: {said}");
        };
        Server {
            child,
            log: log.to_owned(),
            printed,
            address,
        }
    }

    /// What follows `before` in a line that it prints.
    #[track_caller]
    pub(crate) fn printed(&self, before: &str) -> String {
        let mut found = None;
        wait_until(before, || {
            let lines = self.printed.lock().unwrap();
            found = lines
                .iter()
                .find_map(|line| Some(line.split_once(before)?.1.to_owned()));
            found.is_some()
        });
        found.unwrap()
    }

    /// Sends it a signal, such as `HUP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Whether it has ended, and well.
    pub(crate) fn has_ended(&mut self) -> Option<bool> {
        self.child
            .try_wait()
            .unwrap()
            .map(|status| status.success())
    }

    /// Sends a request.
    pub(crate) fn ask(&self, ask: Ask) -> Reply {
        ask.send(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask(Ask::get(path))
    }

    pub(crate) fn head(&self, path: &str) -> Reply {
        self.ask(Ask::new("HEAD", path))
    }

    /// Sends bytes that may be no request at all.
    pub(crate) fn say(&self, bytes: &[u8]) -> Option<Reply> {
        super::http::say(self.address, bytes, false)
    }

    /// Where it is, ending in `/`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Its access and error log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its resident memory in kilobytes, where the system tells.
    pub(crate) fn resident(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    /// The most that it ever had, in kilobytes, where the system tells.
    pub(crate) fn peak(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, of: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(of))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// How many programs run below it, where the system tells.
    pub(crate) fn children(&self) -> usize {
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let parent = |entry: fs::DirEntry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let after_name = stat.rsplit_once(") ")?.1.to_owned();
            after_name.split(' ').nth(1)?.parse::<u32>().ok()
        };
        all.filter_map(parent)
            .filter(|parent| *parent == self.child.id())
            .count()
    }

    /// Asks it to stop and says whether it did so well, in time.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        for _ in 0..1200 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let last = log.lines().rev().take(10).collect::<Vec<_>>();
            println!(
                "the server ({:?}) said last: {last:#?}",
                self.child.try_wait()
            );
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A world with a server, shared by the tests that only read.
pub(crate) struct Site {
    server: Server,
    // Dropped after the server that reads it.
    pub(crate) world: World,
}

impl Site {
    /// A world and its server.
    pub(crate) fn of(world: World, server: Server) -> Site {
        Site { server, world }
    }
}

impl std::ops::Deref for Site {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// The mails of `threadbare demo`, in two inboxes.
pub(crate) fn demo() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, || {
        let mut world = World::new();
        for list in sample::LISTS {
            let of_list = sample::mails()
                .into_iter()
                .filter(|(name, _)| *name == list.name);
            let mails: Vec<Vec<u8>> = of_list.map(|(_, bytes)| bytes).collect();
            world.inbox(list.name).add(&mails);
        }
        world
    })
}

/// The odd mails of `tests/fixtures/mail`, in an inbox named `odd`, and one more of which they know nothing.
pub(crate) fn fixtures() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    share(&SITE, || {
        let mut world = World::new();
        world.inbox("odd").add(&fixture_mails());
        let other = Mail::new("elsewhere@weaver.example", "Elsewhere", 1);
        world.inbox("other").add(&[other.bytes()]);
        world
    })
}

fn fixture_mails() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mail");
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The site while anybody holds it: a static would outlive its server.
pub(crate) fn share(slot: &Mutex<Weak<Site>>, build: impl FnOnce() -> World) -> Arc<Site> {
    let mut slot = slot.lock().unwrap_or_else(|broken| broken.into_inner());
    if let Some(site) = slot.upgrade() {
        return site;
    }
    let world = build();
    world.index();
    let server = world.serve();
    let site = Arc::new(Site::of(world, server));
    *slot = Arc::downgrade(&site);
    site
}

/// Asks again and again until it holds; the time it took. Panics after a long while.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    start.elapsed()
}
