//! Tells systemd how we are (`sd_notify(3)`): a datagram to the socket that it names. Nothing happens where it names
//! none.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// Connections are answered from now on, by this process.
    Ready,
    /// Settings are being read anew. Needs a `Ready` afterwards.
    Reloading,
    /// We are about to end.
    Stopping,
    /// We are alive.
    Alive,
    /// How things are, as a line for `systemctl status`.
    Status(&'a str),
}

/// Says it to the one who started us, if they want to know.
pub fn notify(said: Said<'_>) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(&name, &line(said)) {
        tracing::warn!("systemd cannot be told: {error}");
    }
}

/// How often at least it wants to hear that we are alive; `None` where it does not care.
pub fn watchdog() -> Option<Duration> {
    if let Ok(pid) = std::env::var("WATCHDOG_PID")
        && pid != std::process::id().to_string()
    {
        return None;
    }
    let micros = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    Some(Duration::from_micros(micros)).filter(|interval| !interval.is_zero())
}

fn line(said: Said<'_>) -> String {
    match said {
        // The process that systemd started may have handed over to this one.
        Said::Ready => format!("READY=1\nMAINPID={}", std::process::id()),
        Said::Reloading => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            let micros = now.tv_sec.saturating_mul(1_000_000) + now.tv_nsec / 1000;
            format!("RELOADING=1\nMONOTONIC_USEC={micros}")
        }
        Said::Stopping => "STOPPING=1".to_owned(),
        Said::Alive => "WATCHDOG=1".to_owned(),
        Said::Status(text) => format!("STATUS={}", text.replace('\n', " ")),
    }
}

fn send(name: &OsStr, line: &str) -> io::Result<()> {
    let address = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(line.as_bytes(), &address)?;
    Ok(())
}
