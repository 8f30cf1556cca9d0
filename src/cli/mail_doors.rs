//! The ways by which mail comes in while a program runs: LMTP, and folders that are watched.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::wake::Bell;
use crate::archive::Archive;
use crate::config::Config;
use crate::ingest::{Desk, Precheck};
use crate::lmtp::{self, Lmtp};
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
    _lmtp: Option<Lmtp>,
    _watch: Option<Watch>,
}

/// Whether folders are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    Watched,
    Left,
}

impl MailDoors {
    /// Opens LMTP at these places, and watches the folders of the config. The bell is rung when something was stored.
    ///
    /// # Errors
    /// A place cannot be listened at.
    pub(super) fn open(
        archive: &Archive,
        current: &Current,
        places: &[String],
        precheck: Precheck,
        folders: Folders,
        index_dir: &Path,
        bell: Bell,
    ) -> anyhow::Result<MailDoors> {
        if places.is_empty() && folders == Folders::Left {
            return Ok(MailDoors {
                _lmtp: None,
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
                let lmtp = Lmtp::start(places, &setting)?;
                for place in lmtp.places() {
                    println!("taking mail by LMTP on {place}");
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
            _lmtp: lmtp,
            _watch: watch,
        })
    }
}
