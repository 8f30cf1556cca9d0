//! What is said with one caller.

use std::io::{self, BufRead, BufReader, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use memchr::memchr;

use super::listen::{Presence, Setting};
use super::room::{FREE, Room, Share};
use crate::config::{self, Config, InboxConfig};
use crate::ingest::{self, Objection, Taken};
use crate::mail::edit;
use crate::net::BlockingStream;

/// What callers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many may call at once.
    pub callers: usize,
    /// How long one may keep silent.
    pub patience: Duration,
    /// How long a mail may take from its first to its last byte.
    pub longest: Duration,
    /// To how many recipients one mail may go.
    pub recipients: usize,
    /// How many commands may make no sense before we hang up.
    pub mistakes: u32,
    /// How many bytes of mail all callers may have in hand together; each has 64 kB besides.
    pub room: usize,
    /// How long a mail waits for room.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            callers: 200,
            patience: Duration::from_secs(300),
            longest: Duration::from_secs(1800),
            recipients: 100,
            mistakes: 20,
            room: 128 << 20,
            wait: Duration::from_secs(60),
        }
    }
}

impl Limits {
    /// These, but for what the settings say.
    #[must_use]
    pub fn with(mut self, settings: &config::Limits) -> Limits {
        if let Some(megabytes) = settings.incoming {
            self.room = megabytes << 20;
        }
        if let Some(seconds) = settings.patience {
            self.wait = Duration::from_secs(u64::from(seconds));
        }
        self
    }
}

/// The longest command line, in bytes (RFC 5321, 4.5.3.1.4, and room for parameters).
const MAX_LINE: usize = 4_096;

/// What is said to a caller when we go.
const LEAVE: &str = "421 4.3.2 going, come again";

/// What was heard of a line.
enum Heard {
    Line(Vec<u8>),
    TooLong,
    Nothing,
}

/// What became of a mail while it was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Whole(Vec<u8>),
    TooLong,
    NoRoom,
}

/// Speaks with a caller until it goes, or is to go and has no mail in hand.
pub(super) fn converse(
    stream: BlockingStream,
    setting: &Setting,
    room: &Room,
    presence: &Presence,
) -> io::Result<()> {
    stream.set_patience(setting.limits.patience)?;
    let mut talk = Talk {
        output: stream.try_clone()?,
        input: BufReader::with_capacity(64 << 10, stream),
        setting,
        room,
        presence,
        greeted: false,
        sender: false,
        recipients: Vec::new(),
        mistakes: 0,
    };
    if !talk.is_to_leave() {
        talk.say("220 threadbare LMTP")?;
    }
    while talk.next()? {}
    Ok(())
}

struct Talk<'a> {
    input: BufReader<BlockingStream>,
    output: BlockingStream,
    setting: &'a Setting,
    room: &'a Room,
    presence: &'a Presence,
    greeted: bool,
    /// Whether a mail has begun.
    sender: bool,
    recipients: Vec<InboxConfig>,
    mistakes: u32,
}

