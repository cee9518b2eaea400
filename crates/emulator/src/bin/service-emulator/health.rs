//! `service-emulator health`: asks a running emulator whether it serves requests, so that an image without a shell can
//! have a health check.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// For each step: the name, the connection, and each read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the emulator is.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub(super) url: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) tls_ca: Option<PathBuf>,
}

impl Probe {
    /// Returns an error if the emulator does not respond with 200.
    pub(super) fn run(&self) -> io::Result<()> {
        let url = self.url()?;
        let invalid =
            || io::Error::new(io::ErrorKind::InvalidInput, format!("not an http or https URL: {url}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = match (authority.rsplit_once(':'), scheme) {
            (Some((host, port)), "http" | "https") if !port.contains(']') => {
                (host, port.parse().map_err(|_| invalid())?)
            }
            (_, "http") => (authority, 80),
            (_, "https") => (authority, 443),
            _ => return Err(invalid()),
        };
        let host = host.trim_matches(['[', ']']);
        let stream = connect(host, port)?;
        let status = match (scheme, &self.tls_ca) {
            ("http", _) => ask(stream, authority)?,
            (_, Some(ca)) => ask(encrypted(stream, host, ca)?, authority)?,
            (_, None) => {
                return Err(io::Error::other("https requires --tls-ca with the emulator's certificate"));
            }
        };
        if status.split(' ').nth(1) == Some("200") { Ok(()) } else { Err(io::Error::other(status)) }
    }

    fn url(&self) -> io::Result<String> {
        let scheme = if self.tls_ca.is_some() { "https" } else { "http" };
        match (&self.url, self.port) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(port)) => Ok(format!("{scheme}://127.0.0.1:{port}")),
            (None, None) => {
                let message = "a URL, --port, or SERVICE_EMULATOR_PORT is required";
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn encrypted(stream: TcpStream, host: &str, ca: &Path) -> io::Result<impl Read + Write + use<>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(io::Error::other)? {
        roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// The status line of the response.
fn ask(mut stream: impl Read + Write, authority: &str) -> io::Result<String> {
    write!(stream, "GET /health HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut status = String::new();
    BufReader::new(stream.take(1_024)).read_line(&mut status)?;
    Ok(status.trim_end().to_owned())
}
