//! Access keys that change while the emulator runs.

use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;

use crate::common::http;

#[tokio::test]
async fn what_the_old_keys_of_web_pub_sub_signed_is_rejected_once_they_are_changed() {
    let emulator = Emulator::start().await.unwrap();
    let service = emulator.webpubsub();
    let open = async |url: &str| tokio_tungstenite::connect_async(url).await.map(drop).map_err(drop);
    let old = service.client_access_url("chat", &ClientToken::new());
    assert_eq!(open(&old).await, Ok(()));
    service.set_access_keys("new", "newer").unwrap();
    assert_eq!(open(&old).await, Err(()));
    assert_eq!(open(&service.client_access_url("chat", &ClientToken::new())).await, Ok(()));
    assert!(service.set_access_keys("new", "a;b").is_err());
    assert_eq!(service.secondary_access_key(), "newer");
}

#[tokio::test]
async fn the_old_keys_of_event_grid_are_rejected_once_they_are_changed() {
    let emulator = Emulator::start().await.unwrap();
    let grid = emulator.eventgrid();
    let status = async |key: &str| {
        let target = "/topics/orders/eventsubscriptions/billing:receive?api-version=none";
        let authorization = format!("SharedAccessKey {key}");
        http(&emulator, "POST", target, &[("authorization", &authorization)], "").await.status
    };
    let [old, new] = [grid.key(), "AAAAAAAAAAAAAAAAAAAAAA==".to_owned()];
    assert_eq!((status(&old).await, status(&new).await), (400, 401));
    grid.set_keys(&new, &grid.secondary_key()).unwrap();
    assert_eq!((status(&old).await, status(&new).await), (401, 400));
    assert!(grid.set_keys(&old, "short").is_err());
    assert_eq!(grid.key(), new);
}

#[tokio::test]
async fn the_old_key_of_hulft_is_rejected_once_it_is_changed() {
    let emulator = Emulator::start().await.unwrap();
    let site = emulator.hulft();
    let status = async |key: &str| {
        let authorization = format!("Bearer {key}");
        http(&emulator, "GET", "/api/v2/service-status", &[("authorization", &authorization)], "")
            .await
            .status
    };
    let old = site.api_key();
    site.set_api_key("new").unwrap();
    assert_eq!(status(&old).await, 401);
    assert_ne!(status("new").await, 401);
    assert!(site.set_api_key("with space").is_err());
    assert_eq!(site.api_key(), "new");
}

#[tokio::test]
async fn an_arrangement_that_fails_ends_the_start_with_its_words() {
    let emulator = Emulator::builder().arrange(|emulator| Ok(emulator.hulft().set_api_key("")?));
    let error = emulator.start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("1 to 256"), "{error}");
}
