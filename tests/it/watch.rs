//! Folders that are watched: Maildirs, and IMAP by a server that the test plays and by dovecot where it is installed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::support::incoming::{kept, nasty, new_inbox};
use crate::support::program;
use crate::support::{Mail, World, wait_until};

fn maildir(path: &Path) {
    for below in ["cur", "new", "tmp"] {
        fs::create_dir_all(path.join(below)).unwrap();
    }
}

fn put(dir: &Path, name: &str, raw: &[u8]) {
    fs::write(dir.join("tmp").join(name.replace(':', "_")), raw).unwrap();
    let below = if name.contains(":2,") { "cur" } else { "new" };
    fs::rename(
        dir.join("tmp").join(name.replace(':', "_")),
        dir.join(below).join(name),
    )
    .unwrap();
}

#[test]
fn mail_of_a_maildir_comes_in_and_spam_goes() {
    let mut world = World::new();
    let (loom, other) = (
        new_inbox(&mut world, "loom"),
        new_inbox(&mut world, "other"),
    );
    let (mail_dir, spam_dir) = (world.path("Mail"), world.path("Spam"));
    maildir(&mail_dir);
    maildir(&spam_dir);
    let folder = format!("watch = maildir:{}", mail_dir.display());
    world.set_inbox("loom", &folder);
    world.set_inbox("other", &folder);
    world.set_inbox("other", "watchheader = X-Other:yes");
    world.add_to_config(&format!(
        "[publicinboxwatch]\n\twatchspam = maildir:{}\n",
        spam_dir.display()
    ));
    let mail = |id: &str| Mail::new(id, "watched", 1).bytes();
    put(&mail_dir, "1.a", &mail("before@x"));
    put(&mail_dir, "2.a:2,ST", &mail("trashed@x"));
    let server = world.serve();
    wait_until("a mail that was there", || {
        server.get("/loom/before@x/raw").status == 200
    });
    put(
        &mail_dir,
        "3.a",
        &[&b"X-Other: yes\n"[..], &mail("both@x")].concat(),
    );
    wait_until("a mail that came", || {
        server.get("/loom/both@x/raw").status == 200
    });
    wait_until("it is in both", || {
        server.get("/other/both@x/raw").status == 200
    });
    fs::rename(mail_dir.join("new/1.a"), mail_dir.join("cur/1.a:2,S")).unwrap();
    put(&spam_dir, "1.s", &mail("before@x"));
    put(&spam_dir, "2.s:2,S", &mail("both@x"));
    put(&mail_dir, "4.a", &mail("last@x"));
    wait_until("the last mail", || {
        server.get("/loom/last@x/raw").status == 200
    });
    let spam = [&b"X-Other: yes\n"[..], &mail("both@x")].concat();
    wait_until("spam is gone", || {
        !kept(&loom).contains(&spam) && kept(&other).is_empty()
    });
    let ids: Vec<Vec<u8>> = kept(&loom);
    assert!(ids.contains(&mail("before@x")), "nobody has read that spam");
    assert!(ids.contains(&mail("last@x")));
    assert_eq!(ids.len(), 2);
    assert!(mail_dir.join("new/3.a").exists(), "mail stays where it is");
}

#[test]
fn nasty_mail_comes_in_by_maildir() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let dir = world.path("Mail");
    maildir(&dir);
    world.set_inbox("loom", &format!("watch = maildir:{}", dir.display()));
    for (n, (_, raw)) in nasty().into_iter().enumerate() {
        put(&dir, &format!("{n}.x"), &raw);
    }
    let mut child = world
        .program()
        .arg("watch")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("all of it", || kept(&loom).len() == nasty().len());
    let pid = child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(child.wait().unwrap().success());
}

/// An IMAP server of one folder, as far as we talk to one.
struct Fake {
    port: u16,
    mails: Arc<Mutex<Vec<Vec<u8>>>>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn new() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fake = Fake {
            port: listener.local_addr().unwrap().port(),
            mails: Arc::default(),
            heard: Arc::default(),
        };
        let (mails, heard) = (Arc::clone(&fake.mails), Arc::clone(&fake.heard));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mails, heard) = (Arc::clone(&mails), Arc::clone(&heard));
                // A caller that hangs up ends its thread.
                std::thread::spawn(move || drop(talk(stream.unwrap(), &mails, &heard)));
            }
        });
        fake
    }
}

