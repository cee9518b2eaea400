//! The certificate authorities that https webhooks may have: those of the platform, and added ones.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::invalid_setting::InvalidSetting;

type Certificates = Vec<CertificateDer<'static>>;

/// The trusted authorities. Those of the platform are read at the first call to an https webhook.
#[derive(Default)]
pub(crate) struct Trust(Mutex<State>);

#[derive(Default)]
struct State {
    added: Certificates,
    connector: Option<TlsConnector>,
}

impl Trust {
    /// Adds the certificates of a PEM text.
    pub(crate) fn add(&self, pem: &str) -> Result<(), InvalidSetting> {
        let certificates = certificates(pem)?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for certificate in certificates {
            if !state.added.contains(&certificate) {
                state.added.push(certificate);
                state.connector = None;
            }
        }
        Ok(())
    }

    /// Performs the TLS handshake with a webhook.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.connector().await?.connect(name, stream).await
    }

    async fn connector(&self) -> io::Result<TlsConnector> {
        let added = {
            let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(connector) = &state.connector {
                return Ok(connector.clone());
            }
            state.added.clone()
        };
        let count = added.len();
        let connector =
            tokio::task::spawn_blocking(|| connector(added)).await.map_err(io::Error::other)??;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.added.len() == count {
            state.connector = Some(connector.clone());
        }
        Ok(connector)
    }
}

/// The certificates of a PEM text: at least one, each usable as an authority.
pub(crate) fn certificates(pem: &str) -> Result<Certificates, InvalidSetting> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Certificates, _>>();
    let certificates = certificates.map_err(|error| InvalidSetting::new(format!("invalid PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(InvalidSetting::new("the PEM text contains no certificate"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let invalid = |error| InvalidSetting::new(format!("invalid certificate: {error}"));
        roots.add(certificate.clone()).map_err(invalid)?;
    }
    Ok(certificates)
}

/// Reads the platform's certificates, which takes file accesses.
fn connector(added: Certificates) -> io::Result<TlsConnector> {
    let platform = rustls_native_certs::load_native_certs();
    for error in &platform.errors {
        tracing::warn!(%error, "could not read certificates of the platform");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(platform.certs);
    roots.add_parsable_certificates(added);
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_usable_certificate_is_rejected() {
        for (pem, why) in [
            ("", "contains no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "invalid certificate"),
            ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "invalid PEM"),
        ] {
            let error = Trust::default().add(pem).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
