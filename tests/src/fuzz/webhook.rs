//! Requests to the event handler of Web PubSub: no unsigned request reaches the application, and what it responds arrives.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use sha2::Sha256;
use tower_service::Service as _;
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, Context, Data, Disconnected, EventHandler, Handled, Result, UserEvent,
    UserEventResponse, Webhook,
};

use super::{block_on, message};

const KEY: &str = "key-of-the-resource";
const ORIGIN: &str = "name.webpubsub.azure.com";
/// Stands for the valid signature, which no mutation would find.
const PLACEHOLDER: &[u8] = b"{valid}";

/// What the application saw: the connection, and the data of a user event.
type Seen = Arc<Mutex<Vec<(String, Option<Bytes>)>>>;

struct Echo(Seen);

impl Echo {
    fn saw(&self, context: &Context, data: Option<Bytes>) {
        let _ = (context.mqtt(), context.state().map(|state| state.decode::<serde_json::Value>().is_ok()));
        assert!(context.is_verified());
        self.0.lock().unwrap().push((context.connection_id().to_owned(), data));
    }
}

#[async_trait]
impl EventHandler for Echo {
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Result<ConnectResponse> {
        self.saw(context, None);
        let response = ConnectResponse::accept().groups(["lobby"]);
        Ok(match request.subprotocols.into_iter().next() {
            Some(first) => response.subprotocol(first),
            None => response,
        })
    }

    async fn connected(&self, context: &Context) -> Result {
        self.saw(context, None);
        Ok(())
    }

    async fn disconnected(&self, context: &Context, _: Disconnected) -> Result {
        self.saw(context, None);
        Ok(())
    }

    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        assert!(!event.name().is_empty());
        let _ = (event.metadata(), event.mqtt_user_properties().count());
        let data = Bytes::copy_from_slice(event.data().as_bytes());
        self.saw(context, Some(data.clone()));
        Ok(match event.into_data() {
            Data::Text(text) => UserEventResponse::text(text),
            _ => UserEventResponse::binary(data),
        })
    }

    async fn group_joined(&self, context: &Context, group: &str) -> Result {
        self.saw(context, Some(Bytes::copy_from_slice(group.as_bytes())));
        Ok(())
    }

    async fn group_left(&self, context: &Context, group: &str) -> Result {
        self.saw(context, Some(Bytes::copy_from_slice(group.as_bytes())));
        Ok(())
    }
}

fn receiver(seen: &Seen) -> Webhook {
    Webhook::builder("chat", Echo(Arc::clone(seen))).access_key(KEY).allowed_origin(ORIGIN).build().unwrap()
}

/// A request, in which `{valid}` is replaced by the valid signature.
fn signed(data: &[u8]) -> Option<Request<Bytes>> {
    let mut request = message::request(data)?;
    let connection = request.headers().get("ce-connectionid").map(|id| id.as_bytes().to_vec());
    let valid = signature(&connection.unwrap_or_default());
    for (name, value) in request.headers_mut() {
        if name == "ce-signature" && value.as_bytes() == PLACEHOLDER {
            *value = HeaderValue::from_str(&valid).unwrap();
        }
    }
    Some(request)
}

fn signature(connection: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(connection);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

/// A request.
pub(super) fn webhook(data: &[u8]) {
    let Some(request) = signed(data) else { return };
    let (seen, of_service) = (Seen::default(), Seen::default());
    let handled = block_on(receiver(&seen).handle(request.clone()));
    let mut service = receiver(&of_service);
    let served = block_on(async {
        let response = service.call(request.clone().map(Full::new)).await;
        let (head, body) = response.unwrap_or_else(|never: Infallible| match never {}).into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    });
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, *of_service.lock().unwrap());
    let response = match handled {
        Handled::Response(response) => response,
        Handled::NotOurs(returned) => {
            assert!(seen.is_empty());
            assert_eq!(returned.body(), request.body());
            return;
        }
    };
    assert_eq!((response.status(), response.headers()), (served.status(), served.headers()));
    assert_eq!(response.body(), served.body());
    check(&request, &response, &seen);
}

fn check(request: &Request<Bytes>, response: &Response<Bytes>, seen: &[(String, Option<Bytes>)]) {
    let status = response.status();
    let [(connection, data)] = seen else {
        assert!(seen.is_empty(), "one request is one event");
        assert!(!status.is_server_error(), "{status}");
        return;
    };
    let headers = request.headers();
    let listed = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(|item| item.trim().to_owned()).collect::<Vec<_>>()
    };
    let valid = signature(connection.as_bytes());
    let is_signed = listed("ce-signature").iter().any(|item| item.eq_ignore_ascii_case(&valid));
    assert!(is_signed, "an unsigned request reached the application");
    let origins = listed("webhook-request-origin");
    assert!(
        origins.iter().any(|origin| origin.eq_ignore_ascii_case(ORIGIN)),
        "a foreign origin was accepted"
    );
    assert!(headers["ce-hub"].as_bytes().eq_ignore_ascii_case(b"chat"));
    assert!(status.is_success(), "the application accepted, but the response is {status}");
    let is_user_event = headers["ce-type"].as_bytes().starts_with(b"azure.webpubsub.user.");
    if let (true, Some(data)) = (is_user_event, data) {
        assert_eq!(response.body(), data, "the response is what the application returned");
        assert_eq!(status.as_u16(), if data.is_empty() { 204 } else { 200 });
    }
}