fn talk(
    mut stream: TcpStream,
    mails: &Mutex<Vec<Vec<u8>>>,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    stream.write_all(b"* OK ready\r\n")?;
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let said = std::mem::take(&mut line).trim_end().to_owned();
        heard.lock().unwrap().push(said.clone());
        let (tag, command) = said.split_once(' ').unwrap_or((&said, ""));
        let mut answer = Vec::new();
        if command.starts_with("CAPABILITY") {
            answer.extend_from_slice(b"* CAPABILITY IMAP4rev1 IDLE\r\n");
        } else if command.starts_with("EXAMINE") {
            answer.extend_from_slice(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 42] yes\r\n");
        } else if let Some(set) = command.strip_prefix("UID FETCH ") {
            let (set, what) = set.split_once(' ').unwrap();
            let all = mails.lock().unwrap().clone();
            for (n, raw) in all.iter().enumerate() {
                let uid = n + 1;
                let wanted = match set.strip_suffix(":*") {
                    Some(from) => uid >= from.parse().unwrap() || uid == all.len(),
                    None => set.split(',').any(|one| one == uid.to_string()),
                };
                if wanted && what.contains("SIZE") {
                    answer.extend_from_slice(
                        format!("* {uid} FETCH (UID {uid} RFC822.SIZE {})\r\n", raw.len())
                            .as_bytes(),
                    );
                } else if wanted {
                    answer.extend_from_slice(
                        format!(
                            "* {uid} FETCH (FLAGS (\\Seen) UID {uid} BODY[] {{{}}}\r\n",
                            raw.len()
                        )
                        .as_bytes(),
                    );
                    answer.extend_from_slice(raw);
                    answer.extend_from_slice(b")\r\n");
                }
            }
        } else if command == "IDLE" {
            stream.write_all(b"+ idling\r\n")?;
            let known = mails.lock().unwrap().len();
            stream.set_read_timeout(Some(Duration::from_millis(20)))?;
            let mut done = String::new();
            while !done.starts_with("DONE") {
                match input.read_line(&mut done) {
                    Ok(0) => return Ok(()),
                    Ok(_) => break,
                    Err(_) => {}
                }
                let now = mails.lock().unwrap().len();
                if now > known {
                    stream.write_all(format!("* {now} EXISTS\r\n").as_bytes())?;
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
            stream.set_read_timeout(None)?;
        }
        answer.extend_from_slice(format!("{tag} OK done\r\n").as_bytes());
        stream.write_all(&answer)?;
        if command.starts_with("LOGOUT") {
            return Ok(());
        }
    }
    Ok(())
}

#[test]
fn mail_of_an_imap_folder_comes_in_once() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let fake = Fake::new();
    let mail = |id: &str| String::from_utf8(Mail::new(id, "by imap", 1).bytes()).unwrap();
    let wire = |id: &str| mail(id).replace('\n', "\r\n").into_bytes();
    fake.mails
        .lock()
        .unwrap()
        .extend([wire("one@x"), wire("two@x")]);
    world.set_inbox(
        "loom",
        &format!(
            "watch = imap://joe:pass%20word@127.0.0.1:{}/Lists.loom",
            fake.port
        ),
    );
    let server = world.serve();
    wait_until("what was there", || {
        server.get("/loom/two@x/raw").status == 200
    });
    fake.mails.lock().unwrap().push(wire("three@x"));
    wait_until("what came", || {
        server.get("/loom/three@x/raw").status == 200
    });
    let heard = fake.heard.lock().unwrap().join("\n");
    assert!(heard.contains("LOGIN \"joe\" \"pass word\""), "{heard}");
    assert!(heard.contains("EXAMINE \"Lists.loom\""), "{heard}");
    assert!(!server.log().contains("pass word"));
    assert!(server.stop());

    fake.heard.lock().unwrap().clear();
    fake.mails.lock().unwrap().push(wire("four@x"));
    let server = world.serve();
    wait_until("what came while nobody watched", || {
        server.get("/loom/four@x/raw").status == 200
    });
    let heard = fake.heard.lock().unwrap().join("\n");
    assert!(
        heard.contains("UID FETCH 4:*") && !heard.contains("UID FETCH 1"),
        "{heard}"
    );
    let expected: Vec<String> = ["one@x", "two@x", "three@x", "four@x"]
        .iter()
        .map(|id| mail(id))
        .collect();
    let found: Vec<String> = kept(&loom)
        .into_iter()
        .map(|raw| String::from_utf8(raw).unwrap())
        .collect();
    assert_eq!(found, expected);
}

