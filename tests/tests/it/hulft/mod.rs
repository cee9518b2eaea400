//! The HULFT-WebConnect client against the emulator and against the list of documented operations.

mod agents;
mod errors;
mod logs;
mod operations;
mod settings;

use hulft_webconnect::{RateLimit, SiteClient};
use service_emulator::Emulator;

async fn start() -> (Emulator, SiteClient) {
    let emulator = Emulator::start().await.unwrap();
    let builder = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint());
    (emulator, builder.build().unwrap())
}

/// Builds a client without a rate limiter, so that it can send many requests at once and reach the service's limit.
fn unpaced(emulator: &Emulator, key: &str) -> SiteClient {
    SiteClient::builder(key).endpoint(emulator.endpoint()).rate_limit(RateLimit::none()).build().unwrap()
}
