//! Tests the grammar, the types, and the meaning of filters.

use super::*;

fn error(text: &str) -> String {
    Filter::parse(text).unwrap_err().to_string()
}

/// Matches the connection `c1` of `Ann` in the groups `g1` and `it's`.
fn holds(text: &str) -> bool {
    let groups = ["g1".to_owned(), "it's".to_owned()];
    let subject = FilterSubject { connection_id: "c1", user_id: Some("Ann"), groups: &groups };
    Filter::parse(text).unwrap_or_else(|error| panic!("{error}")).matches(&subject)
}

/// Matches an anonymous connection in no group.
fn holds_for_anonymous(text: &str) -> bool {
    let subject = FilterSubject { connection_id: "c2", user_id: None, groups: &[] };
    Filter::parse(text).unwrap_or_else(|error| panic!("{error}")).matches(&subject)
}

#[test]
fn the_recorded_error_is_worded_as_recorded() {
    assert_eq!(error("invalid filter"), "Syntax error at position 14 in 'invalid filter'");
    let error = Filter::parse("invalid filter").unwrap_err();
    assert_eq!((error.message(), error.position()), ("Syntax error", 14));
}

#[test]
fn fields_are_compared_and_their_names_have_no_case() {
    for text in [
        "userId eq 'Ann'",
        "USERID eq 'Ann'",
        "connectionid ne 'c2'",
        "'g1' in Groups",
        "'c1' eq connectionId",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in ["userId eq 'ann'", "connectionId eq 'c2'", "'G1' in groups", "not ('g1' in groups)"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn every_comparison_has_its_meaning() {
    for (text, expected) in [
        ("1 eq 1", true),
        ("1 ne 1", false),
        ("-2 lt 1", true),
        ("1 le 1", true),
        ("1 gt 1", false),
        ("1 ge 1", true),
        ("'b' gt 'a'", true),
        ("'a' ge 'b'", false),
        ("'Z' lt 'a'", true),
        ("true ne false", true),
        ("-9223372036854775808 lt 9223372036854775807", true),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn not_binds_tighter_than_a_comparison_and_and_tighter_than_or() {
    assert!(holds("true or true and false"));
    assert!(!holds("(true or true) and false"));
    assert!(holds("not false eq true"), "(not false) eq true");
    assert!(!holds("not true or false"));
    assert!(holds("not not true"));
    assert_eq!(
        error("not length(userId) gt 5"),
        "Type error: an integer for a boolean in 'not' at position 18 in 'not length(userId) gt 5'"
    );
    assert!(holds("not (length(userId) gt 5)"));
}

#[test]
fn membership_is_in_a_list_of_literals_or_in_the_groups() {
    assert!(holds("userId in ('Bob', 'Ann')") && !holds("userId in ('Bob')"));
    assert!(holds("length(groups) in (1,2)") && holds("'it''s' in groups"));
    assert!(holds("concat('g','1') in groups"));
    assert!(holds_for_anonymous("userId in ('a', null)") && !holds_for_anonymous("userId in ('a')"));
    assert!(!holds_for_anonymous("userId in groups"));
    for text in
        ["userId in ()", "userId in (connectionId)", "userId in ('a',)", "userId in 'a'", "userId in ('a'"]
    {
        assert!(error(text).starts_with("Syntax error"), "{text}");
    }
}

#[test]
fn every_function_has_its_meaning() {
    for text in [
        "tolower(userId) eq 'ann'",
        "toupper(userId) eq 'ANN'",
        "trim('  a ') eq 'a'",
        "substring(userId,1) eq 'nn'",
        "substring(userId, 1, 1) eq 'n'",
        "substring(userId,-5,1) eq 'A' and substring(userId,9) eq ''",
        "startswith(userId,'An') and not startswith(userId,'nn')",
        "endswith(userId,'nn') and not endswith(userId,'An')",
        "contains(userId,'n') and not contains(userId,'x')",
        "indexof(userId,'n') eq 1 and indexof('éa','a') eq 1 and indexof('a','b') eq -1",
        "length(userId) eq 3 and length('é') eq 1 and length(groups) eq 2",
        "concat(userId, concat('-', connectionId)) eq 'Ann-c1'",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn null_is_equal_to_null_alone_and_goes_through_functions_and_logic() {
    for text in [
        "userId eq null",
        "null eq userId",
        "userId ne 'a'",
        "tolower(userId) eq null",
        "length(userId) eq null",
        "startswith(userId,'a') or true",
        "length(groups) eq 0",
        "null eq null",
    ] {
        assert!(holds_for_anonymous(text), "{text}");
    }
    for text in [
        "userId ne null",
        "userId eq ''",
        "userId gt 'a'",
        "userId le 'a'",
        "null le null",
        "startswith(userId,'a')",
        "not startswith(userId,'a')",
        "startswith(userId,'a') and true",
        "true and startswith(userId,'a')",
        "null",
    ] {
        assert!(!holds_for_anonymous(text), "{text}");
    }
    assert!(holds_for_anonymous("(startswith(userId,'a') and false) eq false"));
}

#[test]
fn what_is_not_in_the_grammar_is_reported_with_the_position_after_it() {
    for (text, position) in [
        ("", 0),
        ("  ", 2),
        ("userId eq", 9),
        ("userId = 'a'", 8),
        ("userId eq 'a", 12),
        ("userId eq \"a\"", 11),
        ("(userId eq 'a'", 14),
        ("userId eq 'a')", 14),
        ("userId eq 'a' and", 17),
        ("userId eq 'é' x", 15),
        ("userId eq 'a' eq true", 16),
        ("userId EQ 'a'", 9),
        ("1eq 1", 3),
        ("1 eq 9223372036854775808", 24),
        ("1 eq - 1", 6),
        ("1 eq 1.5", 7),
        ("length(userId", 13),
        ("contains(userId 'a')", 19),
        ("userId add 1 eq 1", 10),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!((error.message(), error.position()), ("Syntax error", position), "{text}");
    }
}

#[test]
fn what_can_be_read_but_does_not_fit_is_reported_with_its_rule() {
    for (text, message) in [
        ("invalid", "Unknown name 'invalid'"),
        ("ToLower(userId) eq 'a'", "Unknown function 'ToLower'"),
        ("length(userId, 1) eq 1", "Wrong number of arguments of 'length'"),
        ("substring('a') eq 'a'", "Wrong number of arguments of 'substring'"),
        ("length() eq 1", "Wrong number of arguments of 'length'"),
        ("userId eq 1", "Type error: 'eq' between a string and an integer"),
        ("true lt false", "Type error: 'lt' between a boolean and a boolean"),
        ("userId", "Type error: a string for a boolean in 'the filter'"),
        ("1", "Type error: an integer for a boolean in 'the filter'"),
        ("userId and true", "Type error: a string for a boolean in 'and'"),
        ("true or 1", "Type error: an integer for a boolean in 'or'"),
        ("userId in (1)", "Type error: an integer for a string in 'a list'"),
        ("1 in groups", "Type error: an integer for a string in 'in groups'"),
        ("tolower(1) eq 'a'", "Type error: an integer for a string in 'tolower'"),
        ("groups eq 'a'", "Type error: 'groups' outside of 'in' and length()"),
        ("tolower(groups) eq 'a'", "Type error: 'groups' outside of 'in' and length()"),
    ] {
        assert_eq!(Filter::parse(text).unwrap_err().message(), message, "{text}");
    }
}

#[test]
fn a_hundred_clauses_are_read_and_one_more_is_rejected() {
    let clauses = |count| vec!["userId eq 'Bob'"; count].join(" or ");
    assert!(!holds(&clauses(100)));
    assert_eq!(Filter::parse(&clauses(101)).unwrap_err().message(), "More than 100 clauses");
}

#[test]
fn nesting_is_bounded_however_it_is_written() {
    assert!(holds(&format!("{}true{}", "(".repeat(50), ")".repeat(50))));
    assert!(holds(&format!("{}true", "not ".repeat(50))));
    for text in ["(", "not ", "tolower(", "(not "] {
        assert_eq!(Filter::parse(&text.repeat(100_000)).unwrap_err().message(), "Nested more than 50 deep");
    }
}
