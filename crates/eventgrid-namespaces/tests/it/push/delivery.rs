//! Deliveries: the forms of a body, and the status of each outcome.

use std::time::{Duration, SystemTime};

use eventgrid_namespaces::TraceContext;
use eventgrid_namespaces::push::Notice;
use http_body_util::Full;
use service_core::testing::ManualClock;
use tower_service::Service;

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn objects_arrays_and_binary_mode_are_read_whatever_the_content_type() {
    let (builder, seen) = webhook();
    let webhook = builder.query_secret("code", "old").query_secret("code", "s3cret").build().unwrap();
    let types = [
        "Application/CloudEvents+JSON",
        "application/cloudevents-batch+json; charset=utf-8",
        "application/json",
    ];
    for content_type in types {
        for body in
            [event("one", "t"), format!(" [{}, {}]", event("a", "t"), event("b", "t")), "[]".to_owned()]
        {
            let mut request = post(body);
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
            assert_eq!(send(&webhook, request).await.status(), 200, "{content_type}");
        }
    }
    assert_eq!(*seen.lock().unwrap(), ["one", "a", "b"].repeat(3));
    for content_type in ["text/plain", "application/json"] {
        let binary = Request::post("/?code=s3cret")
            .header("content-type", content_type)
            .header("ce-specversion", "1.0");
        let binary = binary.header("ce-id", "binary").header("ce-source", "/s").header("ce-type", "t");
        assert_eq!(send(&webhook, binary.body(Bytes::from_static(b"5")).unwrap()).await.status(), 200);
        assert_eq!(seen.lock().unwrap().pop().unwrap(), "binary");
    }
}

