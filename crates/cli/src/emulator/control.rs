//! A client of the control API. It has no retries and sends no credential of a service.

use std::time::Duration;

use clap::Args;
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::settings;

/// The variables that may contain the URL: all that the emulator prints with nothing else in them.
const URL_VARIABLES: [&str; 2] = ["EVENTGRID_NAMESPACES_ENDPOINT", "HULFT_WEBCONNECT_ENDPOINT"];
/// The variable that configures the emulator's token, too.
const TOKEN_VARIABLE: &str = "SERVICE_EMULATOR_CONTROL_TOKEN";
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where the emulator is.
#[derive(Debug, Args)]
pub(crate) struct Location {
    /// URL of the emulator. Default: EVENTGRID_NAMESPACES_ENDPOINT or HULFT_WEBCONNECT_ENDPOINT. If the emulator needs a token,
    /// set SERVICE_EMULATOR_CONTROL_TOKEN.
    #[arg(long)]
    url: Option<String>,
}

impl Location {
    /// Creates the client.
    pub(super) fn control(&self) -> Result<Control> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = self.url.clone().or_else(|| URL_VARIABLES.into_iter().find_map(variable));
        let missing = || Failure::Usage(format!("pass --url, or set {}", URL_VARIABLES.join(" or ")));
        let url = url.ok_or_else(missing)?;
        let parsed = Url::parse(&url).ok().filter(|url| !url.cannot_be_a_base() && url.has_host());
        let invalid = || Failure::usage("the URL of the emulator must be like http://127.0.0.1:8080");
        Control::new(parsed.ok_or_else(invalid)?, variable(TOKEN_VARIABLE))
    }
}

/// The control API of one emulator.
pub(super) struct Control {
    client: reqwest::Client,
    url: Url,
    token: Option<String>,
}

impl Control {
    fn new(mut url: Url, token: Option<String>) -> Result<Self> {
        let settings = settings::get();
        settings.require_key("the control API of the emulator has a token of its own")?;
        let builder = settings.http_client(TIMEOUT)?.no_proxy();
        // A URL can contain a password, which must not be printed.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.set_path("");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { client: builder.build().map_err(|error| failed(&error))?, url, token })
    }

    /// Returns the URL for messages.
    pub(super) fn url(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    pub(super) async fn get(&self, path: &[&str]) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Result<Value> {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a request. Returns the JSON of the response, or null without a body.
    async fn send(&self, method: Method, path: &[&str], body: Option<&Value>) -> Result<Value> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("_emulator").extend(path);
        }
        let mut request = self.client.request(method, url).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let json = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() { Ok(json) } else { Err(rejected(status, &json)) }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::Failed(format!("could not reach the emulator at {}: {}", self.url(), innermost(error)))
    }
}

fn failed(error: &reqwest::Error) -> Failure {
    Failure::Usage(format!("the connection to the emulator cannot be configured: {}", innermost(error)))
}

/// Returns the last cause, which names what failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn rejected(status: StatusCode, body: &Value) -> Failure {
    let message = body["error"]["message"].as_str().unwrap_or("no control API responded");
    let text = format!("the emulator rejected the request with {status}: {message}");
    match status.as_u16() {
        400 | 415 => Failure::Usage(text),
        401 | 403 => Failure::Forbidden(text),
        404 => Failure::NotFound(text),
        _ => Failure::Failed(text),
    }
}
