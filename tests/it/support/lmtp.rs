//! A mail server that hands in mail by LMTP.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A caller.
pub(crate) struct Caller {
    pub(crate) input: BufReader<UnixStream>,
    pub(crate) output: UnixStream,
}

impl Caller {
    pub(crate) fn new(socket: &Path) -> Caller {
        let mut caller = Caller::silent(socket);
        assert_eq!(caller.hear(), "220");
        assert_eq!(caller.say("LHLO test"), "250");
        caller
    }

    pub(crate) fn silent(socket: &Path) -> Caller {
        let output = UnixStream::connect(socket).unwrap();
        output
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Caller {
            input: BufReader::new(output.try_clone().unwrap()),
            output,
        }
    }

    /// The code of the next answer.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            // A connection that is cut says nothing.
            let _ = self.input.read_line(&mut line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.get(..3).unwrap_or("").to_owned();
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.output
            .write_all(format!("{line}\r\n").as_bytes())
            .unwrap();
        self.hear()
    }

    pub(crate) fn send(&mut self, to: &[&str], raw: &[u8]) -> Vec<String> {
        assert_eq!(self.say("MAIL FROM:<a@b> BODY=8BITMIME"), "250");
        for one in to {
            assert_eq!(self.say(&format!("RCPT TO:<{one}>")), "250");
        }
        assert_eq!(self.say("DATA"), "354");
        let mut wire = Vec::new();
        for line in raw.split_inclusive(|b| *b == b'\n') {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            match line.strip_suffix(b"\n") {
                Some(line) => {
                    wire.extend_from_slice(line);
                    wire.extend_from_slice(b"\r\n");
                }
                None => wire.extend_from_slice(line),
            }
        }
        if !wire.ends_with(b"\r\n") {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        self.output.write_all(&wire).unwrap();
        to.iter().map(|_| self.hear()).collect()
    }
}

impl Caller {
    /// Hands in one mail with a call of its own; the code of the last answer, or `None` where nobody answered.
    pub(crate) fn hand_in(socket: &Path, to: &str, raw: &[u8]) -> Option<String> {
        let mut output = UnixStream::connect(socket).ok()?;
        output
            .set_read_timeout(Some(Duration::from_secs(60)))
            .ok()?;
        let mut input = BufReader::new(output.try_clone().ok()?);
        let mut hear = || {
            loop {
                let mut line = String::new();
                let read = input.read_line(&mut line).ok()?;
                if read == 0 {
                    return None;
                }
                if line.as_bytes().get(3) != Some(&b'-') {
                    return Some(line.get(..3)?.to_owned());
                }
            }
        };
        hear()?;
        for line in [
            "LHLO test",
            "MAIL FROM:<a@b>",
            &format!("RCPT TO:<{to}>"),
            "DATA",
        ] {
            output.write_all(format!("{line}\r\n").as_bytes()).ok()?;
            let answer = hear()?;
            if !matches!(answer.as_str(), "250" | "354") {
                return Some(answer);
            }
        }
        let text = String::from_utf8_lossy(raw).replace('\n', "\r\n");
        output.write_all(format!("{text}.\r\n").as_bytes()).ok()?;
        hear()
    }
}
