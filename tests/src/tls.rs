//! A certificate authority of the tests' own, and the TLS settings of servers whose certificates are good, or bad in one way.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use service_core::BoxError;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig, SupportedProtocolVersion};

/// A certificate authority that no client trusts by default.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

/// What a server's TLS is like. The default: a good certificate for `127.0.0.1` and `localhost`, HTTP/2 or HTTP/1.1.
#[derive(Debug, Clone)]
pub struct Tls {
    names: Vec<String>,
    expired: bool,
    protocols: Vec<&'static str>,
    versions: &'static [&'static SupportedProtocolVersion],
    asks_for_certificate: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            names: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
            expired: false,
            protocols: vec!["h2", "http/1.1"],
            versions: rustls::ALL_VERSIONS,
            asks_for_certificate: false,
        }
    }
}

impl Tls {
    /// With a certificate for another host.
    #[must_use]
    pub fn of_host(mut self, name: &str) -> Self {
        self.names = vec![name.to_owned()];
        self
    }

    /// With a certificate that has expired.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Without HTTP/2.
    #[must_use]
    pub fn http1(mut self) -> Self {
        self.protocols = vec!["http/1.1"];
        self
    }

    /// In version 1.2, where the server has the last word of the handshake.
    #[must_use]
    pub fn version_1_2(mut self) -> Self {
        self.versions = TLS12;
        self
    }

    /// The protocols that it offers, the preferred one first.
    #[must_use]
    pub fn protocols(&self) -> &[&'static str] {
        &self.protocols
    }

    /// Lets in only clients with a certificate of the same authority.
    #[must_use]
    pub fn asking_for_certificate(mut self) -> Self {
        self.asks_for_certificate = true;
        self
    }
}

impl Authority {
    /// Creates an authority with its own key.
    ///
    /// # Errors
    ///
    /// Keys cannot be generated.
    pub fn new() -> Result<Self, BoxError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Its certificate, as clients are given it to trust.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A client's certificate and private key in one text.
    ///
    /// # Errors
    ///
    /// Keys cannot be generated.
    pub fn client_pem(&self) -> Result<String, BoxError> {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(["client.example".to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok(certificate.pem() + &key.serialize_pem())
    }

    /// A server's settings, with a certificate that this authority signed.
    ///
    /// # Errors
    ///
    /// Keys cannot be generated.
    pub fn server(&self, tls: &Tls) -> Result<Arc<ServerConfig>, BoxError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(tls.names.clone())?;
        if tls.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let chain = vec![CertificateDer::from(params.signed_by(&key, &self.issuer)?)];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(tls.versions)?;
        let builder = if tls.asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone())?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = tls.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}
