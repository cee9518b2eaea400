//! Requests to the push receiver of Event Grid: only those with the secret reach the handler, and each event is either handled or
//! reported as unreadable.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::Bytes;
use eventgrid_namespaces::push::{Handled, Notice, Webhook};
use eventgrid_namespaces::testing::ManualClock;
use eventgrid_namespaces::{BoxError, CloudEvent, Context};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower_service::Service as _;

use super::{block_on, message};

const SECRET: &str = "s3cret-of-the-webhook";

#[derive(Debug, Default)]
struct Seen {
    handled: Vec<CloudEvent>,
    unreadable: usize,
}

fn webhook(seen: &Arc<Mutex<Seen>>) -> Webhook {
    let (of_handler, of_notices) = (Arc::clone(seen), Arc::clone(seen));
    let handler = move |event: CloudEvent, _: Context| {
        of_handler.lock().unwrap().handled.push(event);
        async { Ok::<(), BoxError>(()) }
    };
    let on_notice = move |notice: &Notice<'_>| match notice {
        Notice::Unreadable { .. } => of_notices.lock().unwrap().unreadable += 1,
        other => panic!("{other}"),
    };
    let builder = Webhook::builder(handler).header_secret("x-key", SECRET).on_notice(on_notice);
    builder.clock(Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH))).build().unwrap()
}

/// A request.
pub(super) fn push(data: &[u8]) {
    let Some(request) = message::request(data) else { return };
    let (seen, of_service) = (Arc::default(), Arc::default());
    let handled = block_on(webhook(&seen).handle(request.clone()));
    let mut service = webhook(&of_service);
    let served = block_on(async {
        let response = service
            .call(request.clone().map(Full::new))
            .await
            .unwrap_or_else(|never: Infallible| match never {});
        let (head, body) = response.into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    });
    let seen = seen.lock().unwrap();
    let of_service = of_service.lock().unwrap();
    assert_eq!((&seen.handled, seen.unreadable), (&of_service.handled, of_service.unreadable));
    let response = match handled {
        Handled::Response(response) => response,
        Handled::NotOurs(returned) => {
            assert_eq!(returned.body(), request.body());
            assert!(seen.handled.is_empty());
            return;
        }
    };
    assert_eq!((response.status(), response.body()), (served.status(), served.body()));
    check(&request, &response, &seen);
}

fn check(request: &Request<Bytes>, response: &Response<Bytes>, seen: &Seen) {
    let status = response.status();
    assert!(!status.is_server_error(), "{status}");
    let total = seen.handled.len() + seen.unreadable;
    if total > 0 {
        let mut secrets = request.headers().get_all("x-key").iter();
        assert!(
            secrets.any(|value| value.as_bytes() == SECRET.as_bytes()),
            "an event without the secret was handled"
        );
        assert_eq!(request.method(), Method::POST);
        assert_eq!(status, if seen.unreadable > 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK });
    }
    // Where the body is a list in valid JSON, each element counts once, and is read as if it were alone.
    let in_headers = request.headers().contains_key("ce-specversion");
    if let (true, false, Ok(elements)) =
        (total > 0, in_headers, serde_json::from_slice::<Vec<Value>>(request.body()))
    {
        assert_eq!(total, elements.len(), "an event was lost");
    }
    for event in &seen.handled {
        let json = serde_json::to_vec(event).unwrap();
        assert_eq!(&CloudEvent::from_json(&json).unwrap(), event);
    }
}