impl Talk<'_> {
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.output.write_all(format!("{line}\r\n").as_bytes())
    }

    /// Says that something was wrong; whether the talk goes on.
    fn object(&mut self, line: &str) -> io::Result<bool> {
        self.mistakes += 1;
        if self.mistakes > self.setting.limits.mistakes {
            self.say("421 4.7.0 too many mistakes")?;
            return Ok(false);
        }
        self.say(line)?;
        Ok(true)
    }

    fn config(&self) -> Arc<Config> {
        let config = self.setting.config.read();
        Arc::clone(&config.unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there is no mail in hand, and we are going (RFC 5321, 3.8: a 421 may answer any command then).
    fn is_to_leave(&self) -> bool {
        !self.sender && self.presence.leave.load(Ordering::Acquire)
    }

    /// Hears one command and answers it; whether the talk goes on.
    fn next(&mut self) -> io::Result<bool> {
        if self.is_to_leave() {
            self.say(LEAVE)?;
            return Ok(false);
        }
        let line = match hear_line(&mut self.input)? {
            Heard::Line(line) => line,
            Heard::TooLong => return self.object("500 5.5.2 that line is too long"),
            Heard::Nothing => {
                if self.is_to_leave() {
                    self.say(LEAVE)?;
                }
                return Ok(false);
            }
        };
        let Ok(line) = String::from_utf8(line) else {
            return self.object("500 5.5.2 that is no text");
        };
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        Ok(match verb.to_ascii_uppercase().as_str() {
            "LHLO" if rest.trim().is_empty() => self.object("501 5.5.4 LHLO wants a name")?,
            "LHLO" => {
                self.greeted = true;
                self.forget();
                let most = ingest::max_size(&self.config());
                let answer = format!(
                    "250-threadbare\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n\
                     250-PIPELINING\r\n250 SIZE {most}"
                );
                self.say(&answer)?;
                true
            }
            "HELO" | "EHLO" => self.object("500 5.5.1 this is LMTP: say LHLO")?,
            "MAIL" => self.mail(rest)?,
            "RCPT" => self.rcpt(rest)?,
            "DATA" => self.data()?,
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 forgotten")?;
                true
            }
            "NOOP" => {
                self.say("250 2.0.0 yes")?;
                true
            }
            "VRFY" => self.object("252 2.5.0 try it")?,
            "QUIT" => {
                self.say("221 2.0.0 good bye")?;
                false
            }
            _ => self.object("500 5.5.1 there is no such command")?,
        })
    }

    fn forget(&mut self) {
        self.sender = false;
        self.presence.busy.store(false, Ordering::Release);
        self.recipients.clear();
    }

    fn mail(&mut self, rest: &str) -> io::Result<bool> {
        if !self.greeted {
            return self.object("503 5.5.1 say LHLO first");
        }
        if self.sender {
            return self.object("503 5.5.1 one mail after the other");
        }
        let Some((_, parameters)) = path_of(rest, "FROM:") else {
            return self.object("501 5.5.4 MAIL FROM:<address>");
        };
        let most = ingest::max_size(&self.config());
        let size = parameters.split_ascii_whitespace().find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.eq_ignore_ascii_case("SIZE")
                .then(|| value.parse().ok())?
        });
        if size.is_some_and(|size: u64| size > most) {
            return self.object(&format!("552 5.3.4 {most} bytes are the most"));
        }
        self.sender = true;
        self.presence.busy.store(true, Ordering::Release);
        self.say("250 2.1.0 and for whom?")?;
        Ok(true)
    }

    fn rcpt(&mut self, rest: &str) -> io::Result<bool> {
        if !self.sender {
            return self.object("503 5.5.1 say MAIL first");
        }
        let Some((address, _)) = path_of(rest, "TO:") else {
            return self.object("501 5.5.4 RCPT TO:<address>");
        };
        if self.recipients.len() >= self.setting.limits.recipients {
            return self.object("452 4.5.3 too many recipients at once");
        }
        let config = self.config();
        match ingest::by_address(&config, address) {
            Some(inbox) => {
                self.recipients.push(inbox.clone());
                self.say("250 2.1.5 that is a list here")?;
                Ok(true)
            }
            None => self.object("550 5.1.1 there is no such list"),
        }
    }

    /// Takes a mail, and answers once for each recipient.
    fn data(&mut self) -> io::Result<bool> {
        if self.recipients.is_empty() {
            return self.object("503 5.5.1 for whom?");
        }
        self.say("354 go on, and end with a dot")?;
        let config = self.config();
        let most = ingest::max_size(&config);
        // Given back when all recipients have their answers.
        let mut share = self.room.share();
        let longest = self.setting.limits.longest;
        let told = hear_mail(&mut self.input, most, longest, &mut share)?;
        for inbox in std::mem::take(&mut self.recipients) {
            let answer = match &told {
                Told::Whole(mail) => self.deliver(&config, &inbox, mail),
                Told::TooLong => format!("552 5.3.4 {most} bytes are the most"),
                Told::NoRoom => "452 4.3.1 too much mail at once, come again".to_owned(),
            };
            self.say(&answer)?;
        }
        self.forget();
        Ok(true)
    }

    fn deliver(&self, config: &Config, inbox: &InboxConfig, mail: &[u8]) -> String {
        let later = |error: crate::error::Error| {
            tracing::error!(inbox = %inbox.name, "a mail could not be taken: {error}");
            match error.is_full() {
                true => "452 4.3.1 there is no room left, come again".to_owned(),
                false => "451 4.3.0 something is wrong here, come again".to_owned(),
            }
        };
        let mail = edit::trimmed(mail);
        match ingest::objection(config, inbox, self.setting.precheck, mail) {
            Ok(None) => {}
            Ok(Some(Objection::Size(most))) => {
                return format!("552 5.3.4 {most} bytes are the most");
            }
            Ok(Some(Objection::Spam)) => return "550 5.7.1 it looks like spam".to_owned(),
            Ok(Some(Objection::Precheck(why))) => return format!("550 5.6.0 {why}"),
            Err(error) => return later(error),
        }
        let rules = match ingest::delivery_rules(config, inbox) {
            Ok(rules) => rules,
            Err(error) => return later(error),
        };
        let mail = ingest::with_list_id(mail, inbox).into_owned();
        match self.setting.desk.hand_in(inbox, &rules, mail) {
            Ok(Taken::Added { .. }) => "250 2.0.0 stored".to_owned(),
            Ok(Taken::Duplicate) => "250 2.0.0 it was here already".to_owned(),
            Ok(Taken::Buried) => "250 2.0.0 it was removed before".to_owned(),
            Ok(Taken::Refused(why)) => {
                let why = why.replace(|c: char| c.is_control(), " ");
                format!("554 5.6.0 {why}")
            }
            Err(error) => later(error),
        }
    }
}

