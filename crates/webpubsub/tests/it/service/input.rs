//! Invalid input: every bound below, at, and above its edge. Invalid values are rejected before anything is sent.

use webpubsub::filter::{MAX_CLAUSES, user_id};
use webpubsub::{Connections, Credential, Error, Filter, Message, ServiceClient};

use super::{scripted, targets};

pub(super) fn assert_rejected(error: &Error, rule: &str) {
    assert!(error.is_invalid_input() && error.attempts() == 0, "{error}");
    assert!(error.to_string().contains(rule), "{rule}: {error}");
}

#[tokio::test]
async fn times_to_live_hold_at_their_edges() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    for seconds in [301, u32::MAX] {
        for error in [
            service.send_to_all("m").message_ttl_seconds(seconds).await.unwrap_err(),
            service.group("g").send("m").message_ttl_seconds(seconds).await.unwrap_err(),
            service.user("u").send("m").message_ttl_seconds(seconds).await.unwrap_err(),
            service.connection("c").send("m").message_ttl_seconds(seconds).await.unwrap_err(),
        ] {
            assert_rejected(&error, "messageTtlSeconds must be between 0 and 300, got");
        }
    }
    assert!(script.sent().is_empty());
    for seconds in [0, 299, 300] {
        script.status(202);
        service.send_to_all("m").message_ttl_seconds(seconds).await.unwrap();
        assert!(targets(&script).pop().unwrap().ends_with(&format!("&messageTtlSeconds={seconds}")));
    }
}

#[tokio::test]
async fn group_and_hub_names_hold_at_their_edges() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    for group in [" ", "\t \n", &"g".repeat(1025)] {
        for error in [
            service.group(group).close_connections().await.unwrap_err(),
            service.group(group).send("m").await.unwrap_err(),
            service.group(group).add_connection("c").await.unwrap_err(),
            service.group(group).list_connections().all().await.unwrap_err(),
            service.user("u").add_to_group(group).await.unwrap_err(),
            service.user("u").remove_from_group(group).await.unwrap_err(),
            service.connection("c").grant_permission("sendToGroup").group(group).await.unwrap_err(),
        ] {
            assert_rejected(&error, "group must");
        }
    }
    for hub in ["1hub", "a-b", "a/b", &"h".repeat(129)] {
        assert_rejected(&service.hub(hub).connection("c").close().await.unwrap_err(), "hub must be");
        assert!(ServiceClient::new("https://x.example", hub, Credential::access_key("k")).is_err());
    }
    assert!(script.sent().is_empty());
    let (group, hub) = ("g".repeat(1024), "h".repeat(128));
    script.status(204);
    service.hub(&hub).group(&group).close_connections().await.unwrap();
    assert!(targets(&script)[0].contains(&format!("/{hub}/groups/{group}/:closeConnections?")));
}

#[tokio::test]
async fn a_permission_that_would_change_the_path_is_rejected() {
    let (script, _, builder) = scripted();
    let connection = builder.build().unwrap().connection("c");
    for name in ["", ".", ".."] {
        assert_rejected(&connection.grant_permission(name).await.unwrap_err(), "permission must not be");
        assert_rejected(&connection.has_permission(name).await.unwrap_err(), "permission must not be");
        assert_rejected(&connection.revoke_permission(name).await.unwrap_err(), "permission must not be");
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_change_of_many_memberships_needs_valid_groups() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    let none: [&str; 0] = [];
    let add = service.add_connections_to_groups(none, Connections::all()).await;
    assert_rejected(&add.unwrap_err(), "groups must contain at least one name");
    for group in ["", " ", ".", "..", &"g".repeat(1025)] {
        let remove = service.remove_connections_from_groups(["ok", group], Connections::all());
        assert_rejected(&remove.await.unwrap_err(), "group must");
    }
    let everyone = Connections::matching(Filter::raw(" "));
    assert_rejected(
        &service.add_connections_to_groups(["g"], everyone).await.unwrap_err(),
        "filter must not be empty",
    );
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_filter_with_too_many_clauses_is_rejected_wherever_it_is_given() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    let filter = |count: usize| (1..count).fold(user_id().eq("u"), |all, _| all.or(user_id().eq("u")));
    let long = || filter(MAX_CLAUSES + 1);
    for error in [
        service.send_to_all("m").filter(long()).await.unwrap_err(),
        service.group("g").send("m").filter(long()).await.unwrap_err(),
        service.user("u").send("m").filter(long()).await.unwrap_err(),
        service.add_connections_to_groups(["g"], Connections::matching(long())).await.unwrap_err(),
    ] {
        assert_rejected(&error, "filter must have at most 100 clauses, has 101");
    }
    assert!(script.sent().is_empty());
    script.status(202);
    service.send_to_all("m").filter(filter(MAX_CLAUSES)).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_too_long_or_not_json_is_rejected() {
    let (script, _, builder) = scripted();
    let service = builder.build().unwrap();
    let long = service.send_to_all(Message::binary(vec![0; 1024 * 1024 + 1])).await;
    assert_rejected(&long.unwrap_err(), "message must be at most 1 MB");
    let odd = Message::json(&std::collections::HashMap::from([((1, 2), 3)]));
    assert_rejected(&service.user("u").send(odd).await.unwrap_err(), "message cannot be written as JSON");
    assert!(script.sent().is_empty());
}

#[test]
fn an_invalid_key_is_rejected_with_its_rule_and_not_repeated() {
    for (key, rule) in [
        ("", "must not be empty"),
        (" planted", "white space"),
        ("planted\n", "white space"),
        ("Endpoint=https://x.example;AccessKey=planted;", "`from_connection_string`"),
    ] {
        let error = ServiceClient::new("https://x.example", "chat", Credential::access_key(key)).unwrap_err();
        assert_rejected(&error, rule);
        assert!(!format!("{error:?}").contains("planted"), "{error}");
    }
    let padded = " Endpoint = https://x.example ; AccessKey = planted== ;";
    assert!(
        ServiceClient::from_connection_string(padded, "chat").is_ok(),
        "around a part, spaces do no harm"
    );
}
