//! Asks a program whether a mail is spam.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::config::SpamCheck;
use crate::error::{Error, Result};

/// How long it may think.
const PATIENCE: Duration = Duration::from_secs(300);

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is mail.
    Ham,
    /// It is not.
    Spam,
}

/// Has a mail checked.
///
/// # Errors
/// [`Error::Invalid`] where the program cannot be run, says neither yes nor no, or takes more than five minutes: the mail
/// is to be tried again later.
pub fn check(by: &SpamCheck, raw: &[u8]) -> Result<Verdict> {
    let words: Vec<&str> = match by {
        SpamCheck::Nothing => return Ok(Verdict::Ham),
        SpamCheck::Spamc => vec!["spamc", "-E", "--headers"],
        SpamCheck::Command(words) => words.iter().map(String::as_str).collect(),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Ok(Verdict::Ham);
    };
    let failed = |why: String| Error::invalid(format!("spam check {program}"), why);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let status = std::thread::scope(|scope| {
        if let Some(mut input) = child.stdin.take() {
            // It may have made up its mind before it has read all.
            scope.spawn(move || input.write_all(raw));
        }
        if let Some(mut output) = child.stdout.take() {
            // Nobody wants its output, but a full pipe would stop it.
            scope.spawn(move || std::io::copy(&mut output.by_ref(), &mut std::io::sink()));
        }
        wait(&mut child)
    });
    match status.map_err(|e| failed(e.to_string()))? {
        Some(0) => Ok(Verdict::Ham),
        Some(1) => Ok(Verdict::Spam),
        Some(code) => Err(failed(format!(
            "it ended with {code}; 0 is mail and 1 is spam"
        ))),
        None => Err(failed(
            "it was stopped before it had said anything".to_owned(),
        )),
    }
}

/// Waits for its end; stops it where that does not come.
fn wait(child: &mut Child) -> std::io::Result<Option<i32>> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, check};
    use crate::config::SpamCheck;

    #[test]
    fn a_program_says_what_is_spam() {
        let command = |words: &[&str]| {
            SpamCheck::Command(words.iter().map(|word| (*word).to_owned()).collect())
        };
        let large = vec![b'x'; 1 << 20];
        for (by, raw, verdict) in [
            (SpamCheck::Nothing, &b"x"[..], Some(Verdict::Ham)),
            (
                command(&["grep", "-qv", "money"]),
                b"hello\n",
                Some(Verdict::Ham),
            ),
            (
                command(&["grep", "-qv", "money"]),
                b"money\n",
                Some(Verdict::Spam),
            ),
            (command(&["true"]), &large, Some(Verdict::Ham)),
            (command(&["cat"]), &large, Some(Verdict::Ham)),
            (command(&["sh", "-c", "exit 3"]), b"x", None),
            (command(&["/no/such/program"]), b"x", None),
        ] {
            assert_eq!(check(&by, raw).ok(), verdict, "{by:?}");
        }
    }
}
