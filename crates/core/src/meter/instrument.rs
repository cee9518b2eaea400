//! The definitions of instruments, as values that bridges can read.

/// The bounds that OpenTelemetry advises for the durations of requests, in seconds.
pub const LATENCY_BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The same, with bounds for a call that takes several attempts or waits on the service.
const CALL_BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 120.0];

/// Measures each attempt of a call. A long poll counts with its whole duration.
pub static HTTP_REQUEST_DURATION: Instrument = Instrument::histogram(
    "http.client.request.duration",
    "s",
    "Duration of HTTP client requests.",
    LATENCY_BOUNDS,
);

/// Describes one metric.
///
/// # Examples
///
/// ```
/// use service_core::{Instrument, InstrumentKind};
///
/// static GUESTS: Instrument = Instrument::up_down_counter("rooms.guests", "{guest}", "Guests in all rooms.");
///
/// assert_eq!(GUESTS.kind, InstrumentKind::UpDownCounter);
/// ```
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Instrument {
    /// Names the instrument, with dots.
    pub name: &'static str,
    /// What the values mean.
    pub kind: InstrumentKind,
    /// Specifies the unit, in UCUM's notation.
    pub unit: &'static str,
    /// Describes the instrument in one sentence for people.
    pub description: &'static str,
    /// Contains the bounds of a histogram's buckets. It is empty for counters.
    pub bounds: &'static [f64],
}

/// Classifies an [`Instrument`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstrumentKind {
    /// Values are added up and never negative.
    Counter,
    /// Values are changes, which may be negative.
    UpDownCounter,
    /// Values are single measurements.
    Histogram,
}

impl Instrument {
    /// Creates a counter.
    #[must_use]
    pub const fn counter(name: &'static str, unit: &'static str, description: &'static str) -> Self {
        Self { name, kind: InstrumentKind::Counter, unit, description, bounds: &[] }
    }

    /// Creates an up-down counter.
    #[must_use]
    pub const fn up_down_counter(name: &'static str, unit: &'static str, description: &'static str) -> Self {
        Self { name, kind: InstrumentKind::UpDownCounter, unit, description, bounds: &[] }
    }

    /// Creates a histogram with the given bounds, in ascending order.
    #[must_use]
    pub const fn histogram(
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        bounds: &'static [f64],
    ) -> Self {
        Self { name, kind: InstrumentKind::Histogram, unit, description, bounds }
    }
}

/// Contains the instruments of a service's calls, whose names start with the service's prefix.
///
/// [`call_instruments!`](crate::call_instruments) creates them, and [`Dialect::instruments`](crate::Dialect::instruments) sets
/// them.
#[derive(Debug)]
pub struct CallInstruments {
    /// The key of the attribute that contains the operation's id.
    pub(crate) operation: &'static str,
    /// Measures the duration of a whole call, with its retries.
    pub duration: Instrument,
    /// Counts the retries.
    pub retries: Instrument,
    /// Measures the duration of a token request.
    pub token: Instrument,
    /// Measures the wait for the client's rate limiter.
    pub rate_limit: Instrument,
}

impl CallInstruments {
    /// Used by [`call_instruments!`](crate::call_instruments).
    #[doc(hidden)]
    #[must_use]
    pub const fn new(operation: &'static str, names: [&'static str; 4]) -> Self {
        let [duration, retries, token, rate_limit] = names;
        Self {
            operation,
            duration: Instrument::histogram(
                duration,
                "s",
                "Duration of calls, including retries.",
                CALL_BOUNDS,
            ),
            retries: Instrument::counter(retries, "{retry}", "Retries of failed attempts."),
            token: Instrument::histogram(token, "s", "Duration of token requests.", LATENCY_BOUNDS),
            rate_limit: Instrument::histogram(
                rate_limit,
                "s",
                "Time that attempts waited for the client's rate limiter.",
                CALL_BOUNDS,
            ),
        }
    }
}

/// Creates the [`CallInstruments`](crate::CallInstruments) of a service from the prefix of their names.
///
/// # Examples
///
/// ```
/// static CALLS: service_core::CallInstruments = service_core::call_instruments!("rooms");
///
/// assert_eq!(CALLS.retries.name, "rooms.client.call.retries");
/// ```
#[macro_export]
macro_rules! call_instruments {
    ($prefix:literal) => {
        $crate::CallInstruments::new(
            concat!($prefix, ".operation"),
            [
                concat!($prefix, ".client.call.duration"),
                concat!($prefix, ".client.call.retries"),
                concat!($prefix, ".client.token.duration"),
                concat!($prefix, ".client.rate_limit.duration"),
            ],
        )
    };
}
