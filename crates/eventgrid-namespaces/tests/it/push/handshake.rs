//! The validation handshake, and requests that are not the service's.

use eventgrid_namespaces::push::{Handled, Webhook};
use http::Request;
use http_body_util::Full;
use tower_service::Service;

use super::*;

fn options(uri: &str) -> Request<Bytes> {
    let request = Request::options(uri).header("WebHook-Request-Origin", "eventgrid.azure.net");
    request.body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_handshake_gets_consent_each_time_and_consent_grants_nothing() {
    let webhook = webhook().0.query_secret("code", "s3cret").header_secret("x-key", "k").build().unwrap();
    for _ in 0..2 {
        let response = send(&webhook, options("/hooks/eventgrid?code=s3cret")).await;
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
        let headers = response.headers();
        assert_eq!(headers["webhook-allowed-origin"], "eventgrid.azure.net");
        assert_eq!(headers["webhook-allowed-rate"], "*");
        assert_eq!(
            (&headers["allow"], &headers["content-length"]),
            (&"POST, OPTIONS".parse().unwrap(), &"0".parse().unwrap())
        );
    }
    assert_eq!(send(&webhook, post(event("1", "t"))).await.status(), 401);
}

#[tokio::test]
async fn a_handshake_of_another_origin_or_without_the_secret_of_the_url_gets_no_consent() {
    let build =
        |origin: &str| webhook().0.query_secret("code", "s3cret").allowed_origin(origin).build().unwrap();
    for (origin, uri, status) in [
        ("other.example", "/?code=s3cret", 403),
        ("eventgrid.azure.net", "/?code=forged", 401),
        ("eventgrid.azure.net", "/", 401),
        ("eventgrid.azure.net", "/?code=s3cret&code=s3cret", 401),
        ("EventGrid.azure.net", "/?code=s3cret", 200),
        ("*", "/?code=s3%63ret", 200),
    ] {
        let response = send(&build(origin), options(uri)).await;
        assert_eq!(response.status(), status, "{origin} {uri}");
        assert_eq!(response.headers().contains_key("webhook-allowed-origin"), status == 200);
    }
}

#[tokio::test]
async fn a_request_of_another_kind_is_returned_and_is_405_as_a_service() {
    let webhook = webhook().0.accept_unverified().build().unwrap();
    for method in ["OPTIONS", "GET", "PUT"] {
        let request = || Request::builder().method(method).uri("/").body(Bytes::new()).unwrap();
        assert!(matches!(webhook.handle(request()).await, Handled::NotOurs(_)));
        let response = webhook.clone().call(request().map(Full::new)).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["allow"]),
            (405, &"POST, OPTIONS".parse().unwrap())
        );
    }
}

#[test]
fn a_webhook_must_authenticate_deliveries_unless_it_says_that_it_does_not() {
    let error = |builder: WebhookBuilder| builder.build().unwrap_err().to_string();
    assert!(error(webhook().0).contains("accept_unverified"));
    assert!(error(webhook().0.accept_unverified().query_secret("code", "planted")).contains("besides"));
    assert!(error(webhook().0.query_secret("code", "")).contains("empty"));
    assert!(
        error(webhook().0.header_secret("a", "planted").header_secret("b", "planted")).contains("same name")
    );
    assert!(error(webhook().0.header_secret("a b", "planted")).contains("name of an HTTP header"));
    assert!(error(webhook().0.accept_unverified().allowed_origin("https://x")).contains("origin"));
    let built: Webhook = webhook().0.query_secret("code", "planted").build().unwrap();
    assert!(!format!("{built:?} {:?}", webhook().0.query_secret("code", "planted")).contains("planted"));
}
