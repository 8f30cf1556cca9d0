//! Listening sockets that somebody else has opened: systemd, or the server that ran before us.

use std::os::fd::OwnedFd;

use listenfd::ListenFd;

use super::place::At;

/// Sockets that wait to be listened on, by the places that they stand for.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(At, OwnedFd)>);

impl Inherited {
    /// What the one who started this process has opened for it (`sd_listen_fds(3)`): stream sockets, called by their
    /// names, or `listen` where they have none. To be asked once, before there are other threads.
    pub fn from_starter() -> Inherited {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = ListenFd::from_env();
        let mut found = Vec::new();
        for n in 0..sockets.len() {
            let name = names.next().unwrap_or_default();
            let name = match name {
                // What sd_listen_fds_with_names(3) says of sockets without a name.
                "" | "unknown" => "listen",
                name => name.strip_suffix(".socket").unwrap_or(name),
            };
            let socket = match sockets.take_tcp_listener(n) {
                Ok(Some(tcp)) => Some(OwnedFd::from(tcp)),
                _ => match sockets.take_unix_listener(n) {
                    Ok(Some(unix)) => Some(OwnedFd::from(unix)),
                    _ => None,
                },
            };
            match socket {
                Some(socket) => found.push((At::Inherited(name.to_owned()), socket)),
                None => tracing::warn!("the inherited socket {name} is no stream socket"),
            }
        }
        Inherited(found)
    }

    /// What the server that ran before us has sent.
    pub(super) fn from_predecessor(sockets: Vec<(At, OwnedFd)>) -> Inherited {
        Inherited(sockets)
    }

    /// Adds what came by another way.
    pub fn add(&mut self, other: Inherited) {
        self.0.extend(other.0);
    }

    /// All sockets for that place; a unit of systemd may open several under one name.
    pub(super) fn take(&mut self, at: &At) -> Vec<OwnedFd> {
        let taken = self.0.extract_if(.., |(known, _)| known == at);
        taken.map(|(_, socket)| socket).collect()
    }

    /// The names of the sockets that systemd opened, each once, in their order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (at, _) in &self.0 {
            if let At::Inherited(name) = at
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// Whether there are none (left).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