/// As it goes over the wire, every line end with its CR.
fn wire(raw: &[u8]) -> Vec<u8> {
    raw.split_inclusive(|b| *b == b'\n')
        .flat_map(|line| match line.strip_suffix(b"\n") {
            Some(line) => [line, b"\r\n"].concat(),
            None => line.to_vec(),
        })
        .collect()
}

#[test]
fn nasty_mail_comes_in_by_imap_as_by_maildir() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let other = new_inbox(&mut world, "other");
    let dir = world.path("Mail");
    maildir(&dir);
    let fake = Fake::new();
    for (n, (_, raw)) in nasty().into_iter().enumerate() {
        put(&dir, &format!("{n}.x"), &raw);
        fake.mails.lock().unwrap().push(wire(&raw));
    }
    let folder = format!("watch = imap://joe:pass@127.0.0.1:{}/INBOX", fake.port);
    world.set_inbox("loom", &folder);
    world.set_inbox("other", &format!("watch = maildir:{}", dir.display()));
    let server = world.serve();
    wait_until("all of it, by both", || {
        kept(&loom).len() == nasty().len() && kept(&other).len() == nasty().len()
    });
    let (by_imap, by_maildir) = (kept(&loom), kept(&other));
    for (n, (what, _)) in nasty().into_iter().enumerate() {
        assert!(by_imap[n] == by_maildir[n], "{what}");
    }
    assert!(server.stop());
}

/// A real IMAP server, of one folder in Maildir format.
struct Dovecot {
    base: PathBuf,
    port: u16,
    child: Child,
}

