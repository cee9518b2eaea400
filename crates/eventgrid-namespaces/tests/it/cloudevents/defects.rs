//! Defects that were observed in the official libraries of other languages.

use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{CloudEvent, Data};
use serde_json::{Value, json};

use super::{builder, received, written};

#[test]
fn data_that_counts_as_nothing_elsewhere_is_kept_both_ways() {
    for value in [json!(0), json!(false), json!(""), json!(null), json!([]), json!({})] {
        let event = received(&json!({"data": value})).unwrap();
        assert_eq!(event.data_as::<Value>().unwrap(), value);
        assert_eq!(written(&event).get("data"), Some(&value));
        let event = builder().data_json(&value).build().unwrap();
        assert_eq!(written(&event).get("data"), Some(&value));
    }
}

#[test]
fn bytes_arrive_as_bytes_and_not_as_base64_text() {
    let event =
        received(&json!({"data_base64": "AQID", "datacontenttype": "application/octet-stream"})).unwrap();
    assert_eq!(event.data(), Some(&Data::Binary(vec![1, 2, 3].into())));
}

#[test]
fn extensions_are_kept_both_ways() {
    let members = json!({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "count": 7, "flag": true});
    let event = received(&members).unwrap();
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(written(&event)[name], *value);
    }
    let copy = event.into_builder().build().unwrap();
    assert_eq!(copy.extensions().map(|(name, _)| name).collect::<Vec<_>>(), ["count", "flag", "traceparent"]);
}

#[test]
fn json_data_has_no_content_type_of_an_envelope() {
    let event = CloudEvent::new("/s", "t", &json!({"a": 1})).unwrap();
    assert_eq!(event.datacontenttype(), None);
    let (headers, _) = event.to_http().unwrap();
    assert_eq!(headers["content-type"], "application/json");
}

#[test]
fn a_time_with_an_offset_is_that_moment() {
    let event = received(&json!({"time": "2024-04-10T10:12:46.2525140-07:00"})).unwrap();
    let moment = SystemTime::UNIX_EPOCH + Duration::new(1_712_769_166, 252_514_000);
    assert_eq!(event.time(), Some(Ok(moment)));
    assert_eq!(written(&event)["time"], "2024-04-10T10:12:46.2525140-07:00");
    assert_eq!(builder().time(moment).build().unwrap().time_text(), Some("2024-04-10T17:12:46.252514Z"));
}

#[test]
fn an_event_as_storage_accounts_send_it_is_read() {
    let event =
        received(&json!({"dataschema": "#", "subject": "/blobServices/default", "data": {"api": "PutBlob"}}))
            .unwrap();
    assert_eq!(event.dataschema(), Some("#"));
}

#[test]
fn an_attribute_is_kept_letter_by_letter() {
    let members = json!({"dataschema": "http://EXAMPLE.com", "time": "2018-04-05T17:31:00.1234567+02:00"});
    let event = received(&members).unwrap();
    assert_eq!(
        (&written(&event)["dataschema"], &written(&event)["time"]),
        (&members["dataschema"], &members["time"])
    );
}

#[test]
fn a_string_that_holds_json_stays_a_string() {
    let event = received(&json!({"data": "{\"a\":1}"})).unwrap();
    assert_eq!(event.data_as::<String>().unwrap(), "{\"a\":1}");
}
