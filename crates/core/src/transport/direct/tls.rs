//! The TLS settings: the system's root certificates and the caller's, the caller's client certificate, and the provider that the
//! program has installed, or else the default one.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

use crate::error::{Error, Result};
use crate::transport::{ConnectionOptions, Io};
use crate::{BoxError, Secret};

/// Makes TLS handshakes.
#[derive(Clone)]
pub(super) struct Tls {
    /// Offers HTTP/2 and HTTP/1.1.
    any: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

/// The protocols that a handshake offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    Any,
    Http1,
}

impl Tls {
    pub(super) fn new(options: &ConnectionOptions) -> Result<Self> {
        let provider = provider()?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid("certificate or TLS setting", error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier(options, provider)?));
        let mut http1 = match &options.client_certificate {
            None => config.with_no_client_auth(),
            Some(pem) => {
                let (certificates, key) = identity(pem)?;
                let config = config.with_client_auth_cert(certificates, key);
                config.map_err(|error| invalid("client certificate", error))?
            }
        };
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut any = http1.clone();
        any.alpn_protocols.insert(0, b"h2".to_vec());
        Ok(Self { any: Arc::new(any), http1: Arc::new(http1) })
    }

    /// Makes a handshake. Returns the encrypted stream, and whether HTTP/2 was negotiated.
    pub(super) async fn connect(
        &self,
        host: &str,
        io: Box<dyn Io>,
        offer: Offer,
    ) -> std::result::Result<(Box<dyn Io>, bool), BoxError> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let config = if offer == Offer::Any { &self.any } else { &self.http1 };
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, io).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Box::new(stream), http2))
    }
}

/// With two providers in a program, rustls cannot choose one.
fn provider() -> Result<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(Arc::clone(installed));
    }
    #[cfg(feature = "rustls")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(not(feature = "rustls"))]
    Err(crate::transport::http_client::missing_provider())
}

fn verifier(
    options: &ConnectionOptions,
    provider: Arc<CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier> {
    let mut roots = Vec::new();
    for pem in &options.root_certificates {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            // Its error might repeat a part of the text.
            roots.push(certificate.map_err(|_| unusable("root certificate"))?);
        }
        if roots.len() == before {
            return Err(Error::invalid_input("root certificate", "holds no PEM certificate", None));
        }
    }
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider);
    verifier.map_err(|error| invalid("certificate or TLS setting", error))
}

/// Reads a certificate chain and its private key.
fn identity(pem: &Secret) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let text = pem.expose().as_bytes();
    let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let key = PrivateKeyDer::from_pem_slice(text).ok();
    certificates.zip(key).ok_or_else(|| unusable("client certificate"))
}

fn unusable(what: &str) -> Error {
    Error::invalid_input(what, "cannot be used", None)
}

fn invalid(what: &str, error: rustls::Error) -> Error {
    unusable(what).with_cause(error)
}
