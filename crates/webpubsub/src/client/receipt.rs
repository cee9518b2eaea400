//! Ack ids of the program's own, and what the service reports about the sends that have them.

use std::fmt;
use std::future::IntoFuture;
use std::ops::RangeInclusive;

use service_core::{CallFuture, Error, Result};

use super::Client;
use super::send::{Outcome, UNACKNOWLEDGED};

/// The ack ids that a program can choose with `ack_id`, from 2^48 on.
///
/// The client itself counts from 1 and never reaches this range, so a program's own id never equals one of the client's.
///
/// # Examples
///
/// ```
/// use webpubsub::client::OWN_ACK_IDS;
///
/// // The id for the order number 42.
/// let id = OWN_ACK_IDS.start() + 42;
/// assert!(OWN_ACK_IDS.contains(&id));
/// ```
pub const OWN_ACK_IDS: RangeInclusive<u64> = 1 << 48..=u64::MAX;

/// Contains what the service reported about a send; see [`SendToGroup::with_receipt`](super::SendToGroup::with_receipt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Contains the ack id of the send.
    pub ack_id: u64,
    /// Whether the service had already processed a send with this ack id on this connection, and did not process it again.
    ///
    /// This can also be the same send, if the connection was recovered before its acknowledgment arrived.
    pub duplicate: bool,
}

/// A send that returns a [`Receipt`] when awaited.
///
/// Created by `with_receipt` of any send, such as [`SendToGroup::with_receipt`](super::SendToGroup::with_receipt).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
/// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
/// # let url = emulator.webpubsub().client_access_url("chat", &token);
/// # let client = webpubsub::Client::builder(url).connect().await?;
/// use webpubsub::client::OWN_ACK_IDS;
///
/// let id = OWN_ACK_IDS.start() + 42;
/// let first = client.send_to_group("orders", "order 42").ack_id(id).with_receipt().await?;
/// let again = client.send_to_group("orders", "order 42").ack_id(id).with_receipt().await?;
/// assert_eq!((first.duplicate, again.duplicate), (false, true)); // The group received it once.
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
pub struct WithReceipt {
    client: Client,
    acknowledged: bool,
    submit: Box<dyn FnOnce() -> Result<Outcome> + Send>,
}

impl WithReceipt {
    pub(super) fn new(
        client: Client,
        acknowledged: bool,
        submit: impl FnOnce() -> Result<Outcome> + Send + 'static,
    ) -> Self {
        Self { client, acknowledged, submit: Box::new(submit) }
    }
}

impl IntoFuture for WithReceipt {
    type Output = Result<Receipt>;
    type IntoFuture = CallFuture<Receipt>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if !self.acknowledged {
                return Err(Error::invalid_input("receipt", UNACKNOWLEDGED, None));
            }
            let outcome = (self.submit)()?;
            let ack_id = outcome.ack_id.unwrap_or_default();
            Ok(Receipt { ack_id, duplicate: outcome.get(&self.client).await? })
        })
    }
}

impl fmt::Debug for WithReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithReceipt(..)")
    }
}
