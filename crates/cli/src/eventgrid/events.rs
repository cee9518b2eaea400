//! CloudEvents in files: JSON lines, a JSON array, or single objects; and how events are shown.

use std::io::{BufRead as _, Read as _};
use std::path::Path;

use eventgrid_namespaces::{CloudEvent, Data, InvalidEvent};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::count;
use crate::failure::{Failure, Result};
use crate::input::{self, Input};

/// A value of an input and where it is.
pub(super) struct Item<T> {
    /// The line of a file of JSON lines, or the position of a value in other files, starting at 1.
    pub(super) at: usize,
    pub(super) value: T,
}

/// The JSON values of an input, one after the other.
pub(super) struct Values {
    name: String,
    source: Source,
    at: usize,
    line: Vec<u8>,
}

enum Source {
    /// One value per line.
    Lines(Input),
    /// The values of an input that had to be read as a whole.
    Whole(std::vec::IntoIter<Box<RawValue>>),
}

impl Values {
    /// Opens an input. If its first line is not a complete value, the whole input is read: it is an array, or it has objects
    /// that span lines.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut input = input::open(path)?;
        let name = input::name(path);
        let failed = |error: &std::io::Error| Failure::Usage(format!("could not read {name}: {error}"));
        let mut first = Vec::new();
        while first.trim_ascii().is_empty() {
            first.clear();
            if input.read_until(b'\n', &mut first).map_err(|error| failed(&error))? == 0 {
                break;
            }
        }
        let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first).trim_ascii();
        let is_line = !text.starts_with(b"[") && serde_json::from_slice::<&RawValue>(text).is_ok();
        if is_line || text.is_empty() {
            let again: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(first).chain(input));
            return Ok(Self { name, source: Source::Lines(input::buffered(again)), at: 0, line: Vec::new() });
        }
        let mut all = first;
        input.read_to_end(&mut all).map_err(|error| failed(&error))?;
        let values = whole(&all).map_err(|error| Failure::Usage(format!("{name}: not JSON: {error}")))?;
        Ok(Self { name, source: Source::Whole(values.into_iter()), at: 0, line: Vec::new() })
    }

    /// Opens an input with one text per line.
    pub(super) fn lines(path: &Path) -> Result<Self> {
        let source = Source::Lines(input::open(path)?);
        Ok(Self { name: input::name(path), source, at: 0, line: Vec::new() })
    }

    /// Returns the name of the input for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the next value may have to be waited for.
    pub(super) fn may_wait(&self) -> bool {
        match &self.source {
            Source::Lines(input) => !input.buffer().contains(&b'\n'),
            Source::Whole(_) => false,
        }
    }

    /// Returns what `read` makes of the next value, or `None` at the end. Empty lines are skipped.
    pub(super) fn next<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> Result<Option<Item<T>>> {
        match &mut self.source {
            Source::Whole(values) => Ok(values.next().map(|value| {
                self.at += 1;
                Item { at: self.at, value: read(value.get().as_bytes()) }
            })),
            Source::Lines(input) => loop {
                self.line.clear();
                let length = input
                    .read_until(b'\n', &mut self.line)
                    .map_err(|error| Failure::Usage(format!("could not read {}: {error}", self.name)))?;
                if length == 0 {
                    return Ok(None);
                }
                self.at += 1;
                let line = self.line.trim_ascii();
                if !line.is_empty() {
                    return Ok(Some(Item { at: self.at, value: read(line) }));
                }
            },
        }
    }
}

/// Splits JSON that is an array or several values.
fn whole(json: &[u8]) -> serde_json::Result<Vec<Box<RawValue>>> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json).trim_ascii();
    if json.starts_with(b"[") {
        return serde_json::from_slice(json);
    }
    Deserializer::from_slice(json).into_iter().collect()
}

/// Reads an event and checks it as strictly as one that a program creates, because the service rejects a whole request for
/// one invalid event.
pub(super) fn strict(json: &[u8]) -> std::result::Result<CloudEvent, InvalidEvent> {
    let event = CloudEvent::from_json(json)?;
    event.into_builder().build()
}

/// Returns the data of an event as text for people. Binary data is shown by its size.
pub(super) fn data_text(event: &CloudEvent) -> String {
    match event.data() {
        None => String::new(),
        Some(Data::Json(json)) => json.as_str().to_owned(),
        Some(Data::Text(text)) => text.clone(),
        Some(Data::Binary(bytes)) => format!("({})", count::counted(bytes.len(), "byte")),
        Some(_) => "(unknown data)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(content: &str) -> Result<Vec<(usize, String)>> {
        let path = std::env::temp_dir().join(format!("hubgrid-events-{}-{content:p}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let mut values = Values::open(&path)?;
        let mut found = Vec::new();
        while let Some(item) = values.next(|json| String::from_utf8(json.to_vec()).unwrap())? {
            found.push((item.at, item.value));
        }
        std::fs::remove_file(&path).unwrap();
        Ok(found)
    }

    fn pairs(pairs: &[(usize, &str)]) -> Vec<(usize, String)> {
        pairs.iter().map(|(at, text)| (*at, (*text).to_owned())).collect()
    }

    #[test]
    fn each_line_is_a_value_and_empty_lines_are_skipped() {
        assert_eq!(
            values("\n{\"a\":1}\n\n 2 \r\nnot json").unwrap(),
            pairs(&[(1, "{\"a\":1}"), (3, "2"), (4, "not json")])
        );
        assert_eq!(values("").unwrap(), pairs(&[]));
    }

    #[test]
    fn an_array_and_objects_that_span_lines_are_split_into_values() {
        assert_eq!(values("[1, {\"a\":\n2}]").unwrap(), pairs(&[(1, "1"), (2, "{\"a\":\n2}")]));
        assert_eq!(
            values("{\n\"a\": 1}\n{\"b\": 2}").unwrap(),
            pairs(&[(1, "{\n\"a\": 1}"), (2, "{\"b\": 2}")])
        );
        assert!(values("[1, 2").is_err_and(|failure| failure.exit_code() == 2));
    }

    #[test]
    fn an_event_that_the_service_would_reject_is_invalid() {
        let valid = br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}"#;
        assert_eq!(strict(valid).unwrap().id(), "1");
        let error = strict(br#"{"specversion":"0.3","id":"1","source":"/s","type":"t"}"#).unwrap_err();
        assert!(error.to_string().contains("specversion"), "{error}");
    }
}
