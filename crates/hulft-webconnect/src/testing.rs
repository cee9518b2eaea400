//! Provides a scripted transport and a manual clock, with which a program is tested without a network and without waiting.
//!
//! The feature `testing` belongs in `[dev-dependencies]`. To test against the behavior of the service, use the crate
//! `service-emulator` instead.
//!
//! # Examples
//!
//! A test of a program's function, in which the first response of the service is an error:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use hulft_webconnect::http::Response;
//! use hulft_webconnect::testing::{ManualClock, ScriptedTransport};
//! use hulft_webconnect::{Result, SiteClient};
//!
//! async fn connected(site: &SiteClient) -> Result<Vec<String>> {
//!     Ok(site.agents().list().all().await?.into_iter().map(|agent| agent.agent_id).collect())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
//! let page = r#"{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":1000,"status":[{"agentId":"tokyo"}]}"#;
//! script.status(502);
//! script.respond(Response::builder().header("content-type", "application/json").body(page).unwrap());
//! let site = SiteClient::builder("key").transport(Arc::new(script.clone())).clock(Arc::new(clock)).build()?;
//!
//! assert_eq!(connected(&site).await?, ["tokyo"]);
//! assert_eq!(script.sent()[1].uri().path(), "/api/v2/agent/status");
//! # Ok(()) }
//! ```

pub use service_core::testing::{ManualClock, ScriptedTransport};
