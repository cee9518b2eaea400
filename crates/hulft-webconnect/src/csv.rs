//! Lists as CSV, for spreadsheets and scripts. The columns are the members of the service's JSON, in the order of the model's
//! fields, and do not depend on the rows.

use std::collections::HashMap;
use std::fmt;
use std::io;

use serde::de::value::Error as DeError;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::Row;

/// Writes rows as CSV: a line with the names of the columns, then one line per row.
///
/// The columns are the members of the service's JSON. Times are written with their time zone. A list of texts is one cell, with
/// `;` between the texts; other nested values are written as JSON. Missing values are empty cells.
///
/// The text is UTF-8 without a byte order mark, and follows RFC 4180 with `\n` at the end of each line. Values are written as
/// received: a spreadsheet may take a text that begins with `=`, `+`, `-`, or `@` for a formula.
///
/// # Errors
///
/// Returns an error if the writer fails.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
/// # let site = builder.endpoint(emulator.endpoint()).build()?;
/// # emulator.hulft().add_sample_agents();
/// let mut text = Vec::new(); // or a file
/// hulft_webconnect::write_csv(&mut text, &site.agents().list().all().await?)?;
/// assert!(text.starts_with(b"agentId,direction,"));
/// # Ok(()) }
/// ```
pub fn write_csv<T: Row + Clone>(writer: impl io::Write, rows: &[T]) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    let columns = columns::<T>()?;
    writer.write_record(columns)?;
    for row in rows {
        let mut row = row.clone();
        row.for_each_time(&mut |time| time.include_time_zone());
        let members: HashMap<String, Value> = serde_json::from_value(serde_json::to_value(&row)?)?;
        writer.write_record(columns.iter().map(|name| members.get(*name).map(cell).unwrap_or_default()))?;
    }
    writer.flush()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => match values.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
            Some(texts) => texts.join(";"),
            None => value.to_string(),
        },
        _ => value.to_string(),
    }
}

/// Returns the names of the members of a model, including those that are only written if they have a value.
fn columns<T: Row>() -> io::Result<&'static [&'static str]> {
    let mut names = None;
    // Ends with an error as soon as the model has asked for its members.
    let _ = T::deserialize(Names(&mut names));
    names.ok_or_else(|| io::Error::other(format!("a row of `{}` has no columns", T::NAME)))
}

/// A deserializer that only notes which members a model asks for.
struct Names<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DeError> {
        Err(DeError::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, DeError> {
        *self.0 = Some(fields);
        Err(DeError::custom("the names of the members are known"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessDenial, Account, Agent, Connection, DClient, RelayLog, TimeZone};

    fn written<T: Row + Clone>(rows: &[T]) -> String {
        let mut text = Vec::new();
        write_csv(&mut text, rows).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn row<T: Row>(json: Value) -> T {
        let mut row: T = serde_json::from_value(json).unwrap();
        row.for_each_time(&mut |time| time.set_time_zone(&TimeZone::new("Asia/Tokyo").unwrap()));
        row
    }

    #[test]
    fn times_are_written_with_their_time_zone() {
        let log: RelayLog = row(serde_json::json!({
            "status": "1", "startTime": "2024-05-01 09:00:00.000", "fileName": "a,\"b\"\nc", "dataSize": "7",
        }));
        let text = written(std::slice::from_ref(&log));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let record = reader.records().next().unwrap().unwrap();
        let value = |name| &record[names.iter().position(|known| known == name).unwrap()];
        assert_eq!(value("startTime"), "2024-05-01 09:00:00.000 Asia/Tokyo");
        assert_eq!((value("endTime"), value("fileName"), value("dataSize")), ("", "a,\"b\"\nc", "7"));
        assert_eq!(log.start_time.as_str(), "2024-05-01 09:00:00.000", "the row is unchanged");

        let denial: AccessDenial = row(serde_json::json!({ "accessedAt": "2024-05-01 09:00:00.000" }));
        let agent: Agent =
            row(serde_json::json!({ "agentId": "a", "startConnection": "2024-05-01 09:00:00.000" }));
        assert_eq!(written(&[agent]).matches("09:00:00.000 Asia/Tokyo").count(), 1);
        let time = denial.accessed_at.to_string();
        assert!(!time.is_empty() && written(&[denial]).contains(&time), "{time}");
    }

    #[test]
    fn the_columns_do_not_depend_on_the_rows() {
        let empty = written::<Connection>(&[]);
        assert_eq!(empty.lines().count(), 1, "{empty}");
        for json in [
            serde_json::json!({ "connectionId": "a", "ipFilterGroupName": "office" }),
            serde_json::json!({ "connectionId": "a" }),
        ] {
            let text = written(&[row::<Connection>(json)]);
            assert!(text.starts_with(&empty) && text.lines().count() == 2, "{text}");
        }
        for header in [written::<Account>(&[]), written::<DClient>(&[]), written::<RelayLog>(&[])] {
            assert!(header.matches(',').count() > 3, "{header}");
        }
    }

    #[test]
    fn lists_of_texts_are_one_cell_and_nested_values_are_json() {
        let text =
            written(&[row::<Agent>(serde_json::json!({ "agentId": "x", "connectionId": ["a", "b"] }))]);
        assert!(text.contains(",a;b,"), "{text}");
        let client =
            row::<DClient>(serde_json::json!({ "id": "1", "account": { "id": "2", "mailAddress": "" } }));
        assert!(written(&[client]).contains(r#""{""id"":""2"",""mailAddress"":""""}""#));
    }
}
