//! What a service says that it has, whichever form the document is of; and the form of our own lists.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use service_core::BoxError;

use super::open_api;

/// The operations of one service at one version of its API.
#[derive(Debug, Clone)]
pub struct Document {
    /// The API's own name.
    pub title: String,
    /// In the order of the document.
    pub operations: Vec<Documented>,
}

/// One operation as a document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documented {
    /// Its name, for reports.
    pub name: String,
    /// Whether the name is the identifier that the client has to use; it is not where a vendor only has headlines.
    pub named: bool,
    /// The method in capitals.
    pub method: String,
    /// The path with its `{names}`.
    pub path: String,
    /// The names of the query.
    pub query: BTreeSet<String>,
    /// The statuses of success, where the document gives them for each operation.
    pub success: Option<BTreeSet<u16>>,
}

impl Document {
    /// Reads a file; files that it refers to are read relative to it.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is no JSON, or is neither an OpenAPI 2 document nor one of our lists.
    pub fn read(file: &Path) -> Result<Self, BoxError> {
        let text = std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"))?;
        Self::parse(&text, file.parent().unwrap_or(Path::new("")))
    }

    /// Reads a document's text; `directory` is where files that it refers to are looked for.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub fn parse(text: &str, directory: &Path) -> Result<Self, BoxError> {
        let document: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
        match (document["swagger"].as_str(), document["openapi"].as_str(), &document["operations"]) {
            (Some("2.0"), ..) => open_api::read(&document, directory),
            (Some(version), ..) | (_, Some(version), _) => {
                Err(format!("is OpenAPI {version}; only version 2.0 is read").into())
            }
            (None, None, Value::Array(operations)) => list(&document, operations),
            _ => Err("is neither an OpenAPI 2 document (`swagger`) nor a list (`operations`)".into()),
        }
    }
}

/// Our own form: an object with `api`, `basePath` and `operations`, each with `name`, `method`, `path` and `parameters`.
fn list(document: &Value, operations: &[Value]) -> Result<Document, BoxError> {
    let title = document["api"].as_str().ok_or("has no `api`")?.to_owned();
    let base = document["basePath"].as_str().ok_or("has no `basePath`")?;
    let operations = operations.iter().map(|operation| listed(base, operation)).collect::<Result<_, _>>()?;
    Ok(Document { title, operations })
}

fn listed(base: &str, operation: &Value) -> Result<Documented, BoxError> {
    let text = |name: &str| operation[name].as_str().ok_or_else(|| format!("has no `{name}` in {operation}"));
    let parameters = operation["parameters"].as_array().ok_or("has an operation without `parameters`")?;
    let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
    Ok(Documented {
        name: text("name")?.to_owned(),
        named: false,
        method: text("method")?.to_owned(),
        path: format!("{base}{}", text("path")?),
        query: query.filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect(),
        success: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(text: &str) -> String {
        Document::parse(text, Path::new("")).unwrap_err().to_string()
    }

    #[test]
    fn a_list_gives_methods_paths_and_query_names() {
        let text = r#"{"api": "Rooms", "basePath": "/v1", "operations": [
            {"name": "Read", "method": "GET", "path": "/rooms/{room}", "parameters": [
                {"name": "room", "in": "path"}, {"name": "from", "in": "query"}]}]}"#;
        let document = Document::parse(text, Path::new("")).unwrap();
        let read = &document.operations[0];
        assert_eq!((read.method.as_str(), read.path.as_str()), ("GET", "/v1/rooms/{room}"));
        assert_eq!(read.query, BTreeSet::from(["from".to_owned()]));
    }

    #[test]
    fn what_is_no_document_is_rejected_with_the_reason() {
        for (text, reason) in [
            ("", "no JSON"),
            ("{}", "neither"),
            (r#"{"openapi": "3.0.1"}"#, "OpenAPI 3.0.1"),
            (r#"{"operations": []}"#, "no `api`"),
            (
                r#"{"api": "", "basePath": "", "operations": [{"name": "", "path": "", "parameters": []}]}"#,
                "no `method`",
            ),
        ] {
            assert!(rejection(text).contains(reason), "{text}: {}", rejection(text));
        }
    }
}
