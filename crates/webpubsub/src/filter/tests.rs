//! The texts that the builder creates, and the filters that it rejects.

use super::*;

fn user(id: &str) -> Filter {
    user_id().eq(id)
}

#[test]
fn every_part_is_written_as_the_service_reads_it() {
    for (filter, text) in [
        (user_id().eq("a"), "userId eq 'a'"),
        (user_id().ne(connection_id()), "userId ne connectionId"),
        (connection_id().gt("a"), "connectionId gt 'a'"),
        (connection_id().ge("a"), "connectionId ge 'a'"),
        (connection_id().lt("a"), "connectionId lt 'a'"),
        (connection_id().le("a"), "connectionId le 'a'"),
        (user_id().is_null(), "userId eq null"),
        (user_id().is_not_null(), "userId ne null"),
        (user_id().is_in(["a", "b'c"]), "userId in ('a','b''c')"),
        (groups().contains("g"), "'g' in groups"),
        (groups().contains(user_id()), "userId in groups"),
        (groups().length().eq(0), "length(groups) eq 0"),
        (user_id().length().gt(-1), "length(userId) gt -1"),
        (user_id().index_of("x").ne(connection_id().length()), "indexof(userId,'x') ne length(connectionId)"),
        (user_id().to_lower().eq("a"), "tolower(userId) eq 'a'"),
        (user_id().to_upper().eq("A"), "toupper(userId) eq 'A'"),
        (user_id().trim().eq("a"), "trim(userId) eq 'a'"),
        (user_id().substring(1).eq("b"), "substring(userId,1) eq 'b'"),
        (user_id().substring_of(1, user_id().length()).eq("b"), "substring(userId,1,length(userId)) eq 'b'"),
        (user_id().concat("x").eq(text("ax")), "concat(userId,'x') eq 'ax'"),
        (user_id().starts_with("a"), "startswith(userId,'a')"),
        (user_id().ends_with("a"), "endswith(userId,'a')"),
        (user_id().contains("a"), "contains(userId,'a')"),
        (user_id().contains("a").is(false), "contains(userId,'a') eq false"),
        (Filter::raw("userId eq 'x'"), "userId eq 'x'"),
    ] {
        assert_eq!(filter.checked().unwrap(), text);
    }
}

#[test]
fn parentheses_appear_where_the_meaning_needs_them() {
    let (a, b, c) = (|| user("a"), || user("b"), || user("c"));
    let raw = || Filter::raw("x or y");
    for (filter, text) in [
        (a().and(b()).or(c()), "userId eq 'a' and userId eq 'b' or userId eq 'c'"),
        (a().or(b()).and(c()), "(userId eq 'a' or userId eq 'b') and userId eq 'c'"),
        (a().and(b().or(c())), "userId eq 'a' and (userId eq 'b' or userId eq 'c')"),
        (!a(), "not (userId eq 'a')"),
        ((!a()).and(b()), "not (userId eq 'a') and userId eq 'b'"),
        (!a().or(b()), "not (userId eq 'a' or userId eq 'b')"),
        (!!a(), "not (not (userId eq 'a'))"),
        ((!a()).is(true), "(not (userId eq 'a')) eq true"),
        (a().is(true), "(userId eq 'a') eq true"),
        (raw().or(a()), "(x or y) or userId eq 'a'"),
        (a().and(raw()), "userId eq 'a' and (x or y)"),
        (!raw(), "not (x or y)"),
    ] {
        assert_eq!(filter.to_string(), text);
    }
}

#[test]
fn a_value_stays_inside_its_quotes() {
    let filter = user("' or userId ne '").and(groups().contains("''"));
    assert_eq!(filter.to_string(), "userId eq ''' or userId ne ''' and '''''' in groups");
}

#[test]
fn a_hundred_clauses_are_accepted_and_one_more_is_not() {
    let many = |count: usize| (1..count).fold(user("0"), |filter, id| filter.or(user(&id.to_string())));
    assert!(many(MAX_CLAUSES).checked().is_ok());
    let error = many(MAX_CLAUSES + 1).checked().unwrap_err();
    assert!(error.to_string().contains("filter must have at most 100 clauses, has 101"), "{error}");
    assert!(user_id().is_in(vec!["x"; MAX_CLAUSES + 1]).checked().is_ok(), "a list is one clause");
}

#[test]
fn a_filter_that_would_select_all_or_nothing_is_rejected_in_any_position() {
    let nothing = || user_id().is_in(Vec::<String>::new());
    let rejected = [
        Filter::raw(""),
        Filter::raw(" \t"),
        user("a").or(Filter::raw("")),
        nothing(),
        (!nothing()).and(user("a")),
    ];
    for filter in rejected {
        let error = filter.checked().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().starts_with("filter must"), "{error}");
    }
}
