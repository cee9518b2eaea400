//! The Site API's client: one contract of HULFT-WebConnect, by API key.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, Dialect, Endpoint, HeaderKey, Pipeline};

use crate::{
    AccessDenials, Accounts, Agents, BrowserToHulft, BrowserTransferGroups, Connections, DClients,
    GetServiceStatus, HulftToBrowser, IpFilterGroups, Pacing, RawRequest, RelayLogs, RelayPermissions,
    Result, SecondaryAccounts, Secret,
};

/// The service's one documented address.
const ENDPOINT: &str = "https://www.webconnect.hulft.com";

static DIALECT: Dialect = Dialect::new(
    concat!("hulft-webconnect/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!("hulft.request_id"),
    "hulft.request_id",
)
// The vendor documents no header for this. The common one lets proxies and gateways on the way be asked about a call.
.request_id_header(HeaderName::from_static("x-request-id"));

/// Watches and steers what belongs to one contract.
///
/// Cheap to clone; clones share connections, retry quota and pace. The service refuses every call for 10 minutes after 100
/// calls in one minute, over all keys of the contract; the client keeps below that by itself, see [`Pacing`].
///
/// ```no_run
/// # async fn run() -> hulft_webconnect::Result<()> {
/// let key = std::env::var("HULFT_WEBCONNECT_API_KEY").expect("a key");
/// let site = hulft_webconnect::SiteClient::new(key)?;
/// let mut agents = site.agents().list();
/// while let Some(agent) = agents.next().await {
///     let agent = agent?;
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
            pacing: Pacing::default(),
            options: ClientOptions::default(),
        }
    }

    /// The accesses that the service refused.
    #[must_use]
    pub fn access_denials(&self) -> AccessDenials {
        AccessDenials::new(self.pipeline.clone())
    }

    /// The accounts: users of Browser Transfer and D-Client.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.pipeline.clone())
    }

    /// The agents that are connected to the service.
    #[must_use]
    pub fn agents(&self) -> Agents {
        Agents::new(self.pipeline.clone())
    }

    /// The browser-transfer groups: which account may use which definitions.
    #[must_use]
    pub fn browser_transfer_groups(&self) -> BrowserTransferGroups {
        BrowserTransferGroups::new(self.pipeline.clone())
    }

    /// The definitions of transfers from browsers to HULFT hosts; the vendor calls them Browser Send File.
    #[must_use]
    pub fn browser_to_hulft(&self) -> BrowserToHulft {
        BrowserToHulft::new(self.pipeline.clone())
    }

    /// The definitions of transfers from HULFT hosts to browsers; the vendor calls them Browser Send Request.
    #[must_use]
    pub fn hulft_to_browser(&self) -> HulftToBrowser {
        HulftToBrowser::new(self.pipeline.clone())
    }

    /// The connection settings: connection IDs with their passwords and client types.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections::new(self.pipeline.clone())
    }

    /// The D-Client definitions.
    #[must_use]
    pub fn dclients(&self) -> DClients {
        DClients::new(self.pipeline.clone())
    }

    /// The IP filter groups.
    #[must_use]
    pub fn ip_filter_groups(&self) -> IpFilterGroups {
        IpFilterGroups::new(self.pipeline.clone())
    }

    /// The relay permissions: which connection IDs may exchange files.
    #[must_use]
    pub fn relay_permissions(&self) -> RelayPermissions {
        RelayPermissions::new(self.pipeline.clone())
    }

    /// The relay log: the transfers that took place.
    #[must_use]
    pub fn relay_logs(&self) -> RelayLogs {
        RelayLogs::new(self.pipeline.clone())
    }

    /// How the access points of the service are doing. Needs the scope *Service Status: Get*.
    /// [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ServiceStatusGet.htm).
    pub fn service_status(&self) -> GetServiceStatus {
        GetServiceStatus::new(&self.pipeline)
    }

    /// The previous secondary accounts, which can only be read and deleted any more.
    #[deprecated = "the vendor has discontinued secondary accounts; accounts have taken their place"]
    #[must_use]
    pub fn secondary_accounts(&self) -> SecondaryAccounts {
        SecondaryAccounts::new(self.pipeline.clone())
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
    pacing: Pacing,
    options: ClientOptions,
}

impl SiteClientBuilder {
    /// Sends to another address than `https://www.webconnect.hulft.com`, without the `/api/v2`.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// Sets how the client keeps below the service's limit of calls. Default: at most 100 requests in any minute. A call that
    /// would have to wait for longer than its deadline fails at once, of the kind `Throttled`, with the wait in its error.
    pub fn pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Checks everything and makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`SiteClient::new`], a malformed endpoint, plain `http` to another machine, settings that cannot be used.
    pub fn build(mut self) -> Result<SiteClient> {
        if let Some(rate_limiter) = self.pacing.rate_limiter() {
            self.options.rate_limiter(Arc::new(rate_limiter));
        }
        let endpoint = Endpoint::parse(&self.endpoint)?;
        let credential = Arc::new(HeaderKey::authorization("Bearer", &self.api_key)?);
        Ok(SiteClient { pipeline: self.options.build(&DIALECT, endpoint, credential)? })
    }
}

service_core::client_setters!(SiteClientBuilder);
