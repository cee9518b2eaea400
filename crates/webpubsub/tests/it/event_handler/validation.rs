//! The validation of a new webhook, and the origins that events are accepted from.

use bytes::Bytes;
use http::{Method, Request, Response};
use webpubsub::event_handler::{Handled, Webhook};

use super::support::*;

fn options(origins: &[&str]) -> Request<Bytes> {
    let mut builder = Request::options("/upstream?event=validate").header("ce-awpsversion", "1.0");
    for origin in origins {
        builder = builder.header("WebHook-Request-Origin", *origin);
    }
    builder.body(Bytes::new()).unwrap()
}

fn listing(origins: &[&str]) -> Webhook {
    let builder = TestHandler::accepting().builder().access_key(KEY);
    origins.iter().fold(builder, |builder, origin| builder.allowed_origin(*origin)).build().unwrap()
}

fn allowed(response: &Response<Bytes>) -> Vec<&str> {
    let values = response.headers().get_all("WebHook-Allowed-Origin").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn every_origin_is_allowed_while_none_is_listed() {
    for webhook in [listing(&[]), listing(&["*"]), listing(&["other.example", "*"])] {
        let response = respond(&webhook, options(&[ORIGIN])).await;
        assert_eq!((parts(&response), allowed(&response)), ((200, ""), vec!["*"]));
    }
}

#[tokio::test]
async fn of_several_requested_origins_the_listed_ones_are_allowed() {
    let webhook = listing(&["A.example", "b.example:8080", "d.example"]);
    for (asking, named) in [
        (&["a.example"][..], &["a.example"][..]),
        (&["x.example, a.example ,B.example:8080"], &["a.example", "B.example:8080"]),
        (&[" , ,\ta.example\t,"], &["a.example"]),
        (&["x.example", "d.example"], &["d.example"]),
    ] {
        let response = respond(&webhook, options(asking)).await;
        assert_eq!((parts(&response), allowed(&response)), ((200, ""), named.to_vec()), "{asking:?}");
    }
}

#[tokio::test]
async fn a_foreign_origin_is_rejected_and_named() {
    let webhook = listing(&["a.example"]);
    for asking in ["x.example", "a.example.x", "xa.example", "https://a.example", "a.example:80", "*", "x, y"]
    {
        let response = respond(&webhook, options(&[asking])).await;
        assert_eq!((response.status().as_u16(), allowed(&response)), (401, vec![]), "{asking}");
        assert!(body(&response).contains(asking), "{}", body(&response));
    }
}

#[tokio::test]
async fn a_validation_without_an_origin_is_a_bad_request() {
    for asking in [&[][..], &[""], &[" , "]] {
        let response = respond(&listing(&[]), options(asking)).await;
        assert_eq!(parts(&response), (400, "the header WebHook-Request-Origin is missing"));
        assert!(allowed(&response).is_empty());
    }
}

#[tokio::test]
async fn a_request_that_the_service_did_not_send_is_returned_unchanged() {
    let preflight = Request::options("/upstream").header("Origin", "https://page.example");
    let mut others = vec![preflight.header("WebHook-Request-Origin", ORIGIN).body(Bytes::new()).unwrap()];
    others.push(Request::post("/upstream").header("ce-type", "com.other").body(Bytes::from("{}")).unwrap());
    for method in [Method::GET, Method::PUT, Method::HEAD, Method::DELETE] {
        let builder = Request::builder().method(method).header("ce-awpsversion", "1.0");
        others.push(builder.body(Bytes::from("kept")).unwrap());
    }
    for other in others {
        let (method, headers, body) = (other.method().clone(), other.headers().clone(), other.body().clone());
        let Handled::NotOurs(back) = listing(&[]).handle(other).await else { panic!("{method} taken") };
        assert_eq!((back.method(), back.headers(), back.body()), (&method, &headers, &body));
    }
}

#[tokio::test]
async fn an_event_is_accepted_from_a_listed_origin_only() {
    let good = [ORIGIN, "x.example, NAME.webpubsub.azure.com"];
    let bad = ["x.example", "webpubsub.azure.com", ""];
    let webhook = listing(&[ORIGIN]);
    for (origin, status) in good.map(|it| (it, 204)).into_iter().chain(bad.map(|it| (it, 401))) {
        let mut request = connect("{}");
        request.headers_mut().insert("WebHook-Request-Origin", origin.parse().unwrap());
        assert_eq!(respond(&webhook, request).await.status(), status, "{origin}");
    }
    let mut request = connect("{}");
    request.headers_mut().remove("WebHook-Request-Origin");
    assert_eq!(respond(&webhook, request).await.status(), 401);
}
