//! The sockets of a server: which ones there are to be, who has them until now, and the certificates of those with
//! TLS.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::go_on;
use crate::config::Config;
use crate::net::{At, Certificates, HandOver, Inherited, Listener, Pair, Place};

/// Where a server listens when nobody says otherwise: for this machine alone.
pub(super) const LISTEN: &str = "127.0.0.1:8080";

/// What a server was told about its sockets.
#[derive(Default)]
pub(super) struct Wanted {
    /// Where to listen; the first that is not empty of these, the settings, and what systemd has opened.
    pub(super) listen: Vec<String>,
    /// Certificates that stand in place of those of the settings.
    pub(super) certificates: Vec<Pair>,
    /// Where to find the server that ran before, and to wait for the next one.
    pub(super) hand_over: Option<PathBuf>,
    /// Where health and figures are to be had.
    pub(super) metrics: Option<String>,
}

/// The sockets, before anybody is let in.
pub(super) struct Doors {
    /// What came from whoever started this process, or from the server before it.
    pub(super) inherited: Inherited,
    /// All certificates, if there are any.
    pub(super) certificates: Option<Certificates>,
    /// The server that goes when we are ready.
    pub(super) before: Option<HandOver>,
}

impl Doors {
    /// Takes over what there is. To be called before there are threads.
    ///
    /// # Errors
    /// A certificate cannot be used, or the server before this one does not hand over.
    pub(super) fn find(wanted: &Wanted, config: &Config) -> anyhow::Result<Doors> {
        let mut inherited = Inherited::from_starter();
        inherited.add(go_on::sockets()?);
        let mut before = None;
        if let Some(path) = &wanted.hand_over
            && let Some((hand_over, sockets)) =
                HandOver::ask(path).context("taking over from the server that runs")?
        {
            inherited.add(sockets);
            before = Some(hand_over);
        }
        let pairs = pairs(wanted, config);
        let certificates = match pairs.is_empty() {
            true => None,
            false => Some(Certificates::read(pairs).context("reading the certificates")?),
        };
        Ok(Doors {
            inherited,
            certificates,
            before,
        })
    }

    /// Opens the doors of HTTP. To be called within the runtime.
    ///
    /// # Errors
    /// A place cannot be understood, or is taken.
    pub(super) fn open(
        &mut self,
        wanted: &Wanted,
        config: &Config,
    ) -> anyhow::Result<Vec<Arc<Listener>>> {
        let places = match (&wanted.listen[..], &config.listen[..]) {
            ([], []) => match named_for_http(&self.inherited) {
                found if found.is_empty() => vec![Place::parse(LISTEN)?],
                found => found,
            },
            ([], configured) => parse_all(configured)?,
            (given, _) => parse_all(given)?,
        };
        let mut listeners = Vec::new();
        for place in &places {
            listeners.extend(self.listen(place)?);
        }
        Ok(listeners)
    }

    /// Opens the door of those who watch over the server, where one is wanted: at the place that was named, or at a
    /// socket of systemd's called `metrics`.
    ///
    /// # Errors
    /// As [`Doors::open`].
    pub(super) fn open_for_health(
        &mut self,
        wanted: &Wanted,
    ) -> anyhow::Result<Vec<Arc<Listener>>> {
        let named = self.inherited.names().iter().any(|name| name == "metrics");
        match &wanted.metrics {
            Some(place) => self.listen(&Place::parse(place)?),
            None if named => self.listen(&Place::parse("fd:metrics")?),
            None => Ok(Vec::new()),
        }
    }

    /// Opens a door at one place.
    ///
    /// # Errors
    /// It is taken.
    pub(super) fn listen(&mut self, place: &Place) -> anyhow::Result<Vec<Arc<Listener>>> {
        let certificates = self.certificates.as_ref();
        let opened = Listener::open(place, certificates, &mut self.inherited)?;
        Ok(opened.into_iter().map(Arc::new).collect())
    }
}

/// The certificates that count: those of the command line, else those of the settings.
pub(super) fn pairs(wanted: &Wanted, config: &Config) -> Vec<Pair> {
    if !wanted.certificates.is_empty() {
        return wanted.certificates.clone();
    }
    let files = config.certificates.iter().cloned();
    files.map(|(chain, key)| Pair { chain, key }).collect()
}

/// `CHAIN[,KEY]`, as a flag has it.
pub(super) fn parse_pair(text: &str) -> Result<Pair, String> {
    let (chain, key) = text.split_once(',').unwrap_or((text, text));
    if chain.is_empty() || key.is_empty() {
        return Err("it is CHAIN.pem,KEY.pem, or one file with both".to_owned());
    }
    Ok(Pair {
        chain: chain.into(),
        key: key.into(),
    })
}

fn parse_all(texts: &[String]) -> anyhow::Result<Vec<Place>> {
    Ok(texts
        .iter()
        .map(|text| Place::parse(text))
        .collect::<Result<_, _>>()?)
}

/// The sockets of systemd that are for HTTP, by their names: `http…`, `https…`, and those without one.
fn named_for_http(inherited: &Inherited) -> Vec<Place> {
    let names = inherited.names().into_iter();
    let ours = names.filter(|name| {
        name.starts_with("http") || name == "listen" || name.starts_with("threadbare")
    });
    ours.map(|name| Place {
        tls: name.starts_with("https"),
        at: At::Inherited(name),
    })
    .collect()
}
