//! The duration of token requests, for the client's meter.

use std::time::Duration;

use super::{BearerToken, TokenCredential, TokenRequest};
use crate::{AttributeValue, CallInstruments, ClientOptions, MeterHandle};

/// What a cache of tokens reports to a meter.
pub(super) struct TokenMeter {
    meter: MeterHandle,
    instruments: &'static CallInstruments,
}

impl TokenMeter {
    pub(super) fn record(&self, took: Duration, timed_out: bool, failed: bool) {
        let error = [("error.type", AttributeValue::from(if timed_out { "timeout" } else { "credential" }))];
        let attributes = if failed { error.as_slice() } else { &[] };
        self.meter.record(&self.instruments.token, took.as_secs_f64(), attributes);
    }
}

impl BearerToken {
    /// Creates a cache that uses the client's clock and reports the duration of its token requests to the client's meter.
    ///
    /// `options` must already contain both.
    pub fn for_client(
        credential: impl TokenCredential,
        request: TokenRequest,
        options: &ClientOptions,
        instruments: &'static CallInstruments,
    ) -> Self {
        let meter = options.meter();
        let meter = meter.is_enabled().then_some(TokenMeter { meter, instruments });
        Self::with_meter(credential, request, options.clock(), meter)
    }
}
