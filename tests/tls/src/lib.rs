//! A client and a TLS server, for programs that differ in the cryptography providers that they are built with. In a package
//! of their own, since a feature that any package of a build asks for is there for all of them.

use std::error::Error as _;
use std::sync::Arc;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use webpubsub::{BoxError, Credential, ErrorKind, Result, RetryOptions, ServiceClient};

/// A client of this endpoint that trusts this certificate in addition to the system's.
///
/// # Errors
///
/// The settings cannot be used, as without a provider.
pub fn client(endpoint: &str, pem: Option<&str>) -> Result<ServiceClient> {
    let key = Credential::access_key("no key at all");
    let builder = ServiceClient::builder(endpoint, "chat", key).no_proxy().retry(RetryOptions::none());
    match pem {
        Some(pem) => builder.root_certificate(pem.to_owned()).build(),
        None => builder.build(),
    }
}

/// An error with this text unless `held`.
///
/// # Errors
///
/// As said.
pub fn check(held: bool, text: impl Into<String>) -> Result<(), BoxError> {
    if held { Ok(()) } else { Err(text.into().into()) }
}

/// Makes TLS requests that succeed, that meet an untrusted certificate, and that find no server.
///
/// # Errors
///
/// Another outcome than each of them should have.
pub async fn use_tls() -> Result<(), BoxError> {
    let (endpoint, pem) = serve().await?;
    let get = |client: ServiceClient| client.request(Method::GET, "/api/hubs/chat", &[]);
    let body = get(client(&endpoint, Some(&pem))?).await?;
    check(body == "done", format!("the body was {body:?}"))?;
    let Err(error) = get(client(&endpoint, None)?).await else {
        return Err("an unknown certificate passed".into());
    };
    let rejected = error.to_string().contains("certificate was rejected");
    check(rejected, format!("{error}: {:?}", error.source()))?;
    let unused = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let Err(error) = get(client(&format!("https://{unused}"), None)?).await else {
        return Err("a request to an unused port succeeded".into());
    };
    check(error.kind() == ErrorKind::Transport, format!("{error:?}"))
}

/// Starts a server with a self-signed certificate; returns its address and that certificate.
async fn serve() -> Result<(String, String), BoxError> {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("https://{}", listener.local_addr()?);
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            // The request is small and comes in one piece.
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await;
                let _ = stream.shutdown().await;
            }
        }
    });
    Ok((endpoint, own.cert.pem()))
}
