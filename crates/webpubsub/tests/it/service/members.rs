//! The list of a group's connections: paging, its end, and links that it must not follow.

use futures_util::StreamExt;
use http::Response;
use service_core::testing::ScriptedTransport;
use webpubsub::{ErrorKind, Group, RetryOptions, ServiceClient};

use super::{scripted, targets};

const LIST: &str = "http://localhost:8080/api/hubs/chat/groups/g/connections?api-version=2024-12-01";
const AFTER_NEXT: &str =
    "http://localhost:8080/api/hubs/chat/groups/g/connections?continuationToken=c&api-version=2024-12-01";
const NEXT: &str = "http://localhost:8080/api/hubs/chat/groups/g/connections?maxpagesize=2&continuationToken=a%2Fb&api-version=2024-12-01";

fn page(script: &ScriptedTransport, members: &str, next: Option<&str>) {
    let next = next.map(|link| format!(",\"nextLink\":\"{link}\"")).unwrap_or_default();
    script.respond(Response::new(format!("{{\"value\":[{members}]{next}}}")));
}

fn group() -> (ScriptedTransport, Group) {
    let (script, _, builder) = scripted();
    (script, builder.build().unwrap().group("g"))
}

#[tokio::test]
async fn connections_come_one_by_one_over_all_pages() {
    let (script, group) = group();
    page(&script, r#"{"connectionId":"a","userId":null},{"connectionId":"b","userId":"u"}"#, Some(NEXT));
    page(&script, "", Some(AFTER_NEXT));
    page(&script, r#"{"connectionId":"c","new":1}"#, None);
    let mut list = group.list_connections();
    let mut seen = Vec::new();
    while let Some(member) = list.next().await {
        let member = member.unwrap();
        seen.push((member.connection_id, member.user_id));
    }
    assert!(list.next().await.is_none(), "the end is the end");
    assert_eq!(seen, [("a".into(), None), ("b".into(), Some("u".into())), ("c".into(), None)]);
    assert_eq!(targets(&script), [LIST, NEXT, AFTER_NEXT]);
}

#[tokio::test]
async fn a_page_is_requested_only_when_its_connections_are_needed() {
    let (script, group) = group();
    page(&script, r#"{"connectionId":"a"},{"connectionId":"b"}"#, Some(NEXT));
    let taken: Vec<_> = group.list_connections().take(2).collect().await;
    assert_eq!((taken.len(), script.sent().len()), (2, 1));
}

#[tokio::test]
async fn pages_contain_the_token_that_continues_the_list() {
    let (script, group) = group();
    page(&script, r#"{"connectionId":"a"}"#, Some(NEXT));
    page(&script, "", None);
    let pages: Vec<_> = group.list_connections().pages().map(Result::unwrap).collect().await;
    let tokens: Vec<_> = pages.iter().map(|page| page.continuation_token.as_deref()).collect();
    assert_eq!(tokens, [Some("a/b"), None]);
    page(&script, "", None);
    let mut rest = group.list_connections().continuation_token("a/b").pages();
    assert!(rest.next().await.unwrap().unwrap().members.is_empty(), "an empty group has one page");
    assert!(rest.next().await.is_none());
    assert_eq!(script.sent()[2].uri().to_string(), format!("{LIST}&continuationToken=a%2Fb"));
}

#[tokio::test]
async fn the_remaining_connections_follow_those_that_were_taken() {
    let (script, group) = group();
    page(&script, r#"{"connectionId":"a"},{"connectionId":"b"}"#, Some(NEXT));
    page(&script, r#"{"connectionId":"c"}"#, None);
    let mut list = group.list_connections();
    assert_eq!(list.next().await.unwrap().unwrap().connection_id, "a");
    let rest: Vec<_> = list.all().await.unwrap().into_iter().map(|member| member.connection_id).collect();
    assert_eq!(rest, ["b", "c"]);
}

#[tokio::test]
async fn a_link_to_another_origin_ends_the_list_before_the_credential_goes_there() {
    for link in [
        "http://evil.example/api?planted",
        "https://localhost:8080/api",
        "http://localhost:8081/a",
        "//evil.example/api",
    ] {
        let (script, group) = group();
        page(&script, r#"{"connectionId":"a"}"#, Some(link));
        let mut list = group.list_connections();
        assert!(list.next().await.unwrap().is_ok());
        let error = list.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), script.sent().len()), (ErrorKind::Credential, 1), "{link}");
        assert!(error.to_string().contains("does not start with http://localhost:8080,"), "{error}");
        assert!(!format!("{error:?}").contains("planted"));
        assert!(list.next().await.is_none(), "it has ended");
    }
}

#[tokio::test]
async fn overrides_hold_for_the_request_of_every_page() {
    let (script, group) = group();
    page(&script, r#"{"connectionId":"a"}"#, Some(NEXT));
    script.status(500);
    let mut list = group.list_connections().header("x-tenant", "blue").retry(RetryOptions::none());
    list.next().await.unwrap().unwrap();
    let error = list.next().await.unwrap().unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (500, 1));
    assert!(script.sent().iter().all(|request| request.headers()["x-tenant"] == "blue"));
}

#[tokio::test]
async fn bounds_hold_at_their_edges_before_anything_is_sent() {
    let (script, group) = group();
    let list = || group.list_connections();
    for (list, rule) in [
        (list().page_size(0), "maxpagesize must be between 1 and 200"),
        (list().page_size(201), "maxpagesize must be between 1 and 200"),
        (list().top(0), "top must be between 1 and 2147483647"),
        (list().top(2_147_483_648), "top must be between 1 and 2147483647"),
        (list().top(0).top(1), "top must be"),
        (list().continuation_token(""), "continuationToken must not be empty"),
    ] {
        let mut list = list;
        let error = list.next().await.unwrap().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
        assert!(list.next().await.is_none());
    }
    assert!(script.sent().is_empty());
    page(&script, "", None);
    page(&script, "", None);
    for list in [list().page_size(1).top(1), list().page_size(200).top(2_147_483_647)] {
        let response = list.with_response().await.unwrap();
        assert_eq!((response.status().as_u16(), response.body.members.len()), (200, 0));
    }
}

#[test]
fn a_list_can_be_sent_to_another_task() {
    fn check<T: Send + 'static>(_: fn(&ServiceClient) -> T) {}
    check(|service| service.group("g").list_connections());
    check(|service| service.group("g").list_connections().pages());
}

#[tokio::test]
async fn a_relative_link_is_resolved_against_its_page() {
    for (link, resolved) in [
        ("/api/next?a=1", "http://localhost:8080/api/next?a=1"),
        ("?a=1", "http://localhost:8080/api/hubs/chat/groups/g/connections?a=1"),
        ("next?a=1", "http://localhost:8080/api/hubs/chat/groups/g/next?a=1"),
    ] {
        let (script, group) = group();
        page(&script, "", Some(link));
        page(&script, "", None);
        group.list_connections().all().await.unwrap();
        assert_eq!(targets(&script)[1], resolved);
    }
}

#[tokio::test]
async fn a_list_whose_links_repeat_is_an_error_instead_of_endless() {
    // The link of the first page to itself, of a later one to itself, and of a later one to an earlier one.
    for links in [&[LIST][..], &[NEXT, NEXT], &[NEXT, AFTER_NEXT, NEXT], &[NEXT, LIST]] {
        let (script, group) = group();
        links.iter().for_each(|link| page(&script, r#"{"connectionId":"a"}"#, Some(link)));
        let mut list = group.list_connections();
        for _ in links {
            list.next().await.unwrap().unwrap();
        }
        let error = list.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), script.sent().len()), (ErrorKind::Decode, links.len()), "{links:?}");
        assert!(error.to_string().contains("a page of the list that was already read"), "{error}");
        assert!(list.next().await.is_none());
    }
}
