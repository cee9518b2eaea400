//! The Site API's client: one contract of HULFT-WebConnect, by API key.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, Dialect, Endpoint, HeaderKey, Pipeline};

use crate::{Agents, RawRequest, Result, Secret};

/// The service's one documented address.
const ENDPOINT: &str = "https://www.webconnect.hulft.com";

static DIALECT: Dialect = Dialect {
    product: concat!("hulft-webconnect/", env!("CARGO_PKG_VERSION")),
    // The vendor documents no header for this. The common one lets proxies and gateways on the way be asked about a call.
    sent_request_id: Some(HeaderName::from_static("x-request-id")),
    answered_request_id: &[],
    error_code: &[],
    span: service_core::call_span!("hulft.request_id"),
    span_request_id: "hulft.request_id",
};

/// Watches and steers what belongs to one contract.
///
/// Cheap to clone; clones share connections and retry quota. The service refuses every call for 10 minutes after 100 calls
/// in one minute, over all keys of the contract.
///
/// ```no_run
/// # async fn run() -> hulft_webconnect::Result<()> {
/// let key = std::env::var("HULFT_WEBCONNECT_API_KEY").expect("a key");
/// let site = hulft_webconnect::SiteClient::new(key)?;
/// for agent in site.agents().status_page().await?.agents {
///     println!("{} {} since {}", agent.agent_id, agent.session_id, agent.start_connection);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SiteClient {
    pipeline: Pipeline,
}

impl SiteClient {
    /// A client of `https://www.webconnect.hulft.com` with default settings. Keys are made in the Management Console,
    /// screen "API Key Management".
    ///
    /// # Errors
    ///
    /// An empty key, or one that fits no header.
    pub fn new(api_key: impl Into<Secret>) -> Result<Self> {
        Self::builder(api_key).build()
    }

    /// Starts a client with settings of its own.
    pub fn builder(api_key: impl Into<Secret>) -> SiteClientBuilder {
        SiteClientBuilder {
            endpoint: ENDPOINT.to_owned(),
            api_key: api_key.into(),
            options: ClientOptions::default(),
        }
    }

    /// The agents that are connected to the service.
    #[must_use]
    pub fn agents(&self) -> Agents {
        Agents::new(self.pipeline.clone())
    }

    /// A request that this crate has no method for, through the same pipeline: each `{}` of `path` takes the next of
    /// `segments`, escaped.
    ///
    /// ```no_run
    /// # use http::Method;
    /// # async fn run(site: hulft_webconnect::SiteClient) -> hulft_webconnect::Result<()> {
    /// let status = site.request(Method::GET, "/api/v2/service/status", &[]).await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
    }
}

impl fmt::Debug for SiteClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteClient").field("endpoint", self.pipeline.endpoint()).finish()
    }
}

/// A [`SiteClient`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct SiteClientBuilder {
    endpoint: String,
    api_key: Secret,
    options: ClientOptions,
}

impl SiteClientBuilder {
    /// Sends to another address than `https://www.webconnect.hulft.com`, without the `/api/v2`.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// Checks everything and makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`SiteClient::new`], a malformed endpoint, plain `http` to another machine, settings that cannot be used.
    pub fn build(self) -> Result<SiteClient> {
        let endpoint = Endpoint::parse(&self.endpoint)?;
        let credential = Arc::new(HeaderKey::authorization("Bearer", &self.api_key)?);
        Ok(SiteClient { pipeline: self.options.build(&DIALECT, endpoint, credential)? })
    }
}

service_core::client_setters!(SiteClientBuilder);
