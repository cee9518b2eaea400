//! Writing the JSON format, with the attributes first and the data last.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{CloudEvent, Data, ExtensionValue, Json};

/// Serializes the event in the [JSON format](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md):
/// JSON verbatim in `data`, text as a string in `data`, bytes in `data_base64`.
impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members(|name, value| map.serialize_entry(name, &value))?;
        map.end()
    }
}

impl CloudEvent {
    /// Appends what serde_json writes for the event, but faster. serde_json inspects every character, including those of names.
    /// Here, attributes without characters that JSON escapes, which are most, cost little more than a copy.
    pub(crate) fn write_json(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut before = b'{';
        self.members(|name, value| {
            json.push(before);
            before = b',';
            match value {
                Member::Extension(_) => write_text(json, name)?,
                _ => quote(json, name),
            }
            json.push(b':');
            match value {
                Member::Text(text) => write_text(json, text)?,
                Member::Json(value) => json.extend_from_slice(value.as_bytes()),
                Member::Bytes(_) | Member::Extension(_) => serde_json::to_writer(&mut *json, &value)?,
            }
            Ok(())
        })?;
        json.push(b'}');
        Ok(())
    }

    /// Calls `each` for the members of the event's object, in order.
    fn members<E>(&self, mut each: impl FnMut(&str, Member<'_>) -> Result<(), E>) -> Result<(), E> {
        each("specversion", Member::Text(&self.specversion))?;
        each("id", Member::Text(&self.id))?;
        each("source", Member::Text(&self.source))?;
        each("type", Member::Text(&self.event_type))?;
        for (name, value) in self.optional() {
            if let Some(value) = value {
                each(name, Member::Text(value))?;
            }
        }
        for (name, value) in &self.extensions {
            each(name, Member::Extension(value))?;
        }
        match &self.data {
            Some(Data::Json(json)) => each("data", Member::Json(json)),
            Some(Data::Text(text)) => each("data", Member::Text(text)),
            Some(Data::Binary(bytes)) => each("data_base64", Member::Bytes(bytes)),
            None => Ok(()),
        }
    }

    /// Returns the optional attributes and their names.
    pub(super) fn optional(&self) -> [(&'static str, &Option<String>); 4] {
        [
            ("subject", &self.subject),
            ("time", &self.time),
            ("datacontenttype", &self.datacontenttype),
            ("dataschema", &self.dataschema),
        ]
    }
}

/// The value of a member.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Text(&'a str),
    Extension(&'a ExtensionValue),
    Json(&'a Json),
    #[serde(serialize_with = "base64")]
    Bytes(&'a [u8]),
}

/// Writes base64 without an intermediate copy.
fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

/// Writes a JSON string.
pub(super) fn write_text(json: &mut Vec<u8>, text: &str) -> serde_json::Result<()> {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    // Without an early exit, the compiler vectorizes the loop.
    if !text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        return serde_json::to_writer(json, text);
    }
    quote(json, text);
    Ok(())
}

/// Writes a JSON string that needs no escapes.
fn quote(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_event_is_written_as_serde_json_writes_it(
            texts in proptest::collection::vec("[\\x00-\\x7f]{1,9}|[ -~é😀]{1,40}", 9),
            given in any::<[bool; 4]>(),
            extensions in proptest::collection::btree_map("[a-z\"\\\\]{1,3}", prop_oneof![
                any::<bool>().prop_map(ExtensionValue::from),
                any::<i32>().prop_map(ExtensionValue::from),
                any::<String>().prop_map(ExtensionValue::from),
            ], 0..3),
            data in proptest::option::of(prop_oneof![
                any::<String>().prop_map(|text| Data::Json(Json::of(&[text]).unwrap())),
                any::<String>().prop_map(Data::Text),
                any::<Vec<u8>>().prop_map(|bytes| Data::Binary(bytes.into())),
            ]),
        ) {
            let optional = |place: usize| given[place].then(|| texts[place].clone());
            let event = CloudEvent {
                specversion: texts[4].clone().into(),
                id: texts[5].clone(),
                source: texts[6].clone(),
                event_type: texts[7].clone(),
                subject: optional(0),
                time: optional(1),
                datacontenttype: optional(2),
                dataschema: optional(3),
                extensions,
                data,
            };
            let mut written = texts[8].clone().into_bytes();
            event.write_json(&mut written).unwrap();
            prop_assert_eq!(written, [texts[8].as_bytes(), &serde_json::to_vec(&event).unwrap()].concat());
        }
    }
}
