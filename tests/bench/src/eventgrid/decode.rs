//! What it costs to decode one received event, its data left raw.

use std::hint::black_box;

use eventgrid_namespaces::CloudEvent;

use super::wire::{Incoming, small_event};
use super::{CPU, RAW};
use crate::Result;
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::rounds::{Contender, Outcome};

const OURS: &str = "CloudEvent::from_json";
/// Decoding is so short that a turn needs more of it.
const MORE: u32 = 128;

/// Adds the comparison and its limit to the report.
pub(super) fn compare(plan: Plan, report: &mut Report) -> Result<()> {
    let plan = Plan { requests: plan.requests.saturating_mul(MORE), ..plan };
    let json = small_event();
    let raw = |times| {
        for _ in 0..times {
            black_box(serde_json::from_str::<Incoming>(black_box(&json))?);
        }
        Ok(())
    };
    let ours = |times| {
        for _ in 0..times {
            black_box(CloudEvent::from_json(black_box(json.as_bytes()))?);
        }
        Ok(())
    };
    let outcome = Outcome::of(plan, vec![Contender::new(RAW, raw), Contender::new(OURS, ours)])?;
    report.table("decode an event of 409 bytes, data left raw", &outcome)?;
    report.limit(Limit::new("decode: µs per event", outcome.spread(OURS, CPU)?, 1.0));
    Ok(())
}
