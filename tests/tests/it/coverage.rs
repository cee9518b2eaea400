//! The comparison of clients with documents as its user meets it: files in, lines and a settlement out.

use std::io;
use std::path::{Path, PathBuf};

use workspace_tests::coverage::{Outcome, compare, compare_usual};

/// The list of the one service whose document lies in this repository.
fn list() -> io::Result<String> {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/hulft-operations.json"))
}

/// What comes of comparing a file with this text.
fn outcome_of(name: &str, text: &str) -> io::Result<Outcome> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text)?;
    Ok(compare(&[file]))
}

#[test]
fn the_list_in_this_repository_is_met_in_full() {
    let outcome = outcome_of("whole.json", &list().unwrap()).unwrap();
    assert!(outcome.complete, "{}", outcome.text);
    assert_eq!(outcome.text, "hulft-webconnect: 55 of 55 operations (whole.json)\n");
    assert!(compare_usual().text.contains("55 of 55 operations (hulft-operations.json)"));
}

#[test]
fn one_renamed_query_parameter_fails_the_comparison_and_is_named() {
    let renamed = list().unwrap().replacen(r#""name": "timezone""#, r#""name": "timeZone""#, 1);
    let outcome = outcome_of("renamed.json", &renamed).unwrap();
    assert!(!outcome.complete);
    assert!(outcome.text.starts_with("hulft-webconnect: 54 of 55 operations"), "{}", outcome.text);
    assert!(outcome.text.contains("timeZone") && outcome.text.lines().count() == 2, "{}", outcome.text);
}

#[test]
fn a_file_that_belongs_to_no_client_or_cannot_be_read_fails_with_its_name() {
    let foreign = r#"{"swagger": "2.0", "info": {"title": "Pets"}, "paths": {"/pets": {"get": {}}}}"#;
    let outcome = outcome_of("pets.json", foreign).unwrap();
    assert!(!outcome.complete);
    assert!(outcome.text.contains("pets.json: is of no known service") && outcome.text.contains("`Pets`"));
    let outcome = compare(&[PathBuf::from("no-such-file.json")]);
    assert!(
        !outcome.complete && outcome.text.contains("no-such-file.json: cannot be read"),
        "{}",
        outcome.text
    );
}

#[test]
fn parameters_may_stand_in_a_file_next_to_the_document() {
    let common = r#"{"parameters": {"Version": {"name": "version", "in": "query"}}}"#;
    assert!(!outcome_of("common.json", common).unwrap().complete, "on its own it is no document");
    let document = r##"{"swagger": "2.0", "paths": {"/api/v2/agent/disconnection": {"post": {
        "operationId": "DisconnectAgent", "parameters": [{"$ref": "common.json#/parameters/Version"}]}}}}"##;
    let outcome = outcome_of("referring.json", document).unwrap();
    let difference = "DisconnectAgent: query: documented `version`, in the client ``";
    assert!(outcome.text.contains(difference), "{}", outcome.text);
}
