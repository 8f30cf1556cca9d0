//! A server goes on when a file that it has mapped into its memory is cut short.
//!
//! Both indexes are read through mappings. Where somebody cuts such a file, whoever touches the part that is gone gets
//! SIGBUS, which by default is the end. Here a thread of its own hears of it, and the same process begins again as the
//! same program (execve(2)): it keeps its listening sockets, so nobody who connects is refused, finds what is damaged, and
//! makes it anew from git. Answers that were under way are broken off.
//!
//! Rust's own handler of that signal, which looks for stacks that are full, would end the process all the same. It is not
//! installed where the signal is ignored from the beginning, which only somebody else can do for us: so the server is
//! started through a shell that says so. Where there is no shell, SIGBUS is the end, and a service manager begins again.
//!
//! The thread that was hit never comes further than the instruction that it is at, and may hold any lock. So nothing is
//! shared with it, and nobody waits for it.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Weak;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::net::{HandedOver, Inherited};
use crate::time;

/// The variable by which the one before tells that the sockets lie on standard input, and when this has happened: Unix
/// times in seconds, with commas between.
const BEGUN_AGAIN: &str = "THREADBARE_BEGUN_AGAIN";

/// More often than this within so many seconds, and something is wrong that beginning again does not help against.
const MOST: usize = 5;
const WITHIN: i64 = 60;

/// Set when a shell was asked to ignore the signal for us: it is asked once.
const STARTED_BY_SHELL: &str = "THREADBARE_BY_SHELL";

/// Begins once more with SIGBUS ignored, where it is not. To be called before anything else is done: it is another program
/// that goes on, as the same process.
pub(super) fn ignore_at_first() {
    if std::env::var_os(STARTED_BY_SHELL).is_some() {
        return;
    }
    if let Ok(mut again) = through_shell() {
        // It only comes back where it fails; then we go on as we are.
        let _ = again.exec();
    }
}

/// This very command, started by a shell that ignores the signal.
fn through_shell() -> std::io::Result<Command> {
    let number = rustix::process::Signal::BUS.as_raw();
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("trap '' {number}; exec \"$0\" \"$@\""))
        .arg(program()?)
        .args(std::env::args_os().skip(1))
        .env(STARTED_BY_SHELL, "1");
    Ok(shell)
}

/// Where the program lies; where its file was replaced since, that is the new one.
fn program() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let name = program.to_string_lossy();
    Ok(match name.strip_suffix(" (deleted)") {
        Some(name) if !program.exists() => PathBuf::from(name),
        _ => program,
    })
}

/// Whether this process went on as itself, since a file was cut short.
pub(super) fn has_begun_again() -> bool {
    std::env::var_os(BEGUN_AGAIN).is_some()
}

/// The listening sockets that this process had before it began again.
///
/// # Errors
/// They are not where they should be.
pub(super) fn sockets() -> anyhow::Result<Inherited> {
    if !has_begun_again() {
        return Ok(Inherited::default());
    }
    let carrier = std::io::stdin().as_fd().try_clone_to_owned();
    let sockets = carrier.and_then(Inherited::unpack);
    sockets.context("taking the sockets over from before a file was cut short")
}

/// Hears of it, from now on, when a mapped file was cut short.
///
/// # Errors
/// The system gives no further thread.
pub(super) fn stand_by(sockets: Vec<Weak<dyn HandedOver>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let thread = std::thread::Builder::new().name("stand-by".to_owned());
    thread.spawn(move || {
        if let Err(error) = runtime.block_on(cut_short()) {
            tracing::warn!("a file of the indexes that is cut short will be the end: {error}");
            return;
        }
        tracing::error!("a file of the indexes was cut short while it was in use: beginning again");
        let Err(error) = begin_again(&sockets);
        tracing::error!("{error:#}: this is the end");
        std::process::exit(1);
    })?;
    Ok(())
}

/// Done when it has happened.
async fn cut_short() -> std::io::Result<()> {
    let number = rustix::process::Signal::BUS.as_raw();
    signal(SignalKind::from_raw(number))?.recv().await;
    Ok(())
}

/// Comes back only where that fails.
fn begin_again(sockets: &[Weak<dyn HandedOver>]) -> anyhow::Result<std::convert::Infallible> {
    let before = std::env::var(BEGUN_AGAIN).unwrap_or_default();
    let times = times(&before, time::now().0).context("it happens again and again")?;
    let sockets: Vec<_> = sockets.iter().filter_map(Weak::upgrade).collect();
    let carrier = Inherited::pack(&sockets).context("packing the sockets")?;
    let mut again = through_shell()?;
    again
        .env(BEGUN_AGAIN, times)
        .stdin(Stdio::from(OwnedFd::from(carrier)));
    // They told of sockets by numbers that mean others now.
    for variable in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
        again.env_remove(variable);
    }
    Err(anyhow::Error::new(again.exec()).context("beginning again"))
}

/// What the next one is told; `None` where this has happened too often of late.
fn times(before: &str, now: i64) -> Option<String> {
    let times = before.split(',').filter_map(|time| time.parse().ok());
    let mut recent: Vec<i64> = times
        .filter(|time: &i64| time.saturating_add(WITHIN) > now)
        .collect();
    if recent.len() >= MOST {
        return None;
    }
    recent.push(now);
    let recent: Vec<String> = recent.iter().map(i64::to_string).collect();
    Some(recent.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_again_a_few_times_a_minute_and_no_more() {
        let mut told = String::new();
        for second in 0..5 {
            told = times(&told, 1000 + second).unwrap();
        }
        assert_eq!(told, "1000,1001,1002,1003,1004");
        assert_eq!(times(&told, 1005), None);
        assert_eq!(times(&told, 1062).as_deref(), Some("1003,1004,1062"));
        assert_eq!(times("nonsense,,x", 7).as_deref(), Some("7"));
        let future = format!("{}", i64::MAX);
        assert!(times(&future, 7).is_some());
    }
}
