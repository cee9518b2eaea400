//! Explanations of a 401: each cause separately, as text and as a value, and never a secret.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use http::Response;
use serde_json::{Value, json};
use service_emulator::Emulator;
use sha2::Sha256;
use webpubsub::{
    AudiencePart, Credential, Error, Finding, KeyMisuse, RetryOptions, ServiceClient, Unauthorized,
};

use super::{KEY, now, scripted, scripted_by};

const AUDIENCE: &str = "http://localhost:8080/client/hubs/chat";
const REQUEST: &str = "http://localhost:8080/api/hubs/chat/:send?api-version=2024-12-01";

/// Creates a token without the crate under test.
fn token(key: &[u8], algorithm: &str, claims: &Value) -> String {
    let parts = [json!({"alg": algorithm, "typ": "JWT"}), claims.clone()];
    let signed = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let mut mac = <Hmac<Sha256>>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn live(audience: &str) -> Value {
    json!({"aud": audience, "exp": 1_700_003_600})
}

fn service() -> ServiceClient {
    scripted().2.build().unwrap()
}

fn found<'a>(about: impl Into<Unauthorized<'a>>) -> Vec<Finding> {
    let explanation = service().explain_unauthorized(about);
    assert!(!format!("{explanation} {explanation:?}").contains("planted"), "{explanation}");
    explanation.findings().to_vec()
}

fn parts(findings: &[Finding]) -> Vec<AudiencePart> {
    let part = |finding: &Finding| match finding {
        Finding::Audience { part, .. } => *part,
        other => panic!("{other}"),
    };
    findings.iter().map(part).collect()
}

#[tokio::test]
async fn the_clients_own_tokens_have_no_findings() {
    let access = service().client_access().user("u").await.unwrap();
    assert_eq!(found(&access), []);
    assert_eq!(found(access.token.expose()), []);
    let bearer = format!("Bearer {}", token(KEY.as_bytes(), "HS256", &live(REQUEST)));
    assert_eq!(found(Unauthorized::token(&bearer).at(REQUEST)), []);
    let without_query = token(KEY.as_bytes(), "HS256", &live(REQUEST.split('?').next().unwrap()));
    assert_eq!(found(Unauthorized::token(&without_query).at(REQUEST)), []);
    let explanation = service().explain_unauthorized(&access);
    assert!(explanation.to_string().contains("neither of the resource's two keys"), "{explanation}");
}

#[test]
fn the_part_of_the_audience_that_differs_is_reported() {
    use AudiencePart::{Host, Hub, Path, Query, Scheme};
    for (audience, expected) in [
        ("ftp://localhost:8080/client/hubs/chat", vec![Scheme]),
        ("wss://localhost:8080/client/hubs/CHAT", vec![]),
        ("http://other:8080/client/hubs/chat", vec![Host]),
        ("http://localhost/client/hubs/chat", vec![Host]),
        ("http://localhost:8080/client/hubs/other", vec![Hub]),
        ("http://localhost:8080/client/hubs/chat/", vec![Path]),
        ("http://localhost:8080//client/hubs/chat", vec![Path]),
        ("http://localhost:8080/clients/mqtt/hubs/chat", vec![]),
        ("http://localhost:8080/client/hubs/chat?access_token=planted", vec![Query]),
        ("https://localhost:8080/api/hubs/chat/:send", vec![Scheme]),
        ("http://localhost:8080/api/hubs/other/:send", vec![Hub]),
        ("chat", vec![Scheme]),
    ] {
        let token = token(KEY.as_bytes(), "HS256", &live(audience));
        assert_eq!(parts(&found(token.as_str())), expected, "{audience}");
    }
}

#[test]
fn the_url_of_the_request_gives_more_detail() {
    use AudiencePart::{Path, Query};
    for (audience, url, expected) in [
        (REQUEST, "http://localhost:8080/api/hubs/chat/:send?api-version=2024-01-01", vec![Query]),
        (REQUEST, "http://localhost:8080/api/hubs/chat/groups/g/:send?api-version=2024-12-01", vec![Path]),
        (AUDIENCE, "ws://localhost:8080/clients/mqtt/hubs/chat", vec![Path]),
        (AUDIENCE, "wss://localhost:8080/client/hubs/chat", vec![]),
    ] {
        let token = token(KEY.as_bytes(), "HS256", &live(audience));
        assert_eq!(parts(&found(Unauthorized::token(&token).at(url))), expected, "{audience} at {url}");
    }
    let inside = format!(
        "ws://localhost:8080/client/hubs/other?access_token={}&x=1",
        token(KEY.as_bytes(), "HS256", &live(AUDIENCE))
    );
    assert_eq!(parts(&found(inside.as_str())), [AudiencePart::Hub]);
}

