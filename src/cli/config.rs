//! `threadbare config check`: whether the settings say what they were meant to say.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::finding::Findings;
use super::scope;
use crate::config::{self, Config};
use crate::net::{Certificates, Pair, Place};
use crate::store::Layout;

/// The flags of `config`.
#[derive(clap::Args)]
pub struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Check the config file: syntax, unknown keys, directories, clashes, certificates. Exit code 3 where something
    /// is found
    Check {
        /// The config file; if not given, what `PI_CONFIG` names, or public-inbox's usual one
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print what is found as JSON
        #[arg(long)]
        json: bool,
    },
}

impl ConfigCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        super::log_to_stderr("error");
        let What::Check { file, json } = self.what;
        let file = file.or_else(Config::path);
        let file = file.context("there is no home directory: say which FILE")?;
        let findings = check(&file);
        if json {
            println!("{:#}", findings.json());
        } else {
            findings.print(&mut io::stdout().lock())?;
            if !findings.any() {
                println!("{}: nothing is wrong with it", file.display());
            }
        }
        Ok(findings.exit_code())
    }
}

/// Checks that file, and all that it names.
pub(super) fn check(file: &Path) -> Findings {
    let mut findings = Findings::default();
    if !file.exists() {
        let what = format!("{}: there is no such file", file.display());
        findings.warn(what, "`threadbare init` makes one, or set PI_CONFIG");
        return findings;
    }
    let (config, clashes) = match Config::read(file).and_then(|c| Ok((c, config::clashes(file)?))) {
        Ok(read) => read,
        Err(error) => {
            findings.problem(
                error.to_string(),
                "nothing of the file is used until this is right",
            );
            return findings;
        }
    };
    for problem in config.problems.iter().chain(&clashes) {
        findings.problem(problem.to_string(), "");
    }
    for strange in &config.strange {
        findings.warn(strange.to_string(), "");
    }
    check_inboxes(&config, &mut findings);
    check_doors(&config, &mut findings);
    check_site(&config, &mut findings);
    findings
}

fn check_inboxes(config: &Config, findings: &mut Findings) {
    if config.inboxes.is_empty() {
        findings.warn("there is no inbox", "`threadbare init` makes one");
    }
    for (inner, outer) in config.nested() {
        let what = format!("inbox {} lies inside of inbox {}", inner.name, outer.name);
        findings.problem(
            what,
            "move one of them: the epochs of an inbox are repositories too",
        );
    }
    for inbox in &config.inboxes {
        match Layout::find(&inbox.dir) {
            Err(error) => findings.problem(
                format!("inbox {}: {error}", inbox.name),
                "`threadbare init` or `git clone --mirror` makes what is missing; a path without / at its beginning \
                 starts at the config file",
            ),
            Ok(layout) if layout.epochs.is_empty() => {
                findings.note(format!("inbox {} has no mail yet", inbox.name));
            }
            Ok(_) => {}
        }
        for address in inbox
            .addresses
            .iter()
            .filter(|address| !is_address(address))
        {
            let what = format!("inbox {}: {address:?} is no address", inbox.name);
            findings.warn(what, "mail for it cannot come in");
        }
        for url in inbox.urls.iter().filter(|url| !is_url(url)) {
            let what = format!("inbox {}: {url:?} is no URL", inbox.name);
            findings.warn(what, "write it with https://, or // for either");
        }
    }
}

fn check_doors(config: &Config, findings: &mut Findings) {
    let mut known: HashMap<String, &str> = HashMap::new();
    let doors = config.listen.iter().map(|place| ("listen", place));
    for (key, text) in doors.chain(config.metrics.iter().map(|place| ("metrics", place))) {
        let place = match Place::parse(text) {
            Ok(place) => place,
            Err(error) => {
                findings.problem(format!("threadbare.{key}: {error}"), "");
                continue;
            }
        };
        if place.tls && config.certificates.is_empty() {
            let what = format!("threadbare.{key}: {text} has TLS, and there is no certificate");
            findings.problem(what, "set threadbare.certificate = CHAIN.pem KEY.pem");
        }
        if let Some(other) = known.insert(place.at.to_string(), key) {
            let what = format!("threadbare.{key}: {text} is taken by threadbare.{other}");
            findings.problem(what, "two doors cannot be at one place");
        }
    }
    let pairs = config.certificates.iter().cloned();
    let pairs: Vec<Pair> = pairs.map(|(chain, key)| Pair { chain, key }).collect();
    for pair in pairs {
        if let Err(error) = Certificates::read(vec![pair]) {
            findings.problem(format!("threadbare.certificate: {error}"), "");
        }
    }
}

fn check_site(config: &Config, findings: &mut Findings) {
    for sheet in config.css.iter().filter(|sheet| sheet.href.is_none()) {
        if let Err(error) = fs::File::open(&sheet.path) {
            let what = format!("publicinbox.css: {}: {error}", sheet.path.display());
            findings.problem(what, "");
        }
    }
    if let Some(url) = config.url.as_ref().filter(|url| !is_url(url)) {
        let what = format!("threadbare.url: {url:?} is no URL");
        findings.problem(what, "write it with https://, as visitors do");
    }
    let index = match scope::index_dir(config, None) {
        Ok(index) => index,
        Err(error) => return findings.problem(format!("{error:#}"), ""),
    };
    let around = |inbox: &&config::InboxConfig| index.starts_with(&inbox.dir);
    if let Some(inbox) = config.inboxes.iter().find(around) {
        let what = format!("the indexes lie in the directory of inbox {}", inbox.name);
        findings.problem(what, "set threadbare.indexDir to a directory of its own");
    }
    if index.exists() && !index.is_dir() {
        findings.problem(format!("{}: it is no directory", index.display()), "");
    }
}

fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !text.contains(char::is_whitespace)
    })
}

fn is_url(text: &str) -> bool {
    let schemes = ["https://", "http://", "//"];
    let after = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    after.is_some_and(|rest| !rest.is_empty() && !text.contains(char::is_whitespace))
}
