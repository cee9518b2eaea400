//! What is wrong with a call or a token that the service refused with 401, as far as it can be told without asking it.

mod audience;
mod finding;
mod token;

use std::fmt;
use std::time::{Duration, SystemTime};

use http::header::{DATE, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

pub use finding::{AudiencePart, Finding, KeyMisuse};

use crate::{ClientAccess, Error, ServiceClient};

/// Clocks that differ by more than this make the service refuse tokens.
const TOLERATED_SKEW: Duration = Duration::from_secs(300);
/// How much of a text from outside is repeated.
const SHOWN: usize = 200;

/// What was unauthorized: an error of a call, a token, or both; for [`ServiceClient::explain_unauthorized`].
#[derive(Default)]
pub struct Unauthorized<'a> {
    error: Option<&'a Error>,
    token: Option<&'a str>,
    url: Option<&'a str>,
}

impl<'a> Unauthorized<'a> {
    /// A call that failed with 401.
    #[must_use]
    pub fn error(error: &'a Error) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// A token, of a client or of a request, whoever made it; `Bearer` before it does no harm. A URL with the token in its
    /// `access_token` is taken as both.
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

    /// The URL that the token was sent to, which tells more about its audience than the client's own settings do.
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

/// Without the token.
impl fmt::Debug for Unauthorized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unauthorized").field("error", &self.error).finish_non_exhaustive()
    }
}

/// What was found. `Display` has one line for each finding; none of them holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Explanation {
    findings: Vec<Finding>,
    by_key: bool,
}

impl Explanation {
    /// What was found; empty when nothing that can be seen from here is wrong.
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
        match (self.findings.is_empty(), self.by_key) {
            (false, _) => Ok(()),
            (true, true) => f.write_str(
                "nothing that can be seen from here is wrong; what is left: the access key is none of this resource's \
                 two keys (regenerated, or another resource's), access keys are switched off for the resource, or a \
                 gateway on the way changes the URL (then set `reverse_proxy`)",
            ),
            (true, false) => f.write_str(
                "nothing that can be seen from here is wrong; what is left: the identity's tenant or token scope is not \
                 the one that the resource expects",
            ),
        }
    }
}

pub(crate) fn explain(service: &ServiceClient, unauthorized: &Unauthorized<'_>) -> Explanation {
    let now = service.pipeline().clock().now();
    let mut findings = Vec::new();
    if let Some(error) = unauthorized.error {
        explain_error(error, now, &mut findings);
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
        // The bare scheme says nothing, and nothing that may be a token is repeated.
        if text.contains(' ') && !text.contains("eyJ") && !text.contains("access_token") {
            findings.push(Finding::Challenge(shown(text)));
        }
    }
}

fn clock_skew(headers: &HeaderMap, now: SystemTime) -> Option<Finding> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let (by, ahead) = match now.duration_since(date) {
        Ok(by) => (by, true),
        Err(error) => (error.duration(), false),
    };
    (by > TOLERATED_SKEW).then_some(Finding::ClockSkew { by, ahead })
}

/// The beginning of a text from outside.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
