//! The instruments of this crate, in one list for those who create them in advance.

use service_core::{CallInstruments, HTTP_REQUEST_DURATION, Instrument};

pub(crate) static CALLS: CallInstruments = service_core::call_instruments!("hulft");

/// Lists the metrics that a [`Meter`](crate::Meter) receives, with their units and bounds.
pub const INSTRUMENTS: &[&Instrument] =
    &[&HTTP_REQUEST_DURATION, &CALLS.duration, &CALLS.retries, &CALLS.rate_limit];
