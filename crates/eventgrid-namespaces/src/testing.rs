//! Provides a scripted transport, a manual clock, and a meter that keeps its values, with which a program is tested without a network and without waiting.
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
//! use eventgrid_namespaces::http::Response;
//! use eventgrid_namespaces::testing::{ManualClock, ScriptedTransport};
//! use eventgrid_namespaces::{CloudEvent, Credential, NamespaceClient, Result, Sender};
//!
//! async fn order(sender: &Sender, item: &str) -> Result<()> {
//!     sender.send(CloudEvent::new("/shop", "com.example.order.created", item)?).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
//! script.respond(Response::builder().status(429).header("retry-after", "8").body("").unwrap());
//! script.respond(Response::builder().header("content-type", "application/json").body("{}").unwrap());
//! let namespace = NamespaceClient::builder("name.example", Credential::access_key("a2V5"))
//!     .transport(Arc::new(script.clone()))
//!     .clock(Arc::new(clock.clone()))
//!     .build()?;
//!
//! order(&namespace.sender("orders"), "screws").await?;
//! let sent = script.sent();
//! assert_eq!((sent.len(), clock.slept()), (2, vec![Duration::from_secs(8)]));
//! assert!(sent[1].uri().path().ends_with("/topics/orders:publish"));
//! # Ok(()) }
//! ```

pub use service_core::testing::{ManualClock, Recorded, RecordingMeter, ScriptedTransport};
