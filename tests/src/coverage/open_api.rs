//! OpenAPI 2 documents as the Azure services publish them: parameters by reference and for whole paths, and `x-ms-paths`,
//! whose entries differ from `paths` by a query. Rules: <https://swagger.io/specification/v2/> and
//! <https://github.com/Azure/autorest/blob/main/docs/extensions/readme.md#x-ms-paths>.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use service_core::BoxError;

use super::document::{Document, Documented};

/// The members of a path other than parameters.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// Distinguishes operations of one path for code generators; never sent.
const MARKER: &str = "_overload";
/// References may refer to references; a circle ends here.
const DEEPEST: usize = 16;

pub(super) fn read(document: &Value, directory: &Path) -> Result<Document, BoxError> {
    let title = document["info"]["title"].as_str().unwrap_or_default().to_owned();
    let base = document["basePath"].as_str().unwrap_or_default().trim_end_matches('/');
    let source = Source { document, directory };
    let mut operations = Vec::new();
    for key in ["paths", "x-ms-paths"] {
        for (path, item) in members(&document[key]) {
            source.item(&format!("{base}{path}"), item, &mut operations)?;
        }
    }
    Ok(Document { title, operations })
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A document and where it lies.
struct Source<'a> {
    document: &'a Value,
    directory: &'a Path,
}

impl Source<'_> {
    fn item(&self, path: &str, item: &Value, operations: &mut Vec<Documented>) -> Result<(), BoxError> {
        let item = self.resolve(item)?;
        let (path, fixed) = path.split_once('?').unwrap_or((path, ""));
        let shared = self.parameters(&item["parameters"])?;
        for (method, operation) in members(&item).filter(|(method, _)| METHODS.contains(&method.as_str())) {
            let mut parameters = shared.clone();
            parameters.extend(self.parameters(&operation["parameters"])?);
            let mut query: BTreeSet<_> = parameters.into_iter().filter_map(Parameter::queried).collect();
            query.extend(names(fixed));
            let id = operation["operationId"].as_str();
            operations.push(Documented {
                name: id.unwrap_or("without operationId").to_owned(),
                named: id.is_some(),
                method: method.to_uppercase(),
                path: path.to_owned(),
                query,
                success: Some(success(&operation["responses"])),
            });
        }
        Ok(())
    }

    /// An operation's parameter overrides the path's with the same name and location, hence the set.
    fn parameters(&self, list: &Value) -> Result<BTreeSet<Parameter>, BoxError> {
        list.as_array().into_iter().flatten().map(|parameter| self.parameter(parameter)).collect()
    }

    fn parameter(&self, parameter: &Value) -> Result<Parameter, BoxError> {
        let parameter = self.resolve(parameter)?;
        match (parameter["name"].as_str(), parameter["in"].as_str()) {
            (Some(name), Some(place)) => Ok(Parameter { name: name.to_owned(), place: place.to_owned() }),
            _ => Err(format!("has a parameter without `name` or `in`: {parameter}").into()),
        }
    }

    /// Follows `$ref`, into other files too.
    fn resolve(&self, value: &Value) -> Result<Value, BoxError> {
        let mut value = value.clone();
        // The file that contains the value; `None` is this file.
        let mut file: Option<(PathBuf, Value)> = None;
        for _ in 0..DEEPEST {
            let Some(reference) = value["$ref"].as_str() else { return Ok(value) };
            let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
            if !path.is_empty() {
                let directory = file.as_ref().and_then(|(path, _)| path.parent()).unwrap_or(self.directory);
                let path = directory.join(path);
                let document =
                    load(&path).map_err(|error| format!("refers to `{reference}`, which {error}"))?;
                file = Some((path, document));
            }
            let document = file.as_ref().map_or(self.document, |(_, document)| document);
            let target = document.pointer(pointer).cloned();
            value = target.ok_or_else(|| format!("refers to `{reference}`, which is not there"))?;
        }
        Err("has references that end nowhere".into())
    }
}

fn load(path: &Path) -> Result<Value, BoxError> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("is no JSON: {error}"))?)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parameter {
    name: String,
    place: String,
}

impl Parameter {
    fn queried(self) -> Option<String> {
        (self.place == "query").then_some(self.name)
    }
}

/// The names of a fixed query that are really sent.
fn names(query: &str) -> impl Iterator<Item = String> {
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    names.filter(|name| !name.is_empty() && *name != MARKER).map(str::to_owned)
}

/// Every status that the document names and does not mark as an error: an operation that asks whether something exists
/// responds with 404 as well as 200.
fn success(responses: &Value) -> BTreeSet<u16> {
    let none = Map::new();
    let responses = responses.as_object().unwrap_or(&none).iter();
    let named = responses.filter(|(_, response)| response["x-ms-error-response"] != true);
    named.filter_map(|(status, _)| status.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "swagger": "2.0", "info": {"title": "Rooms"}, "basePath": "/api/",
            "parameters": {"Version": {"name": "api-version", "in": "query"}, "Again": {"$ref": "#/parameters/Version"}},
            "paths": {"/rooms/{room}": {
                "parameters": [{"$ref": "#/parameters/Again"}, {"name": "room", "in": "path"}],
                "head": {"operationId": "Rooms_Exists", "responses": {"200": {}, "404": {}, "default": {}}},
                "delete": {
                    "operationId": "Rooms_Close", "parameters": [{"name": "reason", "in": "query"}],
                    "responses": {"204": {}, "409": {"x-ms-error-response": true}, "default": {}}
                }
            }},
            "x-ms-paths": {"/rooms?_overload=many&kind=all": {
                "post": {"operationId": "Rooms_Make", "parameters": [{"name": "b", "in": "body"}], "responses": {"200": {}}}
            }}
        })
    }

    fn operation(name: &str) -> Documented {
        let read = read(&document(), Path::new("")).unwrap();
        read.operations.into_iter().find(|operation| operation.name == name).unwrap()
    }

    fn set<T: Ord + Clone>(values: &[T]) -> BTreeSet<T> {
        values.iter().cloned().collect()
    }

    #[test]
    fn parameters_of_the_path_and_by_reference_belong_to_each_operation() {
        assert_eq!(operation("Rooms_Exists").query, set(&["api-version".to_owned()]));
        assert_eq!(operation("Rooms_Close").query, set(&["api-version".to_owned(), "reason".to_owned()]));
        assert_eq!(operation("Rooms_Close").path, "/api/rooms/{room}");
    }

    #[test]
    fn statuses_that_are_named_and_no_errors_are_successes() {
        assert_eq!(operation("Rooms_Exists").success, Some(set(&[200, 404])));
        assert_eq!(operation("Rooms_Close").success, Some(set(&[204])));
    }

    #[test]
    fn an_overload_marker_is_no_part_of_the_query() {
        let make = operation("Rooms_Make");
        assert_eq!((make.method.as_str(), make.path.as_str()), ("POST", "/api/rooms"));
        assert_eq!(make.query, set(&["kind".to_owned()]));
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_an_error() {
        for (reference, reason) in [
            ("#/parameters/None", "not there"),
            ("no-such-file.json#/parameters/Version", "cannot be read"),
            ("#/parameters/Circle", "end nowhere"),
        ] {
            let mut broken = document();
            broken["parameters"]["Circle"] = json!({"$ref": "#/parameters/Circle"});
            broken["paths"]["/rooms/{room}"]["parameters"][0]["$ref"] = reference.into();
            let error = read(&broken, Path::new("")).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
