//! Provides a scripted transport and a manual clock, with which a program is tested without a network and without waiting.
//!
//! The feature `testing` belongs in `[dev-dependencies]`. To test against the behavior of the service, use the crate
//! `service-emulator` instead.
//!
//! # Examples
//!
//! A test of a program's function, in which the service asks to wait for 8 seconds:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use webpubsub::http::Response;
//! use webpubsub::testing::{ManualClock, ScriptedTransport};
//! use webpubsub::{Credential, Result, ServiceClient};
//!
//! async fn announce(service: &ServiceClient) -> Result<()> {
//!     service.group("lobby").send("The lobby closes in five minutes.").await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
//! script.respond(Response::builder().status(429).header("retry-after", "8").body("").unwrap()).status(202);
//! let service = ServiceClient::builder("https://name.example", "chat", Credential::access_key("key"))
//!     .transport(Arc::new(script.clone()))
//!     .clock(Arc::new(clock.clone()))
//!     .build()?;
//!
//! announce(&service).await?;
//! let sent = script.sent();
//! assert_eq!((sent.len(), clock.slept()), (2, vec![Duration::from_secs(8)]));
//! assert_eq!(sent[1].uri().path(), "/api/hubs/chat/groups/lobby/:send");
//! # Ok(()) }
//! ```

pub use service_core::testing::{ManualClock, ScriptedTransport};
