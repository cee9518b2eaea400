//! New connections: to the server or its proxy, through the proxy's tunnel, with TLS.

use std::io;
use std::time::Duration;

use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{HeaderValue, Request, StatusCode, Uri};
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tower_service::Service as _;

use super::message::{Http1Form, Whole};
use super::tls::{Offer, Tls};
use crate::error::{Error, Result};
use crate::transport::pools::{invalid_proxy, never_tls, proxy_url};
use crate::transport::{ConnectionOptions, Io, Proxy};
use crate::{BoxError, Endpoint};

/// Idle TCP connections are probed this often, and closed after so many probes without a response.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(15);
const TCP_KEEP_ALIVE_RETRIES: u32 = 3;

/// Establishes connections to one endpoint.
pub(super) struct Connector {
    tcp: HttpConnector,
    /// The address of the endpoint.
    endpoint: Uri,
    host: String,
    host_and_port: String,
    proxy: Option<Intercept>,
    /// `None` if nothing can ever be encrypted.
    tls: Option<Tls>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failed {
    /// The proxy rejected the tunnel with this status.
    Rejected(StatusCode),
    Other(BoxError),
}

impl<E: Into<BoxError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// An open connection over which nothing was sent.
pub(super) struct Established {
    pub(super) io: Box<dyn Io>,
    pub(super) http2: bool,
}

impl Connector {
    pub(super) fn new(options: &ConnectionOptions, endpoint: &Endpoint) -> Result<Self> {
        let uri: Uri = endpoint.as_str().parse().map_err(|error: http::uri::InvalidUri| {
            Error::invalid_input("endpoint", "is not a URL", None).with_source(error)
        })?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(TCP_KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(TCP_KEEP_ALIVE_RETRIES));
        Ok(Self {
            tcp,
            proxy: proxy(options, endpoint, &uri)?,
            endpoint: uri,
            host: endpoint.host().to_owned(),
            host_and_port: endpoint.host_and_port(),
            tls: if never_tls(options, endpoint) { None } else { Some(Tls::new(options)?) },
        })
    }

    /// What the requests to the endpoint contain over HTTP/1.1.
    pub(super) fn http1_form(&self) -> Result<Http1Form> {
        let authority = self.endpoint.authority().map_or("", http::uri::Authority::as_str);
        let host = HeaderValue::from_str(authority)
            .map_err(|_| Error::invalid_input("endpoint", "is not a URL", None))?;
        let plain = self.proxy.as_ref().filter(|_| !self.is_https());
        let proxy_authorization = plain.and_then(|proxy| proxy.basic_auth().cloned());
        Ok(Http1Form {
            endpoint: self.endpoint.clone(),
            host,
            whole_url: plain.is_some(),
            proxy_authorization,
        })
    }

    pub(super) async fn connect(&self, offer: Offer) -> std::result::Result<Established, Failed> {
        let Some(proxy) = &self.proxy else {
            return self.encrypt(self.dial(&self.endpoint).await?, offer).await;
        };
        let mut io = self.dial(proxy.uri()).await?;
        if proxy.uri().scheme_str() == Some("https") {
            let host = proxy.uri().host().unwrap_or_default();
            (io, _) = self.tls()?.connect(host, io, Offer::Http1).await?;
        }
        if !self.is_https() {
            return Ok(Established { io, http2: false });
        }
        let io = self.tunnel(io, proxy.basic_auth()).await?;
        self.encrypt(io, offer).await
    }

    async fn dial(&self, to: &Uri) -> std::result::Result<Box<dyn Io>, BoxError> {
        // A copy is always ready.
        let stream = self.tcp.clone().call(to.clone()).await?;
        Ok(Box::new(stream.into_inner()))
    }

    async fn encrypt(&self, io: Box<dyn Io>, offer: Offer) -> std::result::Result<Established, Failed> {
        if !self.is_https() {
            return Ok(Established { io, http2: false });
        }
        let (io, http2) = self.tls()?.connect(&self.host, io, offer).await?;
        Ok(Established { io, http2 })
    }

    /// Asks the proxy for a tunnel to the endpoint.
    async fn tunnel(
        &self,
        io: Box<dyn Io>,
        authorization: Option<&HeaderValue>,
    ) -> std::result::Result<Box<dyn Io>, Failed> {
        let (mut sender, driver) = http1::handshake(TokioIo::new(io)).await?;
        let mut request = Request::connect(self.host_and_port.as_str()).body(Whole::empty())?;
        request.headers_mut().insert(HOST, HeaderValue::from_str(&self.host_and_port)?);
        if let Some(authorization) = authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        // It ends with the connection, or with this future, which then drops the tunnel.
        tokio::spawn(driver.with_upgrades());
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(Failed::Rejected(response.status()));
        }
        Ok(Box::new(TokioIo::new(hyper::upgrade::on(response).await?)))
    }

    fn is_https(&self) -> bool {
        self.endpoint.scheme_str() == Some("https")
    }

    fn tls(&self) -> io::Result<&Tls> {
        self.tls.as_ref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

/// The proxy that leads to the endpoint.
fn proxy(options: &ConnectionOptions, endpoint: &Endpoint, uri: &Uri) -> Result<Option<Intercept>> {
    match &options.proxy {
        Proxy::Fixed(text) => {
            let matcher = Matcher::builder().all(proxy_url(text)?.to_string()).build();
            // A proxy that cannot be used must not be passed by.
            matcher.intercept(uri).map(Some).ok_or_else(invalid_proxy)
        }
        Proxy::Environment if options.reads_environment(endpoint) => Ok(Matcher::from_env().intercept(uri)),
        Proxy::Environment | Proxy::None => Ok(None),
    }
}
