//! Which credentials a request may carry, in which headers, and how a request without a valid one is rejected.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::*;

/// The error message of a receive with these headers and no others. `None` if the credential is accepted and the query
/// is rejected.
async fn unauthorized(grid: &EventGrid, headers: &[(&'static str, &str)]) -> Option<String> {
    let mut call = receiving("&maxWaitTime=9");
    call.headers.clear();
    for (name, value) in headers {
        call.headers.insert(*name, value.parse().unwrap());
    }
    match rejection(&grid.respond(&call).await) {
        (401, code, message) => {
            assert_eq!(code, "Unauthenticated");
            Some(message)
        }
        (400, ..) => None,
        other => panic!("{other:?}"),
    }
}

/// A shared access signature for the requests of these tests, which name no host.
fn signature(resource: &str, expiry: &str, key: &str) -> String {
    let text =
        format!("r={}&e={}", resource.replace('/', "%2F").replace(':', "%3A"), expiry.replace(':', "%3A"));
    let key = EncodingKey::from_base64_secret(key).unwrap();
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
    let signature = STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
    format!("{text}&s={}", signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"))
}

#[tokio::test]
async fn either_key_is_accepted_in_either_header() {
    let (grid, _) = grid();
    for key in [grid.key(), grid.secondary_key()] {
        for scheme in ["SharedAccessKey", "sharedaccesskey"] {
            assert_eq!(unauthorized(&grid, &[("authorization", &format!("{scheme} {key}"))]).await, None);
        }
        assert_eq!(unauthorized(&grid, &[("aeg-sas-key", &key)]).await, None);
    }
}

#[tokio::test]
async fn a_request_without_a_known_key_is_rejected_before_its_version_and_query_are_read() {
    let (grid, _) = grid();
    let expected = Some("Provided Shared Access Key is not authorized".to_owned());
    for authorization in ["", "SharedAccessKey", "SharedAccessKey wrong", "Basic dTpw"] {
        assert_eq!(
            unauthorized(&grid, &[("authorization", authorization)]).await,
            expected,
            "{authorization}"
        );
    }
    assert_eq!(unauthorized(&grid, &[]).await, expected);
    assert_eq!(unauthorized(&grid, &[("aeg-sas-key", "wrong")]).await, expected);
    // If there are two credentials, the one in `Authorization` counts.
    assert_eq!(
        unauthorized(&grid, &[("authorization", "SharedAccessKey wrong"), ("aeg-sas-key", &grid.key())])
            .await,
        expected
    );
    let mut unversioned = receiving("");
    unversioned.headers.clear();
    unversioned.query.clear();
    assert_eq!(rejection(&grid.respond(&unversioned).await).0, 401);
}

#[tokio::test]
async fn a_signature_is_accepted_in_either_header_until_it_expires() {
    let (grid, clock) = grid();
    let expiry = "2199-01-01T00:00:00";
    for (key, resource) in [(grid.key(), "http:///topics/orders"), (grid.secondary_key(), "http://")] {
        let token = signature(resource, expiry, &key);
        assert_eq!(
            unauthorized(&grid, &[("authorization", &format!("SharedAccessSignature {token}"))]).await,
            None
        );
        assert_eq!(unauthorized(&grid, &[("aeg-sas-token", &token)]).await, None);
    }
    let expected = Some("Provided Shared Access Signature is not authorized".to_owned());
    let foreign = STANDARD.encode([7; 32]);
    for token in [
        signature("http:///topics/other", expiry, &grid.key()),
        signature("http://elsewhere", expiry, &grid.key()),
        signature("http://", expiry, &foreign),
        signature("http://", "2020-01-01T00:00:00", &grid.key()),
        "r=x".to_owned(),
    ] {
        assert_eq!(unauthorized(&grid, &[("aeg-sas-token", &token)]).await, expected, "{token}");
    }
    clock.advance(Duration::from_secs(200 * 366 * 24 * 60 * 60));
    assert_eq!(
        unauthorized(&grid, &[("aeg-sas-token", &signature("http://", expiry, &grid.key()))]).await,
        expected
    );
}

#[tokio::test]
async fn a_bearer_token_is_accepted_until_it_expires() {
    let (grid, clock) = grid();
    let token = format!("Bearer {}", grid.bearer_token());
    assert_eq!(unauthorized(&grid, &[("authorization", &token)]).await, None);
    let expected = Some("Provided token is not authorized".to_owned());
    assert_eq!(unauthorized(&grid, &[("authorization", "Bearer token")]).await, expected);
    clock.advance(Duration::from_secs(3600 + 300));
    assert_eq!(unauthorized(&grid, &[("authorization", &token)]).await, expected);
}
