//! Folders that are watched: Maildirs, and IMAP by a server that the test plays and by dovecot where it is installed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::incoming::{kept, nasty, new_inbox};
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
            stream.set_read_timeout(Some(std::time::Duration::from_millis(20)))?;
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
                    std::thread::sleep(std::time::Duration::from_millis(100));
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

#[test]
fn mail_of_dovecot_comes_in() {
    if Command::new("dovecot").arg("--version").output().is_err() {
        println!("skipped: dovecot is not installed");
        return;
    }
    let mut world = World::new();
    let loom = new_inbox(&mut world, "loom");
    let base = world.path("dovecot");
    let store = base.join("mail");
    maildir(&store);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let user = Command::new("id").arg("-un").output().unwrap();
    let user = String::from_utf8(user.stdout).unwrap().trim().to_owned();
    let uid = Command::new("id").arg("-u").output().unwrap();
    let uid = String::from_utf8(uid.stdout).unwrap().trim().to_owned();
    let run = base.join("run");
    fs::create_dir_all(&run).unwrap();
    fs::write(
        base.join("users"),
        format!("joe:{{PLAIN}}secret:{uid}:{uid}::{}\n", base.display()),
    )
    .unwrap();
    let base_text = base.display();
    fs::write(
        base.join("dovecot.conf"),
        format!(
            "base_dir = {base_text}/run\nstate_dir = {base_text}/run\nlog_path = {base_text}/log\nprotocols = imap\n\
             default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {user}\nssl = no\n\
             disable_plaintext_auth = no\nfirst_valid_uid = 0\nfirst_valid_gid = 0\nmail_location = maildir:{base_text}/mail\n\
             listen = 127.0.0.1\npassdb {{\n driver = passwd-file\n args = {base_text}/users\n}}\n\
             userdb {{\n driver = passwd-file\n args = {base_text}/users\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n"
        ),
    )
    .unwrap();
    let mut dovecot = Command::new("dovecot")
        .args(["-F", "-c"])
        .arg(base.join("dovecot.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut up = false;
    for _ in 0..300 {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream
                .set_read_timeout(Some(std::time::Duration::from_secs(5)))
                .unwrap();
            let mut greeting = String::new();
            up = BufReader::new(stream).read_line(&mut greeting).is_ok()
                && greeting.starts_with("* OK");
            break;
        }
        if dovecot.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    if !up {
        dovecot.kill().ok();
        dovecot.wait().ok();
        println!(
            "skipped: dovecot does not run here: {}",
            fs::read_to_string(base.join("log")).unwrap_or_default()
        );
        return;
    }
    let mail = |id: &str| Mail::new(id, "by dovecot", 1).bytes();
    put(&store, "1.a", &mail("one@x"));
    world.set_inbox(
        "loom",
        &format!("watch = imap://joe:secret@127.0.0.1:{port}/INBOX"),
    );
    let server = world.serve();
    wait_until("what was there", || {
        server.get("/loom/one@x/raw").status == 200
    });
    put(&store, "2.a", &mail("two@x"));
    wait_until("what came", || server.get("/loom/two@x/raw").status == 200);
    assert!(server.stop());
    let pid = dovecot.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    dovecot.wait().unwrap();
    assert_eq!(kept(&loom), [mail("one@x"), mail("two@x")]);
    assert!(
        store.join("new/1.a").exists()
            || fs::read_dir(store.join("cur")).unwrap().all(|e| !e
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains('S')),
        "it was only looked at"
    );
}
