//! The processor against a broker in virtual time: all subjects share that broker.

mod broker;
mod failures;
mod flow;
mod locks;
mod poison;
mod pressure;
mod shutdown;
mod span;
mod starved;
mod stats;
mod typed;
