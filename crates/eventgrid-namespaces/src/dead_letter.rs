//! Dead letters: events that the service does not deliver any more, as it stores them in Azure Blob Storage.
//!
//! An event becomes a dead letter if it is rejected, if it was delivered as often as the subscription allows, or if its time to
//! live has passed. The service writes dead letters only if the subscription has a [dead-letter
//! destination](https://learn.microsoft.com/azure/event-grid/dead-letter-event-subscriptions-namespace-topics): a container that
//! the identity of the namespace may write to. Without one, these events are dropped.
//!
//! The name of a blob is `<namespace>/<topic>/<subscription>/<year>/<month>/<day>/<hour in UTC>/<guid>.json`. It contains one or
//! more events. Download it with a client for Blob Storage, and pass its content to [`read`].
//!
//! To resubmit an event, publish it again. Every subscription of the topic then receives it, including those that have already
//! handled it. They can recognize it by its `source` and `id`, which stay the same.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
//! # let emulator = service_emulator::Emulator::start().await?;
//! # emulator.eventgrid().declare("orders", "billing");
//! # use eventgrid_namespaces::Credential;
//! # let key = Credential::access_key(emulator.eventgrid().key());
//! # let sender = eventgrid_namespaces::Sender::new(&emulator.endpoint(), "orders", key)?;
//! use eventgrid_namespaces::dead_letter;
//!
//! let blob = br#"[{
//!     "event": {"specversion": "1.0", "id": "1", "source": "/orders", "type": "com.example.order.created", "data": 5},
//!     "deadletterProperties": {"deadletterreason": "MaxDeliveryAttemptsExceeded", "deliveryattempts": 10}
//! }]"#;
//! for letter in dead_letter::read(&blob[..])? {
//!     match letter.event {
//!         Ok(event) => {
//!             println!("{} after {:?} deliveries: {:?}", event.id(), letter.deliveries, letter.reason);
//!             sender.send(event).await?;
//!         }
//!         Err(unreadable) => eprintln!("{}", unreadable.reason()),
//!     }
//! }
//! # assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
//! # Ok(()) }
//! ```

use std::time::SystemTime;

use bytes::Bytes;

use crate::event::{timestamp, without_bom};
use crate::{CloudEvent, InvalidEvent, UnreadableEvent, split};

/// The service's pages spell the name in three ways.
const PROPERTIES: [&str; 2] = ["deadletterproperties", "brokerproperties"];

/// Represents an event that the service does not deliver any more, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Contains the event, or the reason why it cannot be read.
    pub event: Result<CloudEvent, UnreadableEvent>,
    /// Contains the service's reason, such as `MaxDeliveryAttemptsExceeded`.
    pub reason: Option<String>,
    /// Counts the deliveries of the event.
    pub deliveries: Option<u32>,
    /// Contains the outcome of the last delivery.
    pub result: Option<String>,
    /// Contains the time at which the event was published.
    pub published: Option<SystemTime>,
    /// Contains the time of the last delivery.
    pub last_delivery: Option<SystemTime>,
}

/// Reads the content of a dead-letter blob: one event, a JSON array of events, or one event per line.
///
/// Reading is lenient, because the service's examples differ: the event can be the member `event` of an entry, or its attributes
/// can be next to `deadletterProperties`. Properties that are missing or malformed are `None`. A defect of one event does not
/// affect the others.
///
/// # Errors
///
/// Returns an error if the content is neither a JSON object nor an array.
pub fn read(blob: impl Into<Bytes>) -> Result<Vec<DeadLetter>, InvalidEvent> {
    let blob = blob.into();
    let json = without_bom(&blob).trim_ascii();
    let entries = match json.first() {
        Some(b'[') => split::elements(json),
        Some(b'{') if split::members(json).is_some() => Some(vec![json]),
        Some(b'{') => Some(lines(json)),
        _ => None,
    };
    let entries =
        entries.ok_or_else(|| InvalidEvent::new("the dead letters are not a JSON object or array"))?;
    Ok(entries.into_iter().map(|entry| letter(&blob, entry)).collect())
}

fn lines(json: &[u8]) -> Vec<&[u8]> {
    let lines = json.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty()).collect()
}

