//! Health, the three questions whether something is there, and the four ways to close connections.

use crate::hall::{HUB, Hall};

#[tokio::test]
async fn the_service_is_up() {
    let hall = Hall::open().await;
    assert_eq!(hall.service.check_health().with_response().await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn connections_users_and_groups_are_there_as_long_as_somebody_is() {
    let mut hall = Hall::open().await;
    let service = hall.service.clone();
    let bobs = hall.bob.connection_id.clone();
    assert!(service.connection(&bobs).exists().await.unwrap());
    assert!(service.user("bob").exists().await.unwrap());
    assert!(service.group("red").exists().await.unwrap());
    assert!(!service.group("Red").exists().await.unwrap(), "groups have letters of a case");
    service.connection(&bobs).close().await.unwrap();
    hall.bob.ending(0).await.unwrap();
    assert!(!service.connection(&bobs).exists().await.unwrap());
    assert!(!service.user("bob").exists().await.unwrap());
    assert!(service.group("blue").exists().await.unwrap(), "Ann's second connection is there still");
    service.user("ann").close_connections().await.unwrap();
    hall.ann.ending(0).await.unwrap();
    hall.ann2.ending(0).await.unwrap();
    assert!(!service.group("red").exists().await.unwrap());
    assert!(!service.group("blue").exists().await.unwrap());
}

#[tokio::test]
async fn the_existence_of_something_unknown_is_reported_as_false() {
    let hall = Hall::open().await;
    for name in ["stranger", "a/b?c#d", "日本語", "100%"] {
        assert!(!hall.service.connection(name).exists().await.unwrap());
        assert!(!hall.service.user(name).exists().await.unwrap());
        assert!(!hall.service.group(name).exists().await.unwrap());
    }
}

#[tokio::test]
async fn closing_all_connections_spares_the_excluded_and_other_hubs() {
    let mut hall = Hall::open().await;
    let survivors = [hall.bob.connection_id.clone()];
    hall.service.hub("other").close_all_connections().await.unwrap();
    hall.service.close_all_connections().excluded(&survivors).reason("maintenance").await.unwrap();
    for client in [&mut hall.ann, &mut hall.ann2, &mut hall.anonymous] {
        assert_eq!(client.ending(0).await.unwrap().message.as_deref(), Some("maintenance"));
    }
    hall.bob.ping().await.unwrap();
    let left = hall.emulator.webpubsub().connections(HUB);
    assert_eq!(left.iter().map(|connection| &connection.connection_id).collect::<Vec<_>>(), [&survivors[0]]);
}

#[tokio::test]
async fn closing_a_group_a_user_or_a_connection_leaves_the_others() {
    let mut hall = Hall::open().await;
    let service = hall.service.clone();
    service.connection(&hall.ann.connection_id).close().reason("one").await.unwrap();
    assert_eq!(hall.ann.ending(0).await.unwrap().message.as_deref(), Some("one"));
    service.user("ann").close_connections().reason("two").await.unwrap();
    assert_eq!(hall.ann2.ending(0).await.unwrap().message.as_deref(), Some("two"));
    hall.bob.ping().await.unwrap();
    service.group("red").close_connections().reason("three").await.unwrap();
    assert_eq!(hall.bob.ending(0).await.unwrap().message.as_deref(), Some("three"));
    hall.anonymous.ping().await.unwrap();
}
