//! Signatures: which requests are accepted, according to the test vector of the reference.

use http::Request;
use webpubsub::event_handler::{Check, Webhook};

use super::support::*;

fn webhook(keys: &[&str]) -> Webhook {
    keys.iter()
        .fold(TestHandler::accepting().builder(), |builder, key| builder.access_key(*key))
        .build()
        .unwrap()
}

/// Returns the status of a `connect` with these signature headers.
async fn status(webhook: &Webhook, signatures: &[&str]) -> u16 {
    let mut builder = unsigned("azure.webpubsub.sys.connect");
    for signature in signatures {
        builder = builder.header("ce-signature", *signature);
    }
    respond(webhook, with_body(builder, JSON, "{}")).await.status().as_u16()
}

#[tokio::test]
async fn any_listed_signature_by_any_known_key_is_enough() {
    let [first, second] = SIGNATURES;
    let both = [KEY, SECOND_KEY];
    for keys in [&both[..1], &both[1..], &both, &["other", SECOND_KEY, KEY]] {
        let webhook = webhook(keys);
        for listed in
            [format!("{first},{second}"), format!("{second},{first}"), format!(" {first} ,\t{second} ")]
        {
            assert_eq!(status(&webhook, &[&listed]).await, 204, "{listed}");
        }
        assert_eq!(status(&webhook, &[first, second]).await, 204);
        assert_eq!(status(&webhook, &["sha256=00", ",,", "md5=1", second, first]).await, 204);
    }
    assert_eq!(status(&webhook(&[KEY]), &[first]).await, 204);
    assert_eq!(status(&webhook(&[KEY]), &[second]).await, 401);
    assert_eq!(status(&webhook(&["other"]), &[first, second]).await, 401);
}

#[tokio::test]
async fn the_digits_may_be_in_either_case() {
    for signature in SIGNATURES {
        let upper = signature.to_ascii_uppercase();
        assert_eq!(status(&webhook(&[KEY, SECOND_KEY]), &[&upper]).await, 204);
    }
}

#[tokio::test]
async fn one_wrong_digit_at_any_position_is_rejected() {
    let webhook = webhook(&[KEY, SECOND_KEY]);
    for signature in SIGNATURES {
        for at in 7..signature.len() {
            let digit = if &signature[at..=at] == "0" { "1" } else { "0" };
            let forged = format!("{}{digit}{}", &signature[..at], &signature[at + 1..]);
            assert_eq!(status(&webhook, &[&forged]).await, 401, "{forged}");
        }
    }
}

#[tokio::test]
async fn a_malformed_signature_is_rejected() {
    let webhook = webhook(&[KEY]);
    let digits = &SIGNATURES[0][7..];
    for bad in [
        String::new(),
        "sha256=".to_owned(),
        digits.to_owned(),
        format!("sha1={digits}"),
        format!("sha256={}", &digits[..63]),
        format!("sha256={digits}0"),
        format!("sha256= {digits}"),
        format!("sha256={}+", &digits[..63]),
        format!("sha256={digits}{digits}"),
    ] {
        assert_eq!(status(&webhook, &[&bad]).await, 401, "{bad}");
    }
    assert_eq!(status(&webhook, &[]).await, 401);
}

#[tokio::test]
async fn a_signature_of_another_connection_is_rejected() {
    let mut request = connect("{}");
    request.headers_mut().insert("ce-connectionId", "conn2".parse().unwrap());
    let response = respond(&webhook(&[KEY]), request).await;
    assert_eq!(parts(&response), (401, "ce-signature matches none of the access keys"));
}

#[tokio::test]
async fn a_request_for_another_hub_is_rejected_and_case_does_not_matter() {
    for (hub, status) in [("chat", 204), ("CHAT", 204), ("chat2", 401), ("cha", 401), ("", 400)] {
        let mut request = connect("{}");
        request.headers_mut().insert("ce-hub", hub.parse().unwrap());
        assert_eq!(respond(&webhook(&[KEY]), request).await.status(), status, "{hub}");
    }
}

#[tokio::test]
async fn the_name_of_the_hub_is_revealed_to_no_sender() {
    let other_hub = |builder: http::request::Builder| {
        let mut request = with_body(builder, JSON, "{}");
        request.headers_mut().insert("ce-hub", "other".parse().unwrap());
        request
    };
    let (unsigned, forged) =
        (|| unsigned("azure.webpubsub.sys.connect"), ["sha256=", &"0".repeat(64)].concat());
    let open = TestHandler::accepting().builder().accept_unverified().build().unwrap();
    for (webhook, request, expected) in [
        (webhook(&[KEY]), unsigned(), "the header ce-signature is missing"),
        (
            webhook(&[KEY]),
            unsigned().header("ce-signature", forged),
            "ce-signature matches none of the access keys",
        ),
        (
            webhook(&[KEY]),
            event("azure.webpubsub.sys.connect"),
            "ce-hub is not the hub of this webhook, got \"other\"",
        ),
        (open, unsigned(), "ce-hub is not the hub of this webhook, got \"other\""),
    ] {
        let response = respond(&webhook, other_hub(request)).await;
        assert_eq!(parts(&response), (401, expected));
    }
    let mut request = with_body(unsigned(), JSON, "{}");
    request.headers_mut().remove("ce-hub");
    let response = respond(&webhook(&[KEY]), request).await;
    assert_eq!(
        parts(&response),
        (401, "the header ce-signature is missing"),
        "nothing else is checked before"
    );
}

#[tokio::test]
async fn a_duplicate_of_a_single_header_is_rejected() {
    for name in ["ce-connectionId", "ce-hub", "ce-userId", "ce-type", "ce-connectionState", "Content-Type"] {
        let mut request = connect("{}");
        let value = request.headers().get(name).cloned();
        request.headers_mut().insert(name, "a".parse().unwrap());
        request.headers_mut().append(name, value.unwrap_or_else(|| "b".parse().unwrap()));
        let response = respond(&webhook(&[KEY]), request).await;
        let parts = parts(&response);
        assert!(parts.0 == 400 && parts.1.contains("more than once"), "{name} {parts:?}");
    }
}

#[tokio::test]
async fn a_forged_request_is_rejected_by_its_head_alone_and_reaches_no_handler() {
    let (handler, seen) = TestHandler::recording();
    let webhook = handler.webhook();
    let (head, ()) = unsigned("azure.webpubsub.user.x").body(()).unwrap().into_parts();
    let Check::Response(rejected) = webhook.check(&head.method, &head.headers) else {
        panic!("not rejected")
    };
    assert_eq!(rejected.status(), 401);
    assert!(seen.take().is_empty());
}

#[tokio::test]
async fn an_unverified_webhook_accepts_unsigned_requests_and_says_so() {
    let handler = TestHandler::on_connect(|context, _| {
        assert!(!context.is_verified());
        Ok(Default::default())
    });
    let webhook = handler.builder().accept_unverified().build().unwrap();
    assert_eq!(status(&webhook, &[]).await, 204);
    let verified = TestHandler::on_connect(|context, _| {
        assert!(context.is_verified());
        Ok(Default::default())
    });
    assert_eq!(respond(&verified.webhook(), connect("{}")).await.status(), 204);
    let get = Request::get("/").body(bytes::Bytes::new()).unwrap();
    assert!(matches!(webhook.check(get.method(), get.headers()), Check::NotOurs));
}
