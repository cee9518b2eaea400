//! Shared by the tests of Web PubSub: WebSocket clients and a webhook.

pub(crate) mod clients;
pub(crate) mod protobuf;
pub(crate) mod reliable;
pub(crate) mod webhook;
