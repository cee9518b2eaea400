//! The frames of the reliable JSON subprotocol as far as the benchmark speaks it, and what the contenders agree on. Written
//! from the service's description and not with the client's own types.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The subprotocol.
pub(super) const PROTOCOL: &str = "json.reliable.webpubsub.azure.v1";
/// The path of a client.
pub(super) const PATH: &str = "/client/hubs/chat";
/// The group that is sent to and received from.
pub(super) const GROUP: &str = "room";
/// The event that asks for messages: its data is `COUNT SIZE`.
pub(super) const BURST: &str = "burst";
/// So many messages are acknowledged with one frame, as the client does it.
pub(super) const ACKED_TOGETHER: u64 = 64;

/// The usual size of a text.
pub(crate) const BODY: usize = 1024;

/// The usual text of a message.
pub(super) fn text() -> String {
    "x".repeat(BODY)
}

/// An error unless the text of a message came whole, in its usual size.
pub(super) fn whole(text: &str) -> crate::Result<()> {
    has_size(text, BODY)
}

/// An error unless the text of a message has this size.
pub(super) fn has_size(text: &str, size: usize) -> crate::Result<()> {
    if text.len() == size { Ok(()) } else { Err(format!("a text of {} bytes", text.len()).into()) }
}

/// The data of the event that asks for so many messages of this size.
pub(super) fn burst(messages: u32, size: usize) -> String {
    format!("{messages} {size}")
}

/// A frame in either direction. A member that a frame does not have is empty.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Frame<'a> {
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) event: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) from: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) group: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) from_user_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) connection_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) reconnection_token: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ack_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) success: Option<bool>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) data_type: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "str::is_empty")]
    pub(super) data: Cow<'a, str>,
}

impl<'a> Frame<'a> {
    /// A frame of this type with nothing in it.
    pub(super) fn of(r#type: &'a str) -> Self {
        Self { r#type: r#type.into(), ..Self::default() }
    }
}
