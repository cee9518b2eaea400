//! TLS with a certificate authority that is created at start. Its key is kept in memory only and is dropped once the
//! server certificate is signed, so that no other certificate can be issued.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Short enough for clients that reject long-lived certificates.
const LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The server's TLS configuration, and the certificate that clients must trust.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(crate) authority: String,
}

impl Tls {
    /// Creates an authority, and a certificate for `localhost`, the loopback addresses, and these names and addresses.
    pub(crate) fn new(names: &[String], now: SystemTime) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let issuer = authority(now)?;
        let key = KeyPair::generate()?;
        let certificate = server_params(names, now)?.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(certificate)], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: issuer.pem() })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

fn authority(now: SystemTime) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "service-emulator, a new authority for each start");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    // OpenSSL's strict mode, the default of Python since 3.13, requires these and the key identifiers.
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit_life(&mut params, now);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn server_params(more: &[String], now: SystemTime) -> Result<CertificateParams, rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "service-emulator");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    limit_life(&mut params, now);
    Ok(params)
}

/// Valid since yesterday, because the clocks of two machines may differ.
fn limit_life(params: &mut CertificateParams, now: SystemTime) {
    params.not_before = (now - DAY).into();
    params.not_after = (now + LIFETIME).into();
}
