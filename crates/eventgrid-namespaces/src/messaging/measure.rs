//! The metrics of OpenTelemetry's conventions for messaging.

use std::time::Duration;

use service_core::{Attributes, ErrorType, Instrument, MeterHandle, Pipeline};

use super::{Subject, Verb};
use crate::Error;
use crate::metrics::{CONSUMED_MESSAGES, OPERATION_DURATION, PROCESS_DURATION, SENT_MESSAGES};

type Server<'a> = Option<(&'a str, u16)>;

fn attributes<'a>(subject: &Subject<'a>, server: Server<'a>, error: Option<&'a str>) -> Attributes<'a> {
    Attributes::new()
        .with("messaging.system", Some("eventgrid"))
        .with("messaging.operation.name", Some(subject.verb.name()))
        .with("messaging.destination.name", subject.topic)
        .with("messaging.destination.subscription.name", subject.subscription)
        .with("server.address", server.map(|(address, _)| address))
        .with("server.port", server.map(|(_, port)| port))
        .with("error.type", error)
}

/// A call that is being measured.
pub(crate) struct Measurement {
    pipeline: Pipeline,
    started: Duration,
}

/// Begins to measure a call, unless there is no meter.
pub(crate) fn start(pipeline: &Pipeline) -> Option<Measurement> {
    let started = pipeline.meter().is_enabled().then(|| pipeline.clock().elapsed())?;
    Some(Measurement { pipeline: pipeline.clone(), started })
}

impl Measurement {
    /// Records a call that published this many events, or failed to.
    pub(crate) fn published(&self, subject: &Subject<'_>, messages: usize, error: Option<&Error>) {
        let error = error.map(ErrorType::of);
        let error = error.as_ref().map(ErrorType::as_str);
        self.ended(subject, error);
        self.add(&SENT_MESSAGES, subject, messages, error);
    }

    /// Records a call that returned this many events, or its error.
    pub(crate) fn received(&self, subject: &Subject<'_>, outcome: Result<usize, &Error>) {
        match outcome {
            Ok(messages) => {
                self.ended(subject, None);
                if messages > 0 {
                    self.add(&CONSUMED_MESSAGES, subject, messages, None);
                }
            }
            Err(error) => self.ended(subject, Some(ErrorType::of(error).as_str())),
        }
    }

    /// Records a settle or renew request. It counts as failed if it had no effect.
    pub(crate) fn settled(&self, subject: &Subject<'_>, outcome: Result<Option<&str>, &Error>) {
        match outcome {
            Ok(no_success) => self.ended(subject, no_success),
            Err(error) => self.ended(subject, Some(ErrorType::of(error).as_str())),
        }
    }

    /// Records the duration of a call.
    fn ended(&self, subject: &Subject<'_>, error: Option<&str>) {
        let attributes =
            attributes(subject, self.server(), error).with("messaging.operation.type", subject.verb.kind());
        let took = self.pipeline.clock().elapsed().saturating_sub(self.started);
        self.pipeline.meter().record(&OPERATION_DURATION, took.as_secs_f64(), attributes.as_slice());
    }

    #[allow(clippy::cast_precision_loss, reason = "a call has at most 1,000 events")]
    fn add(
        &self,
        instrument: &'static Instrument,
        subject: &Subject<'_>,
        messages: usize,
        error: Option<&str>,
    ) {
        let attributes = attributes(subject, self.server(), error);
        self.pipeline.meter().record(instrument, messages as f64, attributes.as_slice());
    }

    fn server(&self) -> Server<'_> {
        Some(self.pipeline.endpoint().server())
    }
}

/// Where an event comes from that a handler receives, and where its handling is recorded.
#[derive(Debug)]
pub(crate) struct Handling<'a> {
    pub(crate) meter: &'a MeterHandle,
    pub(crate) topic: Option<&'a str>,
    pub(crate) subscription: Option<&'a str>,
    pub(crate) server: Server<'a>,
}

impl Handling<'_> {
    /// Counts an event that a handler receives without a receive call.
    #[cfg(feature = "push")]
    pub(crate) fn consumed(&self) {
        self.meter.record(&CONSUMED_MESSAGES, 1.0, attributes(&self.subject(), self.server, None).as_slice());
    }

    /// Records how long a handler took, and why it failed.
    pub(crate) fn ended(&self, took: Duration, error: Option<&str>) {
        let attributes = attributes(&self.subject(), self.server, error);
        self.meter.record(&PROCESS_DURATION, took.as_secs_f64(), attributes.as_slice());
    }

    fn subject(&self) -> Subject<'_> {
        Subject { verb: Verb::Process, topic: self.topic, subscription: self.subscription }
    }
}
