//! Reads a folder of an IMAP server, and what comes into it.

use std::time::{Duration, Instant};

use super::login::{self, Login};
use super::place::{Secrecy, Server};
use super::seen::{Mark, Seen};
use super::wire::{Response, Wire};
use super::{Found, Stop, Taker};
use crate::error::{Error, Result};

/// How long one `IDLE` lasts: servers hang up after half an hour, and routers sooner.
const IDLE: Duration = Duration::from_secs(9 * 60);

/// How often a server that cannot `IDLE` is asked.
const POLL: Duration = Duration::from_secs(60);

/// How long to sleep at most between two looks at whether to stop.
const GLANCE: Duration = Duration::from_millis(250);

/// How much is fetched at once, in mails and in bytes.
const MAILS: usize = 100;
const BYTES: u64 = 16 << 20;

/// Watches a folder until it is told to stop. `well` is called when something went well.
pub(super) fn watch(
    server: &Server,
    seen: &Seen,
    taker: &Taker<'_>,
    stop: &Stop,
    well: &mut dyn FnMut(),
) -> Result<()> {
    let mut session = Session::open(server)?;
    let validity = session.examine(&server.folder)?;
    let name = server.shown();
    let mark = seen.mark(&name).filter(|mark| mark.validity == validity);
    let mut mark = mark.unwrap_or(Mark { validity, uid: 0 });
    well();
    while !stop.is_set() {
        session.fetch_after(
            &mut mark,
            stop,
            |mails| {
                let good = taker.take(mails);
                match good.iter().all(|good| *good) {
                    true => Ok(()),
                    false => Err(Error::invalid(
                        &name,
                        "mail could not be stored; it will be fetched again",
                    )),
                }
            },
            |mark| seen.set(&name, mark),
        )?;
        well();
        session.wait(stop)?;
    }
    session.wire.send("LOGOUT")?;
    Ok(())
}

/// A connection that is logged in.
struct Session {
    wire: Wire,
    can_idle: bool,
}

impl Session {
    fn open(server: &Server) -> Result<Session> {
        let mut wire = Wire::connect(server)?;
        let greeting = wire.hear()?;
        let mut abilities = match greeting.text.contains("[CAPABILITY ") {
            true => greeting.text.to_ascii_uppercase(),
            false => ask_abilities(&mut wire)?,
        };
        let has =
            |abilities: &str, one: &str| abilities.split([' ', '[', ']']).any(|word| word == one);
        if server.secrecy == Secrecy::Offered && has(&abilities, "STARTTLS") {
            wire.ask("STARTTLS")?;
            wire = wire.secure()?;
            abilities = ask_abilities(&mut wire)?;
        }
        if !greeting.text.starts_with("* PREAUTH") {
            let login = login::find(server);
            let login = login.ok_or_else(|| {
                let why = "there is no password for it: not in its address, in .netrc, nor with git credential";
                Error::invalid(server.shown(), why)
            })?;
            if has(&abilities, "LOGINDISABLED") && !wire.is_secret() {
                return Err(Error::invalid(
                    server.shown(),
                    "it takes no password without TLS",
                ));
            }
            log_in(&mut wire, &login)?;
            abilities = ask_abilities(&mut wire)?;
        }
        Ok(Session {
            wire,
            can_idle: has(&abilities, "IDLE"),
        })
    }

    /// Opens a folder without changing anything in it; gives its UIDVALIDITY.
    fn examine(&mut self, folder: &str) -> Result<u64> {
        let responses = self
            .wire
            .ask(&format!("EXAMINE {}", quoted(&utf7(folder))?))?;
        let validity = responses.iter().find_map(|response| {
            let (_, rest) = response.text.split_once("[UIDVALIDITY ")?;
            rest.split(']').next()?.trim().parse().ok()
        });
        validity.ok_or_else(|| Error::invalid(folder, "the server tells no UIDVALIDITY"))
    }

    /// Fetches what has a higher UID than the mark, piece by piece; each piece is handed to `take`, and when that went
    /// well the mark is moved and handed to `mark_set`.
    fn fetch_after(
        &mut self,
        mark: &mut Mark,
        stop: &Stop,
        mut take: impl FnMut(Vec<Found>) -> Result<()>,
        mut mark_set: impl FnMut(Mark) -> Result<()>,
    ) -> Result<()> {
        let from = mark.uid + 1;
        let mut sizes: Vec<(u64, u64)> = Vec::new();
        self.wire.ask_each(
            &format!("UID FETCH {from}:* (UID RFC822.SIZE)"),
            |response| {
                let size = number_after(&response.text, "RFC822.SIZE ");
                // `n:*` always has the last mail in it, also where n is beyond.
                if let Some(uid) = number_after(&response.text, "UID ").filter(|uid| *uid >= from) {
                    sizes.push((uid, size.unwrap_or(0)));
                }
                Ok(())
            },
        )?;
        sizes.sort_unstable();
        let mut rest = sizes.as_slice();
        while !rest.is_empty() && !stop.is_set() {
            let mut bytes = 0;
            let mut count = 0;
            while count < rest.len() && count < MAILS && (bytes < BYTES || count == 0) {
                bytes += rest[count].1;
                count += 1;
            }
            let (now, later) = rest.split_at(count);
            rest = later;
            let uids: Vec<String> = now.iter().map(|(uid, _)| uid.to_string()).collect();
            let mut mails = Vec::new();
            let command = format!("UID FETCH {} (UID FLAGS BODY.PEEK[])", uids.join(","));
            self.wire.ask_each(&command, |response| {
                mails.extend(mail_of(response));
                Ok(())
            })?;
            mails.sort_by_key(|(uid, _)| *uid);
            take(mails.into_iter().map(|(_, mail)| mail).collect())?;
            if let Some((uid, _)) = now.last() {
                mark.uid = *uid;
                mark_set(*mark)?;
            }
        }
        Ok(())
    }

