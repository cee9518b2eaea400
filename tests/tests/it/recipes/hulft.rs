//! The recipes for HULFT-WebConnect.

use hulft_webconnect::{Date, RateLimit, SiteClient};
use service_emulator::Emulator;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../../docs/recipes/month_to_csv.rs"]
mod month_to_csv;
#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "the test is its own `main`; a program may use the system's time"
)]
#[path = "../../../../docs/recipes/watch_agents.rs"]
mod watch_agents;

async fn start() -> (Emulator, SiteClient) {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().rate_limit(None);
    let builder = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint());
    let site = builder.rate_limit(RateLimit::none()).build().unwrap();
    (emulator, site)
}

#[tokio::test]
async fn the_log_of_a_month_has_a_line_per_transfer_and_a_header() {
    let (emulator, site) = start().await;
    // A row per minute, starting on 2024-01-01.
    emulator.hulft().add_relay_logs(2_500);
    let mut file = Vec::new();
    let (from, to) = (Date::new(2024, 1, 1).unwrap(), Date::new(2024, 1, 31).unwrap());
    assert_eq!(month_to_csv::export(&site, from, to, &mut file).await.unwrap(), 2_500);
    let text = String::from_utf8(file).unwrap();
    assert_eq!(text.lines().count(), 2_501);
    assert!(text.lines().nth(1).unwrap().contains(" UTC"), "{:?}", text.lines().nth(1));
}

#[tokio::test]
async fn agents_that_come_and_go_are_reported_and_one_is_disconnected() {
    let (emulator, site) = start().await;
    emulator.hulft().add_sample_agents();
    let before = watch_agents::sessions(&site).await.unwrap();
    assert_eq!(watch_agents::disconnect(&site, "tokyo-send").await.unwrap(), 1);
    let after = watch_agents::sessions(&site).await.unwrap();
    assert_eq!(after.len(), before.len() - 1);
    assert_eq!(watch_agents::changes(&before, &after), ["- tokyo-send (send)"]);
    assert_eq!(watch_agents::changes(&after, &before), ["+ tokyo-send (send)"]);
    assert!(watch_agents::changes(&after, &after).is_empty());
}
