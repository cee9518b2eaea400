//! The comparison of a document with a client: which operations belong together, and in what they differ.

use std::collections::BTreeSet;
use std::fmt;

use service_core::Operation;

use super::document::{Document, Documented};

/// What came of a comparison.
#[derive(Debug)]
pub struct Report {
    all: usize,
    met: usize,
    /// Each in one line.
    pub differences: Vec<String>,
}

impl Report {
    /// Compares what is documented with what is known.
    #[must_use]
    pub fn new(document: &Document, known: &[&Operation]) -> Self {
        let mut left = known.to_vec();
        let (mut met, mut differences) = (0, Vec::new());
        let (same, others): (Vec<_>, Vec<_>) = document
            .operations
            .iter()
            .map(|it| (it, take(&mut left, |known| named_alike(it, known))))
            .partition(|(_, known)| known.is_some());
        // What has no name in common may still be at the same place: a renamed operation, or a list of headlines. An exact
        // likeness goes first, since operations may share method and path.
        let others = others.into_iter().map(|(it, _)| {
            let known = take(&mut left, |known| unlike(it, known).is_empty());
            (it, known.or_else(|| take(&mut left, |known| at_one_place(it, known))))
        });
        for (it, known) in same.into_iter().chain(others.collect::<Vec<_>>()) {
            match known.map(|known| unlike(it, known)) {
                Some(unlike) if unlike.is_empty() => met += 1,
                Some(unlike) => differences.extend(unlike),
                None => differences.push(format!("only documented: {} ({})", place(it), it.name)),
            }
        }
        differences.extend(
            left.iter().map(|it| format!("only in the client: {} {} ({})", it.method, it.path, it.id)),
        );
        Self { all: document.operations.len(), met, differences }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} operations", self.met, self.all)
    }
}

fn take<'a>(left: &mut Vec<&'a Operation>, fits: impl Fn(&Operation) -> bool) -> Option<&'a Operation> {
    let index = left.iter().position(|known| fits(known))?;
    Some(left.remove(index))
}

fn named_alike(documented: &Documented, known: &Operation) -> bool {
    documented.named && documented.name == known.id
}

fn at_one_place(documented: &Documented, known: &Operation) -> bool {
    documented.method == known.method.as_str() && documented.path == known.path
}

fn place(documented: &Documented) -> String {
    format!("{} {}", documented.method, documented.path)
}

/// Every difference between two operations that belong together.
fn unlike(documented: &Documented, known: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |what: &str, documents: String, has: String| {
        if documents != has {
            lines.push(format!("{}: {what}: documented `{documents}`, in the client `{has}`", known.id));
        }
    };
    if documented.named {
        differ("operationId", documented.name.clone(), known.id.to_owned());
    }
    differ("method and path", place(documented), format!("{} {}", known.method, known.path));
    differ("query", joined(&documented.query), joined(&known.query.iter().copied().collect()));
    if let Some(success) = &documented.success {
        differ("success", joined(success), joined(&known.success.iter().copied().collect()));
    }
    lines
}

fn joined<T: fmt::Display>(values: &BTreeSet<T>) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http::Method;

    use super::*;

    const DOCUMENT: &str = r#"{"swagger": "2.0", "info": {"title": "Rooms"}, "paths": {"/rooms/{room}": {
        "get": {"operationId": "Read", "parameters": [{"name": "from", "in": "query"}], "responses": {"200": {}}},
        "delete": {"operationId": "Close", "responses": {"204": {}, "default": {}}}}}}"#;

    static READ: Operation = Operation::new("Read", Method::GET, "/rooms/{room}").query(&["from"]);
    static CLOSE: Operation = Operation::new("Close", Method::DELETE, "/rooms/{room}").success(&[204]);

    fn report(known: &[&Operation]) -> Report {
        Report::new(&Document::parse(DOCUMENT, Path::new("")).unwrap(), known)
    }

    #[test]
    fn operations_that_agree_are_counted() {
        let report = report(&[&CLOSE, &READ]);
        assert_eq!(report.to_string(), "2 of 2 operations");
        assert!(report.is_complete());
    }

    #[test]
    fn each_difference_of_an_operation_is_told() {
        let wrong =
            Operation::new("Read", Method::POST, "/rooms/{room}").query(&["since"]).success(&[200, 404]);
        let report = report(&[&wrong, &CLOSE]);
        assert_eq!(report.to_string(), "1 of 2 operations");
        assert_eq!(
            report.differences,
            [
                "Read: method and path: documented `GET /rooms/{room}`, in the client `POST /rooms/{room}`",
                "Read: query: documented `from`, in the client `since`",
                "Read: success: documented `200`, in the client `200, 404`",
            ]
        );
    }

    #[test]
    fn an_operation_by_another_name_at_the_same_place_differs_in_its_name_alone() {
        let renamed = Operation::new("Shut", Method::DELETE, "/rooms/{room}").success(&[204]);
        let expected = ["Shut: operationId: documented `Close`, in the client `Shut`"];
        assert_eq!(report(&[&READ, &renamed]).differences, expected);
    }

    #[test]
    fn what_one_side_does_not_have_is_told_from_the_other() {
        let extra = Operation::new("Peek", Method::PATCH, "/rooms");
        let expected =
            ["only documented: DELETE /rooms/{room} (Close)", "only in the client: PATCH /rooms (Peek)"];
        assert_eq!(report(&[&READ, &extra]).differences, expected);
    }

    #[test]
    fn operations_of_one_place_without_names_are_paired_by_their_likeness() {
        let text = r#"{"api": "Rooms", "basePath": "", "operations": [
            {"name": "Read a part", "method": "GET", "path": "/rooms", "parameters": [{"name": "from", "in": "query"}]},
            {"name": "Read all", "method": "GET", "path": "/rooms", "parameters": []}]}"#;
        let all = Operation::new("ReadAll", Method::GET, "/rooms");
        let part = Operation::new("ReadPart", Method::GET, "/rooms").query(&["from"]);
        let report = Report::new(&Document::parse(text, Path::new("")).unwrap(), &[&all, &part]);
        assert!(report.is_complete(), "{:?}", report.differences);
    }
}
