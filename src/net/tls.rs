//! Certificates and keys from files, for any number of names, read again when they have changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::error::{Error, Result};

/// A certificate with its chain, and its key: two PEM files, or twice the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The certificate first, then those that vouch for it.
    pub chain: PathBuf,
    /// The private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
}

/// All certificates of a server. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Certificates(Arc<Shared>);

struct Shared {
    /// Which files they are from, and when those were written.
    source: Mutex<(Vec<Pair>, Vec<Option<SystemTime>>)>,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Reads them. Which one is used is decided by the name that a client asks for; the first one where that fits none.
    ///
    /// # Errors
    /// A file cannot be read, or a key does not belong to its certificate.
    pub fn read(pairs: Vec<Pair>) -> Result<Certificates> {
        let stamps = stamps(&pairs);
        let current = RwLock::new(Arc::new(server_config(&pairs)?));
        Ok(Certificates(Arc::new(Shared {
            source: Mutex::new((pairs, stamps)),
            current,
        })))
    }

    /// Reads them again where a file is not what it was, or there are others now. `true` where that was so. What was
    /// good stays where the new ones are not.
    ///
    /// # Errors
    /// As [`Certificates::read`]; the next call tries again only when a file changes once more.
    pub fn renew(&self, pairs: Option<Vec<Pair>>) -> Result<bool> {
        let mut source = self.0.source.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = pairs.unwrap_or_else(|| source.0.clone());
        let stamps = stamps(&pairs);
        if *source == (pairs.clone(), stamps.clone()) {
            return Ok(false);
        }
        // Noted before they are read: what is written meanwhile is read again.
        *source = (pairs.clone(), stamps);
        let config = Arc::new(server_config(&pairs)?);
        *self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner) = config;
        Ok(true)
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self
            .0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

fn stamps(pairs: &[Pair]) -> Vec<Option<SystemTime>> {
    let files = pairs.iter().flat_map(|pair| [&pair.chain, &pair.key]);
    files
        .map(|file| fs::metadata(file).ok()?.modified().ok())
        .collect()
}

fn server_config(pairs: &[Pair]) -> Result<ServerConfig> {
    let provider = Arc::new(ring::default_provider());
    let mut served = Vec::new();
    for pair in pairs {
        served.push(Served::read(pair, &provider)?);
    }
    let broken = |error| Error::invalid("TLS", format!("{error}"));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(served)));
    // Visitors come back without a full handshake, and no memory is spent on remembering them.
    config.ticketer = ring::Ticketer::new().map_err(broken)?;
    Ok(config)
}

/// The certificates, to be chosen from by the name in a client's first message.
#[derive(Debug)]
struct ByName(Vec<Served>);

#[derive(Debug)]
struct Served {
    certified: Arc<CertifiedKey>,
    certificate: CertificateDer<'static>,
}

impl Served {
    fn read(pair: &Pair, provider: &CryptoProvider) -> Result<Served> {
        let bad = |file: &Path, why: String| Error::invalid(file.display().to_string(), why);
        let pem = fs::read(&pair.chain).map_err(|e| Error::io(&pair.chain, e))?;
        let chain = CertificateDer::pem_slice_iter(&pem)
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| bad(&pair.chain, format!("the certificates cannot be read: {e}")))?;
        let Some(certificate) = chain.first().cloned() else {
            return Err(bad(&pair.chain, "there is no certificate in it".to_owned()));
        };
        ParsedCertificate::try_from(&certificate)
            .map_err(|e| bad(&pair.chain, format!("the certificate cannot be read: {e}")))?;
        let pem = fs::read(&pair.key).map_err(|e| Error::io(&pair.key, e))?;
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|e| bad(&pair.key, format!("the key cannot be read: {e}")))?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|e| {
            bad(
                &pair.key,
                format!("the key does not fit its certificate: {e}"),
            )
        })?;
        Ok(Served {
            certified: Arc::new(certified),
            certificate,
        })
    }

    fn is_for(&self, name: &ServerName<'_>) -> bool {
        ParsedCertificate::try_from(&self.certificate)
            .is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().map(str::to_owned);
        let asked = asked.and_then(|name| ServerName::try_from(name).ok());
        let fits = asked.and_then(|name| self.0.iter().find(|served| served.is_for(&name)));
        let served = fits.or(self.0.first())?;
        Some(Arc::clone(&served.certified))
    }
}
