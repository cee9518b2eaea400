//! What a webhook and its pending events share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::EventHandler;
use super::origin::Origins;
use super::signature::Verifier;

/// The future that is given to [`spawn_with`](super::WebhookBuilder::spawn_with). It runs the handler after the response has
/// been sent.
pub type HandlerTask = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) type Spawn = Arc<dyn Fn(HandlerTask) + Send + Sync>;

pub(super) struct Shared {
    pub(super) hub: String,
    pub(super) origins: Origins,
    pub(super) verifier: Verifier,
    pub(super) body_limit: usize,
    pub(super) spawn: Option<Spawn>,
    pub(super) handler: Box<dyn EventHandler>,
}
