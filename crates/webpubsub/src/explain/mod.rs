//! Explanations of a 401: what is wrong with a call or a token, as far as it can be determined locally.

mod audience;
mod finding;
mod token;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{DATE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

pub use finding::{AudiencePart, Finding, KeyMisuse};

use crate::{ClientAccess, Error, ServiceClient};

/// The service rejects tokens if the clocks differ by more than this.
const TOLERATED_SKEW: Duration = Duration::from_secs(300);
/// The number of characters of an external text that are repeated.
const SHOWN: usize = 200;

/// Describes what the service rejected with 401: an error of a call, a token, or both. It is the argument of
/// [`ServiceClient::explain_unauthorized`].
///
/// An [`Error`], a `&str` that contains a token, and a [`ClientAccess`] convert into it.
#[derive(Default)]
pub struct Unauthorized<'a> {
    error: Option<&'a Error>,
    token: Option<&'a str>,
    url: Option<&'a str>,
}

impl<'a> Unauthorized<'a> {
    /// Creates a description of a call, or of the handshake of a WebSocket client, that failed with 401.
    #[must_use]
    pub fn error(error: &'a Error) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// Creates a description of a token, of a client or of a request. The prefix `Bearer` is ignored.
    ///
    /// If the text is a URL with a query parameter `access_token`, both the token and the URL are used.
    #[must_use]
    pub fn token(text: &'a str) -> Self {
        let text = text.trim();
        if let Some((_, rest)) = text.split_once("access_token=") {
            let token = rest.split(['&', '#']).next().unwrap_or(rest);
            return Self { token: Some(token), url: Some(text), error: None };
        }
        let token = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).unwrap_or(text);
        Self { token: Some(token.trim()), ..Self::default() }
    }

    /// Sets the URL that the token was sent to. Its audience can then be checked more precisely than with the client's
    /// settings alone.
    #[must_use]
    pub fn at(mut self, url: &'a str) -> Self {
        self.url = Some(url);
        self
    }
}

impl<'a> From<&'a Error> for Unauthorized<'a> {
    fn from(error: &'a Error) -> Self {
        Self::error(error)
    }
}

impl<'a> From<&'a str> for Unauthorized<'a> {
    fn from(token: &'a str) -> Self {
        Self::token(token)
    }
}

impl<'a> From<&'a ClientAccess> for Unauthorized<'a> {
    fn from(access: &'a ClientAccess) -> Self {
        Self::token(&access.url)
    }
}

/// Omits the token.
impl fmt::Debug for Unauthorized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unauthorized").field("error", &self.error).finish_non_exhaustive()
    }
}

/// The result of [`ServiceClient::explain_unauthorized`], which lists what is wrong.
///
/// `Display` writes one line for each finding. No finding contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Explanation {
    findings: Vec<Finding>,
    by_key: bool,
}

impl Explanation {
    /// Returns the findings. The list is empty if no cause can be seen locally.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        // The reason of the service is often too general to be the cause.
        if !self.findings.iter().all(|finding| matches!(finding, Finding::Challenge(_))) {
            return Ok(());
        }
        if !self.findings.is_empty() {
            f.write_str("\n")?;
        }
        match self.by_key {
            true => f.write_str(
                "no local cause was found; remaining causes: the access key belongs to another resource or was rotated \
                 (it is neither of the resource's two keys), access keys are disabled for the resource, or a gateway \
                 changes the URL (then set `reverse_proxy`)",
            ),
            false => f.write_str(
                "no local cause was found; remaining cause: the identity's tenant or token scope is not the one that \
                 the resource expects",
            ),
        }
    }
}

pub(crate) fn explain(service: &ServiceClient, unauthorized: &Unauthorized<'_>) -> Explanation {
    let now = service.pipeline().clock().now();
    let mut findings = Vec::new();
    if let Some(error) = unauthorized.error {
        explain_error(error, now, &mut findings);
        if service.resource().own_key.is_some() && findings.iter().any(blames_signature) {
            findings.push(Finding::Key(KeyMisuse::UnknownToService));
        }
    }
    if let Some(token) = unauthorized.token {
        token::examine(service, token, unauthorized.url, now, &mut findings);
    }
    if let Some(own_key) = &service.resource().own_key
        && !token::is_key_alphabet(own_key.key.expose())
    {
        findings.push(Finding::Key(KeyMisuse::InvalidCharacters));
    }
    Explanation { findings, by_key: service.resource().own_key.is_some() }
}

fn explain_error(error: &Error, now: SystemTime, findings: &mut Vec<Finding>) {
    if error.status() != Some(StatusCode::UNAUTHORIZED) {
        findings.push(Finding::NotUnauthorized(error.status()));
        return;
    }
    findings.extend(clock_skew(error.headers(), now));
    for challenge in error.headers().get_all(WWW_AUTHENTICATE) {
        let text = challenge.to_str().unwrap_or_default().trim();
        // A bare scheme carries no information, and nothing that may be a token is repeated.
        if text.contains(' ') && !text.contains("eyJ") && !text.contains("access_token") {
            findings.push(Finding::Challenge(shown(text)));
        }
    }
}

/// Returns whether the service says that it could not verify the signature of the token.
fn blames_signature(finding: &Finding) -> bool {
    matches!(finding, Finding::Challenge(text) if text.to_ascii_lowercase().contains("signature"))
}

fn clock_skew(headers: &HeaderMap, now: SystemTime) -> Option<Finding> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let (by, ahead) = match now.duration_since(date) {
        Ok(by) => (by, true),
        Err(error) => (error.duration(), false),
    };
    (by > TOLERATED_SKEW).then_some(Finding::ClockSkew { by, ahead })
}

/// Returns the beginning of an external text.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