impl Dovecot {
    /// `None` where it is not installed or does not run, saying so.
    fn start(base: &Path) -> Option<Dovecot> {
        program("dovecot")?;
        maildir(&base.join("mail"));
        fs::create_dir_all(base.join("run")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let of = |args: &[&str]| {
            let id = Command::new("id").args(args).output().unwrap();
            String::from_utf8(id.stdout).unwrap().trim().to_owned()
        };
        let id = |flag: &str| of(&[flag]);
        // As root it takes its own users for its parts, who have to get to their sockets, and root for no mail.
        let (mut uid, mut gid) = (id("-u"), id("-g"));
        let mut users = (id("-un"), id("-un"), id("-gn"));
        if uid == "0" {
            (uid, gid) = (of(&["-u", "nobody"]), of(&["-g", "nobody"]));
            users = ("dovenull".into(), "dovecot".into(), "dovecot".into());
            let owned = Command::new("chown")
                .args(["-R", "nobody"])
                .arg(base.join("mail"))
                .status();
            assert!(owned.unwrap().success());
        }
        let (login, user, group) = users;
        for dir in [base.parent().unwrap(), base] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let here = base.display();
        let passwords = format!("joe:{{PLAIN}}secret:{uid}:{gid}::{here}\n");
        fs::write(base.join("users"), passwords).unwrap();
        let config = format!(
            "base_dir = {here}/run\nstate_dir = {here}/run\nlog_path = {here}/log\nprotocols = imap\n\
             default_internal_user = {user}\ndefault_login_user = {login}\ndefault_internal_group = {group}\n\
             ssl = no\ndisable_plaintext_auth = no\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n\
             mail_location = maildir:{here}/mail\nlisten = 127.0.0.1\nmailbox_idle_check_interval = 1s\n\
             passdb {{\n driver = passwd-file\n args = {here}/users\n}}\n\
             userdb {{\n driver = passwd-file\n args = {here}/users\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {port}\n }}\n \
             inet_listener imaps {{\n port = 0\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
        );
        fs::write(base.join("dovecot.conf"), config).unwrap();
        let mut dovecot = Dovecot {
            base: base.to_owned(),
            port,
            child: Dovecot::spawn(base),
        };
        if dovecot.greets() {
            return Some(dovecot);
        }
        let log = fs::read_to_string(base.join("log")).unwrap_or_default();
        skipped!("dovecot does not run here: {log}");
        None
    }

    fn spawn(base: &Path) -> Child {
        let mut command = Command::new("dovecot");
        command.args(["-F", "-c"]).arg(base.join("dovecot.conf"));
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Waits until it says good day; `false` where it has ended instead.
    fn greets(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let patience = Some(Duration::from_secs(5));
                stream.set_read_timeout(patience).unwrap();
                let mut greeting = String::new();
                let heard = BufReader::new(stream).read_line(&mut greeting);
                if heard.is_ok() && greeting.starts_with("* OK") {
                    return true;
                }
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self) {
        self.child = Dovecot::spawn(&self.base);
        assert!(self.greets());
    }

    /// Puts a mail into the folder as a mail reader does.
    fn append(&self, raw: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        let mut say = |said: &[u8], tag: &str| {
            stream.write_all(said).unwrap();
            let mut line = String::new();
            while !line.starts_with(tag) {
                line.clear();
                assert!(input.read_line(&mut line).unwrap() > 0, "it hung up");
            }
            assert!(line.contains(" OK "), "{line}");
        };
        say(b"a LOGIN joe secret\r\n", "a ");
        let raw = wire(raw);
        let head = format!("b APPEND INBOX {{{}+}}\r\n", raw.len());
        say(&[head.as_bytes(), &raw, b"\r\n"].concat(), "b ");
        say(b"c LOGOUT\r\n", "c ");
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

#[test]
fn mail_of_dovecot_comes_in_once_whatever_becomes_of_the_connection() {
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let other = new_inbox(&mut world, "other");
    let Some(mut dovecot) = Dovecot::start(&world.path("dovecot")) else {
        return;
    };
    let (theirs, plain) = (world.path("dovecot/mail"), world.path("Mail"));
    maildir(&plain);
    for (n, (_, raw)) in nasty().into_iter().enumerate() {
        put(&theirs, &format!("{n}.x"), &raw);
        put(&plain, &format!("{n}.x"), &raw);
    }
    let folder = format!("watch = imap://joe:secret@127.0.0.1:{}/INBOX", dovecot.port);
    world.set_inbox("loom", &folder);
    world.set_inbox("other", &format!("watch = maildir:{}", plain.display()));
    let server = world.serve();
    let mut count = nasty().len();
    wait_until("what was there", || {
        kept(&loom).len() == count && kept(&other).len() == count
    });
    // What IMAP cannot say: NUL, for which dovecot says 0x80; and which line ends had a CR. Of two mails of one id the
    // second gets another one, and dovecot has an order of its own.
    let sorted = |mails: Vec<Vec<u8>>| {
        let mut mails: Vec<String> = mails
            .into_iter()
            .map(|raw| String::from_utf8_lossy(&raw).replace('\r', ""))
            .filter(|text| !text.contains(['\0', '\u{fffd}']) && !text.contains("<twice@"))
            .collect();
        mails.sort();
        mails
    };
    let (by_imap, by_maildir) = (sorted(kept(&loom)), sorted(kept(&other)));
    assert!(by_imap.len() > 20 && by_imap.len() == by_maildir.len());
    for (one, other) in by_imap.iter().zip(&by_maildir) {
        let beginning: String = other.chars().take(200).collect();
        assert!(one == other, "{beginning}");
    }

    let mail = |id: &str| Mail::new(id, "by dovecot", 1).bytes();
    let comes = |id: &str| {
        wait_until(id, || server.get(&format!("/loom/{id}/raw")).status == 200);
    };
    dovecot.append(&mail("appended@x"));
    comes("appended@x");

    dovecot.stop();
    put(&theirs, "1.later", &mail("meanwhile@x"));
    wait_until("it is noticed", || server.log().contains("imap://"));
    dovecot.start_again();
    comes("meanwhile@x");
    dovecot.append(&mail("again@x"));
    comes("again@x");
    count += 3;
    assert_eq!(kept(&loom).len(), count);

    // All mail gets other UIDs.
    dovecot.stop();
    for entry in fs::read_dir(&theirs).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("dovecot") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    dovecot.start_again();
    dovecot.append(&mail("numbered anew@x"));
    comes("numbered%20anew@x");
    assert_eq!(kept(&loom).len(), count + 1, "nothing comes twice");
    assert!(!server.log().contains("secret"));
    assert!(server.stop());
    let names = fs::read_dir(theirs.join("cur")).unwrap().flatten();
    for name in names.map(|entry| entry.file_name().into_string().unwrap()) {
        let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
        assert!(!flags.contains('S'), "{name} was only looked at");
    }
}
