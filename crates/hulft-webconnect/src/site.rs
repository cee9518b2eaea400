//! The client of the Site API, which manages one contract of HULFT-WebConnect with an API key.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, ClientStats, Dialect, Endpoint, Environment, HeaderKey, Pipeline};

use crate::{
    AccessDenials, Accounts, Agents, BrowserToHulft, BrowserTransferGroups, Connections, DClients,
    GetServiceStatus, HulftToBrowser, IpFilterGroups, RateLimit, RawRequest, RelayLogs, RelayPermissions,
    Result, SecondaryAccounts, Secret,
};

/// The only address that the vendor documents.
const ENDPOINT: &str = "https://www.webconnect.hulft.com";

static DIALECT: Dialect = Dialect::new(
    concat!("hulft-webconnect/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!("hulft.request_id"),
    "hulft.request_id",
)
// The vendor documents no such header. With the common one, proxies and gateways can log the id of a call.
.request_id_header(HeaderName::from_static("x-request-id"))
.instruments(&crate::metrics::CALLS);

/// A client that manages one HULFT-WebConnect contract.
///
/// Cheap to clone. Clones share connections, the retry quota and the rate limit. After 100 calls in one minute, counted
/// over all API keys of the contract, the service rejects every call for 10 minutes. The client avoids this by waiting,
/// see [`RateLimit`].
///
/// # Examples
///
/// ```no_run
/// use hulft_webconnect::SiteClient;
///
/// # async fn run() -> Result<(), hulft_webconnect::BoxError> {
/// let site = SiteClient::from_env()?;
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
    /// Creates a client of `https://www.webconnect.hulft.com` with default settings.
    ///
    /// API keys are created in the Management Console, on the screen "API Key Management".
    ///
    /// # Errors
    ///
    /// Returns an error if the key is empty or cannot be sent in a header.
    pub fn new(api_key: impl Into<Secret>) -> Result<Self> {
        Self::builder(api_key).build()
    }

    /// Creates a client with default settings from the environment.
    ///
    /// | Variable | Value |
    /// |---|---|
    /// | `HULFT_WEBCONNECT_API_KEY` | an API key |
    /// | `HULFT_WEBCONNECT_ENDPOINT` | the address of the service; default: `https://www.webconnect.hulft.com` |
    /// | `HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP` | `1` allows plain `http` to another machine |
    ///
    /// The emulator prints the variables that its clients need. An empty variable counts as missing.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if the API key is missing or a value is malformed.
    pub fn from_env() -> Result<Self> {
        Self::builder_from_env()?.build()
    }

    /// Creates a builder that configures a client from the same environment variables as [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`from_env`](Self::from_env).
    pub fn builder_from_env() -> Result<SiteClientBuilder> {
        from_environment(&Environment::process())
    }

    /// Creates a builder that configures a client.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use hulft_webconnect::{RetryOptions, SiteClient};
    ///
    /// let site = SiteClient::builder("my-api-key")
    ///     .endpoint("http://localhost:8080")
    ///     .deadline(Duration::from_secs(20))
    ///     .retry(RetryOptions::none())
    ///     .build()?;
    /// # Ok::<(), hulft_webconnect::Error>(())
    /// ```
    pub fn builder(api_key: impl Into<Secret>) -> SiteClientBuilder {
        SiteClientBuilder {
            endpoint: ENDPOINT.to_owned(),
            api_key: api_key.into(),
            rate_limit: RateLimit::default(),
            options: ClientOptions::default(),
        }
    }

    /// Returns what the client is doing at the moment, for health endpoints and autoscalers.
    ///
    /// Clones share their numbers.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.pipeline.stats()
    }

    /// Returns a handle to the access denial log.
    #[must_use]
    pub fn access_denials(&self) -> AccessDenials {
        AccessDenials::new(self.pipeline.clone())
    }

    /// Returns a handle to the accounts, which are the users of Browser Transfer and D-Client.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self.pipeline.clone())
    }

    /// Returns a handle to the agents that are connected to the service.
    #[must_use]
    pub fn agents(&self) -> Agents {
        Agents::new(self.pipeline.clone())
    }

    /// Returns a handle to the browser-transfer groups, which assign definitions to accounts.
    #[must_use]
    pub fn browser_transfer_groups(&self) -> BrowserTransferGroups {
        BrowserTransferGroups::new(self.pipeline.clone())
    }

    /// Returns a handle to the definitions of transfers from browsers to HULFT hosts. The vendor calls them Browser
    /// Send File.
    #[must_use]
    pub fn browser_to_hulft(&self) -> BrowserToHulft {
        BrowserToHulft::new(self.pipeline.clone())
    }

    /// Returns a handle to the definitions of transfers from HULFT hosts to browsers. The vendor calls them Browser
    /// Send Request.
    #[must_use]
    pub fn hulft_to_browser(&self) -> HulftToBrowser {
        HulftToBrowser::new(self.pipeline.clone())
    }

    /// Returns a handle to the connection settings: connection IDs with their passwords and client types.
    #[must_use]
    pub fn connections(&self) -> Connections {
        Connections::new(self.pipeline.clone())
    }

    /// Returns a handle to the D-Client definitions.
    #[must_use]
    pub fn dclients(&self) -> DClients {
        DClients::new(self.pipeline.clone())
    }

    /// Returns a handle to the IP filter groups.
    #[must_use]
    pub fn ip_filter_groups(&self) -> IpFilterGroups {
        IpFilterGroups::new(self.pipeline.clone())
    }

    /// Returns a handle to the relay permissions, which say which connection IDs may exchange files.
    #[must_use]
    pub fn relay_permissions(&self) -> RelayPermissions {
        RelayPermissions::new(self.pipeline.clone())
    }

    /// Returns a handle to the relay log, which lists the transfers that took place.
    #[must_use]
    pub fn relay_logs(&self) -> RelayLogs {
        RelayLogs::new(self.pipeline.clone())
    }

    /// Reads the condition of the service's access points. Requires the scope *Service Status: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/ServiceStatusGet.htm).
    pub fn service_status(&self) -> GetServiceStatus {
        GetServiceStatus::new(&self.pipeline)
    }

    /// Returns a handle to the previous secondary accounts, which can only be read and deleted.
    #[deprecated = "the vendor has discontinued secondary accounts and replaced them with accounts"]
    #[must_use]
    pub fn secondary_accounts(&self) -> SecondaryAccounts {
        SecondaryAccounts::new(self.pipeline.clone())
    }

    /// Sends a request that this crate has no method for, through the same pipeline. Each `{}` in `path` is replaced by
    /// the next one of `segments`, escaped.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Method;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// let status = site.request(Method::GET, "/api/v2/service/status", &[]).await?;
    /// assert!(status.starts_with(b"{"));
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

