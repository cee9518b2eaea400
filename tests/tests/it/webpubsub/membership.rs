//! Who is in which group: the eight operations that change it and the one that lists it.

use std::collections::BTreeSet;

use service_emulator::webpubsub::ClientToken;
use webpubsub::Connections;
use webpubsub::filter::{groups, user_id};

use super::hall::{Hall, join};

#[tokio::test]
async fn a_connection_is_put_into_a_group_and_taken_out_again() {
    let mut hall = Hall::open().await;
    let (group, id) = (hall.service.group("green"), hall.anonymous.connection_id.clone());
    group.add_connection(&id).await.unwrap();
    group.add_connection(&id).await.unwrap();
    assert_eq!(hall.groups()["anonymous"], ["green"]);
    group.send("hello").await.unwrap();
    assert_eq!(hall.who_heard().await, ["anonymous"]);
    group.remove_connection(&id).await.unwrap();
    group.remove_connection(&id).await.unwrap();
    assert!(hall.groups()["anonymous"].is_empty());
    group.send("hello").await.unwrap();
    assert!(hall.who_heard().await.is_empty());
}

#[tokio::test]
async fn an_unknown_connection_cannot_be_put_into_a_group_and_is_in_none_already() {
    let hall = Hall::open().await;
    let error = hall.service.group("green").add_connection("unknown").await.unwrap_err();
    assert!(error.is_not_found() && error.code() == Some("Error.Connection.NotExisted"), "{error}");
    hall.service.group("green").remove_connection("unknown").await.unwrap();
    hall.service.connection("unknown").remove_from_all_groups().await.unwrap();
}

#[tokio::test]
async fn a_connection_leaves_all_groups() {
    let mut hall = Hall::open().await;
    hall.service.connection(&hall.bob.connection_id).remove_from_all_groups().await.unwrap();
    let groups = hall.groups();
    assert!(groups["bob"].is_empty());
    assert_eq!((&*groups["ann"], &*groups["ann2"]), (&["red".to_owned()][..], &["blue".to_owned()][..]));
}

#[tokio::test]
async fn a_user_is_put_into_a_group_with_the_connections_there_are_now() {
    let mut hall = Hall::open().await;
    let ann = hall.service.user("ann");
    ann.add_to_group("green").await.unwrap();
    let later = join(&hall.emulator, &ClientToken::new().user("ann")).await;
    let groups = hall.groups();
    assert_eq!(
        (&groups["ann"][..], &groups["ann2"][..]),
        (&["green", "red"].map(String::from)[..], &["blue", "green"].map(String::from)[..])
    );
    assert!(!groups["bob"].contains(&"green".to_owned()));
    let members = hall.service.group("green").list_connections().all().await.unwrap();
    assert!(members.len() == 2 && members.iter().all(|member| member.connection_id != later.connection_id));
    ann.remove_from_group("green").await.unwrap();
    assert_eq!(
        (&hall.groups()["ann"][..], &hall.groups()["ann2"][..]),
        (&["red".to_owned()][..], &["blue".to_owned()][..])
    );
    ann.remove_from_all_groups().await.unwrap();
    assert!(hall.groups()["ann"].is_empty() && hall.groups()["ann2"].is_empty());
    assert_eq!(hall.groups()["bob"], ["blue", "red"]);
}

#[tokio::test]
async fn a_user_without_a_connection_cannot_be_put_into_a_group_and_is_in_none_already() {
    let hall = Hall::open().await;
    let stranger = hall.service.user("stranger");
    let error = stranger.add_to_group("green").await.unwrap_err();
    assert!(error.is_not_found() && error.code() == Some("Warning.User.NotExisted"), "{error}");
    stranger.remove_from_group("green").await.unwrap();
    stranger.remove_from_all_groups().await.unwrap();
}

#[tokio::test]
async fn many_connections_change_groups_at_once() {
    let mut hall = Hall::open().await;
    let service = hall.service.clone();
    let anns = || Connections::matching(user_id().eq("ann"));
    service.add_connections_to_groups(["green", "gold"], anns()).await.unwrap();
    assert_eq!(hall.groups()["ann"], ["gold", "green", "red"]);
    assert_eq!(hall.groups()["ann2"], ["blue", "gold", "green"]);
    assert_eq!(hall.groups()["bob"], ["blue", "red"]);
    service.add_connections_to_groups(["everyone"], Connections::all()).await.unwrap();
    assert!(hall.groups().values().all(|groups| groups.contains(&"everyone".to_owned())));
    let red = Connections::matching(groups().contains("red"));
    service.remove_connections_from_groups(["everyone", "gold", "red"], red).await.unwrap();
    assert_eq!(hall.groups()["ann"], ["green"]);
    assert_eq!(hall.groups()["bob"], ["blue"]);
    assert_eq!(hall.groups()["ann2"], ["blue", "everyone", "gold", "green"]);
    service.remove_connections_from_groups(["blue", "everyone"], Connections::all()).await.unwrap();
    assert_eq!(hall.groups()["ann2"], ["gold", "green"]);
    service.add_connections_to_groups(["x"], Connections::matching(user_id().eq("stranger"))).await.unwrap();
    assert!(!service.group("x").exists().await.unwrap());
}

#[tokio::test]
async fn the_list_of_a_group_has_every_member_once_for_any_page_size() {
    let mut hall = Hall::open().await;
    let mut more = Vec::new();
    for number in 0..7 {
        let token = ClientToken::new().user(format!("guest{number}")).group("red");
        more.push(join(&hall.emulator, &token).await);
    }
    hall.service.group("red").add_connection(&hall.anonymous.connection_id).await.unwrap();
    let mut expected: BTreeSet<_> = more.iter().map(|client| client.connection_id.clone()).collect();
    expected.extend([&hall.ann, &hall.bob, &hall.anonymous].map(|client| client.connection_id.clone()));
    let red = hall.service.group("red");
    for size in [1, 3, 10, 200] {
        let members = red.list_connections().page_size(size).all().await.unwrap();
        let ids: BTreeSet<_> = members.iter().map(|member| member.connection_id.clone()).collect();
        assert_eq!((members.len(), ids), (10, expected.clone()), "{size} a page");
        let anonymous = members.iter().find(|member| member.connection_id == hall.anonymous.connection_id);
        assert_eq!(anonymous.unwrap().user_id, None);
    }
    let mut sizes = Vec::new();
    let mut pages = red.list_connections().page_size(4).top(6).pages();
    while let Some(page) = pages.next().await {
        sizes.push(page.unwrap().members.len());
    }
    assert_eq!(sizes, [4, 2], "`top` counts all pages together");
    assert!(hall.service.group("empty").list_connections().all().await.unwrap().is_empty());
    assert!(hall.who_heard().await.is_empty());
}

#[tokio::test]
async fn a_list_goes_on_from_a_continuation_token() {
    let hall = Hall::open().await;
    let red = hall.service.group("red");
    let first = red.list_connections().page_size(1).pages().next().await.unwrap().unwrap();
    let token = first.continuation_token.unwrap();
    let rest = red.list_connections().continuation_token(token).all().await.unwrap();
    let mut ids = [first.members[0].connection_id.clone(), rest[0].connection_id.clone()];
    ids.sort();
    let mut expected = [hall.ann.connection_id.clone(), hall.bob.connection_id.clone()];
    expected.sort();
    assert_eq!((rest.len(), ids), (1, expected));
}
