//! Health, and whether connections, users, and groups exist.

use super::hall::Hall;

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
