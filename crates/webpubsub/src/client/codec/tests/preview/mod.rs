//! The frames of the service's preview features, as in the specification, in both directions and in every subprotocol.

mod json_frames;
#[cfg(feature = "protobuf")]
mod protobuf_frames;

use super::*;
use crate::client::data::Data;
use crate::client::entries::Entries;
use crate::client::event::{GroupMessage, StreamPart};
use crate::client::frame::preview::{self, GroupStateItem, InvokeFailure, StreamEndError};
use crate::client::frame::{Incoming, Rejection};

fn entries<const N: usize>(entries: [(&str, &str); N]) -> Entries {
    Entries(entries.map(|(key, value)| (key.to_owned(), value.to_owned())).into())
}

fn rejection(name: &str, message: &str) -> Rejection {
    Rejection { name: name.to_owned(), message: message.to_owned() }
}

fn fault() -> impl Strategy<Value = Rejection> {
    (any::<String>(), any::<String>()).prop_map(|(name, message)| Rejection { name, message })
}

fn item() -> impl Strategy<Value = GroupStateItem> {
    let entries = proptest::collection::btree_map(any::<String>(), any::<String>(), 0..3).prop_map(Entries);
    let (user, state) = (proptest::option::of(any::<String>()), proptest::option::of(entries));
    (any::<String>(), user, state, any::<i64>()).prop_map(|(connection_id, user_id, state, updated_at)| {
        GroupStateItem { connection_id, user_id, state, updated_at }
    })
}

fn downstream() -> impl Strategy<Value = preview::Downstream> {
    let id = any::<String>;
    let outcome = prop_oneof![
        proptest::option::of(data()).prop_map(Ok),
        fault().prop_map(|fault| Err(InvokeFailure::Rejected(fault))),
    ];
    let items = proptest::collection::vec(item(), 0..3);
    prop_oneof![
        (id(), outcome, metadata()).prop_map(|(id, outcome, metadata)| preview::Downstream::InvokeResponse {
            id,
            outcome,
            metadata
        }),
        (id(), any::<u64>()).prop_map(|(id, expected)| preview::Downstream::StreamAck { id, expected }),
        (id(), fault(), any::<u64>()).prop_map(|(id, rejection, expected)| preview::Downstream::StreamNack {
            id,
            rejection,
            expected
        }),
        (id(), proptest::option::of(fault()))
            .prop_map(|(id, rejection)| preview::Downstream::StreamClosed { id, rejection }),
        (id(), any::<bool>(), items, proptest::option::of(any::<u64>())).prop_map(
            |(group, is_snapshot, items, sequence_id)| preview::Downstream::GroupStates {
                group,
                is_snapshot,
                items,
                sequence_id
            }
        ),
    ]
}

/// What the generated frames to the service consist of.
#[derive(Debug)]
struct Parts {
    id: String,
    group: String,
    number: Option<u64>,
    flag: bool,
    data: Option<Data>,
    metadata: Option<Box<Entries>>,
    error: Option<(Option<String>, Option<String>)>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let text = || proptest::option::of(any::<String>());
    let error = proptest::option::of((text(), text()));
    let number = proptest::option::of(any::<u64>());
    let data = proptest::option::of(data());
    (any::<String>(), any::<String>(), number, any::<bool>(), data, metadata(), error).prop_map(
        |(id, group, number, flag, data, metadata, error)| Parts {
            id,
            group,
            number,
            flag,
            data,
            metadata,
            error,
        },
    )
}

fn upstream(kind: u8, parts: &Parts) -> preview::Upstream<'_> {
    let Parts { id, group, number, flag, data, metadata, error } = parts;
    let (ack_id, metadata) = (*number, metadata.as_deref());
    match (kind, data) {
        (0, data) => preview::Upstream::Invoke { id, event: group, data: data.as_ref(), metadata },
        (1, _) => preview::Upstream::CancelInvocation { id },
        (2, _) => {
            let idle_timeout_ms = number.map(|number| (number >> 32).try_into().unwrap());
            preview::Upstream::StreamStart { group, no_echo: *flag, id, idle_timeout_ms }
        }
        (3, Some(data)) => {
            preview::Upstream::StreamData { id, sequence_id: number.unwrap_or(u64::MAX), data }
        }
        (3, None) => preview::Upstream::StreamKeepAlive { id },
        (4, _) => {
            let error = error.as_ref();
            let error = error
                .map(|(message, code)| StreamEndError { message: message.as_deref(), code: code.as_deref() });
            preview::Upstream::StreamEnd { id, error }
        }
        (5, _) => preview::Upstream::SetGroupState { group, ack_id, state: metadata },
        (6, _) => preview::Upstream::SubscribeGroupState { group, ack_id },
        _ => preview::Upstream::UnsubscribeGroupState { group, ack_id },
    }
}

/// A clean end of a stream, in which the service leaves out most members.
fn terminal() -> Downstream {
    let stream = StreamPart { stream_id: "s".to_owned(), sequence_id: 2, end_of_stream: true, error: None };
    let message = GroupMessage {
        group: "g".to_owned(),
        from_user_id: None,
        data: Data::from(""),
        stream: Some(Box::new(stream)),
        metadata: None,
    };
    Downstream::Message { sequence_id: Some(7), message: Incoming::Group(message) }
}

fn item_of(state: Option<Entries>, updated_at: i64) -> GroupStateItem {
    GroupStateItem { connection_id: "c".to_owned(), user_id: Some("u".to_owned()), state, updated_at }
}
