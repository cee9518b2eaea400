//! Binary mode: attributes in headers and back, and hostile headers.

use bytes::Bytes;
use eventgrid_namespaces::{CloudEvent, Data};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::{builder, received};

fn headers(given: &[(&str, &[u8])]) -> HeaderMap {
    let required: [(&str, &[u8]); 4] =
        [("ce-specversion", b"1.0"), ("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t")];
    let pair = |(name, value): &(&str, &[u8])| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap())
    };
    let mut map: HeaderMap = required.iter().map(pair).collect();
    for (name, value) in given.iter().map(pair) {
        map.append(name, value);
    }
    map
}

/// The test vectors of the HTTP binding, and the boundaries of the escaped characters.
const VECTORS: [(&str, &str); 10] = [
    ("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
    ("100%", "100%25"),
    ("say \"hi\"", "say%20%22hi%22"),
    ("/orders?x=1", "/orders?x=1"),
    ("%20", "%2520"),
    ("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~", "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("\u{7f}\u{80}", "%7F%C2%80"),
    ("a\r\nInjected: yes", "a%0D%0AInjected:%20yes"),
    ("\t", "%09"),
    ("\0", "%00"),
];

#[test]
fn attributes_are_percent_encoded_and_decoded_once() {
    for (value, encoded) in VECTORS {
        let event = received(&json!({"subject": value, "ext": value})).unwrap();
        let (headers, _) = event.to_http().unwrap();
        assert_eq!(
            (&headers["ce-subject"], &headers["ce-ext"]),
            (&HeaderValue::from_static(encoded), &headers["ce-subject"])
        );
        let back = CloudEvent::from_http(&headers, Bytes::new()).unwrap();
        assert_eq!((back.subject(), back.extension("ext")), (Some(value), Some(&value.into())));
    }
}

#[test]
fn the_headers_of_other_senders_are_decoded() {
    for (header, value) in [
        (&b"Euro%20%e2%82%ac"[..], "Euro €"),
        (b"%41%2f", "A/"),
        (b"\"say \\\"hi\\\" \\\\ 100%25\"", "say \"hi\" \\ 100%"),
        (b"\"\"", ""),
        (b"\"", "\""),
        (b"\"open", "\"open"),
        (b"100% %zz %4", "100% %zz %4"),
        ("raw € bytes".as_bytes(), "raw € bytes"),
    ] {
        let event = CloudEvent::from_http(&headers(&[("ce-subject", header)]), Bytes::new()).unwrap();
        assert_eq!(event.subject(), Some(value));
    }
}

#[test]
fn hostile_headers_are_rejected_by_name() {
    for (given, rule) in [
        (("ce-subject", &b"%C0%A0"[..]), "`ce-subject` is not UTF-8"),
        (("ce-subject", b"\xff"), "`ce-subject` is not UTF-8"),
        (("ce-ext", b"%ED%A0%80"), "`ce-ext` is not UTF-8"),
        (("ce-id", b"2"), "`ce-id` appears twice"),
        (("ce-data", b"x"), "`ce-data` does not name an attribute"),
        (("ce-data_base64", b"x"), "`ce-data_base64` does not name an attribute"),
        (("ce-", b"x"), "`ce-` does not name an attribute"),
    ] {
        let error = CloudEvent::from_http(&headers(&[given]), Bytes::new()).unwrap_err().to_string();
        assert!(error.contains(rule), "{error}");
    }
    for name in ["specversion", "id", "source", "type"] {
        let mut headers = headers(&[]);
        headers.insert(HeaderName::try_from(format!("ce-{name}")).unwrap(), HeaderValue::from_static(""));
        assert!(
            CloudEvent::from_http(&headers, Bytes::new())
                .unwrap_err()
                .to_string()
                .contains("must not be empty")
        );
        headers.remove(format!("ce-{name}"));
        assert!(
            CloudEvent::from_http(&headers, Bytes::new()).unwrap_err().to_string().contains("is missing")
        );
    }
}

#[test]
fn the_content_type_is_that_of_the_data_and_is_not_a_ce_header() {
    let event = builder().subject("s").data_text("<a/>").datacontenttype("text/xml").build().unwrap();
    let (headers, body) = event.to_http().unwrap();
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["ce-id", "ce-source", "ce-specversion", "ce-subject", "ce-type", "content-type"]);
    assert_eq!((&headers["content-type"], &body[..]), (&HeaderValue::from_static("text/xml"), &b"<a/>"[..]));
    let mut marked = headers;
    marked.insert("ce-datacontenttype", HeaderValue::from_static("application/json"));
    assert_eq!(CloudEvent::from_http(&marked, body).unwrap(), event);
}

#[test]
fn the_body_becomes_what_the_content_type_says() {
    let json = CloudEvent::from_json(br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"a/x+json","data":[1, 2]}"#);
    let of = |kind: &'static [u8], body: &'static [u8]| {
        CloudEvent::from_http(&headers(&[("content-type", kind)]), Bytes::from_static(body)).unwrap()
    };
    assert_eq!(of(b"a/x+json", b"[1, 2]"), json.unwrap());
    assert_eq!(of(b"Text/Plain", b"hi").data(), Some(&Data::Text("hi".into())));
    assert_eq!(of(b"application/xml", b"<a/>").data(), Some(&Data::Binary("<a/>".into())));
    for (kind, body) in [(&b"application/json"[..], &b"{"[..]), (b"text/plain", b"\xff"), (b"\xff", b"x")] {
        assert_eq!(of(kind, body).data(), Some(&Data::Binary(body.into())));
    }
    assert_eq!(of(b"application/json", b"").data(), None);
    let bare = CloudEvent::from_http(&headers(&[]), Bytes::from_static(b"1")).unwrap();
    assert_eq!((bare.data(), bare.datacontenttype()), (Some(&Data::Binary("1".into())), None));
}

#[test]
fn a_body_in_another_mode_is_read_in_that_mode_or_rejected() {
    let mode = |kind: &'static [u8]| headers(&[("content-type", kind)]);
    let body = Bytes::from_static(br#"{"specversion":"1.0","id":"other","source":"/s","type":"t"}"#);
    for kind in [&b"application/cloudevents+json"[..], b"Application/CloudEvents+JSON; charset=utf-8"] {
        assert_eq!(CloudEvent::from_http(&mode(kind), body.clone()).unwrap().id(), "other");
    }
    let error = CloudEvent::from_http(&mode(b"application/CloudEvents-Batch+json"), body).unwrap_err();
    assert!(error.to_string().contains("batch"), "{error}");
}

#[test]
fn what_no_header_can_contain_is_rejected() {
    for (members, rule) in [
        (json!({"ext": [1]}), "must be a Boolean, an Integer or a String"),
        (json!({"Bad-Name": "x"}), "`a` to `z`"),
        (json!({"": "x"}), "`a` to `z`"),
        (json!({"datacontenttype": "a/b\r\nInjected: yes", "data": "x"}), "must be a valid header value"),
        (json!({"datacontenttype": "Application/CloudEvents+json", "data": {}}), "another mode"),
    ] {
        let error = received(&members).unwrap().to_http().unwrap_err().to_string();
        assert!(error.contains(rule), "{error}");
    }
}
