// The README's example needs Web PubSub.
#![cfg_attr(feature = "webpubsub", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "webpubsub"),
    doc = "A local emulator of cloud services, built without Web PubSub."
)]
#![cfg_attr(
    not(all(feature = "webpubsub", feature = "eventgrid", feature = "hulft")),
    allow(dead_code, unused_imports, reason = "the services share code that no single one uses completely")
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "webpubsub", feature = "eventgrid", feature = "hulft")))]
compile_error!(
    "at least one of the features `webpubsub`, `eventgrid`, and `hulft` is required: there is no service to emulate"
);

mod builder;
mod clock;
mod config;
mod control;
mod emulator;
#[cfg(feature = "eventgrid")]
pub mod eventgrid;
pub mod faults;
#[cfg(feature = "hulft")]
pub mod hulft;
mod invalid_setting;
mod journal;
mod keys;
mod message;
mod page;
mod reset;
mod server;
mod services;
#[cfg(any(feature = "webpubsub", feature = "eventgrid"))]
mod webhook;
#[cfg(feature = "webpubsub")]
pub mod webpubsub;

pub use builder::Builder;
pub use clock::Clock;
pub use config::ConfigError;
pub use emulator::Emulator;
pub use faults::{Fault, FaultId, Faults, ScheduledFault, SocketFault, StreamNack};
pub use invalid_setting::InvalidSetting;
pub use journal::LogStyle;
pub use message::Service;
pub use server::Received;
