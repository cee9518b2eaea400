//! What goes wrong at the service: bursts of rejections and failures, WebSockets that are dropped or fall silent, acknowledgments
//! that are lost, and clocks that jump.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use service_core::{BoxError, Clock, SystemClock};

use super::{HUB, LOCK, Phase, Shared};

const STORM: Duration = Duration::from_millis(300);
const CALM: Duration = Duration::from_millis(700);
/// The clocks jump after so many storms.
const STORMS_PER_JUMP: u64 = 6;
/// Nearly all jumps let locks and recoveries expire; some are shorter.
const JUMPS: [Duration; 3] = [LOCK, Duration::from_secs(7), Duration::from_secs(90)];

/// How often what went wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Troubles {
    /// Periods in which the service failed or rejected many requests.
    pub storms: u64,
    /// Faults of WebSockets that were scheduled.
    pub socket_faults: u64,
    /// Jumps of all clocks.
    pub jumps: u64,
}

/// Causes trouble until it must be calm.
pub(super) async fn run(shared: Arc<Shared>) -> Result<Troubles, BoxError> {
    let (clock, mut random) = (SystemClock::new(), shared.random(1));
    let mut troubles = Troubles::default();
    while shared.is(Phase::Trouble) {
        for fault in requests(random.u64(..)) {
            shared.service.fault(fault).await?;
        }
        for _ in 0..3 {
            shared.service.fault(socket(&mut random)).await?;
            troubles.socket_faults += 1;
        }
        troubles.storms += 1;
        clock.sleep(STORM).await;
        shared.service.clear_faults().await?;
        clock.sleep(CALM).await;
        if troubles.storms.is_multiple_of(STORMS_PER_JUMP) {
            let by = JUMPS[random.usize(..JUMPS.len())];
            jump(&shared, by).await?;
            troubles.jumps += 1;
        }
    }
    Ok(troubles)
}

/// Lets all clocks jump.
pub(super) async fn jump(shared: &Shared, by: Duration) -> Result<(), BoxError> {
    shared.clock.advance(by);
    shared.service.advance(by).await
}

/// The service rejects, fails before it acts, fails after it acted, and cuts off its response.
fn requests(seed: u64) -> Vec<Value> {
    let soon = json!({ "retry-after-ms": "20" });
    let kinds = [
        (0.10, json!({ "kind": "status", "status": 429, "headers": soon })),
        (0.04, json!({ "kind": "status", "status": 503, "headers": soon })),
        (0.04, json!({ "kind": "status", "status": 503 })),
        (0.03, json!({ "kind": "status", "status": 500, "after_processing": true })),
        (0.03, json!({ "kind": "reset" })),
        (0.03, json!({ "kind": "reset", "after_processing": true })),
        (0.03, json!({ "kind": "cut_body" })),
        (0.05, json!({ "kind": "delay", "delay_ms": 30 })),
    ];
    let faults = kinds.into_iter().enumerate().map(|(index, (probability, mut fault))| {
        fault["probability"] = probability.into();
        fault["seed"] = (seed ^ index as u64).into();
        fault
    });
    faults.collect()
}

/// A fault of the next WebSocket of the hub to which it can happen.
fn socket(random: &mut fastrand::Rng) -> Value {
    let mut fault = match random.u8(..11) {
        0 => json!({ "kind": "drop", "at_received": random.u8(1..4) }),
        1 => json!({ "kind": "drop", "at_received": 1, "after_processing": true }),
        2 => json!({ "kind": "drop", "after_sent": random.u8(1..4) }),
        3 => json!({ "kind": "drop", "after_sent_bytes": random.u16(1..400) }),
        4 => json!({ "kind": "half_open" }),
        5 => json!({ "kind": "delay_ack", "delay_ms": 40 }),
        6 => json!({ "kind": "ignore_sequence_ack" }),
        7 => json!({ "kind": "reject_recovery" }),
        8 => json!({ "kind": "lose_stream_ack" }),
        9 => json!({ "kind": "nack_stream_data", "nack": "transient_error" }),
        _ => json!({ "kind": "delay_invoke_response", "delay_ms": 40 }),
    };
    fault["sockets"] = true.into();
    fault["hub"] = HUB.into();
    fault
}