fn letter(blob: &Bytes, entry: &[u8]) -> DeadLetter {
    let members = split::members(entry).unwrap_or_default();
    let (properties, rest): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|(name, _)| PROPERTIES.contains(&&*name.to_ascii_lowercase()));
    let (event, json) = match split::member(&rest, "event") {
        Some(nested) => (CloudEvent::from_json(nested), nested),
        // The properties would be an extension of the event.
        None => (CloudEvent::from_json(&object(&rest)), entry),
    };
    let unreadable = |reason| UnreadableEvent::new(reason, blob.slice_ref(json));
    let properties: Vec<_> =
        properties.into_iter().filter_map(|(_, json)| split::members(json)).flatten().collect();
    let find = |name: &str| properties.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    let text = |name| serde_json::from_slice::<String>(find(name)?.1).ok();
    let time = |name| timestamp::parse(&text(name)?);
    let number = |name| {
        // One of the examples has numbers as strings.
        let as_text = || text(name)?.parse().ok();
        serde_json::from_slice(find(name)?.1).ok().or_else(as_text)
    };
    DeadLetter {
        event: event.map_err(unreadable),
        reason: text("deadletterreason"),
        deliveries: number("deliveryattempts"),
        result: text("deliveryresult"),
        published: time("publishutc"),
        last_delivery: time("deliveryattemptutc"),
    }
}

/// Writes an object with these members. Only the names are checked.
fn object(members: &[(String, &[u8])]) -> Vec<u8> {
    let mut json = vec![b'{'];
    for (name, value) in members {
        if json.len() > 1 {
            json.push(b',');
        }
        json.extend(serde_json::Value::from(name.as_str()).to_string().into_bytes());
        json.push(b':');
        json.extend_from_slice(value);
    }
    json.push(b'}');
    json
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const EVENT: &str =
        r#""specversion":"1.0","id":"A","source":"/s","type":"t","priority":"3","data":{"a":1}"#;
    const PROPERTIES: &str = r#"{"deadletterreason":"MaxDeliveryAttemptsExceeded","deliveryattempts":1,
        "deliveryresult":"Event was not acknowledged nor rejected.","publishutc":"1970-01-01T00:00:10Z",
        "deliveryattemptutc":"1970-01-01T00:00:20.5Z","customDeliveryProperties":[{"name":"x"}]}"#;

    #[test]
    fn every_documented_shape_is_read_and_the_event_can_be_published_again() {
        for shape in [
            format!(r#"{{"event":{{{EVENT}}},"deadletterProperties":{PROPERTIES}}}"#),
            format!(r#"{{{EVENT},"deadLetterProperties":{PROPERTIES}}}"#),
            format!(r#"{{"brokerProperties":{PROPERTIES},"event":{{{EVENT}}}}}"#),
        ] {
            let one_line = shape.replace('\n', " ");
            for (blob, count) in [
                (format!("\u{feff} {shape}\n"), 1),
                (format!("[{shape}, {shape}]"), 2),
                (format!("{one_line}\r\n{one_line}\n"), 2),
            ] {
                let letters = read(blob.clone()).unwrap();
                assert_eq!(letters.len(), count, "{blob}");
                for letter in letters {
                    let event = letter.event.unwrap();
                    assert_eq!(
                        (event.id(), event.data_as::<serde_json::Value>().unwrap()["a"].as_u64()),
                        ("A", Some(1))
                    );
                    let extensions: Vec<_> = event.extensions().map(|(name, _)| name).collect();
                    assert_eq!(extensions, ["priority"]);
                    assert!(event.into_builder().build().is_ok());
                    assert_eq!(letter.reason.as_deref(), Some("MaxDeliveryAttemptsExceeded"));
                    assert_eq!(letter.result.as_deref(), Some("Event was not acknowledged nor rejected."));
                    assert_eq!(letter.deliveries, Some(1));
                    assert_eq!(letter.published, Some(UNIX_EPOCH + Duration::from_secs(10)));
                    assert_eq!(letter.last_delivery, Some(UNIX_EPOCH + Duration::from_millis(20_500)));
                }
            }
        }
    }

    #[test]
    fn a_defect_does_not_affect_other_events_or_properties() {
        let blob = format!(
            r#"[{{"event":{{"specversion":"1.0"}},"deadletterProperties":{{"deliveryattempts":"7","publishutc":5}}}},7,{{{EVENT}}}]"#
        );
        let letters = read([blob.as_bytes(), b" "].concat()).unwrap();
        let unreadable = letters[0].event.as_ref().unwrap_err();
        assert_eq!(&**unreadable.json(), br#"{"specversion":"1.0"}"#);
        assert_eq!((letters[0].deliveries, letters[0].published, &letters[0].reason), (Some(7), None, &None));
        assert!(letters[1].event.is_err());
        assert!(letters[2].event.is_ok() && letters[2].deliveries.is_none());
        let damaged = read(format!("[{{{EVENT}}},{{\"event\":{{\"id\":\"").into_bytes());
        assert!(damaged.is_err(), "an array that is cut off");
    }

    #[test]
    fn what_is_not_json_is_an_error_and_no_events_are_none() {
        for blob in ["", "null", "text", "<xml/>"] {
            assert!(read(blob).is_err(), "{blob}");
        }
        assert!(read("[]").unwrap().is_empty());
    }
}