#[tokio::test]
async fn a_body_with_the_content_type_of_cloudevents_is_structured_despite_binary_headers() {
    let (builder, seen) = webhook();
    let webhook = builder.accept_unverified().build().unwrap();
    for (content_type, body) in [
        (STRUCTURED, event("body", "t")),
        ("Application/CloudEvents+JSON", event("body", "t")),
        ("application/cloudevents-batch+json", format!("[{}]", event("body", "t"))),
    ] {
        let mut request = post(body);
        for (name, value) in [("specversion", "1.0"), ("id", "header"), ("source", "/s"), ("type", "t")] {
            let name = http::HeaderName::try_from(format!("ce-{name}")).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        assert_eq!(send(&webhook, request).await.status(), 200, "{content_type}");
    }
    assert_eq!(*seen.lock().unwrap(), ["body", "body", "body"]);
}

#[tokio::test]
async fn a_typed_handler_gets_the_data_and_other_data_is_400_and_reported() {
    let (seen, notices) = (Seen::default(), Seen::default());
    let (handled, noted) = (Arc::clone(&seen), Arc::clone(&notices));
    let handler = move |data: std::collections::BTreeMap<String, u32>, context: Context| {
        let id = context.delivery().id.as_deref().unwrap_or_default().to_owned();
        handled.lock().unwrap().push(format!("{id}: {}", data["total"]));
        async {}
    };
    let hook = move |notice: &Notice<'_>| noted.lock().unwrap().push(notice.to_string());
    let webhook = Webhook::typed(handler).accept_unverified().on_notice(hook).build().unwrap();
    assert_eq!(send(&webhook, post(event("a", "t"))).await.status(), 200);
    let other = event("b", "t").replace('5', "\"secret\"");
    assert_eq!(send(&webhook, post(format!("[{other},{}]", event("c", "t")))).await.status(), 400);
    assert_eq!(*seen.lock().unwrap(), ["a: 5", "c: 5"]);
    let notices = notices.lock().unwrap();
    let start =
        r#"could not read the data of event "b" from "/orders" (delivery 1): the JSON does not match"#;
    assert!(notices.len() == 1 && notices[0].starts_with(start), "{notices:?}");
    assert!(!notices[0].contains("secret"), "{notices:?}");
}

#[tokio::test]
async fn the_status_is_what_makes_the_service_act_as_the_handler_decided() {
    let notices: Seen = Seen::default();
    let noted = Arc::clone(&notices);
    let hook = move |notice: &Notice<'_>| noted.lock().unwrap().push(notice.to_string());
    let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
    let (builder, seen) = webhook();
    let webhook = builder.accept_unverified().clock(Arc::new(clock)).on_notice(hook).build().unwrap();
    for (kind, status, noted) in [
        ("t", 200, ""),
        ("release", 503, "delay"),
        ("reject", 400, ""),
        ("fail", 500, "failed: planted"),
        ("panic", 500, "panicked: planted"),
        ("hang", 503, "deadline of 25s"),
    ] {
        assert_eq!(send(&webhook, post(event("1", kind))).await.status(), status, "{kind}");
        let notices = std::mem::take(&mut *notices.lock().unwrap());
        assert_eq!(notices.len(), usize::from(!noted.is_empty()), "{kind}");
        assert!(notices.iter().all(|notice| notice.contains(noted)), "{notices:?}");
    }
    // A batch has one status: to retry has precedence, and every event is handled.
    seen.lock().unwrap().clear();
    let batch = |kinds: &[&str]| {
        format!("[{}]", kinds.iter().map(|kind| event(kind, kind)).collect::<Vec<_>>().join(","))
    };
    assert_eq!(send(&webhook, post(batch(&["t", "reject", "t"]))).await.status(), 400);
    assert_eq!(send(&webhook, post(batch(&["release", "reject", "t"]))).await.status(), 503);
    assert_eq!(*seen.lock().unwrap(), ["t", "reject", "t", "release", "reject", "t"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_400_and_the_other_events_of_the_batch_are_handled() {
    let (builder, seen) = webhook();
    let webhook = builder.accept_unverified().build().unwrap();
    let basic = r#"{"id":"1","eventType":"t","subject":"s","data":{}}"#.to_owned();
    for body in
        ["{}".to_owned(), "nonsense".to_owned(), "[{]".to_owned(), format!("[{basic}]"), String::new()]
    {
        assert_eq!(send(&webhook, post(body.clone())).await.status(), 400, "{body}");
    }
    assert_eq!(
        send(&webhook, post(format!("[{}, {{}}, {}]", event("a", "t"), event("b", "t")))).await.status(),
        400
    );
    assert_eq!(*seen.lock().unwrap(), ["a", "b"]);
    let mut other = post(event("1", "t"));
    other.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(send(&webhook, other).await.status(), 400);
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_it_is_declared_or_not() {
    let (builder, seen) = webhook();
    let body = event("1", "t");
    let webhook = builder.accept_unverified().body_limit(body.len()).build().unwrap();
    let larger = || post(format!("{body} "));
    assert_eq!(send(&webhook, post(body.clone())).await.status(), 200);
    assert_eq!(send(&webhook, larger()).await.status(), 413);
    assert_eq!(webhook.clone().call(larger().map(Full::new)).await.unwrap().status(), 413);
    let mut declared = post("");
    declared.headers_mut().insert("content-length", "18446744073709551615".parse().unwrap());
    assert_eq!(send(&webhook, declared).await.status(), 413);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_or_missing_secret_is_401_and_the_body_is_not_read() {
    let (builder, seen) = webhook();
    let webhook = builder.header_secret("x-key", "old").header_secret("X-Key", "new").build().unwrap();
    for (keys, status) in [
        (vec!["old"], 200),
        (vec!["new"], 200),
        (vec!["forged"], 401),
        (vec![""], 401),
        (vec![], 401),
        (vec!["new", "new"], 401),
    ] {
        let mut request = post(event("1", "t"));
        for key in &keys {
            request.headers_mut().append("x-key", key.parse().unwrap());
        }
        assert_eq!(send(&webhook, request).await.status(), status, "{keys:?}");
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_removal_of_a_subscription_delivers_nothing() {
    let (builder, seen) = webhook();
    let webhook = builder.accept_unverified().build().unwrap();
    for kind in ["unsubscribe", "SubscriptionDeletion"] {
        let mut request = post("[{}]");
        request.headers_mut().insert("aeg-event-type", kind.parse().unwrap());
        assert_eq!(send(&webhook, request).await.status(), 200);
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_handler_and_its_span_get_the_trace_context_of_the_event() {
    let contexts: Arc<Mutex<Vec<Option<TraceContext>>>> = Arc::default();
    let (of_handler, of_span) = (Arc::clone(&contexts), Arc::clone(&contexts));
    let handler = move |_: CloudEvent, context: Context| {
        assert!(!context.is_lock_lost() && context.delivery_count() == 1);
        of_handler.lock().unwrap().push(context.trace_context().cloned());
        async {}
    };
    let span = move |_: &eventgrid_namespaces::EventDelivery, context: Option<&TraceContext>| {
        of_span.lock().unwrap().push(context.cloned());
        tracing::Span::none()
    };
    let webhook = Webhook::builder(handler)
        .accept_unverified()
        .span(span)
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    let traced = event("1", "t").replace("\"data\"", &format!("\"traceparent\":\"{TRACE}\",\"data\""));
    assert_eq!(send(&webhook, post(traced)).await.status(), 200);
    let expected = Some(TraceContext::new(TRACE).unwrap());
    assert_eq!(*contexts.lock().unwrap(), [expected.clone(), expected]);
}
