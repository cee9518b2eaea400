//! `cargo xtask coverage`: holds the operations that each client knows against a list of what its service has, written from
//! the service's documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::process::ExitCode;

use serde_json::Value;
use service_core::{BoxError, Operation};

/// One client with the list of its service.
struct Service {
    name: &'static str,
    known: &'static [&'static Operation],
    documented: &'static str,
}

static SERVICES: [Service; 1] = [Service {
    name: "hulft-webconnect",
    known: &hulft_webconnect::operations::ALL,
    documented: include_str!("../../data/hulft-operations.json"),
}];

fn main() -> ExitCode {
    let mut complete = true;
    for service in &SERVICES {
        match documented(service.documented) {
            Ok(documented) => {
                let report = Report::new(&documented, service.known);
                println!("{}: {report}", service.name);
                complete &= report.is_complete();
            }
            Err(error) => {
                eprintln!("{}: the list cannot be read: {error}", service.name);
                complete = false;
            }
        }
    }
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What two sides must agree on: method, path with its names, and the names of the query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    method: String,
    path: String,
    query: BTreeSet<String>,
}

impl Shape {
    fn of(operation: &Operation) -> Self {
        let query = operation.query.iter().map(|name| (*name).to_owned()).collect();
        Self { method: operation.method.to_string(), path: operation.path.to_owned(), query }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        let names: Vec<_> = self.query.iter().map(String::as_str).collect();
        if names.is_empty() { Ok(()) } else { write!(f, "?{}", names.join("&")) }
    }
}

/// The shapes of a list: an object with `basePath` and `operations`, each with `name`, `method`, `path` and `parameters`.
fn documented(text: &str) -> Result<Vec<(String, Shape)>, BoxError> {
    let list: Value = serde_json::from_str(text)?;
    let base = list["basePath"].as_str().ok_or("no `basePath`")?;
    let operations = list["operations"].as_array().ok_or("no `operations`")?;
    operations.iter().map(|operation| shape(base, operation)).collect()
}

fn shape(base: &str, operation: &Value) -> Result<(String, Shape), BoxError> {
    let text = |name: &str| operation[name].as_str().ok_or_else(|| format!("no `{name}` in {operation}"));
    let parameters = operation["parameters"].as_array().ok_or("no `parameters`")?;
    let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
    let query = query.filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect();
    let shape = Shape { method: text("method")?.to_owned(), path: format!("{base}{}", text("path")?), query };
    Ok((text("name")?.to_owned(), shape))
}

/// What came of a comparison.
struct Report {
    all: usize,
    met: usize,
    differences: Vec<String>,
}

impl Report {
    fn new(documented: &[(String, Shape)], known: &[&Operation]) -> Self {
        // Two operations may share a shape: each counts once.
        let mut left: BTreeMap<Shape, Vec<&str>> = BTreeMap::new();
        for operation in known {
            left.entry(Shape::of(operation)).or_default().push(operation.id);
        }
        let mut differences = Vec::new();
        for (name, shape) in documented {
            match left.get_mut(shape).and_then(Vec::pop) {
                Some(_) => {}
                None => differences.push(format!("only documented: {shape} ({name})")),
            }
        }
        let met = documented.len() - differences.len();
        let unknown = left.iter().flat_map(|(shape, ids)| ids.iter().map(move |id| (shape, id)));
        differences.extend(unknown.map(|(shape, id)| format!("only in the client: {shape} ({id})")));
        Self { all: documented.len(), met, differences }
    }

    fn is_complete(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} operations", self.met, self.all)?;
        self.differences.iter().try_for_each(|difference| write!(f, "\n  {difference}"))
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    const LIST: &str = r#"{"basePath": "/v1", "operations": [
        {"name": "Read", "method": "GET", "path": "/rooms/{room}", "parameters": [
            {"name": "room", "in": "path"}, {"name": "from", "in": "query"}]},
        {"name": "Close", "method": "DELETE", "path": "/rooms/{room}", "parameters": []}]}"#;

    static READ: Operation = Operation::new("Read", Method::GET, "/v1/rooms/{room}").query(&["from"]);
    static CLOSE: Operation = Operation::new("Close", Method::DELETE, "/v1/rooms/{room}");
    static UNPAGED: Operation = Operation::new("Read", Method::GET, "/v1/rooms/{room}");

    #[test]
    fn operations_that_agree_are_counted() {
        let report = Report::new(&documented(LIST).unwrap(), &[&READ, &CLOSE]);
        assert_eq!(report.to_string(), "2 of 2 operations");
        assert!(report.is_complete());
    }

    #[test]
    fn each_difference_is_told_from_its_side() {
        let report = Report::new(&documented(LIST).unwrap(), &[&UNPAGED, &CLOSE, &CLOSE]);
        assert_eq!(
            report.to_string(),
            "1 of 2 operations\n  only documented: GET /v1/rooms/{room}?from (Read)\n  \
             only in the client: DELETE /v1/rooms/{room} (Close)\n  only in the client: GET /v1/rooms/{room} (Read)"
        );
        assert!(!report.is_complete());
    }

    #[test]
    fn every_list_is_complete() {
        for service in &SERVICES {
            let report = Report::new(&documented(service.documented).unwrap(), service.known);
            assert!(report.is_complete(), "{}: {report}", service.name);
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_an_error() {
        for broken in ["", "{}", r#"{"basePath": "", "operations": [{"method": "GET", "parameters": []}]}"#] {
            assert!(documented(broken).is_err(), "{broken}");
        }
    }
}
