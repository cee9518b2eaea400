//! The service client from outside: what it sends, how it interprets responses, and what it rejects.

mod cases;
mod explanations;
mod filters;
mod input;
mod members;
#[cfg(feature = "preview")]
mod metadata;
mod proxy;
mod responses;
mod retries;
mod tokens;
mod wire;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service_core::testing::{ManualClock, ScriptedTransport};
use webpubsub::{Credential, ServiceClient, ServiceClientBuilder};

/// The key of the specification's known tokens. Their time follows below.
const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Returns a client of the hub `chat` with a scripted network and a clock that jumps.
fn scripted() -> (ScriptedTransport, ManualClock, ServiceClientBuilder) {
    scripted_by(Credential::access_key(KEY))
}

fn scripted_by(credential: Credential) -> (ScriptedTransport, ManualClock, ServiceClientBuilder) {
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(now()));
    let builder = ServiceClient::builder("http://localhost:8080", "chat", credential)
        .transport(Arc::new(script.clone()))
        .clock(Arc::new(clock.clone()));
    (script, clock, builder)
}

fn targets(script: &ScriptedTransport) -> Vec<String> {
    script.sent().iter().map(|request| request.uri().to_string()).collect()
}
