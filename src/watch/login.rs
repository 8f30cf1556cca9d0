//! Who we are to an IMAP server: from the address, from `~/.netrc`, or from git's credential helpers, as public-inbox
//! has it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::place::{Secrecy, Server};

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

/// How to log in to a server, if anybody knows.
pub(super) fn find(server: &Server) -> Option<Login> {
    if let (Some(user), Some(password)) = (&server.user, &server.password) {
        return Some(Login {
            user: user.clone(),
            password: password.clone(),
        });
    }
    from_netrc(server).or_else(|| from_git(server))
}

fn from_netrc(server: &Server) -> Option<Login> {
    let path = match std::env::var_os("NETRC") {
        Some(path) => path.into(),
        None => crate::config::home_dir()?.join(".netrc"),
    };
    read_netrc(&std::fs::read_to_string(path).ok()?, server)
}

fn read_netrc(text: &str, server: &Server) -> Option<Login> {
    let mut words = text.split_ascii_whitespace();
    let (mut here, mut user, mut password) = (false, None, None);
    let found = |user: &Option<&str>, password: &Option<&str>| {
        let fits = server
            .user
            .as_deref()
            .is_none_or(|wanted| *user == Some(wanted));
        Some(Login {
            user: user.filter(|_| fits)?.to_owned(),
            password: (*password)?.to_owned(),
        })
    };
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here && let Some(login) = found(&user, &password) {
                    return Some(login);
                }
                (user, password) = (None, None);
                here = word == "default" || words.next() == Some(&server.host);
            }
            "login" => user = words.next(),
            "password" => password = words.next(),
            _ => {}
        }
    }
    found(&user, &password).filter(|_| here)
}

fn from_git(server: &Server) -> Option<Login> {
    let protocol = match server.secrecy {
        Secrecy::Tls => "imaps",
        Secrecy::Offered => "imap",
    };
    let mut ask = format!(
        "protocol={protocol}\nhost={}:{}\n",
        server.host, server.port
    );
    if let Some(user) = &server.user {
        ask.push_str(&format!("username={user}\n"));
    }
    let mut child = Command::new("git")
        .args(["credential", "fill"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("SSH_ASKPASS", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(ask.as_bytes()).ok()?;
    let said = child.wait_with_output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    Some(Login {
        user: value("username=")?,
        password: value("password=")?,
    })
}

#[cfg(test)]
mod tests {
    use super::read_netrc;
    use crate::watch::place::{Place, Server};

    fn server(text: &str) -> Server {
        match Place::parse(text).unwrap() {
            Place::Imap(server) => server,
            Place::Folder(_) => panic!("no server"),
        }
    }

    #[test]
    fn a_netrc_is_read_by_its_words() {
        let text = "machine a login joe password x\nmachine b\n login ann\n password y\n\
            machine a login bob password z default login d password w";
        for (address, login) in [
            ("imap://a/", Some(("joe", "x"))),
            ("imap://bob@a/", Some(("bob", "z"))),
            ("imap://b/", Some(("ann", "y"))),
            ("imap://c/", Some(("d", "w"))),
            ("imap://eve@c/", None),
        ] {
            let found = read_netrc(text, &server(address));
            let found = found
                .as_ref()
                .map(|l| (l.user.as_str(), l.password.as_str()));
            assert_eq!(found, login, "{address}");
        }
    }
}
