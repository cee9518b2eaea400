//! Behind a reverse proxy: requests go to it, while tokens and clients keep the service's own address.

use http::Response;
use webpubsub::{Credential, ErrorKind, ServiceClient};

use super::{KEY, scripted, targets};

#[tokio::test]
async fn requests_go_below_the_proxys_path_and_are_signed_for_the_service() {
    let (script, _, builder) = scripted();
    let service = builder.reverse_proxy("https://gw.example/web/pubsub/").build().unwrap();
    script.status(202);
    service.send_to_all("hi").await.unwrap();
    assert_eq!(
        targets(&script),
        ["https://gw.example/web/pubsub/api/hubs/chat/:send?api-version=2024-12-01"]
    );
    // The known token of the specification's section 2, made for `http://localhost:8080`.
    let signed = script.sent()[0].headers()["authorization"].clone();
    assert!(signed.to_str().unwrap().ends_with(".y_6yceUQaX8qsuLwt7SRBfDDkYvykicwjPy1F2VM7KQ"));
    assert_eq!(service.endpoint(), "http://localhost:8080");
}

#[tokio::test]
async fn the_urls_of_clients_still_point_to_the_service() {
    let (_, _, builder) = scripted();
    let service = builder.reverse_proxy("https://gw.example").build().unwrap();
    let access = service.client_access().await.unwrap();
    assert_eq!(access.address(), "ws://localhost:8080/client/hubs/chat");
}

#[tokio::test]
async fn a_list_continues_through_the_proxy_whichever_address_its_links_name() {
    for origin in ["http://localhost:8080", "https://gw.example/p"] {
        let (script, _, builder) = scripted();
        let list =
            builder.reverse_proxy("https://gw.example/p").build().unwrap().group("g").list_connections();
        script.respond(Response::new(format!(r#"{{"value":[],"nextLink":"{origin}/api/next?a=1"}}"#)));
        script.respond(Response::new(r#"{"value":[]}"#.to_owned()));
        list.all().await.unwrap();
        assert_eq!(targets(&script)[1], "https://gw.example/p/api/next?a=1");
    }
    let (script, _, builder) = scripted();
    let list = builder.reverse_proxy("https://gw.example/p").build().unwrap().group("g").list_connections();
    script.respond(Response::new(r#"{"value":[],"nextLink":"https://gw.example/api/next"}"#));
    let error = list.all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(error.to_string().contains("https://gw.example/p or http://localhost:8080"), "{error}");
}

#[test]
fn a_proxys_address_is_checked_when_the_client_is_built() {
    for (url, rule) in [
        ("gw.example", "no scheme"),
        ("https://gw.example/p?key=planted", "no query"),
        ("https://u:planted@gw.example", "credentials"),
        ("http://gw.example", "allow_insecure_http"),
    ] {
        let builder = ServiceClient::builder("https://x.example", "chat", Credential::access_key(KEY));
        let builder = builder.reverse_proxy(url);
        assert!(!format!("{builder:?}").contains("planted"));
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{url}: {error}");
        assert!(!format!("{error:?}").contains("planted"));
    }
}
