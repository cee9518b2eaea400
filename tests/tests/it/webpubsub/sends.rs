//! The five sends: who gets the message, and in which shape.

use serde_json::json;
use webpubsub::Message;
use webpubsub::filter::{Filter, groups, user_id};

use super::hall::Hall;

#[tokio::test]
async fn a_send_to_all_reaches_everyone_but_the_excluded() {
    let mut hall = Hall::open().await;
    hall.service.send_to_all("hello").await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann", "ann2", "anonymous", "bob"]);
    let left_out = [hall.ann.connection_id.clone(), hall.anonymous.connection_id.clone(), "unknown".into()];
    hall.service.send_to_all("hello").excluded(left_out).await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann2", "bob"]);
}

#[tokio::test]
async fn a_send_to_all_reaches_whom_its_filter_matches() {
    let mut hall = Hall::open().await;
    let cases = [
        (user_id().eq("ann"), vec!["ann", "ann2"]),
        (user_id().is_null(), vec!["anonymous"]),
        (user_id().ne("ann").and(groups().contains("red")), vec!["bob"]),
        (groups().contains("red").or(groups().contains("blue")), vec!["ann", "ann2", "bob"]),
        (!groups().contains("red"), vec!["ann2", "anonymous"]),
        (groups().length().gt(1), vec!["bob"]),
        (Filter::raw("startswith(userId, 'b')"), vec!["bob"]),
        (user_id().eq("it's"), vec![]),
    ];
    for (filter, reached) in cases {
        let text = filter.to_string();
        hall.service.send_to_all("psst").filter(filter).await.unwrap();
        assert_eq!(hall.who_heard().await, reached, "{text}");
    }
}

#[tokio::test]
async fn a_send_to_a_group_reaches_its_members() {
    let mut hall = Hall::open().await;
    let red = hall.service.group("red");
    red.send("hello").await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann", "bob"]);
    red.send("hello").excluded([&hall.bob.connection_id]).await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann"]);
    red.send("hello").filter(user_id().eq("bob")).message_ttl_seconds(300).await.unwrap();
    assert_eq!(hall.who_heard().await, ["bob"]);
    hall.service.group("empty").send("hello").await.unwrap();
    assert!(hall.who_heard().await.is_empty());
}

#[tokio::test]
async fn a_send_to_a_user_reaches_all_connections_of_that_user() {
    let mut hall = Hall::open().await;
    hall.service.user("ann").send("hello").await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann", "ann2"]);
    hall.service.user("ann").send("hello").filter(groups().contains("blue")).await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann2"]);
    // Accepted as well, as the service does.
    hall.service.user("stranger").send("hello").await.unwrap();
    assert!(hall.who_heard().await.is_empty());
}

#[tokio::test]
async fn a_send_to_a_connection_reaches_that_one() {
    let mut hall = Hall::open().await;
    hall.service.connection(&hall.ann2.connection_id).send("hello").message_ttl_seconds(0).await.unwrap();
    assert_eq!(hall.who_heard().await, ["ann2"]);
    hall.service.connection("unknown").send("hello").await.unwrap();
    assert!(hall.who_heard().await.is_empty());
}

#[tokio::test]
async fn every_kind_of_message_arrives_as_what_it_was() {
    let mut hall = Hall::open().await;
    let cases = [
        (Message::text("héllo \"you\""), "text", json!("héllo \"you\"")),
        (Message::text(""), "text", json!("")),
        (
            Message::json(&json!({"n": 1.5, "list": [null, true]})),
            "json",
            json!({"n": 1.5, "list": [null, true]}),
        ),
        (Message::json("a string"), "json", json!("a string")),
        (Message::json(&false), "json", json!(false)),
        (Message::binary(vec![0, 159, 255]), "binary", json!("AJ//")),
    ];
    for (message, kind, data) in cases {
        hall.service.group("red").send(message).await.unwrap();
        let heard = hall.heard().await;
        let frame = &heard["bob"][0];
        assert_eq!((&frame["dataType"], &frame["data"]), (&json!(kind), &data));
        assert_eq!((&frame["from"], &frame["group"]), (&json!("group"), &json!("red")));
    }
    hall.service.user("bob").send("hello").await.unwrap();
    assert_eq!(hall.heard().await["bob"][0]["from"], "server");
}
