#![doc = include_str!("../README.md")]

mod clock;
#[cfg(feature = "eventgrid")]
pub mod eventgrid;
#[cfg(feature = "hulft")]
pub mod hulft;
mod server;
#[cfg(feature = "webpubsub")]
pub mod webpubsub;

pub use clock::Clock;
