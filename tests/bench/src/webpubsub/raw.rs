//! What a user would write with reqwest alone: a token per request, signed for its URL.

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use service_core::{Clock as _, SystemClock};
use sha2::Sha256;

use super::{BODY, HUB, KEY};
use crate::Result;
use crate::calls::raw;
use crate::ids::Ids;

const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
const LIFE: u64 = 300;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// The client.
#[derive(Clone)]
pub(super) struct Sender(Arc<Parts>);

struct Parts {
    client: reqwest::Client,
    mac: Hmac<Sha256>,
    clock: SystemClock,
    origin: String,
    user_agent: HeaderValue,
    ids: Ids,
    body: Bytes,
}

impl Sender {
    pub(super) fn new(origin: &str) -> Result<Self> {
        let user_agent = format!("webpubsub/0.0.0 ({}; {})", std::env::consts::OS, std::env::consts::ARCH);
        Ok(Self(Arc::new(Parts {
            client: raw::client()?,
            mac: Hmac::new_from_slice(KEY.as_bytes())?,
            clock: SystemClock::new(),
            origin: origin.to_owned(),
            user_agent: HeaderValue::from_str(&user_agent)?,
            ids: Ids::default(),
            body: Bytes::from("x".repeat(BODY)),
        })))
    }

    /// Sends the message once.
    pub(super) async fn send(self) -> Result<()> {
        let Parts { client, origin, user_agent, body, .. } = &*self.0;
        let url = format!("{origin}/api/hubs/{HUB}/:send?api-version=2024-12-01");
        let token = self.token(&url)?;
        let request = client
            .post(url)
            .bearer_auth(token)
            .header(USER_AGENT, user_agent.clone())
            .header("x-ms-client-request-id", self.0.ids.next())
            .header(CONTENT_TYPE, "text/plain")
            .body(body.clone());
        let status = request.send().await?.status();
        if status == StatusCode::ACCEPTED {
            Ok(())
        } else {
            Err(format!("unexpected status {status}").into())
        }
    }

    fn token(&self, audience: &str) -> Result<String> {
        let iat = self.0.clock.now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let claims = serde_json::to_vec(&Claims { aud: audience, iat, exp: iat + LIFE })?;
        let mut token = HEADER.to_owned();
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mut mac = self.0.mac.clone();
        mac.update(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
        Ok(token)
    }
}
