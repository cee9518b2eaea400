//! What a meter and `tracing` see of sends, receives, and settle calls, under OpenTelemetry's names for messaging.

mod metrics;
mod spans;
#[cfg(feature = "push-entra")]
mod table;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{Clock, CloudEvent, NamespaceClient, RetryOptions};
use http::Response;
use serde_json::json;
use service_core::testing::{ManualClock, RecordingMeter, ScriptedTransport};

use crate::common::namespace_builder;

const SECOND: Duration = Duration::from_secs(1);

/// A client whose responses take a second each.
struct Kit {
    client: NamespaceClient,
    script: ScriptedTransport,
    clock: ManualClock,
    meter: RecordingMeter,
}

impl Kit {
    fn new() -> Self {
        let (script, meter) = (ScriptedTransport::new(), RecordingMeter::new());
        let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
        let client = namespace_builder()
            .transport(Arc::new(script.clone()))
            .clock(Arc::new(clock.clone()))
            .meter(Arc::new(meter.clone()))
            .retry(RetryOptions::default().initial_backoff(Duration::ZERO))
            .build()
            .unwrap();
        Self { client, script, clock, meter }
    }

    fn respond(&self, status: u16, body: &str) -> &Self {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let response = Response::builder().status(status).body(body.to_owned()).unwrap();
        self.script.respond_after(clock, SECOND, response);
        self
    }

    /// Responds to a settle call.
    fn settles(&self, succeeded: &[&str], failed: &[(&str, &str)]) -> &Self {
        let failed: Vec<_> = failed
            .iter()
            .map(|(token, code)| json!({"lockToken": token, "error": {"code": code, "message": "no"}}))
            .collect();
        let body = json!({"succeededLockTokens": succeeded, "failedLockTokens": failed});
        self.respond(200, &body.to_string())
    }
}

fn event(id: &str) -> CloudEvent {
    CloudEvent::builder("/orders/123", "com.example.order").id(id).data_json(&5).build().unwrap()
}

/// The response to a receive call, with these events.
fn events(ids: &[&str]) -> String {
    let entry = |id: &&str| {
        json!({
            "brokerProperties": {"lockToken": format!("token-{id}"), "deliveryCount": 1},
            "event": serde_json::to_value(event(id)).unwrap(),
        })
    };
    json!({"value": ids.iter().map(entry).collect::<Vec<_>>()}).to_string()
}
