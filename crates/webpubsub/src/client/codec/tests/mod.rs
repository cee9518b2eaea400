//! Frames as in the specification, in both directions and in every subprotocol, and how all others are handled.

#[cfg(feature = "preview")]
mod preview;

use proptest::prelude::*;
use serde_json::{Value, json};
use service_core::Secret;

use super::*;
use crate::client::data::Data;
use crate::client::entries::Entries;
use crate::client::event::{GroupMessage, ServerMessage, StreamError, StreamPart};
use crate::client::frame::{Connected, Incoming, Rejection, Token};

fn data() -> impl Strategy<Value = Data> {
    prop_oneof![
        any::<String>().prop_map(Data::Text),
        (any::<u64>(), any::<String>())
            .prop_map(|(number, text)| Data::json(&json!({ "n": number, "t": [text, true] })).unwrap()),
        any::<Vec<u8>>().prop_map(Data::from),
        any::<Vec<u8>>().prop_map(|bytes| Data::Protobuf(bytes.into())),
    ]
}

/// Metadata with at least one entry: without, it is the same as none in protobuf.
fn metadata() -> impl Strategy<Value = Option<Box<Entries>>> {
    let entries = proptest::collection::btree_map(any::<String>(), any::<String>(), 1..3);
    proptest::option::of(entries.prop_map(|entries| Box::new(Entries(entries))))
}

fn stream() -> impl Strategy<Value = Option<Box<StreamPart>>> {
    let text = || proptest::option::of("[a-z]{1,9}");
    let error = (any::<String>(), text(), text()).prop_map(|(name, message, code)| StreamError {
        name,
        message,
        user_error_code: code,
    });
    let stream = ("[a-z]{1,9}", any::<u64>(), any::<bool>(), proptest::option::of(error));
    proptest::option::of(stream.prop_map(|(stream_id, sequence_id, end_of_stream, error)| {
        Box::new(StreamPart { stream_id, sequence_id, end_of_stream, error })
    }))
}

fn downstream() -> impl Strategy<Value = Downstream> {
    let text = any::<String>;
    prop_oneof![
        (text(), proptest::option::of("[a-z]+"), proptest::option::of(text())).prop_map(
            |(id, user, token)| {
                let token = token.map(|token| Token(Secret::new(token)));
                Downstream::Connected(Connected {
                    connection_id: id,
                    user_id: user,
                    reconnection_token: token,
                })
            }
        ),
        proptest::option::of("[a-zA-Z]+").prop_map(|reason| Downstream::Disconnected { reason }),
        (any::<u64>(), proptest::option::of((text(), text()))).prop_map(|(id, rejection)| {
            let rejection = rejection.map(|(name, message)| Rejection { name, message });
            Downstream::Ack { id, rejection }
        }),
        Just(Downstream::Pong),
        (proptest::option::of(any::<u64>()), proptest::option::of(text()), data(), stream(), metadata())
            .prop_map(|(sequence_id, group, data, stream, metadata)| {
                let message = match group {
                    Some(group) => {
                        Incoming::Group(GroupMessage { group, from_user_id: None, data, stream, metadata })
                    }
                    None => Incoming::Server(ServerMessage { data, metadata }),
                };
                Downstream::Message { sequence_id, message }
            }),
    ]
}

/// Returns a frame of the given kind with these arguments.
fn upstream<'a>(
    kind: u8,
    name: &'a str,
    ack_id: Option<u64>,
    flag: bool,
    data: &'a Data,
    metadata: Option<&'a Entries>,
) -> Upstream<'a> {
    match kind {
        0 => Upstream::JoinGroup { group: name, ack_id },
        1 => Upstream::LeaveGroup { group: name, ack_id },
        2 => {
            let ttl_seconds = flag.then_some(300);
            Upstream::SendToGroup { group: name, ack_id, no_echo: flag, ttl_seconds, data, metadata }
        }
        3 => Upstream::Event { name, ack_id, data, metadata },
        4 => Upstream::SequenceAck(ack_id.unwrap_or(u64::MAX)),
        _ => Upstream::Ping,
    }
}

mod json_frames {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// `dataType` and `data`, written from the table of section 3.
    fn content(data: &Data) -> (&'static str, Value) {
        match data {
            Data::Text(text) => ("text", json!(text)),
            Data::Json(json) => ("json", json.parse().unwrap()),
            Data::Binary(bytes) => ("binary", json!(STANDARD.encode(bytes))),
            Data::Protobuf(bytes) => ("protobuf", json!(STANDARD.encode(bytes))),
        }
    }

