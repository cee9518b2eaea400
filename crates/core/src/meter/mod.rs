//! Metrics: what a client measures and the trait that receives the values. They are separate from the spans, since a metric's
//! attributes must have few values.

mod attributes;
mod instrument;
mod recorder;

pub use attributes::{Attributes, ErrorType};
pub use instrument::{CallInstruments, HTTP_REQUEST_DURATION, Instrument, InstrumentKind, LATENCY_BOUNDS};
pub use recorder::MeterHandle;

/// Receives the values that clients measure.
///
/// A builder's `meter` sets it. Names and units follow OpenTelemetry's conventions; each client crate lists its instruments in
/// `INSTRUMENTS`, so that an implementation can create them before the first value arrives. Attributes have few values: they
/// never contain the name of a user, group, connection, or event.
///
/// # Examples
///
/// A meter that prints its values:
///
/// ```
/// use service_core::{AttributeValue, Instrument, Meter};
///
/// struct Printer;
///
/// impl Meter for Printer {
///     fn record(
///         &self,
///         instrument: &'static Instrument,
///         value: f64,
///         attributes: &[(&'static str, AttributeValue<'_>)],
///     ) {
///         println!("{} {value} {} {attributes:?}", instrument.name, instrument.unit);
///     }
/// }
/// ```
///
#[doc = include_str!("../../docs/recipes.md")]
pub trait Meter: Send + Sync + 'static {
    /// Records a value: an increment of a counter, a change of an up-down counter, or a measurement for a histogram.
    ///
    /// It runs within calls and must not block. If it panics, the value is lost, and the first panic is logged.
    fn record(
        &self,
        instrument: &'static Instrument,
        value: f64,
        attributes: &[(&'static str, AttributeValue<'_>)],
    );
}

/// Contains the value of a metric's attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttributeValue<'a> {
    /// The value is a text.
    Text(&'a str),
    /// The value is a number, such as a port or a status code.
    Number(i64),
}

impl<'a> From<&'a str> for AttributeValue<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for AttributeValue<'_> {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}
