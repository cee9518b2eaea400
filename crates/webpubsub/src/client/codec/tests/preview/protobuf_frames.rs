//! The protobuf frames of the schema, and the vectors of section 6.4.

use prost::Message as _;

use super::super::super::{preview_protobuf, protobuf};
use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The vectors of section 6.4.
#[test]
fn upstream_frames_have_the_bytes_of_the_schema() {
    let (sum, a) = (Data::json(&[1, 2]).unwrap(), Data::from("a"));
    let (state, empty) = (entries([("k", "v")]), entries([]));
    let error = StreamEndError { message: Some("m"), code: Some("E1") };
    let set = |ack_id, state| preview::Upstream::SetGroupState { group: "g", ack_id: Some(ack_id), state };
    let frames = [
        (
            preview::Upstream::Invoke { id: "1", event: "sum", data: Some(&sum), metadata: None },
            "52110a0373756d1201311a0722055b312c325d",
        ),
        (preview::Upstream::CancelInvocation { id: "1" }, "5a030a0131"),
        (
            preview::Upstream::StreamStart {
                group: "g",
                no_echo: true,
                id: "s",
                idle_timeout_ms: Some(60_000),
            },
            "0a0e0a016720013a070a017310e0d403",
        ),
        (preview::Upstream::StreamData { id: "s", sequence_id: 1, data: &a }, "6a0a0a017310011a030a0161"),
        (preview::Upstream::StreamKeepAlive { id: "s" }, "6a030a0173"),
        (preview::Upstream::StreamEnd { id: "s", error: None }, "72030a0173"),
        (preview::Upstream::StreamEnd { id: "s", error: Some(error) }, "720c0a017312070a016d12024531"),
        (set(1, Some(&state)), "7a0f0a016710011a080a060a016b120176"),
        (set(1, Some(&empty)), "7a070a016710011a00"),
        (set(1, None), "7a050a01671001"),
        (preview::Upstream::SubscribeGroupState { group: "g", ack_id: Some(2) }, "8201050a01671002"),
        (preview::Upstream::UnsubscribeGroupState { group: "g", ack_id: Some(2) }, "8a01050a01671002"),
    ];
    for (frame, bytes) in frames {
        assert_eq!(protobuf::encode(&Upstream::Preview(frame)), hex(bytes), "{frame:?}");
    }
    let metadata = entries([("trace", "1")]);
    let frame = Upstream::Event { name: "e", ack_id: Some(1), data: &a, metadata: Some(&metadata) };
    assert_eq!(protobuf::encode(&frame), hex("2a160a016512030a01611801220a0a057472616365120131"));
}

#[test]
fn downstream_frames_are_decoded_from_the_bytes_of_the_schema() {
    let response =
        |outcome| preview::Downstream::InvokeResponse { id: "1".to_owned(), outcome, metadata: None };
    let states = |is_snapshot, item, sequence_id| preview::Downstream::GroupStates {
        group: "g".to_owned(),
        is_snapshot,
        items: vec![item],
        sequence_id: Some(sequence_id),
    };
    let three = Data::json(&3).unwrap();
    let frames = [
        ("2a0a0a013110011a03220133", response(Ok(Some(three)))),
        (
            "2a150a013122100a0a4261645265717565737412026e6f",
            response(Err(InvokeFailure::Rejected(rejection("BadRequest", "no")))),
        ),
        ("32050a01731001", preview::Downstream::StreamAck { id: "s".to_owned(), expected: 1 }),
        (
            "3a180a01731211496e76616c696453657175656e636549642002",
            preview::Downstream::StreamNack {
                id: "s".to_owned(),
                rejection: rejection("InvalidSequenceId", ""),
                expected: 2,
            },
        ),
        ("42030a0173", preview::Downstream::StreamClosed { id: "s".to_owned(), rejection: None }),
        (
            "521e0a016712170a01631201751a080a060a016b1201762080d095ffbc311801",
            states(true, item_of(Some(entries([("k", "v")])), 1_700_000_000_000), 1),
        ),
        ("4a140a0167120d0a01631201752081d095ffbc311802", states(false, item_of(None, 1_700_000_000_001), 2)),
    ];
    for (bytes, frame) in frames {
        assert_eq!(protobuf::decode(hex(bytes).into()), Downstream::Preview(frame), "{bytes}");
    }
    let bytes = "12190a0567726f75701201671a020a00200732070a017310021801";
    assert_eq!(protobuf::decode(hex(bytes).into()), terminal());
}

fn content(data: &Data) -> Option<protobuf::MessageData> {
    protobuf::MessageData::of(data)
}