/// `FROM:<address> parameters`
fn path_of<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let rest = rest.trim_start();
    let begin = rest.get(..keyword.len())?;
    if !begin.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let path = rest[keyword.len()..].trim_start().strip_prefix('<')?;
    path.split_once('>')
}

/// One line, without its end. What is too long is passed over.
fn hear_line(input: &mut impl BufRead) -> io::Result<Heard> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(Heard::Nothing);
        }
        let end = memchr(b'\n', buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        too_long |= line.len() + used > MAX_LINE;
        if !too_long {
            line.extend_from_slice(&buffer[..used]);
        }
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    if too_long {
        return Ok(Heard::TooLong);
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Heard::Line(line))
}

/// A mail up to the line with a dot (RFC 5321, 4.5.2), with LF line ends.
fn hear_mail(
    input: &mut impl BufRead,
    most: u64,
    longest: Duration,
    share: &mut Share<'_>,
) -> io::Result<Told> {
    let began = Instant::now();
    let mut mail: Vec<u8> = Vec::new();
    // Only CRLF ends a line: whoever takes a bare LF for one lets callers smuggle mail.
    let mut at_line_start = true;
    // Why it is passed over, if it is.
    let mut refused: Option<Told> = None;
    let mut held = FREE;
    let mut line: Vec<u8> = Vec::new();
    let mut last = b'\n';
    loop {
        if began.elapsed() > longest {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the mail takes too long",
            ));
        }
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = memchr(b'\n', buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        line.extend_from_slice(&buffer[..used]);
        input.consume(used);
        // Only a line that is whole can be the dot; a long one goes on piece by piece.
        if end.is_none() && line.len() < 8 {
            continue;
        }
        if at_line_start && line == b".\r\n" {
            return Ok(refused.unwrap_or(Told::Whole(mail)));
        }
        let unstuffed = match at_line_start {
            true => line.strip_prefix(b".").unwrap_or(&line),
            false => &line,
        };
        let length = mail.len() + unstuffed.len();
        if refused.is_none() && length as u64 > most {
            refused = Some(Told::TooLong);
        } else if refused.is_none() && length > held {
            // As much again as it has, so that only who has sent much can claim much.
            let wanted = usize::try_from(most).map_or(held * 2, |most| most.min(held * 2));
            held = wanted.max(length);
            match share.grow(held) {
                true => mail.reserve_exact(held - mail.len()),
                false => {
                    tracing::warn!("no room for a mail of {length} bytes and more: others have it");
                    refused = Some(Told::NoRoom);
                }
            }
        }
        if refused.is_some() {
            mail = Vec::new();
            share.empty();
        } else {
            mail.extend_from_slice(unstuffed);
            if mail.ends_with(b"\r\n") {
                mail.truncate(mail.len() - 2);
                mail.push(b'\n');
            }
        }
        at_line_start = match line.as_slice() {
            b"\n" => last == b'\r',
            line => line.ends_with(b"\r\n"),
        };
        last = line.last().copied().unwrap_or(last);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;
    use std::time::Duration;

    use super::{Told, hear_mail, path_of};
    use crate::lmtp::room::{FREE, Room};

    fn heard(bytes: &[u8], capacity: usize, most: u64) -> Option<Told> {
        let room = Room::new(0, Duration::ZERO);
        let mut input = BufReader::with_capacity(capacity, bytes);
        let longest = Duration::from_secs(60);
        hear_mail(&mut input, most, longest, &mut room.share()).ok()
    }

    #[test]
    fn a_mail_ends_with_a_dot_between_two_line_ends_and_nothing_else() {
        for capacity in [1, 2, 3, 7, 1000] {
            for (bytes, mail) in [
                (&b"a\r\nb\r\n.\r\n"[..], Some("a\nb\n")),
                (b"..a\r\n.b\r\n.\r\n", Some(".a\nb\n")),
                (b".\r\n", Some("")),
                // Smuggling: a dot between bare line feeds is no end.
                (b"a\n.\nMAIL\r\n.\r\n", Some("a\n.\nMAIL\n")),
                (b"a\n.\r\nb\r\n.\r\n", Some("a\n.\nb\n")),
                (b"a\r\n.\nb\r\n.\r\n", Some("a\n\nb\n")),
                (b"a\r.\r\n\r\n.\r\n", Some("a\r.\n\n")),
                (b"a\r\n", None),
            ] {
                let all = heard(bytes, capacity, 1000);
                let expected = mail.map(|mail| Told::Whole(mail.as_bytes().to_vec()));
                assert_eq!(all, expected, "{bytes:?} in pieces of {capacity}");
            }
        }
        let long = [&b"x".repeat(5000)[..], b"\r\n.\r\n"].concat();
        assert_eq!(heard(&long, 100, 4000), Some(Told::TooLong));
    }

    #[test]
    fn a_long_mail_needs_room_and_a_short_one_none() {
        let room = Room::new(10 * FREE, Duration::ZERO);
        let mut other = room.share();
        let told = |lines: usize| {
            let line = format!("{}\r\n", "x".repeat(62));
            let mail = [line.repeat(lines).as_bytes(), b".\r\n"].concat();
            let mut input = BufReader::new(&mail[..]);
            let longest = Duration::from_secs(60);
            let mut share = room.share();
            match hear_mail(&mut input, 1 << 30, longest, &mut share).unwrap() {
                Told::Whole(mail) => Some(mail.len()),
                Told::NoRoom => None,
                Told::TooLong => panic!("it is not"),
            }
        };
        let line = 63;
        assert!(other.grow(10 * FREE));
        assert_eq!(told(FREE / line), Some(FREE / line * line));
        assert_eq!(told(FREE / line + 1), None);
        assert!(other.grow(8 * FREE));
        assert_eq!(told(2 * FREE / line), Some(2 * FREE / line * line));
        assert_eq!(told(2 * FREE / line + 2), None);
        other.empty();
        let long = 100 * FREE / line;
        assert_eq!(told(long), Some(long * line), "alone");
    }

    #[test]
    fn addresses_stand_in_brackets() {
        for (rest, path) in [
            ("FROM:<a@b> SIZE=3", Some(("a@b", " SIZE=3"))),
            ("from: <a@b>", Some(("a@b", ""))),
            ("FROM:<>", Some(("", ""))),
            ("FROM:a@b", None),
            ("TO:<a@b>", None),
            ("FRÖM:<a@b>", None),
        ] {
            assert_eq!(path_of(rest, "FROM:"), path, "{rest}");
        }
    }
}