#[test]
fn several_audiences_are_judged_by_the_one_that_fits_best() {
    let claims = json!({"aud": ["http://other/client/hubs/x", AUDIENCE], "exp": 1_700_003_600});
    assert_eq!(found(token(KEY.as_bytes(), "HS256", &claims).as_str()), []);
}

#[test]
fn times_and_missing_claims_are_reported() {
    for (claims, finding) in [
        (json!({"aud": AUDIENCE, "exp": 1_700_000_000}), Finding::Expired(Duration::ZERO)),
        (json!({"aud": AUDIENCE, "exp": 1_699_999_000}), Finding::Expired(Duration::from_secs(1000))),
        (
            json!({"aud": AUDIENCE, "exp": 1_700_003_600, "nbf": 1_700_000_060}),
            Finding::NotYetValid(Duration::from_secs(60)),
        ),
        (json!({"aud": AUDIENCE}), Finding::NoExpiry),
        (json!({"exp": 1_700_003_600}), Finding::NoAudience),
    ] {
        assert_eq!(found(token(KEY.as_bytes(), "HS256", &claims).as_str()), [finding]);
    }
    let other_types = json!({"aud": 7, "iss": null, "exp": "1", "nbf": []});
    let found_in_other_types = found(token(KEY.as_bytes(), "HS256", &other_types).as_str());
    assert_eq!(found_in_other_types, [Finding::NoExpiry, Finding::NoAudience]);
    assert_eq!(found("planted"), [Finding::NotAToken]);
    assert_eq!(
        found(token(KEY.as_bytes(), "none", &live(AUDIENCE)).as_str()),
        [Finding::Algorithm("none".into())]
    );
}

#[test]
fn a_wrong_signature_reveals_how_the_key_was_used() {
    for (key, misuse) in [
        (format!("{KEY}\n").into_bytes(), KeyMisuse::WhiteSpace),
        (format!(" {KEY}").into_bytes(), KeyMisuse::WhiteSpace),
        (STANDARD.decode(KEY).unwrap(), KeyMisuse::Decoded),
        (b"another".to_vec(), KeyMisuse::SignatureMismatch),
    ] {
        let token = token(&key, "HS256", &live(AUDIENCE));
        assert_eq!(found(token.as_str()), [Finding::Key(misuse)]);
    }
    let odd = scripted_by(Credential::access_key("\u{fffd}planted")).2.build().unwrap();
    let explanation = odd.explain_unauthorized("planted");
    assert_eq!(explanation.findings()[1], Finding::Key(KeyMisuse::InvalidCharacters));
    assert!(!explanation.to_string().contains("planted"));
}

#[test]
fn an_entra_token_used_by_a_client_is_recognized() {
    for claims in [
        json!({"aud": "https://webpubsub.azure.com", "exp": 1_700_003_600}),
        json!({"aud": "x", "iss": "https://sts.windows.net/tenant/", "exp": 1_700_003_600}),
    ] {
        assert_eq!(found(token(b"entra", "RS256", &claims).as_str()), [Finding::EntraToken]);
    }
}

async fn findings_of_401(date: Option<SystemTime>, challenge: &str) -> Vec<Finding> {
    let (script, _, builder) = scripted();
    let mut response = Response::builder().status(401).header("www-authenticate", challenge);
    if let Some(date) = date {
        response = response.header("date", httpdate::fmt_http_date(date));
    }
    script.respond(response.body("").unwrap());
    found(&builder.build().unwrap().send_to_all("m").await.unwrap_err())
}

