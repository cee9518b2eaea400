//! Random requests: each one gets a response, and no handler sees an unsigned one.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use proptest::prelude::*;
use webpubsub::event_handler::Handled;

use super::support::*;

const NAMES: [&str; 14] = [
    "ce-awpsversion",
    "ce-type",
    "ce-hub",
    "ce-connectionid",
    "ce-signature",
    "ce-userid",
    "ce-eventname",
    "ce-subprotocol",
    "ce-connectionstate",
    "ce-physicalconnectionid",
    "webhook-request-origin",
    "content-type",
    "content-length",
    "mqtt-x",
];

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..80),
        "(azure\\.webpubsub\\.)?(sys|user|gp)\\.[a-z.]{0,9}".prop_map(String::into_bytes),
        "(sha256=[0-9a-fA-F]{60,66},? ?){0,3}".prop_map(String::into_bytes),
        "(application/json|text/plain|mqtt|,| |;|=|chat|conn1){0,6}".prop_map(String::into_bytes),
    ]
}

fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

proptest! {
    #[test]
    fn a_hostile_request_gets_a_response_or_is_returned_and_reaches_no_handler(
        method in prop_oneof![Just(Method::POST), Just(Method::OPTIONS), Just(Method::GET)],
        whole in any::<bool>(),
        headers in proptest::collection::vec((0..NAMES.len(), hostile()), 0..16),
        body in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let (handler, seen) = TestHandler::recording();
        let mut request = if whole {
            with_body(unsigned("azure.webpubsub.user.x"), "a/b", body)
        } else {
            Request::new(Bytes::from(body))
        };
        *request.method_mut() = method;
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().append(HeaderName::from_static(NAMES[name]), value);
            }
        }
        if let Handled::Response(response) = block_on(handler.webhook().handle(request)) {
            prop_assert!(response.status().is_success() || response.status().is_client_error());
        }
        prop_assert!(seen.take().is_empty());
    }

    #[test]
    fn a_signed_event_with_any_body_and_more_headers_gets_a_response(
        kind in prop_oneof![
            Just("sys.connect"), Just("sys.connected"), Just("sys.disconnected"), Just("gp.joined"), Just("gp.left"),
            Just("user.x"), Just("sys.new"),
        ],
        json in any::<bool>(),
        headers in proptest::collection::vec((5..NAMES.len(), hostile()), 0..8),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..100),
            "[\\[\\]{}\":,a-z0-9]{0,40}".prop_map(String::into_bytes),
            "\\{\"(claims|query|mqtt|group|reason|subprotocols)\":(null|1|\"x\"|\\[\\]|\\{\\}|\\{\"a\":[0-9]\\})\\}"
                .prop_map(String::into_bytes),
        ],
    ) {
        let content_type = if json { JSON } else { "text/plain" };
        let mut request = with_body(event(&format!("azure.webpubsub.{kind}")), content_type, body);
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().insert(HeaderName::from_static(NAMES[name]), value);
            }
        }
        let response = block_on(respond(&TestHandler::accepting().webhook(), request));
        prop_assert!([200, 204, 400, 413].contains(&response.status().as_u16()), "{}", response.status());
    }

    #[test]
    fn only_the_right_signature_is_taken(signature in proptest::collection::vec(any::<u8>(), 32)) {
        let digits: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
        let builder = unsigned("azure.webpubsub.user.x").header("ce-signature", format!("sha256={digits}"));
        let response = block_on(respond(&TestHandler::accepting().webhook(), with_body(builder, "a/b", "")));
        prop_assert_eq!(response.status(), 401);
    }
}
