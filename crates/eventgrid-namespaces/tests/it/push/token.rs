//! Tokens of Microsoft Entra ID, signed by this test, and keys as the tenant publishes them.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use eventgrid_namespaces::push::{EntraKeys, EntraToken};
use serde_json::{Value, json};
use service_core::testing::{ManualClock, ScriptedTransport};

use super::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const AUDIENCE: &str = "api://orders-webhook";
const NOW: Duration = Duration::from_secs(1_800_000_000);

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static FORGED: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

fn key_set(id: &str) -> Response<String> {
    let public = KEY.public_key();
    let n = BASE64.encode(public.modulus().big_endian_without_leading_zero());
    let e = BASE64.encode(public.exponent().big_endian_without_leading_zero());
    let keys = json!({"keys": [{"kty": "EC", "kid": "other", "crv": "P-256"}, {"kty": "RSA", "use": "sig", "kid": id, "n": n, "e": e}]});
    Response::new(keys.to_string())
}

fn claims() -> Value {
    json!({
        "iss": format!("https://sts.windows.net/{TENANT}/"), "aud": AUDIENCE, "tid": TENANT, "ver": "1.0",
        "appid": "4962773b-9cdb-44cf-a8bf-237846a00ab7", "roles": ["AzureEventGridSecureWebhookSubscriber"],
        "nbf": NOW.as_secs() - 10, "exp": NOW.as_secs() + 3600,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn sign(key: &RsaKeyPair, id: &str, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": id}).to_string();
    let text = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", BASE64.encode(signature))
}

struct Fixture {
    webhook: Webhook,
    tenant: ScriptedTransport,
    clock: ManualClock,
    seen: Seen,
}

fn fixture() -> Fixture {
    let (tenant, clock) = (ScriptedTransport::new(), ManualClock::jumping(UNIX_EPOCH + NOW));
    let keys = EntraKeys::builder(TENANT).transport(Arc::new(tenant.clone())).clock(Arc::new(clock.clone()));
    let token = EntraToken::new(TENANT, keys.build().unwrap()).clock(Arc::new(clock.clone()));
    let (builder, seen) = webhook();
    let webhook = builder.entra_token(token.audience("app-id").audience(AUDIENCE)).build().unwrap();
    Fixture { webhook, tenant, clock, seen }
}

impl Fixture {
    async fn status(&self, authorization: &str) -> u16 {
        let mut request = post(event("1", "t"));
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
        let response = send(&self.webhook, request).await;
        let body = String::from_utf8_lossy(response.body());
        let payload = authorization.split('.').nth(1).unwrap_or("nothing");
        assert!(!body.contains(payload), "{body}");
        response.status().as_u16()
    }

    async fn token(&self, token: &str) -> u16 {
        self.status(&format!("Bearer {token}")).await
    }
}

#[tokio::test]
async fn a_valid_token_of_either_version_is_accepted_and_the_keys_are_read_once() {
    let fixture = fixture();
    fixture.tenant.respond(key_set("k1"));
    assert_eq!(fixture.token(&sign(&KEY, "k1", &claims())).await, 200);
    let mut v2 = with("iss", json!(format!("https://login.microsoftonline.com/{TENANT}/v2.0")));
    v2["azp"] = v2["appid"].take();
    v2["aud"] = json!(["app-id"]);
    assert_eq!(fixture.token(&sign(&KEY, "k1", &v2)).await, 200);
    let sent = fixture.tenant.sent();
    assert_eq!(sent.len(), 1);
    let url = format!("https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys");
    assert_eq!(sent[0].uri().to_string(), url);
    assert!(!sent[0].headers().contains_key("authorization"));
}

#[tokio::test]
async fn a_token_that_is_certainly_invalid_is_401_and_its_event_is_not_handled() {
    let fixture = fixture();
    fixture.tenant.respond(key_set("k1"));
    let expired = NOW.as_secs() - 300;
    for (name, token) in [
        ("forged", sign(&FORGED, "k1", &claims())),
        ("wrong audience", sign(&KEY, "k1", &with("aud", json!("api://other")))),
        ("expired", sign(&KEY, "k1", &with("exp", json!(expired)))),
        ("wrong issuer", sign(&KEY, "k1", &with("iss", json!("https://sts.windows.net/other/")))),
        ("wrong tenant", sign(&KEY, "k1", &with("tid", json!("other")))),
        ("wrong application", sign(&KEY, "k1", &with("appid", json!("other")))),
        ("no role", sign(&KEY, "k1", &with("roles", json!([])))),
        ("no expiry", sign(&KEY, "k1", &with("exp", Value::Null))),
        ("no JWT", "nonsense".to_owned()),
    ] {
        assert_eq!(fixture.token(&token).await, 401, "{name}");
    }
    let none = json!({"alg": "none", "kid": "k1"}).to_string();
    assert_eq!(
        fixture.token(&format!("{}.{}.", BASE64.encode(none), BASE64.encode(claims().to_string()))).await,
        401
    );
    let hmac = json!({"alg": "HS256", "kid": "k1"}).to_string();
    assert_eq!(
        fixture.token(&format!("{}.{}.AAAA", BASE64.encode(hmac), BASE64.encode(claims().to_string()))).await,
        401
    );
    assert_eq!(fixture.status("Basic dTpw").await, 401);
    assert_eq!(send(&fixture.webhook, post(event("1", "t"))).await.status(), 401);
    assert!(fixture.seen.lock().unwrap().is_empty());
    let almost = sign(&KEY, "k1", &with("exp", json!(expired + 1)));
    assert_eq!(fixture.token(&almost).await, 200);
}

#[tokio::test]
async fn a_token_that_is_not_valid_yet_is_503() {
    let fixture = fixture();
    fixture.tenant.respond(key_set("k1"));
    let from = |seconds: u64| sign(&KEY, "k1", &with("nbf", json!(NOW.as_secs() + seconds)));
    assert_eq!(fixture.token(&from(301)).await, 503);
    assert_eq!(fixture.token(&from(300)).await, 200);
}

#[tokio::test]
async fn an_unknown_key_is_401_only_if_the_keys_were_read_for_it() {
    let fixture = fixture();
    fixture.tenant.respond(key_set("k1")).respond(key_set("k2"));
    let old = sign(&FORGED, "unknown", &claims());
    let new = sign(&KEY, "k2", &claims());
    assert_eq!(fixture.token(&old).await, 401);
    // The key may be a new one, but the keys are read at most once a minute.
    assert_eq!((fixture.token(&new).await, fixture.tenant.sent().len()), (503, 1));
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!((fixture.token(&new).await, fixture.tenant.sent().len()), (200, 2));
    // The first key is withdrawn.
    assert_eq!(fixture.token(&sign(&KEY, "k1", &claims())).await, 503);
}

#[tokio::test]
async fn a_token_with_another_algorithm_is_401_and_its_key_is_not_looked_up() {
    let fixture = fixture();
    for algorithm in ["HS256", "RS384", "ES256"] {
        let header = json!({"typ": "JWT", "alg": algorithm, "kid": "unknown"}).to_string();
        let token = format!("{}.{}.AAAA", BASE64.encode(header), BASE64.encode(claims().to_string()));
        assert_eq!(fixture.token(&token).await, 401, "{algorithm}");
    }
    assert!(fixture.tenant.sent().is_empty() && fixture.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn while_keys_cannot_be_read_a_known_key_is_accepted_and_others_are_503() {
    let fixture = fixture();
    for _ in 0..4 {
        fixture.tenant.status(500);
    }
    let token = sign(&KEY, "k1", &with("exp", json!(NOW.as_secs() + 200_000)));
    assert_eq!(fixture.token(&token).await, 503);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.tenant.respond(key_set("k1"));
    assert_eq!(fixture.token(&token).await, 200);
    let reads = fixture.tenant.sent().len();
    fixture.clock.advance(Duration::from_secs(24 * 60 * 60));
    for _ in 0..4 {
        fixture.tenant.status(500);
    }
    assert_eq!(fixture.token(&token).await, 200);
    assert!(fixture.tenant.sent().len() > reads);
}

#[tokio::test]
async fn a_key_set_without_a_readable_key_is_503_and_does_not_replace_known_keys() {
    let fixture = fixture();
    let empty = || Response::new(r#"{"keys":[{"kty":"EC","kid":"other"}]}"#.to_owned());
    fixture.tenant.respond(empty()).respond(key_set("k1")).respond(empty());
    let token = sign(&KEY, "k1", &with("exp", json!(NOW.as_secs() + 200_000)));
    assert_eq!(fixture.token(&token).await, 503);
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(fixture.token(&token).await, 200);
    fixture.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!((fixture.token(&token).await, fixture.tenant.sent().len()), (200, 3));
}

#[test]
fn a_webhook_whose_tokens_have_no_audience_is_not_built() {
    let keys = EntraKeys::builder(TENANT).transport(Arc::new(ScriptedTransport::new())).build().unwrap();
    let error = webhook().0.entra_token(EntraToken::new(TENANT, keys)).build().unwrap_err();
    assert_eq!(error.to_string(), "Entra token needs an audience");
}
