//! Properties of every event: it survives a round trip in each mode, and no input makes the reader panic.

use bytes::Bytes;
use eventgrid_namespaces::{CloudEvent, Data, EventBatch, ExtensionValue};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

/// Strings of any allowed characters.
const TEXT: &str = "[^\\p{Cc}\\p{Cn}]{1,12}";

/// Random numbers that are the same in every run (SplitMix64).
fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn a_hundred_thousand_random_numbers_are_read_exactly_as_they_were_written() {
    let (mut seed, unit) = (7, |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64);
    let mut numbers = vec![0.42433994906060596, -0.0, 5e-324, f64::MAX];
    while numbers.len() < 100_000 {
        let bits = random(&mut seed);
        numbers.extend([f64::from_bits(bits), unit(bits)].into_iter().filter(|number| number.is_finite()));
    }
    for number in numbers {
        let event = CloudEvent::new("/s", "t", &number).unwrap();
        let event = CloudEvent::from_json(&serde_json::to_vec(&event).unwrap()).unwrap();
        assert_eq!(event.data_as::<f64>().unwrap().to_bits(), number.to_bits(), "{number:e}");
    }
}

fn extension() -> impl Strategy<Value = ExtensionValue> {
    prop_oneof![
        any::<bool>().prop_map(ExtensionValue::Boolean),
        any::<i32>().prop_map(ExtensionValue::Integer),
        TEXT.prop_map(ExtensionValue::String),
    ]
}

#[derive(Debug, Clone)]
enum Payload {
    Json(Value),
    Text(String),
    Bytes(Vec<u8>),
}

fn payload() -> impl Strategy<Value = Payload> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    let json = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z]{0,4}", inner, 0..4).prop_map(Value::from_iter),
        ]
    });
    prop_oneof![
        json.prop_map(Payload::Json),
        any::<String>().prop_map(Payload::Text),
        vec(any::<u8>(), 0..64).prop_map(Payload::Bytes),
    ]
}

prop_compose! {
    fn event()(
        id in TEXT,
        source in "(/[a-z0-9%]{0}[a-z~._-]{0,6}){1,3}(\\?[a-z]=%C3%BC)?",
        subject in option::of(TEXT),
        time in option::of("20[0-9]{2}-1[0-2]-[0-2][1-9]T1[0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]1[0-9]:30)"),
        extensions in btree_map("x[a-z0-9]{0,8}", extension(), 0..4),
        payload in payload(),
    ) -> CloudEvent {
        let mut builder = CloudEvent::builder(source, "t").id(id);
        if let Some(subject) = subject {
            builder = builder.subject(subject);
        }
        if let Some(time) = time {
            builder = builder.time_text(time);
        }
        for (name, value) in extensions {
            builder = builder.extension(name, value);
        }
        let builder = match payload {
            Payload::Json(value) => builder.data_json(&value),
            Payload::Text(text) => builder.data_text(text),
            Payload::Bytes(bytes) => builder.data_bytes(bytes, "application/octet-stream"),
        };
        builder.build().unwrap()
    }
}

/// An event after a round trip in binary mode: extensions are strings, the content type is explicit, empty data is no data.
fn as_binary_mode_has_it(event: &CloudEvent) -> (Vec<(String, String)>, Option<&str>, Option<&Data>) {
    let extensions = event.extensions().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
    let empty = matches!(event.data(), Some(Data::Text(text)) if text.is_empty())
        || matches!(event.data(), Some(Data::Binary(bytes)) if bytes.is_empty());
    let kind = event.datacontenttype().or(Some("application/json"));
    (extensions, kind, event.data().filter(|_| !empty))
}

proptest! {
    #[test]
    fn every_event_comes_back_from_structured_mode(event in event()) {
        let json = serde_json::to_vec(&event).unwrap();
        prop_assert_eq!(CloudEvent::from_json(&json).unwrap(), event);
    }

    #[test]
    fn every_batch_comes_back_and_counts_its_bytes(events in vec(event(), 1..5)) {
        let json = serde_json::to_vec(&events).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Vec<CloudEvent>>(&json).unwrap(), &events);
        let batch = EventBatch::try_from(events).unwrap();
        prop_assert_eq!(batch.bytes(), json.len());
    }

    #[test]
    fn every_event_comes_back_from_binary_mode(event in event()) {
        let (headers, body) = event.to_http().unwrap();
        let back = CloudEvent::from_http(&headers, body).unwrap();
        prop_assert_eq!(as_binary_mode_has_it(&back), as_binary_mode_has_it(&event));
        let attributes = |event: &CloudEvent| {
            [Some(event.id()), Some(event.source()), Some(event.event_type()), event.subject(), event.time_text()]
                .map(|text| text.map(str::to_owned))
        };
        prop_assert_eq!(attributes(&back), attributes(&event));
        for (name, value) in &headers {
            let visible = name != "content-type" && value.as_bytes().iter().all(u8::is_ascii_graphic);
            prop_assert!(visible || name == "content-type", "{name}");
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,a-z0-9\\\\ ]{0,60}") {
        let _ = CloudEvent::from_json(&bytes);
        let _ = CloudEvent::from_json(text.as_bytes());
    }

    #[test]
    fn an_event_with_random_members_is_read_or_rejected_and_stays_the_same(
        members in btree_map("subject|time|data|data_base64|datacontenttype|dataschema|[ -~]{0,4}", "[0-9]{1,12}|-?[0-9]\\.[0-9]|true|null|\"[ !#-\\[\\]-~é😀]{0,9}\"|\\[1 ,2\\]", 0..6),
    ) {
        let mut json = String::from(r#"{"specversion":"1.0","id":"1","source":"/s","type":"t""#);
        for (name, value) in members {
            json.push_str(&format!(",{}:{value}", serde_json::to_string(&name).unwrap()));
        }
        json.push('}');
        if let Ok(event) = CloudEvent::from_json(json.as_bytes()) {
            let again = CloudEvent::from_json(&serde_json::to_vec(&event).unwrap()).unwrap();
            prop_assert_eq!(again, event);
        }
    }

    #[test]
    fn random_headers_never_panic(
        headers in vec(("ce-[a-z0-9_-]{0,8}|content-type", vec(any::<u8>().prop_filter("a header's byte", |byte| *byte >= 32 && *byte != 127), 0..20)), 0..8),
        body in vec(any::<u8>(), 0..20),
    ) {
        let mut map: HeaderMap = ["specversion", "id", "source", "type"]
            .map(|name| (HeaderName::try_from(format!("ce-{name}")).unwrap(), HeaderValue::from_static("1.0"))).into_iter().collect();
        for (name, value) in headers {
            map.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(&value).unwrap());
        }
        if let Ok(event) = CloudEvent::from_http(&map, Bytes::from(body)) {
            let _ = event.to_http();
            serde_json::to_vec(&event).unwrap();
        }
    }
}