#[tokio::test]
async fn a_rejected_call_reports_clock_skew_and_the_reason_of_the_service() {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let skew = |by, ahead| vec![Finding::ClockSkew { by, ahead }];
    assert_eq!(findings_of_401(Some(now() + minutes(20)), "Bearer").await, skew(minutes(20), false));
    assert_eq!(findings_of_401(Some(now() - minutes(6)), "Bearer").await, skew(minutes(6), true));
    assert_eq!(findings_of_401(Some(now() + minutes(5)), "Bearer").await, []);
    assert_eq!(findings_of_401(None, "Bearer").await, []);
    let said = r#"Bearer error="invalid_token", error_description="The audience is invalid""#;
    assert_eq!(findings_of_401(None, said).await, [Finding::Challenge(said.into())]);
    assert_eq!(
        findings_of_401(None, r#"Bearer error="eyJplanted""#).await,
        [],
        "what may be a token is not repeated"
    );
}

/// Returns the error of a call with a key that the emulator's resource does not have, and the client.
async fn rejected_key(emulator: &Emulator) -> (ServiceClient, Error) {
    let credential = Credential::access_key("b3RoZXI=");
    let service = ServiceClient::new(&emulator.endpoint(), "chat", credential).unwrap();
    let error = service.send_to_all("m").await.unwrap_err();
    (service, error)
}

#[tokio::test]
async fn a_key_that_the_service_does_not_know_is_of_another_resource_or_was_rotated() {
    let emulator = Emulator::start().await.unwrap();
    let (service, error) = rejected_key(&emulator).await;
    let explanation = service.explain_unauthorized(&error);
    let [Finding::Challenge(_), Finding::Key(KeyMisuse::UnknownToService)] = explanation.findings() else {
        panic!("{explanation:?}")
    };
    let text = explanation.to_string();
    assert!(text.contains("the access key belongs to another resource or was rotated"), "{text}");
    assert!(!text.contains("b3RoZXI"), "{text}");
}

#[tokio::test]
async fn without_a_reason_of_the_service_a_wrong_key_is_among_the_remaining_causes() {
    for challenge in ["Bearer", r#"Bearer error="invalid_token""#] {
        let (script, _, builder) = scripted();
        let response = Response::builder().status(401).header("www-authenticate", challenge);
        script.respond(response.body("").unwrap());
        let service = builder.build().unwrap();
        let error = service.send_to_all("m").await.unwrap_err();
        let text = service.explain_unauthorized(&error).to_string();
        assert!(text.contains("the access key belongs to another resource or was rotated"), "{text}");
    }
}

#[tokio::test]
async fn the_line_of_a_401_points_to_the_explanation_and_other_lines_do_not() {
    let (script, _, builder) = scripted();
    let service = builder.retry(RetryOptions::none()).build().unwrap();
    for (status, points) in [(401, true), (403, false), (500, false)] {
        script.status(status);
        let text = service.send_to_all("m").await.unwrap_err().to_string();
        assert_eq!(text.contains("; see `ServiceClient::explain_unauthorized`"), points, "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[cfg(feature = "client")]
#[tokio::test]
async fn the_error_of_a_websocket_client_is_explained() {
    let emulator = Emulator::start().await.unwrap();
    let (service, _) = rejected_key(&emulator).await;
    let access = service.client_access().await.unwrap();
    let error = webpubsub::Client::builder(access).connect().await.unwrap_err();
    assert!(error.to_string().contains("; see `ServiceClient::explain_unauthorized`"), "{error}");
    let findings = service.explain_unauthorized(&error).findings().to_vec();
    assert!(findings.contains(&Finding::Key(KeyMisuse::UnknownToService)), "{findings:?}");
}

#[tokio::test]
async fn an_error_other_than_401_is_reported_as_such() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    script.status(403);
    let error = service.send_to_all("m").await.unwrap_err();
    assert_eq!(found(&error), [Finding::NotUnauthorized(error.status())]);
    let explanation = service.explain_unauthorized(&service.group("").exists().await.unwrap_err());
    assert_eq!(explanation.to_string(), "the service did not respond, so it did not reject the credential");
}

#[test]
fn a_hub_that_a_client_names_in_the_query_is_the_one_of_the_audience() {
    let right = token(KEY.as_bytes(), "HS256", &live(AUDIENCE));
    let url = |hub: &str| format!("ws://localhost:8080/client/?hub={hub}&access_token={right}");
    assert_eq!(found(url("chat").as_str()), []);
    assert_eq!(parts(&found(url("other").as_str())), [AudiencePart::Hub]);
}

#[test]
fn behind_a_reverse_proxy_the_audience_is_the_services_own_address() {
    let service = scripted().2.reverse_proxy("https://gw.example/ps").build().unwrap();
    let sent_to = "https://gw.example/ps/api/hubs/chat/:send?api-version=2024-12-01";
    let explained = |audience: &str| {
        let token = token(KEY.as_bytes(), "HS256", &live(audience));
        service.explain_unauthorized(Unauthorized::token(&token).at(sent_to)).findings().to_vec()
    };
    assert_eq!(explained(REQUEST), []);
    assert!(parts(&explained(sent_to)).contains(&AudiencePart::Host));
}
