//! Exchanges with Web PubSub: which connections, users and groups there have to be before each of them.

use std::sync::Arc;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;

use super::{Exchange, Received, Recordings, compare, send};
use crate::socket::Client;

/// Recorded ids of connections that were really there begin so; others were invented by a test of the SDKs.
const LIVE: &str = "connection-id-";
const LIVE_USER: &str = "live-user-";

/// Replays one exchange against its own service and returns every difference.
///
/// # Errors
///
/// What the exchange presupposes cannot be arranged.
pub async fn play(exchange: Exchange, recordings: Arc<Recordings>) -> Result<Vec<String>, BoxError> {
    let emulator = Emulator::start().await?;
    let stage = Stage::new(&emulator, &recordings.client, &exchange);
    let clients = stage.connect().await?;
    let target = stage.target(&clients).await?;
    let mut response = stage.send(&target).await?;
    let mut expected = exchange.response.body.clone();
    if let Some(link) = expected.get_mut("nextLink") {
        *link = without_chance(link);
        let mut body: Value = serde_json::from_slice(&response.body)?;
        body["nextLink"] = without_chance(&body["nextLink"]);
        response.body = serde_json::to_vec(&body)?.into();
    }
    Ok(compare::differences(&exchange, &expected, &response))
}

/// The service that an exchange is played in.
struct Stage<'a> {
    client: &'a reqwest::Client,
    emulator: &'a Emulator,
    exchange: &'a Exchange,
    hub: &'a str,
}

impl<'a> Stage<'a> {
    fn new(emulator: &'a Emulator, client: &'a reqwest::Client, exchange: &'a Exchange) -> Self {
        Self { client, emulator, exchange, hub: exchange.segments().get(2).copied().unwrap_or("none") }
    }

    /// The name that follows this segment in the path.
    fn named(&self, kind: &str) -> Option<&'a str> {
        let segments = self.exchange.segments();
        let at = segments.iter().position(|segment| *segment == kind)?;
        segments.get(at + 1).copied()
    }

    /// The connections that the response is about: those in a list, or the one that has to be there for it.
    async fn connect(&self) -> Result<Vec<Client>, BoxError> {
        let mut clients = Vec::new();
        if self.exchange.operation == "listConnectionsInGroup" {
            for member in self.members() {
                clients.push(self.open(member["userId"].as_str(), self.named("groups")).await?);
            }
        } else if self.exchange.status < 300 {
            let found = self.exchange.status == 200;
            let connection = self.exchange.target.contains(LIVE);
            let user = self.named("users").filter(|user| found || user.starts_with(LIVE_USER));
            let group = self.named("groups").filter(|_| self.exchange.operation == "groupExists");
            if connection || user.is_some() || group.is_some() {
                clients.push(self.open(user, group).await?);
            }
        }
        Ok(clients)
    }

    /// The members of the group: those that the page lists, as many as were on the page before, and one more if a page follows.
    fn members(&self) -> Vec<Value> {
        let listed = self.exchange.response.body["value"].as_array().cloned().unwrap_or_default();
        let before = if self.exchange.target.contains("continuationToken") { self.page_size() } else { 0 };
        let after = usize::from(self.exchange.response.body["nextLink"].is_string());
        let more = std::iter::repeat_n(json!({ "userId": null }), before + after);
        listed.into_iter().chain(more).collect()
    }

    /// 1 where the address has none: in the one recording of a token that is a whole address, it is in there.
    fn page_size(&self) -> usize {
        let size = self.exchange.target.split_once("maxpagesize=").map(|(_, rest)| rest);
        let size = size.and_then(|rest| rest.split('&').next());
        size.and_then(|size| size.parse().ok()).unwrap_or(1)
    }

    async fn open(&self, user: Option<&str>, group: Option<&str>) -> Result<Client, BoxError> {
        let token = user.into_iter().fold(ClientToken::new(), ClientToken::user);
        let mut token = group.into_iter().fold(token, ClientToken::group);
        let target_name = self.exchange.target.split_once("targetName=");
        if let (Some(permission), Some((_, target))) = (self.named("permissions"), target_name) {
            token = token.role(format!("webpubsub.{permission}.{target}"));
        }
        Client::connect(&self.emulator.webpubsub().client_access_url(self.hub, &token)).await
    }

    /// The recorded target, with the ids and continuation tokens of this run put in.
    async fn target(&self, clients: &[Client]) -> Result<String, BoxError> {
        let target = &self.exchange.target;
        if let Some((before, token)) = target.split_once("continuationToken=") {
            let (token, after) = token.split_once("&").unwrap_or((token, ""));
            let token = self.continuation_token(token.starts_with("https%3A")).await?;
            return Ok(format!("{before}continuationToken={token}&{after}"));
        }
        let Some(at) = target.find(LIVE).filter(|_| self.exchange.status < 300) else {
            return Ok(target.clone());
        };
        let client = clients.first().ok_or("no client is connected")?;
        let (before, rest) = target.split_at(at);
        let after = rest.find(['/', '?', '&']).map_or("", |end| &rest[end..]);
        Ok(format!("{before}{}{after}", client.connection_id))
    }

    /// The token after a first page, or the whole address that contains it.
    async fn continuation_token(&self, whole: bool) -> Result<String, BoxError> {
        let path = self.exchange.target.split('?').next().unwrap_or_default();
        let size = self.page_size();
        let page = self.send(&format!("{path}?maxpagesize={size}&api-version=2024-12-01")).await?;
        let page: Value = serde_json::from_slice(&page.body)?;
        let link = page["nextLink"].as_str().ok_or_else(|| format!("no nextLink: {page}"))?;
        if whole {
            return Ok(link.replace('%', "%25").replace('&', "%26").replace('?', "%3F").replace('=', "%3D"));
        }
        token_of(link).map(str::to_owned)
    }

    async fn send(&self, target: &str) -> Result<Received, BoxError> {
        let request = self
            .client
            .request(self.exchange.method.clone(), format!("{}{target}", self.emulator.endpoint()));
        let request = request.body(self.exchange.request.bytes()?);
        let headers = self.exchange.request.sent_headers();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        // The audience is the address that really goes out, after the HTTP library has had its way with it.
        let built = request.try_clone().ok_or("the request cannot be cloned")?.build()?;
        send(request.bearer_auth(self.token(built.url().as_str())?)).await
    }

    /// A token of five minutes, made by a library that the client does not sign with.
    fn token(&self, audience: &str) -> Result<String, BoxError> {
        let now = SystemClock::new().now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let claims = json!({"aud": audience, "iat": now, "exp": now + 300});
        let key = EncodingKey::from_secret(self.emulator.webpubsub().access_key().as_bytes());
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &key)?)
    }
}

fn token_of(link: &str) -> Result<&str, BoxError> {
    let (_, token) = link.split_once("continuationToken=").ok_or_else(|| format!("no token in {link}"))?;
    Ok(token.split('&').next().unwrap_or_default())
}

/// A link without what is another in each run: the host, and the continuation token.
fn without_chance(link: &Value) -> Value {
    let Some(link) = link.as_str() else { return link.clone() };
    let path = link.find("/api/").map_or(link, |at| &link[at..]);
    token_of(path).map_or_else(|_| path.into(), |token| path.replace(token, "TOKEN").into())
}
