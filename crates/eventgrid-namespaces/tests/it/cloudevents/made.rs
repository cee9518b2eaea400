//! Building events: each rule of the attribute tables, satisfied and broken.

use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{CloudEvent, CloudEventBuilder, Error, ErrorKind, ExtensionValue};
use serde_json::json;

use super::{builder, received, written};

type Set = fn(CloudEventBuilder, &str) -> CloudEventBuilder;

/// An attribute, its setter, values that its rule allows, and values that it forbids with a word of the rule.
type Row = (&'static str, Set, &'static [&'static str], &'static [(&'static str, &'static str)]);

#[test]
fn each_attribute_keeps_the_rule_of_its_table() {
    let strings = [
        ("\u{0}", "U+0000"),
        ("a\u{1f}", "U+001F"),
        ("\u{7f}", "U+007F"),
        ("\u{9f}", "U+009F"),
        ("\u{fdd0}", "U+FDD0"),
        ("\u{ffff}", "U+FFFF"),
        ("\u{10fffe}", "U+10FFFE"),
    ];
    let table: [Row; 8] = [
        ("id", |b, v| b.id(v), &["1", "ünï😀", " ", "\u{a0}\u{fffd}"], &[("", "empty")]),
        (
            "source",
            |b, v| b.source(v),
            &[
                "/orders/123",
                "https://example.com/a?b=c#d",
                "urn:uuid:6e8bc430",
                "employee_source",
                "#",
                "%C3%BC",
                "1/a:b",
                "mailto:a@b.c",
            ],
            &[
                ("", "empty"),
                ("a b", "percent-encoded"),
                ("/ü", "percent-encoded"),
                ("<x>", "percent-encoded"),
                ("a%2", "hexadecimal"),
                ("%zz", "hexadecimal"),
                ("#a#b", "one `#`"),
                ("1a:b", "scheme"),
            ],
        ),
        ("type", |b, v| b.event_type(v), &["com.example.order.created", "x y"], &[("", "empty")]),
        ("subject", |b, v| b.subject(v), &["a/b.jpg", "Euro € 😀"], &[("", "empty")]),
        (
            "time",
            |b, v| b.time_text(v),
            &["2018-04-05T17:31:00Z", "2018-04-05T17:31:00.1234567+02:00"],
            &[
                ("", "RFC 3339"),
                ("2018-04-05", "RFC 3339"),
                ("2018-04-05 17:31:00Z", "RFC 3339"),
                ("now", "RFC 3339"),
            ],
        ),
        (
            "dataschema",
            |b, v| b.dataschema(v),
            &["https://example.com/schema", "urn:schema:1", "http://EXAMPLE.com#/defs/a"],
            &[
                ("", "empty"),
                ("#", "absolute URI"),
                ("/schema", "absolute URI"),
                ("a b:c", "percent-encoded"),
            ],
        ),
        (
            "datacontenttype",
            |b, v| b.datacontenttype(v),
            &[
                "application/json",
                "Application/JSON",
                "text/xml; charset=utf-8",
                "a/b+c;x=\"y; z\";w=v",
                r#"a/b;x="q\"; z""#,
            ],
            &[
                ("", "empty"),
                ("json", "media type"),
                ("a/", "media type"),
                ("a/b c", "media type"),
                ("a/b; c", "media type"),
                ("a/b;c=", "media type"),
                ("a/b/c", "media type"),
            ],
        ),
        ("ext1", |b, v| b.extension("ext1", v), &["", "any thing € 😀"], &[]),
    ];
    for (name, set, allowed, forbidden) in table {
        for value in allowed {
            let event =
                set(builder(), value).build().unwrap_or_else(|error| panic!("{name} {value:?}: {error}"));
            assert_eq!(written(&event)[name], *value, "{name}");
        }
        let everywhere: &[(&str, &str)] = if name == "time" { &[] } else { &strings };
        for (value, rule) in forbidden.iter().chain(everywhere) {
            let error = set(builder(), value).build().unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{name}`")) && error.contains(rule),
                "{name} {value:?}: {error}"
            );
        }
    }
}

#[test]
fn extension_names_are_not_reserved_and_consist_of_lowercase_letters_and_digits() {
    for name in ["a", "comexampleextension1", "1", "longerthantwentycharactersisallowed"] {
        assert!(builder().extension(name, true).build().is_ok(), "{name}");
    }
    for name in ["", "Bad-Name", "UPPER", "with_underscore", "ünicode", "a b"] {
        let error = builder().extension(name, true).build().unwrap_err().to_string();
        assert!(error.contains("`a` to `z`") && error.contains(&format!("{name:?}")), "{error}");
    }
    for name in [
        "id",
        "source",
        "type",
        "specversion",
        "time",
        "subject",
        "dataschema",
        "datacontenttype",
        "data",
        "data_base64",
    ] {
        let error = builder().extension(name, true).build().unwrap_err().to_string();
        assert!(error.contains("reserved by CloudEvents"), "{error}");
    }
}

#[test]
fn extensions_are_written_by_their_types() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
    let event = builder()
        .extension("flag", false)
        .extension("least", i32::MIN)
        .extension("most", i32::MAX)
        .extension("word", "5")
        .extension("bytes", ExtensionValue::from_bytes([4, 6, 7]))
        .extension("moment", ExtensionValue::from_time(time).unwrap())
        .build()
        .unwrap();
    let expected = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "flag": false, "least": i32::MIN,
        "most": i32::MAX, "word": "5", "bytes": "BAYH", "moment": "1970-01-01T00:00:01.5Z"});
    assert_eq!(written(&event), expected);
    let read = CloudEvent::from_json(expected.to_string().as_bytes()).unwrap();
    assert_eq!(read, event);
    let value = |name| read.extension(name).unwrap();
    assert_eq!(
        (value("flag").as_bool(), value("most").as_integer(), value("word").as_str()),
        (Some(false), Some(i32::MAX), Some("5"))
    );
    assert_eq!(
        (value("bytes").to_bytes().unwrap(), value("moment").to_time().unwrap()),
        (vec![4, 6, 7], time)
    );
    assert!(value("word").to_time().is_err() && value("most").to_bytes().is_err());
}

#[test]
fn data_is_written_in_the_form_that_its_content_type_requires() {
    let value = json!({"total": 5});
    for (made, expected) in [
        (builder().data_json(&value), json!({"data": {"total": 5}})),
        (builder().data_json("a string"), json!({"data": "a string"})),
        (builder().data_json_text("{\"total\": 5}"), json!({"data": {"total": 5}})),
        (
            builder().data_json(&value).datacontenttype("image/json"),
            json!({"data": {"total": 5}, "datacontenttype": "image/json"}),
        ),
        (builder().data_text("{}"), json!({"data": "{}", "datacontenttype": "text/plain"})),
        (
            builder().data_text("<a/>").datacontenttype("text/xml"),
            json!({"data": "<a/>", "datacontenttype": "text/xml"}),
        ),
        (
            builder().data_bytes(vec![1, 2, 3], "application/json"),
            json!({"data_base64": "AQID", "datacontenttype": "application/json"}),
        ),
        (builder(), json!({})),
    ] {
        assert_eq!(written(&made.build().unwrap()), written(&received(&expected).unwrap()), "{expected}");
    }
}

#[test]
fn data_that_contradicts_its_content_type_is_rejected() {
    let made = builder().data_json(&1).datacontenttype("text/plain");
    assert!(made.build().unwrap_err().to_string().contains("must be a JSON media type"));
    let made = builder().data_text("{}").datacontenttype("application/json");
    assert!(made.build().unwrap_err().to_string().contains("must not be a JSON media type"));
    assert!(builder().data_json_text("{").build().unwrap_err().to_string().contains("not JSON"));
    let keyed_by_list = std::collections::HashMap::from([(vec![1], "planted")]);
    let error = builder().data_json(&keyed_by_list).build().unwrap_err().to_string();
    assert!(error.contains("cannot be serialized as JSON") && !error.contains("planted"), "{error}");
}

#[test]
fn the_first_broken_rule_is_an_invalid_input_of_the_crate() {
    let error: Error = builder().subject("").build().unwrap_err().into();
    assert_eq!(
        (error.kind(), error.to_string().contains("`subject` must not be empty")),
        (ErrorKind::InvalidInput, true)
    );
}

#[test]
fn every_event_has_a_unique_id_and_by_default_no_time() {
    let (one, two) = (CloudEvent::new("/s", "t", &1).unwrap(), CloudEvent::new("/s", "t", &1).unwrap());
    assert_ne!(one.id(), two.id());
    assert_eq!((one.id().len(), one.id().as_bytes()[14], one.time()), (36, b'4', None));
    assert_eq!(one.clone().id(), one.id());
}

#[test]
fn a_changed_copy_keeps_the_rest_and_is_checked_again() {
    let event = received(&json!({"ext": 1, "data": [1]})).unwrap();
    let changed = event.into_builder().subject("new").build().unwrap();
    assert_eq!(
        written(&changed),
        json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "ext": 1, "data": [1], "subject": "new"})
    );
    for broken in
        [json!({"dataschema": "#"}), json!({"Ext": 1}), json!({"ext": 1.5}), json!({"specversion": "0.3"})]
    {
        assert!(received(&broken).unwrap().into_builder().build().is_err(), "{broken}");
    }
}