    /// Waits until something may have come.
    fn wait(&mut self, stop: &Stop) -> Result<()> {
        if !self.can_idle {
            stop.wait(POLL);
            return self.wire.ask("NOOP").map(|_| ());
        }
        let tag = self.wire.send("IDLE")?;
        let until = Instant::now() + IDLE;
        let mut news = false;
        while !news && !stop.is_set() && Instant::now() < until {
            if self.wire.listen(GLANCE)? {
                let text = self.wire.hear()?.text;
                news = text.starts_with("* ") && text.ends_with(" EXISTS");
                if text.starts_with(&tag) || text.starts_with("* BYE") {
                    return Err(Error::invalid("IDLE", text));
                }
            }
        }
        self.wire.write("DONE\r\n")?;
        while !self.wire.hear()?.text.starts_with(&tag) {}
        Ok(())
    }
}

fn ask_abilities(wire: &mut Wire) -> Result<String> {
    let responses = wire.ask("CAPABILITY")?;
    let texts: Vec<&str> = responses
        .iter()
        .map(|response| response.text.as_str())
        .collect();
    Ok(texts.join(" ").to_ascii_uppercase())
}

fn log_in(wire: &mut Wire, login: &Login) -> Result<()> {
    let command = format!(
        "LOGIN {} {}",
        quoted(&login.user)?,
        quoted(&login.password)?
    );
    wire.ask(&command).map(|_| ())
}

/// A string as a command has it.
fn quoted(text: &str) -> Result<String> {
    if text.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
        return Err(Error::invalid(
            "a name or password",
            "it has other than ASCII characters",
        ));
    }
    Ok(format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

/// The name of a folder in the UTF-7 of IMAP (RFC 3501, 5.1.3).
fn utf7(name: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    let mut out = String::new();
    let mut wide: Vec<u8> = Vec::new();
    let end = |out: &mut String, wide: &mut Vec<u8>| {
        if wide.is_empty() {
            return;
        }
        out.push('&');
        for chunk in wide.chunks(3) {
            let word = chunk
                .iter()
                .fold(0_u32, |word, b| word << 8 | u32::from(*b))
                << (8 * (3 - chunk.len()));
            for digit in 0..=chunk.len() {
                out.push(char::from(DIGITS[(word >> (18 - 6 * digit)) as usize & 63]));
            }
        }
        out.push('-');
        wide.clear();
    };
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            end(&mut out, &mut wide);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                wide.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    end(&mut out, &mut wide);
    out
}

/// The number behind a word.
fn number_after(text: &str, word: &str) -> Option<u64> {
    let (_, rest) = text.split_once(word)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

/// The UID and the mail in a response, with LF line ends as mail is kept.
fn mail_of(mut response: Response) -> Option<(u64, Found)> {
    let uid = number_after(&response.text, "UID ")?;
    let read = response.text.to_ascii_lowercase().contains("\\seen");
    let mut raw = response.literals.pop()?;
    // Only a CR that belongs to a line end goes.
    let mut kept = 0;
    for at in 0..raw.len() {
        if raw[at] == b'\r' && raw.get(at + 1) == Some(&b'\n') {
            continue;
        }
        raw[kept] = raw[at];
        kept += 1;
    }
    raw.truncate(kept);
    Some((uid, Found { raw, read }))
}

#[cfg(test)]
mod tests {
    use super::{mail_of, number_after, quoted, utf7};
    use crate::watch::wire::Response;

    #[test]
    fn words_are_written_as_imap_wants_them() {
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
        assert!(quoted("a\r\nb").is_err());
        for (name, written) in [
            ("INBOX", "INBOX"),
            ("a&b", "a&-b"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("台北", "&U,BTFw-"),
        ] {
            assert_eq!(utf7(name), written);
        }
    }

    #[test]
    fn a_fetched_mail_has_its_uid_and_plain_line_ends() {
        let response = Response {
            text: "* 3 FETCH (UID 17 FLAGS (\\Seen) BODY[] \0)".to_owned(),
            literals: vec![b"A: 1\r\n\r\nb\rc\r\n".to_vec()],
        };
        let (uid, found) = mail_of(response).unwrap();
        assert_eq!((uid, found.read), (17, true));
        assert_eq!(found.raw, b"A: 1\n\nb\rc\n");
        assert_eq!(number_after("x UID 9)", "UID "), Some(9));
        assert_eq!(number_after("x", "UID "), None);
    }
}
