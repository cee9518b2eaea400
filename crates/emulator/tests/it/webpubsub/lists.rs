//! Listing the members of a group: pages, bounds, and members that join or leave between two pages.

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::common::clients::{Client, authorization, rest};
use crate::common::{Response, http};

const LIST: &str = "groups/g/connections";

async fn members(emulator: &Emulator, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.push(Client::json(emulator, json!({ "webpubsub.group": "g" })).await);
    }
    clients
}

fn ids(page: &Value) -> Vec<String> {
    let members = page["value"].as_array().unwrap();
    members.iter().map(|member| member["connectionId"].as_str().unwrap().to_owned()).collect()
}

fn sorted<'a>(ids: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().cloned().collect();
    ids.sort();
    ids
}

/// Follows a link verbatim.
async fn follow(emulator: &Emulator, link: &str) -> Response {
    let target = link.strip_prefix(&emulator.endpoint()).unwrap();
    http(emulator, "GET", target, &[("authorization", &authorization(emulator, target))], "").await
}

#[tokio::test]
async fn an_empty_group_is_an_empty_list() {
    let emulator = Emulator::start().await.unwrap();
    let response = rest(&emulator, "GET", LIST).await;
    assert_eq!((response.status, response.body.as_str()), (200, r#"{"value":[]}"#));
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(response.header("content-length"), Some("12"));
}

#[tokio::test]
async fn members_are_listed_with_their_users_and_no_one_else() {
    let emulator = Emulator::start().await.unwrap();
    let ann = Client::json(&emulator, json!({ "sub": "ann", "webpubsub.group": ["g", "h"] })).await;
    let anonymous = Client::simple(&emulator, json!({ "webpubsub.group": "g" }), "").await;
    let _other = Client::json(&emulator, json!({ "sub": "ann", "webpubsub.group": "h" })).await;
    let response = rest(&emulator, "GET", LIST).await;
    let mut expected = [(&ann.id, json!("ann")), (&anonymous.id, json!(null))];
    expected.sort_by(|left, right| right.0.cmp(left.0));
    let expected = expected.map(|(id, user)| json!({ "connectionId": id, "userId": user }));
    assert_eq!(response.json(), json!({ "value": expected }));
    assert!(response.header("api-supported-versions").is_some());
}

#[tokio::test]
async fn pages_follow_one_another_and_top_counts_down() {
    let emulator = Emulator::start().await.unwrap();
    let clients = members(&emulator, 6).await;
    let mut response = rest(&emulator, "GET", &format!("{LIST}?maxpagesize=2&top=5")).await;
    let mut seen = Vec::new();
    for top in [3, 1] {
        let page = response.json();
        let ids = ids(&page);
        let query = format!("top={top}&maxpagesize=2&continuationToken={}&api-version=2024-12-01", ids[0]);
        assert_eq!(page["nextLink"], format!("{}/api/hubs/chat/{LIST}?{query}", emulator.endpoint()));
        seen.extend(ids);
        response = follow(&emulator, page["nextLink"].as_str().unwrap()).await;
    }
    let last = response.json();
    assert_eq!(last["nextLink"], json!(null));
    seen.extend(ids(&last));
    seen.sort();
    assert_eq!(seen, sorted(clients.iter().map(|client| &client.id))[..5], "each once");
}

#[tokio::test]
async fn the_last_page_has_no_link_even_when_it_is_full() {
    let emulator = Emulator::start().await.unwrap();
    let _clients = members(&emulator, 4).await;
    for (query, count, has_link) in [
        ("?maxpagesize=4", 4, false),
        ("?maxpagesize=3", 3, true),
        ("?top=3", 3, false),
        ("?top=4", 4, false),
        ("?top=9&maxpagesize=200", 4, false),
        ("?top=2&maxpagesize=2", 2, false),
    ] {
        let page = rest(&emulator, "GET", &format!("{LIST}{query}")).await.json();
        assert_eq!((ids(&page).len(), page.get("nextLink").is_some()), (count, has_link), "{query}");
    }
}

#[tokio::test]
async fn a_page_has_two_hundred_members_at_most() {
    let emulator = Emulator::start().await.unwrap();
    let _clients = members(&emulator, 201).await;
    for (query, next) in [("", ""), ("?top=2147483647", "top=2147483447&"), ("?top=201", "top=1&")] {
        let page = rest(&emulator, "GET", &format!("{LIST}{query}")).await.json();
        assert_eq!(ids(&page).len(), 200, "{query}");
        let link = page["nextLink"].as_str().unwrap();
        assert!(link.contains(&format!("connections?{next}maxpagesize=200&")), "{link}");
        assert_eq!(ids(&follow(&emulator, link).await.json()).len(), 1, "{query}");
    }
}

#[tokio::test]
async fn members_who_come_and_go_between_pages_do_not_shift_others() {
    let emulator = Emulator::start().await.unwrap();
    let clients = members(&emulator, 6).await;
    let all = sorted(clients.iter().map(|client| &client.id));
    let first = rest(&emulator, "GET", &format!("{LIST}?maxpagesize=2")).await.json();
    let listed = ids(&first);
    assert_eq!(sorted(&listed), all[..2]);
    for gone in [&all[0], &all[1], &all[3]] {
        assert_eq!(rest(&emulator, "DELETE", &format!("connections/{gone}")).await.status, 204);
    }
    let newcomers = members(&emulator, 3).await;
    let mut rest_of_all = Vec::new();
    let mut link = first["nextLink"].as_str().map(str::to_owned);
    while let Some(next) = link {
        let page = follow(&emulator, &next).await.json();
        rest_of_all.extend(ids(&page));
        link = page["nextLink"].as_str().map(str::to_owned);
    }
    let stayed: Vec<_> =
        rest_of_all.iter().filter(|id| !newcomers.iter().any(|client| client.id == **id)).collect();
    assert_eq!(sorted(stayed), [&all[2], &all[4], &all[5]].map(String::clone), "each who stayed, once");
}

#[tokio::test]
async fn a_whole_link_is_taken_for_the_token_that_it_holds() {
    let emulator = Emulator::start().await.unwrap();
    let _clients = members(&emulator, 2).await;
    let first = rest(&emulator, "GET", &format!("{LIST}?maxpagesize=1")).await.json();
    let link: String =
        first["nextLink"].as_str().unwrap().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let second = rest(&emulator, "GET", &format!("{LIST}?continuationToken={link}")).await;
    assert_eq!(second.status, 200);
    assert_eq!(ids(&second.json()).len(), 1);
    assert_ne!(ids(&second.json()), ids(&first));
}

#[tokio::test]
async fn parameters_out_of_bounds_are_rejected() {
    let emulator = Emulator::start().await.unwrap();
    for (name, value) in [
        ("maxpagesize", "0"),
        ("maxpagesize", "201"),
        ("maxpagesize", "-1"),
        ("maxpagesize", "x"),
        ("maxpagesize", ""),
        ("top", "0"),
        ("top", "2147483648"),
        ("top", "1.5"),
        ("continuationToken", ""),
        ("continuationToken", "x"),
        ("continuationToken", "https%3A%2F%2Fh%2Fx"),
        ("continuationToken", "https%3A%2F%2Fh%2Fx%3FcontinuationToken%3Dx"),
    ] {
        let response = rest(&emulator, "GET", &format!("{LIST}?{name}={value}")).await;
        assert_eq!((response.status, &response.json()["target"]), (400, &json!(name)), "{name}={value}");
    }
    for (query, status) in
        [("maxpagesize=1", 200), ("maxpagesize=200", 200), ("top=1", 200), ("top=2147483647", 200)]
    {
        assert_eq!(rest(&emulator, "GET", &format!("{LIST}?{query}")).await.status, status, "{query}");
    }
    assert_eq!(rest(&emulator, "GET", "groups/%20/connections").await.status, 400);
}

#[tokio::test]
async fn versions_before_the_operation_do_not_know_it() {
    let emulator = Emulator::start().await.unwrap();
    for (version, status) in [("2024-12-01", 200), ("2024-01-01", 400)] {
        let target = format!("/api/hubs/chat/{LIST}?api-version={version}");
        let header = authorization(&emulator, &target);
        let response = http(&emulator, "GET", &target, &[("authorization", &header)], "").await;
        assert_eq!(response.status, status, "{version}");
    }
}