/// A builder that configures a [`SiteClient`]. [`build`](Self::build) reports invalid arguments.
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct SiteClientBuilder {
    endpoint: String,
    api_key: Secret,
    rate_limit: RateLimit,
    options: ClientOptions,
}

impl SiteClientBuilder {
    /// Sets the address of the service, without `/api/v2`. Default: `https://www.webconnect.hulft.com`.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// Sets the rate limit of the client. Default: 100 requests per minute.
    ///
    /// A call that would have to wait beyond its deadline fails immediately with
    /// [`ErrorKind::Throttled`](crate::ErrorKind::Throttled); the error contains the wait.
    pub fn rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.rate_limit = rate_limit;
        self
    }

    /// Validates the settings and creates the client. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is empty or cannot be sent in a header, if the endpoint is malformed or uses plain
    /// `http` to a host other than loopback, if a setting is invalid, or if the file of a shared rate limit cannot be
    /// opened.
    pub fn build(mut self) -> Result<SiteClient> {
        if let Some(rate_limiter) = self.rate_limit.rate_limiter(self.options.clock())? {
            self.options.set_rate_limiter(rate_limiter);
        }
        let endpoint = Endpoint::parse(&self.endpoint)?;
        let credential = Arc::new(HeaderKey::authorization("Bearer", &self.api_key)?);
        Ok(SiteClient { pipeline: self.options.build(&DIALECT, endpoint, credential)? })
    }
}

service_core::client_setters!(SiteClientBuilder);

/// Reads the environment variables of [`SiteClient::from_env`].
fn from_environment(environment: &Environment) -> Result<SiteClientBuilder> {
    let key = environment.require("HULFT_WEBCONNECT_API_KEY")?;
    key.read(|key| HeaderKey::authorization("Bearer", key))?;
    let builder = SiteClient::builder(key.value().clone());
    let Some(source) = environment.get("HULFT_WEBCONNECT_ENDPOINT")? else { return Ok(builder) };
    let endpoint = source.read(|text| Endpoint::parse(text.expose()))?;
    let insecure =
        environment.allows_insecure_http("HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP", &endpoint, &source)?;
    let builder = builder.endpoint(endpoint.as_str());
    Ok(if insecure { builder.allow_insecure_http() } else { builder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(api_key: &'static str, endpoint: &'static str, insecure: &'static str) -> Result<SiteClient> {
        let environment = Environment::new(move |name| match name {
            "HULFT_WEBCONNECT_API_KEY" => Some(api_key.into()),
            "HULFT_WEBCONNECT_ENDPOINT" => Some(endpoint.into()),
            "HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP" => Some(insecure.into()),
            _ => None,
        });
        from_environment(&environment)?.build()
    }

    #[test]
    fn a_client_is_configured_by_its_variables() {
        for (endpoint, insecure, kept) in [
            ("", "", ENDPOINT),
            ("http://127.0.0.1:8080", "", "http://127.0.0.1:8080"),
            ("http://emulator:8080", "1", "http://emulator:8080"),
        ] {
            assert_eq!(read("key", endpoint, insecure).unwrap().pipeline.endpoint().as_str(), kept);
        }
    }

    #[test]
    fn an_invalid_variable_is_named_and_its_value_is_not_repeated() {
        for (api_key, endpoint, named, rule) in [
            ("", "", "API_KEY", "missing or empty"),
            ("'planted'", "", "API_KEY", "quotation marks"),
            ("\u{feff}planted", "", "API_KEY", "byte order mark"),
            ("API_KEY=planted", "", "API_KEY", "`NAME=`"),
            ("k", "planted", "ENDPOINT", "no scheme"),
            ("k", "\"https://planted.example\"", "ENDPOINT", "quotation marks"),
            ("k", "http://planted.example", "ENDPOINT", "set HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP=1"),
        ] {
            let error = read(api_key, endpoint, "").err().unwrap();
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.contains(rule), "{text}");
            assert!(text.contains(&format!("HULFT_WEBCONNECT_{named}")), "{text}");
            assert!(!format!("{error:?}").contains("planted"), "{text}");
        }
    }
}
