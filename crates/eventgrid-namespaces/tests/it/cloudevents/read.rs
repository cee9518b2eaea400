//! Received events: what is read although it breaks a rule, and what cannot be read.

use eventgrid_namespaces::{CloudEvent, Data, ExtensionValue};
use serde_json::{Value, json};

use super::{received, written};

#[test]
fn a_byte_order_mark_before_json_is_skipped() {
    let json = "\u{feff}{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}";
    assert_eq!(CloudEvent::from_json(json.as_bytes()).unwrap().id(), "1");
    let event =
        CloudEvent::builder("/s", "t").data_bytes("\u{feff}7".as_bytes().to_vec(), "application/json");
    assert_eq!(event.build().unwrap().data_as::<u8>().unwrap(), 7);
}

fn data(members: &Value) -> Option<Data> {
    received(members).unwrap().into_data()
}

#[test]
fn the_examples_of_the_specification_are_read_and_written_back() {
    // JSON format 1.0.2, sections 3.2 and 4.
    for example in [
        json!({"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "subject": null,
            "id": "C234-1234-1234", "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value",
            "comexampleothervalue": 5, "datacontenttype": "application/json",
            "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": true}}),
        json!({"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "id": "B234-1234-1234",
            "time": "2018-04-05T17:31:00Z", "comexampleextension1": "value", "comexampleothervalue": 5,
            "unsetextension": null, "datacontenttype": "application/xml", "data": "<much wow=\"xml\"/>"}),
        json!({"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "id": "D234-1234-1234",
            "datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "b64Xbase64/+"}),
        json!({"specversion": "1.0", "type": "com.example.someevent", "source": "/mycontext", "id": "1", "data": 1.50}),
    ] {
        let event = CloudEvent::from_json(example.to_string().as_bytes()).unwrap();
        let mut expected = example;
        expected.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(written(&event), expected);
    }
}

#[test]
fn a_null_attribute_is_absent_and_null_data_is_data() {
    let event =
        received(&json!({"subject": null, "time": null, "ext": null, "data_base64": null, "data": null}))
            .unwrap();
    assert_eq!((event.subject(), event.time_text(), event.extensions().len()), (None, None, 0));
    let Some(Data::Json(json)) = event.data() else { panic!("no data") };
    assert!(json.is_null());
    assert_eq!(written(&event)["data"], Value::Null);
    assert!(written(&event).as_object().unwrap().contains_key("data"));
}

#[test]
fn texts_that_break_rules_are_kept_as_received() {
    let broken = json!({"source": "not a uri", "dataschema": "#", "time": "yesterday", "subject": "", "specversion": "1.1-draft",
        "datacontenttype": "nonsense", "data": "x"});
    let event = received(&broken).unwrap();
    assert_eq!(written(&event), {
        let mut expected = broken;
        expected
            .as_object_mut()
            .unwrap()
            .extend(json!({"id": "1", "type": "t"}).as_object().unwrap().clone());
        expected
    });
    assert!(event.time().unwrap().unwrap_err().to_string().contains("yesterday"));
    assert_eq!(
        (event.specversion(), event.dataschema(), event.source()),
        ("1.1-draft", Some("#"), "not a uri")
    );
}

#[test]
fn extensions_of_any_kind_are_kept() {
    let json = br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","yes":true,"n":-5,"s":"\u00e9","big":3000000000,
        "whole":1.0,"power":1e2,"fraction":1.50,"list":[1, 2],"object":{"b":1,"a":2},"Bad-Name":"x"}"#;
    let event = CloudEvent::from_json(json).unwrap();
    let value = |name: &str| event.extension(name).unwrap();
    assert_eq!((value("yes"), value("n"), value("s")), (&true.into(), &(-5).into(), &"é".into()));
    for (name, text) in [
        ("big", "3000000000"),
        ("whole", "1.0"),
        ("power", "1e2"),
        ("fraction", "1.50"),
        ("list", "[1, 2]"),
        ("object", r#"{"b":1,"a":2}"#),
    ] {
        let ExtensionValue::Json(json) = value(name) else { panic!("{name}") };
        assert_eq!(json.as_str(), text);
    }
    assert_eq!(value("Bad-Name").as_str(), Some("x"));
    assert_eq!(CloudEvent::from_json(&serde_json::to_vec(&event).unwrap()).unwrap(), event);
}

#[test]
fn the_content_type_distinguishes_json_from_text() {
    for kind in [
        None,
        Some("application/json"),
        Some("Application/JSON"),
        Some("application/vnd.api+json; charset=utf-8"),
        Some("image/json"),
    ] {
        for value in [json!({"a": 1}), json!("{\"a\":1}"), json!(0)] {
            let Some(Data::Json(json)) = data(&json!({"datacontenttype": kind, "data": value})) else {
                panic!("{kind:?} {value}")
            };
            assert_eq!(json.decode::<Value>().unwrap(), value);
        }
    }
    for kind in ["text/plain", "application/json-seq", "application/xml"] {
        assert_eq!(
            data(&json!({"datacontenttype": kind, "data": "\u{e9}\n"})),
            Some(Data::Text("é\n".into()))
        );
        let event = received(&json!({"datacontenttype": kind, "data": {"a": 1}})).unwrap();
        assert_eq!(
            (event.data_as::<Value>().unwrap(), &written(&event)["data"]),
            (json!({"a": 1}), &json!({"a": 1}))
        );
    }
}

#[test]
fn bytes_stay_bytes_regardless_of_their_content() {
    let event = received(&json!({"data_base64": "eyJhIjoxfQ=="})).unwrap();
    assert_eq!(event.data(), Some(&Data::Binary(r#"{"a":1}"#.into())));
    assert!(event.data_as::<Value>().unwrap_err().to_string().contains("bytes, not JSON"));
    let event =
        received(&json!({"data_base64": "eyJhIjoxfQ", "datacontenttype": "application/json"})).unwrap();
    assert_eq!(event.data_as::<Value>().unwrap(), json!({"a": 1}));
    assert_eq!(written(&event)["data_base64"], "eyJhIjoxfQ==");
    assert_eq!(data(&json!({"data": null, "data_base64": "AQID"})), Some(Data::Binary(vec![1, 2, 3].into())));
    assert_eq!(data(&json!({"data_base64": ""})), Some(Data::Binary(Vec::new().into())));
}

#[test]
fn data_that_does_not_match_the_requested_type_is_an_error() {
    for (members, reason) in [
        (json!({}), "no data"),
        (
            json!({"data": "planted", "datacontenttype": "text/plain"}),
            "text with the content type \"text/plain\"",
        ),
        (json!({"data": "planted"}), "expected u32"),
        (
            json!({"data_base64": "cGxhbnRlZA==", "datacontenttype": "a/b"}),
            "bytes with the content type \"a/b\"",
        ),
    ] {
        let error = received(&members).unwrap().data_as::<u32>().unwrap_err().to_string();
        assert!(error.contains(reason) && !error.contains("planted"), "{error}");
    }
}

#[test]
fn missing_required_attributes_are_rejected_by_name() {
    for name in ["specversion", "id", "source", "type"] {
        for (value, rule) in
            [(json!(null), "missing"), (json!(""), "empty"), (json!(5), "string"), (json!(["x"]), "string")]
        {
            let error = received(&json!({name: value})).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")) && error.contains(rule), "{error}");
        }
    }
    for name in ["subject", "time", "datacontenttype", "dataschema", "data_base64"] {
        let error = received(&json!({name: {"planted": 1}})).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}` must be a string")), "{error}");
    }
}

#[test]
fn what_is_not_an_event_is_rejected_without_repeating_it() {
    for (text, rule) in [
        (&b""[..], "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\"planted\"", "not a JSON object"),
        (b"{\"planted\":", "at line 1 column 11"),
        (b"{\"a\":planted}", "at line 1 column"),
        (b"{} {}", "at line 1 column"),
        (b"{\"id\":\"\\ud800\"}", "not valid JSON"),
        (b"\xff", "UTF-8"),
        (br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":"AQID"}"#, "both"),
        (
            br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"planted!"}"#,
            "not base64",
        ),
    ] {
        let error = CloudEvent::from_json(text).unwrap_err().to_string();
        assert!(error.contains(rule) && !error.contains("planted"), "{error}");
    }
}

#[test]
fn of_a_repeated_name_the_last_one_wins() {
    let json = br#"{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t","ext":1,"ext":"x","data":1,"data":2}"#;
    let event = CloudEvent::from_json(json).unwrap();
    assert_eq!((event.id(), event.extension("ext"), event.data_as::<u8>()), ("2", Some(&"x".into()), Ok(2)));
}

#[test]
fn a_list_of_events_is_read_from_one_json_array() {
    let list = json!([{"specversion": "1.0", "id": "\u{1F600}", "source": "/s", "type": "t"}]);
    let events: Vec<CloudEvent> = serde_json::from_value(list.clone()).unwrap();
    assert_eq!(events[0].id(), "😀");
    assert_eq!(serde_json::from_str::<Vec<CloudEvent>>(&list.to_string()).unwrap(), events);
}
