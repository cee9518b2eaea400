//! The processor against a broker in virtual time: all subjects share that broker.

pub(crate) mod broker;
mod failures;
mod flow;
mod locks;
mod metrics;
mod poison;
mod pressure;
mod shutdown;
mod span;
mod starved;
mod stats;
mod typed;
