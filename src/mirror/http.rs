//! Asks other archives for small files: manifests, settings, descriptions.

use std::time::{Duration, SystemTime};

use ureq::http::header::{ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use ureq::tls::{RootCerts, TlsConfig};

use super::manifest::shown;
use crate::error::{Error, Result};

/// How often an answer may lead elsewhere.
const MAX_REDIRECTS: u32 = 5;

/// A client for the files of archives. Proxies and certificates are those of the environment, as for git.
#[derive(Clone, Debug)]
pub struct Http(ureq::Agent);

/// What came back.
#[derive(Debug)]
pub(super) enum Got {
    /// The file.
    Found(Box<Body>),
    /// The file is as it was.
    Unchanged,
    /// There is no such file: 404 or 410.
    Missing,
}

/// A file of another archive.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Its `ETag`.
    pub(super) tag: Option<String>,
    pub(super) modified: Option<SystemTime>,
    /// Whether the archive says that it has a part only.
    pub(super) is_partial: bool,
    /// Where it was found in the end.
    pub(super) url: String,
}

impl Default for Http {
    fn default() -> Http {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .user_agent(concat!("threadbare/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_global(Some(Duration::from_secs(180)))
            .build();
        Http(config.into())
    }
}

impl Http {
    /// Gets a file of at most `limit` bytes. `known` is the `ETag` of the copy at hand.
    ///
    /// # Errors
    /// [`Error::Upstream`] where nobody answers, in time, or with another status than 200, 304, 404 or 410.
    pub(super) fn get(&self, url: &str, known: Option<&str>, limit: u64) -> Result<Got> {
        let failed = |why: String| Error::Upstream(format!("{url}: {why}"));
        let mut ask = self.0.get(url);
        if let Some(tag) = known {
            ask = ask.header(IF_NONE_MATCH, tag);
        }
        let mut answer = ask.call().map_err(|e| failed(e.to_string()))?;
        let status = answer.status().as_u16();
        match status {
            200 => {}
            304 if known.is_some() => return Ok(Got::Unchanged),
            404 | 410 => return Ok(Got::Missing),
            _ => return Err(failed(format!("the answer was {status}"))),
        }
        use ureq::ResponseExt as _;
        let found_at = answer.get_uri().to_string();
        if url.starts_with("https://") && !found_at.starts_with("https://") {
            let why = format!("it leads to {}, which is not encrypted", shown(&found_at));
            return Err(failed(why));
        }
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let modified = header(LAST_MODIFIED.as_str());
        let coverage = header("x-archive-coverage").unwrap_or_default();
        let mut body = Body {
            tag: header(ETAG.as_str()).filter(|tag| tag.len() <= 200),
            modified: modified.and_then(|date| httpdate::parse_http_date(&date).ok()),
            is_partial: coverage.trim_start().starts_with("partial"),
            url: found_at,
            ..Body::default()
        };
        let read = answer.body_mut().with_config().limit(limit).read_to_vec();
        body.bytes = read.map_err(|e| failed(e.to_string()))?;
        Ok(Got::Found(Box::new(body)))
    }
}
