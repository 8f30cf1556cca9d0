//! A client of TLS that trusts the authority of `tests/fixtures/tls` and nobody else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring,
};

/// A file of `tests/fixtures/tls`.
pub(crate) fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tls")
        .join(name)
}

/// Asks for `/` as a visitor of the server called `name`; the certificate (DER) that was shown, and the answer as it
/// came.
pub(crate) fn visit_by_tls(to: SocketAddr, name: &str) -> std::io::Result<(Vec<u8>, String)> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(tls_file("ca.pem")).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(client), name).unwrap();
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let shown = stream.conn.peer_certificates().unwrap()[0].to_vec();
    Ok((shown, String::from_utf8_lossy(&answer).into_owned()))
}

/// The certificate in a file of `tests/fixtures/tls`.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(tls_file(name))
        .unwrap()
        .to_vec()
}
