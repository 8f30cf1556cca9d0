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

impl MailDoors {
    /// Opens LMTP at these places, on the sockets that were inherited for them, and watches the folders of the config. The bell is rung when something was stored.
    ///
    /// # Errors
    /// A place cannot be listened at.
    pub(super) fn open(
        archive: &Archive,
        current: &Current,
        places: &[String],
        inherited: &mut Inherited,
        precheck: Precheck,
        folders: Folders,
        index_dir: &Path,
        bell: Bell,
    ) -> anyhow::Result<MailDoors> {
        if places.is_empty() && folders == Folders::Left {
            return Ok(MailDoors {
                lmtp: None,
                _watch: None,
            });
        }
        let desk = Desk::open(archive.db(), move || bell.ring())?;
        let lmtp = match places {
            [] => None,
            places => {
                let setting = lmtp::Setting {
                    config: Arc::clone(&current.0),
                    desk: desk.clone(),
                    precheck,
                    limits: lmtp::Limits::default(),
                };
                let lmtp = Lmtp::start(places, inherited, &setting)?;
                for listener in lmtp.listeners() {
                    println!("taking mail by LMTP on {listener}");
                }
                Some(lmtp)
            }
        };
        let watch = match folders {
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
