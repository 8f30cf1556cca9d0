//! `threadbare deliver`: takes one mail from a mail server, on standard input.
//!
//! What it says to the mail server are the codes of sysexits(3). Whatever goes wrong here and not with the mail is
//! 75: the server keeps the mail and tries again.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::{scope, serving};
use crate::config::{Config, InboxConfig};
use crate::db::Db;
use crate::ingest::{self, Intake, Known, Objection, Precheck, Taken};
use crate::mail::{Message, edit};

/// The mail cannot be taken, as it is (`EX_DATAERR`).
const DATA: u8 = 65;
/// There is no such list (`EX_NOUSER`).
const NO_USER: u8 = 67;
/// Something is wrong here; the mail may come again (`EX_TEMPFAIL`).
const LATER: u8 = 75;

/// The flags of `deliver`.
#[derive(clap::Args)]
pub struct Deliver {
    /// The inbox; if not given, the one whose address `ORIGINAL_RECIPIENT` has, or else those whose listid the mail has
    #[arg(value_name = "NAME")]
    inbox: Option<String>,
    /// Take mail also where its headers look wrong: no Message-ID, no date, no subject, not addressed to the list
    #[arg(long)]
    no_precheck: bool,
    /// Where the indexes are
    #[arg(long, value_name = "DIR")]
    index_dir: Option<PathBuf>,
}

impl Deliver {
    #[expect(clippy::unnecessary_wraps, reason = "all commands are called alike")]
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("warn");
        Ok(match self.deliver() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("threadbare: {error:#}");
                ExitCode::from(LATER)
            }
        })
    }

    fn deliver(self) -> anyhow::Result<ExitCode> {
        let scope::Scope { config, index_dir } = scope::find(&[], self.index_dir.clone())?;
        // Who has none yet, or has lost it, wants no mail to bounce.
        anyhow::ensure!(
            !config.inboxes.is_empty(),
            "the config names no inbox, or there is none"
        );
        let max = ingest::max_size(&config);
        let mut raw = Vec::new();
        let mut input = std::io::stdin().lock().take(max + 1);
        input.read_to_end(&mut raw).context("reading the mail")?;
        let mail = edit::trimmed(&raw);
        let Some(inboxes) = self.inboxes(&config, mail)? else {
            eprintln!("threadbare: there is no such inbox");
            return Ok(ExitCode::from(NO_USER));
        };
        let precheck = match self.no_precheck {
            true => Precheck::Left,
            false => Precheck::Done,
        };
        let db = Db::open(&index_dir)?;
        let mut refused = 0;
        for inbox in &inboxes {
            match ingest::objection(&config, inbox, precheck, mail)? {
                Some(why @ Objection::Size(_)) => {
                    eprintln!("threadbare: {why}");
                    return Ok(ExitCode::from(DATA));
                }
                Some(why) => {
                    // As public-inbox does: nobody is told, and a person can look at it.
                    let kept = keep_aside(mail)?;
                    tracing::warn!(inbox = %inbox.name, "{why}: it was put into {}", kept.display());
                    continue;
                }
                None => {}
            }
            let rules = ingest::delivery_rules(&config, inbox)?;
            let mut known = Known::new(&db);
            let mut intake = Intake::open(inbox, &rules, &mut known)?;
            match intake.take(&ingest::with_list_id(mail, inbox), None)? {
                Taken::Refused(why) => {
                    eprintln!("threadbare: {}: {why}", inbox.name);
                    refused += 1;
                }
                Taken::Added { .. } | Taken::Duplicate | Taken::Buried => intake.commit()?,
            }
        }
        let all = inboxes.len();
        serving::stored(&config, inboxes, &index_dir);
        Ok(match refused == all {
            true => ExitCode::from(DATA),
            false => ExitCode::SUCCESS,
        })
    }

    /// The inboxes that a mail is for; `None` where there is none.
    fn inboxes(&self, config: &Config, mail: &[u8]) -> anyhow::Result<Option<Vec<InboxConfig>>> {
        if let Some(name) = &self.inbox {
            let named = config
                .inboxes
                .iter()
                .find(|inbox| inbox.name.as_str() == name);
            return Ok(named.map(|inbox| vec![inbox.clone()]));
        }
        if let Some(recipient) = std::env::var_os("ORIGINAL_RECIPIENT") {
            let recipient = recipient.to_string_lossy();
            if let Some(inbox) = ingest::by_address(config, &recipient) {
                return Ok(Some(vec![inbox.clone()]));
            }
        }
        let found = ingest::by_list_id(config, &Message::parse(mail));
        let found: Vec<InboxConfig> = found.into_iter().cloned().collect();
        Ok((!found.is_empty()).then_some(found))
    }
}

/// Puts a mail into the emergency Maildir: `$PI_EMERGENCY`, else `~/.public-inbox/emergency`.
fn keep_aside(mail: &[u8]) -> anyhow::Result<PathBuf> {
    let dir = match std::env::var_os("PI_EMERGENCY").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => crate::config::home_dir()
            .context("there is no home directory for the emergency Maildir: set PI_EMERGENCY")?
            .join(".public-inbox/emergency"),
    };
    for below in ["tmp", "new", "cur"] {
        let below = dir.join(below);
        std::fs::create_dir_all(&below).with_context(|| below.display().to_string())?;
    }
    write_into(&dir, mail).with_context(|| dir.display().to_string())
}

fn write_into(dir: &Path, mail: &[u8]) -> anyhow::Result<PathBuf> {
    use std::io::Write;
    let mut file = tempfile::Builder::new()
        .prefix(&format!("{}.{}_", crate::time::now().0, std::process::id()))
        .suffix(".threadbare")
        .tempfile_in(dir.join("tmp"))?;
    file.write_all(mail)?;
    file.as_file().sync_all()?;
    let name = file
        .path()
        .file_name()
        .context("a file without a name")?
        .to_owned();
    let kept = dir.join("new").join(name);
    file.persist(&kept)?;
    Ok(kept)
}
