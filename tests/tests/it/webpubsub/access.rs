//! Tokens for clients, made here and by the service: what their bearer is and may do.

use std::time::{Duration, SystemTime};

use serde_json::json;
use service_core::{Clock, SystemClock};
use webpubsub::{AccessToken, BoxError, Credential, Role, ServiceClient, TokenRequest};
use workspace_tests::socket::Client;

use super::hall::{HUB, Hall};

async fn check(hall: &Hall, service: &ServiceClient) {
    let access = service
        .client_access()
        .user("dave")
        .groups(["red", "gold"])
        .roles([Role::send_to_group("red"), Role::join_leave_groups("team.*")])
        .lifetime(Duration::from_secs(120))
        .await
        .unwrap();
    let left = access.expires_at.unwrap().duration_since(SystemClock::new().now()).unwrap();
    assert!(left <= Duration::from_secs(121) && left > Duration::from_secs(60), "{left:?}");
    let mut dave = Client::connect(&access.url).await.unwrap();
    let known = hall.emulator.webpubsub().connections(HUB);
    let known = known.iter().find(|connection| connection.connection_id == dave.connection_id).unwrap();
    assert_eq!(
        (known.user_id.as_deref(), &known.groups[..]),
        (Some("dave"), &["gold", "red"].map(String::from)[..])
    );
    for (frame, allowed) in [
        (json!({"type": "sendToGroup", "group": "red", "ackId": 1, "noEcho": true, "data": 1}), true),
        (json!({"type": "sendToGroup", "group": "gold", "ackId": 2, "noEcho": true, "data": 1}), false),
        (json!({"type": "joinGroup", "group": "team.a", "ackId": 3}), true),
        (json!({"type": "joinGroup", "group": "blue", "ackId": 4}), false),
    ] {
        dave.send(&frame).await.unwrap();
        let ack = dave.json().await.unwrap();
        assert_eq!((&ack["ackId"], &ack["success"]), (&frame["ackId"], &json!(allowed)), "{frame}");
    }
}

#[tokio::test]
async fn a_token_that_is_signed_here_lets_its_bearer_in() {
    let hall = Hall::open().await;
    check(&hall, &hall.service).await;
    assert!(hall.emulator.requests().iter().all(|request| !request.target.contains(":generateToken")));
}

#[tokio::test]
async fn a_token_that_the_service_makes_lets_its_bearer_in() {
    let hall = Hall::open().await;
    let token = hall.emulator.webpubsub().entra_token();
    let credential = move |_: TokenRequest| {
        let expires_on = SystemClock::new().now() + Duration::from_secs(3600);
        let token = AccessToken::new(token.clone(), expires_on);
        async move { Ok::<_, BoxError>(token) }
    };
    let service = ServiceClient::new(&hall.emulator.endpoint(), HUB, Credential::token(credential)).unwrap();
    check(&hall, &service).await;
    assert!(hall.emulator.requests().iter().any(|request| request.target.contains(":generateToken")));
}

#[tokio::test]
async fn an_anonymous_token_has_no_user() {
    let hall = Hall::open().await;
    let access = hall.service.client_access().await.unwrap();
    let guest = Client::connect(&access.url).await.unwrap();
    let known = hall.emulator.webpubsub().connections(HUB);
    let known = known.iter().find(|connection| connection.connection_id == guest.connection_id).unwrap();
    assert_eq!((known.user_id.as_deref(), known.groups.len()), (None, 0));
    let left = access.expires_at.unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(left > Duration::ZERO);
}
