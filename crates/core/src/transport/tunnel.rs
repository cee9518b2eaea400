//! The status with which a proxy rejected a tunnel. It is separate because hyper-util's connector reads that status and does not
//! report it, so that the proxy has to be asked once more.

use std::time::Duration;

use http::{Method, StatusCode};
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::pools::{fixed_proxy, trusting};
use super::{ConnectionOptions, Proxy};
use crate::clock::{self, Clock};
use crate::{Endpoint, Error, Result};

/// The proxy's status makes an error clearer, but the error must not wait for it for long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks the proxy of an endpoint for a tunnel, and returns the status of the response. A tunnel that it opens is closed.
///
/// Returns `None` if there is no response, or no proxy.
pub(super) async fn status(
    options: &ConnectionOptions,
    endpoint: &Endpoint,
    clock: &dyn Clock,
) -> Option<StatusCode> {
    let client = client(options, endpoint).ok()??;
    // With this scheme, the proxy's response to the method is returned, instead of what comes through the tunnel.
    let url = Url::parse(&format!("http://{}", endpoint.host_and_port())).ok()?;
    let response = client.execute(reqwest::Request::new(Method::CONNECT, url));
    let response = clock::timeout(clock, TIMEOUT, response).await?.ok()?;
    Some(response.status())
}

fn client(options: &ConnectionOptions, endpoint: &Endpoint) -> Result<Option<reqwest::Client>> {
    let Some(proxy) = proxy(options, endpoint)? else { return Ok(None) };
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(0)
        .http1_only()
        .proxy(proxy);
    Ok(trusting(builder, options)?.build().ok())
}

fn proxy(options: &ConnectionOptions, endpoint: &Endpoint) -> Result<Option<reqwest::Proxy>> {
    match &options.proxy {
        Proxy::Fixed(url) => fixed_proxy(url).map(Some),
        Proxy::Environment if options.reads_environment(endpoint) => {
            let uri = endpoint.as_str().parse();
            let found = uri.ok().and_then(|uri| Matcher::from_env().intercept(&uri));
            let Some(found) = found else { return Ok(None) };
            let proxy = reqwest::Proxy::all(found.uri().to_string())
                .map_err(|_| Error::invalid_input("proxy", "cannot be used", None))?;
            Ok(Some(match found.basic_auth() {
                Some(header) => proxy.custom_http_auth(header.clone()),
                None => proxy,
            }))
        }
        Proxy::Environment | Proxy::None => Ok(None),
    }
}
