//! The ways by which mail comes in while a program runs: LMTP, and folders that are watched.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::wake::Bell;
use crate::archive::Archive;
use crate::config::Config;
use crate::ingest::{Desk, Precheck};
use crate::lmtp::{self, Lmtp};
use crate::net::{HandedOver, Inherited};
use crate::watch::{self, Watch};

/// The settings as they are now, for those who look at them again and again.
#[derive(Clone, Default)]
pub(super) struct Current(Arc<RwLock<Arc<Config>>>);

impl Current {
    fn now(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// They have changed.
    pub(super) fn set(&self, config: Config) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }
}

/// Both ways, open until this is dropped.
pub(super) struct MailDoors {
    lmtp: Option<Lmtp>,
    _watch: Option<Watch>,
}

/// Whether folders are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    Watched,
    Left,
}

/// The ways that are to be opened.
pub(super) struct Ways<'a> {
    /// Where to take mail by LMTP.
    pub(super) lmtp: &'a [String],
    /// Sockets that are open for it already.
    pub(super) inherited: &'a mut Inherited,
    /// Whether what comes by LMTP is looked at first.
    pub(super) precheck: Precheck,
    /// Whether folders are watched.
    pub(super) folders: Folders,
}

impl MailDoors {
    /// Opens these ways. The bell is rung when something was stored.
    ///
    /// # Errors
    /// A place cannot be listened at.
    pub(super) fn open(
        archive: &Archive,
        current: &Current,
        ways: Ways<'_>,
        index_dir: &Path,
        bell: Bell,
    ) -> anyhow::Result<MailDoors> {
        if ways.lmtp.is_empty() && ways.folders == Folders::Left {
            return Ok(MailDoors {
                lmtp: None,
                _watch: None,
            });
        }
        let desk = Desk::open(archive.db(), move || bell.ring())?;
        let lmtp = match ways.lmtp {
            [] => None,
            places => {
                let setting = lmtp::Setting {
                    config: Arc::clone(&current.0),
                    desk: desk.clone(),
                    precheck: ways.precheck,
                    limits: lmtp::Limits::default().with(&current.now().limits),
                };
                let lmtp = Lmtp::start(places, ways.inherited, &setting)?;
                for listener in lmtp.listeners() {
                    println!("taking mail by LMTP on {listener}");
                }
                Some(lmtp)
            }
        };
        let watch = match ways.folders {
            Folders::Left => None,
            Folders::Watched => Some(Watch::start(watch::Setting {
                config: Arc::clone(&current.0),
                desk,
                state_dir: index_dir.join("watch"),
            })?),
        };
        Ok(MailDoors {
            lmtp,
            _watch: watch,
        })
    }
    /// The sockets of LMTP, for a server that takes our place.
    pub(super) fn sockets(&self) -> Vec<Weak<dyn HandedOver>> {
        let listeners = self.lmtp.iter().flat_map(Lmtp::listeners);
        listeners
            .map(|listener| {
                let listener: Arc<dyn HandedOver> = listener.clone();
                Arc::downgrade(&listener)
            })
            .collect()
    }

    /// Lets nobody in any more; those who are here are told to go. Does not wait.
    pub(super) fn close(&self) {
        if let Some(lmtp) = &self.lmtp {
            lmtp.close();
        }
    }
}
