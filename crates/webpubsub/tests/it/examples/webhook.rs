//! The example `webhook` as the service sees it.

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;
use webpubsub::BoxError;
use webpubsub::event_handler::Webhook;

use crate::event_handler::support::*;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/webhook.rs"]
mod example;

async fn ask(request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let mut app = example::app(Webhook::builder("chat", example::Chat).access_key(KEY).build()?);
    let response = app.call(request.map(axum::body::Body::from)).await?;
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, axum::body::to_bytes(body, 1000).await?))
}

#[tokio::test]
async fn signed_in_clients_join_the_lobby_and_others_are_rejected() {
    let accepted = ask(connect("{}")).await.unwrap();
    assert_eq!(parts(&accepted), (200, r#"{"groups":["lobby"]}"#));
    let mut anonymous = connect("{}");
    anonymous.headers_mut().remove("ce-userId");
    assert_eq!(parts(&ask(anonymous).await.unwrap()), (401, "sign in first"));
}

#[tokio::test]
async fn the_messages_of_a_connection_are_counted_in_its_state() {
    let mut state = ask(connect("{}")).await.unwrap().headers()["ce-connectionState"].clone();
    for number in 1..4 {
        let builder = event("azure.webpubsub.user.message").header("ce-connectionState", state);
        let response = ask(with_body(builder, "text/plain", "hi")).await.unwrap();
        assert_eq!(parts(&response), (200, format!("hi, number {number}").as_str()));
        state = response.headers()["ce-connectionState"].clone();
    }
}
