//! Reading the JSON format in one pass over the text: attributes are copied, data is kept verbatim.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{CloudEvent, Data, ExtensionValue, InvalidEvent, Json, SPEC_VERSION, data, without_bom};

impl CloudEvent {
    /// Reads an event in the JSON format.
    ///
    /// Reading is lenient, as [`CloudEvent`] describes. In addition:
    ///
    /// * An attribute that is `null` is absent, whereas `data: null` is data. Next to `data_base64`, `data: null` is ignored.
    /// * If a name appears twice, the last one wins.
    /// * The padding of base64 is optional.
    /// * A byte order mark before the JSON is skipped.
    /// * JSON data is kept as JSON even if the media type is not JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not one JSON object, if a required attribute is missing or empty, if an attribute other
    /// than an extension is not a string, if both `data` and `data_base64` are present, or if `data_base64` is not base64.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventgrid_namespaces::CloudEvent;
    /// # fn main() -> Result<(), eventgrid_namespaces::InvalidEvent> {
    /// let json = br##"{"specversion":"1.0","id":"1","source":"/s","type":"t","dataschema":"#","data":{"total":5}}"##;
    /// let event = CloudEvent::from_json(json)?;
    /// assert_eq!((event.dataschema(), event.event_type()), (Some("#"), "t"));
    /// # Ok(()) }
    /// ```
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidEvent> {
        let text = std::str::from_utf8(without_bom(json))
            .map_err(|_| InvalidEvent::new("the event is not UTF-8"))?;
        if !text.trim_start().starts_with('{') {
            return Err(InvalidEvent::new("the event is not a JSON object"));
        }
        let members: Members<'_> = serde_json::from_str(text)
            .map_err(|error| InvalidEvent::json("the event is not valid JSON", &error))?;
        members.event()
    }
}

/// Reads the JSON format. Supports JSON deserializers only.
impl<'de> Deserialize<'de> for CloudEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(raw.get().as_bytes()).map_err(D::Error::custom)
    }
}

/// An event that is read as part of a larger JSON text, in the same pass. Its errors are less detailed.
pub(crate) struct Embedded(pub(crate) CloudEvent);

impl<'de> Deserialize<'de> for Embedded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer)?.event().map(Self).map_err(D::Error::custom)
    }
}

/// The members of the object, before any validation. Only texts with escapes have been copied.
#[derive(Default)]
struct Members<'a> {
    specversion: Member<'a>,
    id: Member<'a>,
    source: Member<'a>,
    event_type: Member<'a>,
    subject: Member<'a>,
    time: Member<'a>,
    datacontenttype: Member<'a>,
    dataschema: Member<'a>,
    data: Option<&'a RawValue>,
    data_base64: Member<'a>,
    extensions: BTreeMap<String, ExtensionValue>,
}

impl Members<'_> {
    fn event(self) -> Result<CloudEvent, InvalidEvent> {
        let specversion = self.specversion.required("specversion")?;
        let known = specversion == SPEC_VERSION;
        let datacontenttype = self.datacontenttype.optional("datacontenttype")?;
        let data = data_of(self.data, self.data_base64, datacontenttype.as_deref())?;
        Ok(CloudEvent {
            specversion: if known {
                Cow::Borrowed(SPEC_VERSION)
            } else {
                Cow::Owned(specversion.into_owned())
            },
            id: self.id.required("id")?.into_owned(),
            source: self.source.required("source")?.into_owned(),
            event_type: self.event_type.required("type")?.into_owned(),
            subject: self.subject.optional("subject")?.map(Cow::into_owned),
            time: self.time.optional("time")?.map(Cow::into_owned),
            datacontenttype: datacontenttype.map(Cow::into_owned),
            dataschema: self.dataschema.optional("dataschema")?.map(Cow::into_owned),
            extensions: self.extensions,
            data,
        })
    }
}

fn data_of(
    data: Option<&RawValue>,
    base64: Member<'_>,
    content_type: Option<&str>,
) -> Result<Option<Data>, InvalidEvent> {
    match (data, base64.optional("data_base64")?) {
        (None, None) => Ok(None),
        (Some(data), Some(_)) if data.get() != "null" => {
            Err(InvalidEvent::new("the event must not have both `data` and `data_base64`"))
        }
        (_, Some(base64)) => {
            let bytes = BASE64.decode(&*base64);
            let bytes = bytes.map_err(|_| InvalidEvent::new("`data_base64` is not base64"))?;
            Ok(Some(Data::Binary(bytes.into())))
        }
        (Some(data), None) if data.get().starts_with('"') && !data::is_json(content_type) => {
            let text = serde_json::from_str(data.get());
            text.map(Data::Text)
                .map(Some)
                .map_err(|error| InvalidEvent::json("`data` is not a string", &error))
        }
        (Some(data), None) => Ok(Some(Data::Json(Json::raw(data)))),
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The value of a member that should be a string.
#[derive(Default)]
enum Member<'a> {
    /// Absent or `null`, which are equivalent.
    #[default]
    None,
    Text(Cow<'a, str>),
    /// JSON of another kind.
    Other,
}

impl<'a> Member<'a> {
    fn optional(self, name: &str) -> Result<Option<Cow<'a, str>>, InvalidEvent> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Other => Err(InvalidEvent::new(format!("the event's `{name}` must be a string"))),
        }
    }

    fn required(self, name: &str) -> Result<Cow<'a, str>, InvalidEvent> {
        match self.optional(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(InvalidEvent::new(format!("the event's `{name}` must not be empty"))),
            None => Err(InvalidEvent::new(format!("the event's `{name}` is missing"))),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Member<'de>, A::Error> {
        IgnoredAny.visit_seq(list).map(|_| Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member<'de>, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Member::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "specversion" => members.specversion = map.next_value()?,
                "id" => members.id = map.next_value()?,
                "source" => members.source = map.next_value()?,
                "type" => members.event_type = map.next_value()?,
                "subject" => members.subject = map.next_value()?,
                "time" => members.time = map.next_value()?,
                "datacontenttype" => members.datacontenttype = map.next_value()?,
                "dataschema" => members.dataschema = map.next_value()?,
                "data" => members.data = Some(map.next_value()?),
                "data_base64" => members.data_base64 = map.next_value()?,
                _ => {
                    if let Some(value) = ExtensionValue::read(map.next_value()?).map_err(A::Error::custom)? {
                        members.extensions.insert(name.into_owned(), value);
                    }
                }
            }
        }
        Ok(members)
    }
}

/// A member's name, borrowed if it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}
