//! Adds to a config file, leaving every byte that is there as it is.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Config;
use super::include;
use super::lines;
use super::syntax;
use crate::error::{Error, Result};

/// A config file that nobody else changes meanwhile: like git, we hold `FILE.lock`, which becomes the new file.
#[derive(Debug)]
pub struct Edit {
    file: PathBuf,
    old: Vec<u8>,
    added: String,
    lock: Lock,
}

/// `FILE.lock`, removed when it was not used.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    file: File,
    used: bool,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.used {
            // Nothing better can be done; the next to come will be told which file is in the way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Edit {
    /// Locks a config file and reads it. It need not exist yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] where somebody else has locked it; [`Error::Io`].
    pub fn open(file: &Path) -> Result<Edit> {
        // Whoever links to a file means the file, not the link.
        let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
        }
        let mut name = file.clone().into_os_string();
        name.push(".lock");
        let path = PathBuf::from(name);
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let lock = match made {
            Ok(file) => Lock {
                path,
                file,
                used: false,
            },
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let why = "somebody else is changing the config; remove this file if nobody is";
                return Err(Error::invalid(path.display().to_string(), why));
            }
            Err(e) => return Err(Error::io(path, e)),
        };
        let old = match fs::read(&file) {
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| Error::io(&file, e))?,
        };
        Ok(Edit {
            file,
            old,
            added: String::new(),
            lock,
        })
    }

    /// The settings as they are now, together with what was added.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the file is not in git's syntax.
    pub fn config(&self) -> Result<Config> {
        let text = self.text();
        let settings = include::read_text(&self.file, &String::from_utf8_lossy(&text))?;
        Ok(lines::understand(&settings))
    }

    /// Adds a section `[section "subsection"]` at the end. A section of that name may be there already: what it says
    /// and what is added hold together.
    pub fn add(&mut self, section: &str, subsection: &str, settings: &[(&str, &str)]) {
        let text = syntax::write_section(section, subsection, settings);
        self.added.push_str(&text);
    }

    /// Puts the new file in the place of the old, at once. Nothing happens where nothing was added.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the new text would not say what was meant; [`Error::Io`]. The file is as it was then.
    pub fn save(mut self) -> Result<()> {
        if self.added.is_empty() {
            return Ok(());
        }
        self.check()?;
        let text = self.text();
        let Lock { path, file, .. } = &mut self.lock;
        let mut write = || {
            if let Ok(meta) = fs::metadata(&self.file) {
                file.set_permissions(meta.permissions())?;
            }
            file.write_all(&text)?;
            file.sync_all()
        };
        write().map_err(|e| Error::io(&*path, e))?;
        fs::rename(&*path, &self.file).map_err(|e| Error::io(&self.file, e))?;
        self.lock.used = true;
        Ok(())
    }

    fn text(&self) -> Vec<u8> {
        let mut text = self.old.clone();
        if !self.added.is_empty() && !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend(self.added.as_bytes());
        text
    }

    /// The last line of the old text may go on where the new begins: then the two say something else together.
    fn check(&self) -> Result<()> {
        let told = |text: &[u8]| {
            let settings = syntax::parse(&String::from_utf8_lossy(text));
            let settings = settings.map_err(|mistake| {
                Error::invalid(
                    format!("{}:{}", self.file.display(), mistake.line),
                    mistake.why,
                )
            })?;
            let plain = settings
                .into_iter()
                .map(|s| (s.section, s.subsection, s.key, s.value));
            Ok::<Vec<_>, Error>(plain.collect())
        };
        let mut expected = told(&self.old)?;
        expected.extend(told(self.added.as_bytes())?);
        match told(&self.text())? == expected {
            true => Ok(()),
            false => Err(Error::invalid(
                self.file.display().to_string(),
                "its last line is not finished; mend that first",
            )),
        }
    }
}
