//! Writing an event straight into the body of a request. It is separate because no event exists meanwhile: the attributes are
//! borrowed, and the data is written only once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::encode::write_text;
use super::{CloudEvent, Data, InvalidEvent, Json, SPEC_VERSION, id, rules};

/// What [`CloudEvent::new`] would create an event from.
pub(crate) struct Direct<'a, T: ?Sized> {
    id: Uuid,
    source: &'a str,
    event_type: &'a str,
    data: &'a T,
}

impl<'a, T: Serialize + ?Sized> Direct<'a, T> {
    pub(crate) fn new(source: &'a str, event_type: &'a str, data: &'a T) -> Self {
        Self { id: id::random_uuid(), source, event_type, data }
    }

    /// Appends the event, and returns the position of its data.
    ///
    /// # Errors
    ///
    /// Returns an error if an attribute breaks a rule of the specification or if the data cannot be serialized. Part of the
    /// event may have been appended.
    pub(crate) fn write_json(&self, json: &mut Vec<u8>) -> Result<usize, InvalidEvent> {
        rules::uri_reference("source", self.source)?;
        rules::filled("type", self.event_type)?;
        let unwritable = |_| InvalidEvent::new("the data cannot be serialized as JSON");
        json.extend_from_slice(br#"{"specversion":"1.0","id":""#);
        json.extend_from_slice(self.id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
        json.extend_from_slice(br#"","source":"#);
        write_text(json, self.source).map_err(unwritable)?;
        json.extend_from_slice(br#","type":"#);
        write_text(json, self.event_type).map_err(unwritable)?;
        json.extend_from_slice(br#","data":"#);
        let start = json.len();
        serde_json::to_writer(&mut *json, self.data).map_err(unwritable)?;
        json.push(b'}');
        Ok(start)
    }

    /// Creates the event, even if it breaks a rule. It has no data if the data cannot be serialized.
    pub(crate) fn to_event(&self) -> CloudEvent {
        CloudEvent {
            specversion: Cow::Borrowed(SPEC_VERSION),
            id: self.id.to_string(),
            source: self.source.to_owned(),
            event_type: self.event_type.to_owned(),
            subject: None,
            time: None,
            datacontenttype: None,
            dataschema: None,
            extensions: BTreeMap::new(),
            data: Json::of(self.data).ok().map(Data::Json),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_event_is_written_as_if_it_had_been_created(
            source in "[a-z/?&;=~]{1,20}",
            event_type in "[a-z.]{1,20}|[ -~é😀]{1,40}",
            data in any::<(String, f64, Vec<i32>)>(),
            before in any::<Vec<u8>>(),
        ) {
            let event = Direct::new(&source, &event_type, &data);
            let mut written = before.clone();
            let start = event.write_json(&mut written).unwrap();
            prop_assert_eq!(&written[start..], [&*serde_json::to_vec(&data).unwrap(), b"}"].concat());
            prop_assert_eq!(written, [before, serde_json::to_vec(&event.to_event()).unwrap()].concat());
            let created = CloudEvent::new(&*source, &*event_type, &data).unwrap();
            let created = created.into_builder().id(event.id.to_string()).build().unwrap();
            prop_assert_eq!(event.to_event(), created);
        }
    }
}