    fn without_nulls(mut frame: Value) -> Value {
        frame.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        frame
    }

    fn map(entries: Option<&Entries>) -> Value {
        entries.map_or(Value::Null, |Entries(entries)| json!(entries))
    }

    fn part(stream: &StreamPart) -> Value {
        let error = stream.error.as_ref().map(
            |error| json!({"name":error.name,"message":error.message,"userErrorCode":error.user_error_code}),
        );
        let end = stream.end_of_stream.then_some(true);
        json!({"streamId":stream.stream_id,"streamSequenceId":stream.sequence_id,"endOfStream":end,"error":error})
    }

    fn of_upstream(frame: &Upstream<'_>) -> Value {
        without_nulls(match frame {
            Upstream::JoinGroup { group, ack_id } => json!({"type":"joinGroup","group":group,"ackId":ack_id}),
            Upstream::LeaveGroup { group, ack_id } => {
                json!({"type":"leaveGroup","group":group,"ackId":ack_id})
            }
            Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
                let (kind, data) = content(data);
                let no_echo = no_echo.then_some(true);
                json!({"type":"sendToGroup","group":group,"ackId":ack_id,"noEcho":no_echo,
                    "ttlSeconds":ttl_seconds,"dataType":kind,"data":data,"metadata":map(*metadata)})
            }
            Upstream::Event { name, ack_id, data, metadata } => {
                let (kind, data) = content(data);
                let metadata = map(*metadata);
                json!({"type":"event","event":name,"ackId":ack_id,"dataType":kind,"data":data,"metadata":metadata})
            }
            Upstream::SequenceAck(id) => json!({"type":"sequenceAck","sequenceId":id}),
            Upstream::Ping => json!({"type":"ping"}),
            #[cfg(feature = "preview")]
            Upstream::Preview(_) => unreachable!("not generated"),
        })
    }

    fn of_downstream(frame: &Downstream) -> Value {
        match frame {
            Downstream::Connected(connected) => json!({"type":"system","event":"connected",
                "connectionId":connected.connection_id,"userId":connected.user_id,
                "reconnectionToken":connected.reconnection_token.as_ref().map(|token| token.0.expose())}),
            Downstream::Disconnected { reason } => {
                json!({"type":"system","event":"disconnected","message":reason})
            }
            Downstream::Message { sequence_id, message: Incoming::Group(message) } => {
                let (kind, data) = content(&message.data);
                json!({"type":"message","from":"group","group":message.group,"sequenceId":sequence_id,
                    "dataType":kind,"data":data,"stream":message.stream.as_deref().map(part),
                    "metadata":map(message.metadata.as_deref())})
            }
            Downstream::Message { sequence_id, message: Incoming::Server(message) } => {
                let (kind, data) = content(&message.data);
                json!({"type":"message","from":"server","sequenceId":sequence_id,"dataType":kind,"data":data,
                    "metadata":map(message.metadata.as_deref())})
            }
            Downstream::Ack { id, rejection: None } => json!({"type":"ack","ackId":id,"success":true}),
            Downstream::Ack { id, rejection: Some(Rejection { name, message }) } => {
                json!({"type":"ack","ackId":id,"success":false,"error":{"name":name,"message":message}})
            }
            Downstream::Pong => json!({"type":"pong"}),
            #[cfg(feature = "preview")]
            Downstream::Preview(_) => unreachable!("not generated"),
            Downstream::Skipped { .. } => unreachable!("not generated"),
        }
    }

    proptest! {
        #[test]
        fn encoded_frames_match_the_specification(
            kind in 0u8..6, name in any::<String>(), id in proptest::option::of(any::<u64>()), flag in any::<bool>(),
            data in data(), metadata in metadata(),
        ) {
            let frame = upstream(kind, &name, id, flag, &data, metadata.as_deref());
            let written: Value = serde_json::from_str(&json::encode(&frame)).unwrap();
            prop_assert_eq!(written, of_upstream(&frame));
        }

        #[test]
        fn frames_of_the_specification_are_decoded(frame in downstream()) {
            let text = of_downstream(&frame).to_string();
            prop_assert_eq!(json::decode(&text), frame);
        }

        #[test]
        fn any_text_is_decoded_or_skipped(text in any::<String>(), at in any::<usize>(), frame in downstream()) {
            let _ = json::decode(&text);
            let whole = of_downstream(&frame).to_string();
            let cut = (0..=at % (whole.len() + 1)).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
            let _ = json::decode(&whole[..cut]);
        }
    }

    #[test]
    fn unknown_frames_are_skipped_with_their_sequence_id() {
        for (text, id) in [
            (r#"{"type":"groupStateUpdate","group":"g","items":7,"sequenceId":7}"#, Some(7)),
            (r#"{"type":"message","from":"moon","dataType":"text","data":"x","sequenceId":7}"#, Some(7)),
            (r#"{"type":"message","from":"server","dataType":"odd","data":"x","sequenceId":7}"#, Some(7)),
            (r#"{"type":"message","from":"server","dataType":"binary","data":"=","sequenceId":7}"#, Some(7)),
            (r#"{"type":"message","from":"group","dataType":"text","data":"x","sequenceId":7}"#, Some(7)),
            (r#"{"type":"message","from":"group","group":5,"data":"x","sequenceId":7}"#, Some(7)),
            (r#"{"type":"system","event":"odd"}"#, None),
            (r#"{"type":"ack","ackId":-1,"success":true}"#, None),
            (r#"{"type":"ack","ackId":1}"#, None),
            ("null", None),
            ("", None),
        ] {
            let Downstream::Skipped { sequence_id, .. } = json::decode(text) else {
                panic!("{text} was read")
            };
            assert_eq!(sequence_id, id, "{text}");
        }
    }

    #[test]
    fn ids_beyond_the_safe_integers_of_javascript_are_exact() {
        let text = r#"{"type":"ack","ackId":18446744073709551615,"success":true}"#;
        assert!(matches!(json::decode(text), Downstream::Ack { id: u64::MAX, rejection: None }));
        assert_eq!(
            json::encode(&Upstream::SequenceAck(u64::MAX)),
            r#"{"type":"sequenceAck","sequenceId":18446744073709551615}"#
        );
    }

    #[test]
    fn unknown_members_missing_data_types_and_missing_data_are_accepted() {
        let text = r#"{"from":"group","future":{"a":[1]},"group":"g","fromUserId":"u","data":{"a":1},"type":"message","metadata":{"m":"n"}}"#;
        let Downstream::Message { message: Incoming::Group(message), sequence_id: None } = json::decode(text)
        else {
            panic!("not read")
        };
        assert_eq!(message.from_user_id.as_deref(), Some("u"));
        assert_eq!(message.data, Data::json(&json!({"a":1})).unwrap());
        let text = r#"{"type":"message","from":"server","metadata":{"m":"n"}}"#;
        let Downstream::Message { message: Incoming::Server(message), .. } = json::decode(text) else {
            panic!("not read")
        };
        assert_eq!(message.data, Data::from(""));
    }

    #[test]
    fn a_frame_of_the_wrong_kind_is_skipped_and_control_frames_are_ignored() {
        let read = |message| Protocol::Json.decode(&message);
        assert!(matches!(read(Message::binary("x")), Some(Downstream::Skipped { sequence_id: None, .. })));
        assert!(read(Message::Ping("x".into())).is_none());
    }
}

#[cfg(feature = "protobuf")]
mod protobuf_frames {
    use super::super::protobuf::{
        Content, DownstreamMessage, MessageData, UpstreamMessage, decode, down, encode, up,
    };
    use super::*;
    use prost::Message as _;
    use std::collections::BTreeMap;

    fn content(data: &Data) -> Option<MessageData> {
        let data = match data.clone() {
            Data::Text(text) => Content::Text(text),
            Data::Json(json) => Content::Json(json.as_str().to_owned()),
            Data::Binary(bytes) => Content::Binary(bytes),
            Data::Protobuf(bytes) => Content::Protobuf(bytes),
        };
        Some(MessageData { data: Some(data) })
    }

    fn map(entries: Option<&Entries>) -> BTreeMap<String, String> {
        entries.cloned().unwrap_or_default().0
    }

    fn part(stream: &StreamPart) -> Box<down::Stream> {
        let error = stream.error.clone().map(|error| down::StreamError {
            name: error.name,
            message: error.message.unwrap_or_default(),
            user_error_code: error.user_error_code.unwrap_or_default(),
        });
        Box::new(down::Stream {
            stream_id: stream.stream_id.clone(),
            stream_sequence_id: stream.sequence_id,
            end_of_stream: stream.end_of_stream.then_some(true),
            error,
        })
    }

    fn of_upstream(frame: &Upstream<'_>) -> up::Kind {
        match *frame {
            Upstream::JoinGroup { group, ack_id } => {
                up::Kind::JoinGroup(up::Group { group: group.into(), ack_id })
            }
            Upstream::LeaveGroup { group, ack_id } => {
                up::Kind::LeaveGroup(up::Group { group: group.into(), ack_id })
            }
            Upstream::SendToGroup { group, ack_id, no_echo, ttl_seconds, data, metadata } => {
                up::Kind::SendToGroup(up::SendToGroup {
                    group: group.into(),
                    ack_id,
                    data: content(data),
                    no_echo: no_echo.then_some(true),
                    ttl_seconds: ttl_seconds.map(u32::from),
                    metadata: map(metadata),
                })
            }
            Upstream::Event { name, ack_id, data, metadata } => up::Kind::Event(up::Event {
                event: name.into(),
                data: content(data),
                ack_id,
                metadata: map(metadata),
            }),
            Upstream::SequenceAck(sequence_id) => up::Kind::SequenceAck(up::SequenceAck { sequence_id }),
            Upstream::Ping => up::Kind::Ping(up::Ping {}),
            #[cfg(feature = "preview")]
            Upstream::Preview(_) => unreachable!("not generated"),
        }
    }

    fn of_downstream(frame: &Downstream) -> Vec<u8> {
        let data = |sequence_id: &Option<u64>, from: &str, data: &Data, metadata: &Option<Box<Entries>>| {
            let (sequence_id, from) = (*sequence_id, from.to_owned());
            let metadata = map(metadata.as_deref());
            down::Data { from, data: content(data), sequence_id, metadata, ..down::Data::default() }
        };
        let system = |message| down::Kind::System(down::System { message: Some(message) });
        let kind = match frame {
            Downstream::Connected(connected) => system(down::SystemKind::Connected(down::Connected {
                connection_id: connected.connection_id.clone(),
                user_id: connected.user_id.clone().unwrap_or_default(),
                reconnection_token: connected
                    .reconnection_token
                    .as_ref()
                    .map(|token| token.0.expose().to_owned()),
            })),
            Downstream::Disconnected { reason } => {
                let reason = reason.clone().unwrap_or_default();
                system(down::SystemKind::Disconnected(down::Disconnected { reason }))
            }
            Downstream::Message { sequence_id, message: Incoming::Group(message) } => {
                let data = data(sequence_id, "group", &message.data, &message.metadata);
                let stream = message.stream.as_deref().map(part);
                down::Kind::Data(down::Data { group: Some(message.group.clone()), stream, ..data })
            }
            Downstream::Message { sequence_id, message: Incoming::Server(message) } => {
                down::Kind::Data(data(sequence_id, "server", &message.data, &message.metadata))
            }
            Downstream::Ack { id, rejection } => {
                let error =
                    rejection.clone().map(|Rejection { name, message }| down::Error { name, message });
                down::Kind::Ack(down::Ack { ack_id: *id, success: rejection.is_none(), error })
            }
            Downstream::Pong => down::Kind::Pong(down::Pong {}),
            #[cfg(feature = "preview")]
            Downstream::Preview(_) => unreachable!("not generated"),
            Downstream::Skipped { .. } => unreachable!("not generated"),
        };
        DownstreamMessage { message: Some(kind) }.encode_to_vec()
    }

    proptest! {
        #[test]
        fn encoded_frames_are_decoded_again(
            kind in 0u8..6, name in any::<String>(), id in proptest::option::of(any::<u64>()), flag in any::<bool>(),
            data in data(), metadata in metadata(),
        ) {
            let frame = upstream(kind, &name, id, flag, &data, metadata.as_deref());
            let read = UpstreamMessage::decode(&*encode(&frame)).unwrap();
            prop_assert_eq!(read.message, Some(of_upstream(&frame)));
        }

        #[test]
        fn frames_of_the_service_are_decoded(frame in downstream()) {
            prop_assert_eq!(decode(of_downstream(&frame).into()), frame);
        }

        #[test]
        fn any_bytes_are_decoded_or_skipped(bytes in any::<Vec<u8>>(), at in any::<usize>(), frame in downstream()) {
            let _ = decode(bytes.into());
            let mut cut = of_downstream(&frame);
            cut.truncate(at % (cut.len() + 1));
            let _ = decode(cut.into());
        }
    }

    /// Written by hand from the field numbers in section 5, to detect a wrong number.
    #[test]
    fn frames_have_the_bytes_of_the_schema() {
        let text = Data::from("hi");
        let frame = Upstream::SendToGroup {
            group: "g",
            ack_id: Some(2),
            no_echo: true,
            ttl_seconds: Some(5),
            data: &text,
            metadata: None,
        };
        assert_eq!(encode(&frame), b"\x0a\x0f\x0a\x01g\x10\x02\x1a\x04\x0a\x02hi\x20\x01\x28\x05");
        let json = Data::json(&1).unwrap();
        let frame = Upstream::Event { name: "e", ack_id: Some(3), data: &json, metadata: None };
        assert_eq!(encode(&frame), b"\x2a\x0a\x0a\x01e\x12\x03\x22\x011\x18\x03");
        assert_eq!(
            encode(&Upstream::JoinGroup { group: "g", ack_id: Some(1) }),
            b"\x32\x05\x0a\x01g\x10\x01"
        );
        assert_eq!(encode(&Upstream::LeaveGroup { group: "g", ack_id: None }), b"\x3a\x03\x0a\x01g");
        assert_eq!(encode(&Upstream::SequenceAck(300)), b"\x42\x03\x08\xac\x02");
        assert_eq!(encode(&Upstream::Ping), b"\x4a\x00");
        let any = Data::Protobuf((&b"\x0a\x01t\x12\x01v"[..]).into());
        let frame = Upstream::Event { name: "e", ack_id: None, data: &any, metadata: None };
        assert_eq!(encode(&frame), b"\x2a\x0d\x0a\x01e\x12\x08\x1a\x06\x0a\x01t\x12\x01v");

        let read = |bytes: &'static [u8]| decode(bytes.into());
        let connected = read(b"\x1a\x09\x0a\x07\x0a\x01c\x1a\x02tk");
        assert!(
            matches!(connected, Downstream::Connected(c) if c.connection_id == "c" && c.user_id.is_none())
        );
        let reason = read(b"\x1a\x07\x12\x05\x12\x03bye");
        assert!(matches!(reason, Downstream::Disconnected { reason: Some(reason) } if reason == "bye"));
        let ack = read(b"\x0a\x09\x08\x07\x1a\x05\x0a\x01N\x12\x00");
        assert!(
            matches!(ack, Downstream::Ack { id: 7, rejection: Some(rejection) } if rejection.name == "N")
        );
        let message = read(b"\x12\x14\x0a\x05group\x12\x01g\x1a\x06\x12\x04abcd\x20\x09");
        let expected = GroupMessage {
            group: "g".into(),
            from_user_id: None,
            data: Data::from(b"abcd".to_vec()),
            stream: None,
            metadata: None,
        };
        assert!(
            matches!(message, Downstream::Message { sequence_id: Some(9), message: Incoming::Group(m) } if m == expected)
        );
        assert!(matches!(read(b"\x22\x00"), Downstream::Pong));
    }

    #[test]
    fn unknown_frames_are_skipped_with_their_sequence_id() {
        #[cfg(not(feature = "preview"))]
        for bytes in [&b"\x4a\x05\x0a\x01g\x18\x07"[..], b"\x52\x02\x18\x07"] {
            assert!(matches!(decode(bytes.into()), Downstream::Skipped { sequence_id: Some(7), .. }));
        }
        for (bytes, id) in [
            (&b"\x12\x0b\x0a\x05group\x20\x07\x32\x00"[..], Some(7)),
            (b"\x12\x08\x0a\x04moon\x20\x07", Some(7)),
            (b"\x7a\x02\x08\x01", None),
            (b"\x3a\x02\x08\x01", None),
            (b"\xff", None),
            (b"", None),
        ] {
            let Downstream::Skipped { sequence_id, .. } = decode(bytes.into()) else {
                panic!("{bytes:?} was read")
            };
            assert_eq!(sequence_id, id, "{bytes:?}");
        }
    }
}