fn of_downstream(frame: &preview::Downstream) -> Vec<u8> {
    use preview_protobuf::down;
    let error = |fault: &Rejection| down::Error { name: fault.name.clone(), message: fault.message.clone() };
    let kind = match frame {
        preview::Downstream::InvokeResponse { id, outcome, metadata } => {
            let failure = match outcome {
                Err(InvokeFailure::Rejected(fault)) => Some(error(fault)),
                _ => None,
            };
            down::Kind::InvokeResponse(down::InvokeResponse {
                invocation_id: id.clone(),
                success: outcome.is_ok(),
                data: outcome.as_ref().ok().and_then(Option::as_ref).and_then(content),
                error: failure,
                metadata: metadata.as_deref().cloned().unwrap_or_default().0,
            })
        }
        preview::Downstream::StreamAck { id, expected } => {
            down::Kind::StreamAck(down::StreamAck { stream_id: id.clone(), expected_sequence_id: *expected })
        }
        preview::Downstream::StreamNack { id, rejection, expected } => {
            down::Kind::StreamNack(down::StreamNack {
                stream_id: id.clone(),
                name: rejection.name.clone(),
                message: rejection.message.clone(),
                expected_sequence_id: *expected,
            })
        }
        preview::Downstream::StreamClosed { id, rejection } => {
            let error = rejection.as_ref().map(error);
            down::Kind::StreamClosed(down::StreamClosed { stream_id: id.clone(), error })
        }
        preview::Downstream::GroupStates { group, is_snapshot, items, sequence_id } => {
            let item = |item: &GroupStateItem| down::Item {
                connection_id: item.connection_id.clone(),
                user_id: item.user_id.clone(),
                state: item.state.clone().map(|state| preview_protobuf::State { entries: state.0 }),
                updated_at: item.updated_at,
            };
            let items = items.iter().map(item).collect();
            let states = down::GroupStates { group: group.clone(), items, sequence_id: *sequence_id };
            match is_snapshot {
                true => down::Kind::GroupStateSnapshot(states),
                false => down::Kind::GroupStateUpdate(states),
            }
        }
    };
    preview_protobuf::DownstreamMessage { message: Some(kind) }.encode_to_vec()
}

proptest! {
    #[test]
    fn encoded_preview_frames_are_decoded_again(kind in 0u8..8, parts in parts()) {
        use preview_protobuf::up;
        let frame = upstream(kind, &parts);
        let read = preview_protobuf::UpstreamMessage::decode(&*preview_protobuf::encode(&frame)).unwrap();
        let Parts { id, group, number, flag, data, metadata, error } = parts;
        let metadata = metadata.map(|entries| entries.0);
        let expected = match (kind, data) {
            (0, data) => up::Kind::Invoke(up::Invoke {
                event: group,
                invocation_id: id,
                data: data.as_ref().and_then(content),
                metadata: metadata.unwrap_or_default(),
            }),
            (1, _) => up::Kind::CancelInvocation(up::Cancel { invocation_id: id }),
            (2, _) => {
                let idle_timeout_ms = number.map(|number| (number >> 32).try_into().unwrap());
                let stream = Some(up::StreamStart { stream_id: id, idle_timeout_ms });
                up::Kind::StreamStart(up::SendToGroup { group, no_echo: flag.then_some(true), stream })
            }
            (3, Some(data)) => up::Kind::StreamData(up::StreamData {
                stream_id: id,
                stream_sequence_id: Some(number.unwrap_or(u64::MAX)),
                data: content(&data),
            }),
            (3, None) => up::Kind::StreamData(up::StreamData {
                stream_id: id, stream_sequence_id: None, data: None,
            }),
            (4, _) => {
                let error = error.map(|(message, code)| up::StreamEndError {
                    message, user_error_code: code,
                });
                up::Kind::StreamEnd(up::StreamEnd { stream_id: id, error })
            }
            (5, _) => {
                let state = metadata.map(|entries| preview_protobuf::State { entries });
                up::Kind::SetGroupState(up::SetGroupState { group, ack_id: number, state })
            }
            (6, _) => up::Kind::SubscribeGroupState(up::Group { group, ack_id: number }),
            _ => up::Kind::UnsubscribeGroupState(up::Group { group, ack_id: number }),
        };
        prop_assert_eq!(read.message, Some(expected));
    }

    #[test]
    fn preview_frames_of_the_service_are_decoded(frame in downstream()) {
        prop_assert_eq!(protobuf::decode(of_downstream(&frame).into()), Downstream::Preview(frame));
    }

    #[test]
    fn any_part_of_a_preview_frame_is_decoded_or_skipped(at in any::<usize>(), frame in downstream()) {
        let mut cut = of_downstream(&frame);
        cut.truncate(at % (cut.len() + 1));
        let _ = protobuf::decode(cut.into());
    }
}
