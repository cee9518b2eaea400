//! Verifies the Microsoft Entra ID tokens of deliveries. A token is rejected with 401 only if it is certainly invalid, since Event
//! Grid then gives the events up.

mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

pub use keys::{EntraKeys, EntraKeysBuilder, KeySource, VerificationKey};

use super::rejection::Rejection;
use crate::{Clock, SystemClock};

/// The application of Event Grid in the public cloud.
const APPLICATION: &str = "4962773b-9cdb-44cf-a8bf-237846a00ab7";
const ROLE: &str = "AzureEventGridSecureWebhookSubscriber";
/// How far the clocks of issuer and webhook may differ.
const LEEWAY: Duration = Duration::from_secs(300);

/// Specifies which Microsoft Entra ID tokens a [`Webhook`](super::Webhook) accepts.
///
/// A token must be issued by the tenant for one of the audiences, to Event Grid's application with the role
/// `AzureEventGridSecureWebhookSubscriber`, and must not have expired, with a leeway of 5 minutes. Tokens of version 1.0 and 2.0
/// are accepted. If the signing keys are unavailable, the response is 503, so that Event Grid retries.
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::push::{EntraKeys, EntraToken, Webhook};
/// use eventgrid_namespaces::{CloudEvent, Context};
///
/// # fn main() -> eventgrid_namespaces::Result<()> {
/// let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// let token = EntraToken::new(tenant, EntraKeys::new(tenant)?)
///     .audience("11111111-2222-3333-4444-555555555555")
///     .audience("api://orders-webhook");
/// let webhook = Webhook::builder(async |event: CloudEvent, _: Context| println!("{}", event.id()))
///     .entra_token(token)
///     .build()?;
/// # let _ = webhook;
/// # Ok(()) }
/// ```
///
/// [Microsoft's guide](https://learn.microsoft.com/azure/event-grid/secure-webhook-delivery)
#[must_use = "does nothing until a webhook uses it"]
pub struct EntraToken {
    tenant: String,
    issuers: [String; 2],
    audiences: Vec<String>,
    application: String,
    role: Option<String>,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
}

impl EntraToken {
    /// Requires tokens of a tenant, given by its ID, whose signing keys come from a key source.
    ///
    /// At least one [`audience`](Self::audience) must be added.
    pub fn new(tenant: impl Into<String>, keys: impl KeySource) -> Self {
        let tenant = tenant.into();
        let issuers = [
            format!("https://sts.windows.net/{tenant}/"),
            format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        ];
        Self {
            tenant,
            issuers,
            audiences: Vec::new(),
            application: APPLICATION.to_owned(),
            role: Some(ROLE.to_owned()),
            keys: Arc::new(keys),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Adds an audience: the ID of the application that represents the webhook, or its URI. Add both forms.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Without one, every token would be rejected, and Event Grid would give the events up.
    pub(super) fn has_audience(&self) -> bool {
        !self.audiences.is_empty()
    }

    /// Replaces the issuers, for other clouds: that of tokens of version 1.0 and that of version 2.0.
    pub fn issuers(mut self, v1: impl Into<String>, v2: impl Into<String>) -> Self {
        self.issuers = [v1.into(), v2.into()];
        self
    }

    /// Sets the ID of the application that tokens are issued to: Event Grid's in another cloud, or that of a managed identity.
    /// Default: `4962773b-9cdb-44cf-a8bf-237846a00ab7`, Event Grid in the public cloud.
    pub fn application(mut self, id: impl Into<String>) -> Self {
        self.application = id.into();
        self
    }

    /// Accepts tokens without the role `AzureEventGridSecureWebhookSubscriber`.
    pub fn any_role(mut self) -> Self {
        self.role = None;
        self
    }

    /// Sets the clock, for example a manual one in tests. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let token = bearer(headers)?;
        let invalid = |_| Rejection::unauthorized("the token is not a signed JWT");
        let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
        if header.alg != Algorithm::RS256 {
            return Err(Rejection::unauthorized("the token is not signed with RS256"));
        }
        let id = header.kid.ok_or_else(|| Rejection::unauthorized("the token names no key"))?;
        let key = self.keys.key(&id).await.map_err(|error| {
            tracing::warn!(error, "no signing key");
            Rejection::unavailable("the signing keys are not available")
        })?;
        let key = key.ok_or_else(|| Rejection::unauthorized("the token's key is not one of the tenant's"))?;
        let mut validation = Validation::new(Algorithm::RS256);
        // Checked below, with this crate's clock, and with a reason that names the claim.
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let decoded = jsonwebtoken::decode::<Claims>(token, key.decoding(), &validation);
        let decoded =
            decoded.map_err(|_| Rejection::unauthorized("the token's signature or a claim is malformed"))?;
        self.check_claims(&decoded.claims)
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), Rejection> {
        let unauthorized =
            |claim| Err(Rejection::unauthorized(format!("the token's claim {claim} is invalid")));
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if Duration::from_secs(claims.exp).saturating_add(LEEWAY) <= now {
            return unauthorized("exp");
        }
        if !self.issuers.contains(&claims.iss) {
            return unauthorized("iss");
        }
        if !claims.aud.iter().any(|audience| self.audiences.contains(audience)) {
            return unauthorized("aud");
        }
        if claims.tid.as_ref().is_none_or(|tenant| *tenant != self.tenant) {
            return unauthorized("tid");
        }
        let application = claims.appid.as_ref().or(claims.azp.as_ref());
        if application.is_none_or(|id| !id.eq_ignore_ascii_case(&self.application)) {
            return unauthorized("appid or azp");
        }
        if self.role.as_ref().is_some_and(|role| !claims.roles.contains(role)) {
            return unauthorized("roles");
        }
        if Duration::from_secs(claims.nbf) > now + LEEWAY {
            // The token becomes valid, so this is rather a wrong clock than a forgery.
            return Err(Rejection::unavailable("the token is not valid yet"));
        }
        Ok(())
    }
}

impl fmt::Debug for EntraToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraToken")
            .field("tenant", &self.tenant)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    tid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn iter(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::One(audience) => std::slice::from_ref(audience).iter(),
            Self::Many(audiences) => audiences.iter(),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Rejection::unauthorized("the header authorization does not appear exactly once"));
    };
    let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Rejection::unauthorized("the header authorization is not a bearer token")),
    }
}
