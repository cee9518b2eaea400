//! The JSON frames of sections 2.1, 3.1 and 4.1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn with_data(mut frame: Value, data: Option<&Data>) -> Value {
    let (kind, data) = match data {
        None => return frame,
        Some(Data::Text(text)) => ("text", json!(text)),
        Some(Data::Json(json)) => ("json", json.parse().unwrap()),
        Some(Data::Binary(bytes)) => ("binary", json!(STANDARD.encode(bytes))),
        Some(Data::Protobuf(bytes)) => ("protobuf", json!(STANDARD.encode(bytes))),
    };
    frame["dataType"] = json!(kind);
    frame["data"] = data;
    frame
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(|member| *member = without_nulls(member.take()));
    }
    value
}

fn map(entries: Option<&Entries>) -> Value {
    entries.map_or(Value::Null, |Entries(entries)| json!(entries))
}

/// Written from the tables of sections 2.1, 3.1 and 4.1.
fn of_upstream(frame: &preview::Upstream<'_>) -> Value {
    without_nulls(match *frame {
        preview::Upstream::Invoke { id, event, data, metadata } => with_data(
            json!({"type":"invoke","invocationId":id,"target":"event","event":event,"metadata":map(metadata)}),
            data,
        ),
        preview::Upstream::CancelInvocation { id } => {
            json!({"type":"cancelInvocation","invocationId":id})
        }
        preview::Upstream::StreamStart { group, no_echo, id, idle_timeout_ms } => {
            json!({"type":"sendToGroup","group":group,"noEcho":no_echo.then_some(true),
                "stream":{"streamId":id,"idleTimeoutMs":idle_timeout_ms}})
        }
        preview::Upstream::StreamData { id, sequence_id, data } => {
            with_data(json!({"type":"streamData","streamId":id,"streamSequenceId":sequence_id}), Some(data))
        }
        preview::Upstream::StreamKeepAlive { id } => json!({"type":"streamData","streamId":id}),
        preview::Upstream::StreamEnd { id, error } => {
            let error = error.map(|error| json!({"message":error.message,"userErrorCode":error.code}));
            json!({"type":"streamEnd","streamId":id,"error":error})
        }
        preview::Upstream::SetGroupState { group, ack_id, state } => {
            json!({"type":"setGroupState","group":group,"ackId":ack_id,"state":map(state)})
        }
        preview::Upstream::SubscribeGroupState { group, ack_id } => {
            json!({"type":"subscribeGroupState","group":group,"ackId":ack_id})
        }
        preview::Upstream::UnsubscribeGroupState { group, ack_id } => {
            json!({"type":"unsubscribeGroupState","group":group,"ackId":ack_id})
        }
    })
}

fn of_downstream(frame: &preview::Downstream) -> Value {
    let error = |fault: &Rejection| json!({"name":fault.name,"message":fault.message});
    match frame {
        preview::Downstream::InvokeResponse { id, outcome, metadata } => {
            let metadata = map(metadata.as_deref());
            let frame = json!({"type":"invokeResponse","invocationId":id,"metadata":metadata});
            let mut frame = with_data(frame, outcome.as_ref().ok().and_then(Option::as_ref));
            frame["success"] = json!(outcome.is_ok());
            if let Err(InvokeFailure::Rejected(fault)) = outcome {
                frame["error"] = error(fault);
            }
            frame
        }
        preview::Downstream::StreamAck { id, expected } => {
            json!({"type":"streamAck","streamId":id,"expectedSequenceId":expected})
        }
        preview::Downstream::StreamNack { id, rejection, expected } => {
            let Rejection { name, message } = rejection;
            json!({"type":"streamNack","streamId":id,"name":name,"message":message,"expectedSequenceId":expected})
        }
        preview::Downstream::StreamClosed { id, rejection } => {
            json!({"type":"streamClosed","streamId":id,"error":rejection.as_ref().map(error)})
        }
        preview::Downstream::GroupStates { group, is_snapshot, items, sequence_id } => {
            let item = |item: &GroupStateItem| {
                json!({"connectionId":item.connection_id,"userId":item.user_id,
                    "state":map(item.state.as_ref()),"updatedAt":item.updated_at})
            };
            let items: Vec<_> = items.iter().map(item).collect();
            let kind = if *is_snapshot { "groupStateSnapshot" } else { "groupStateUpdate" };
            json!({"type":kind,"group":group,"items":items,"sequenceId":sequence_id})
        }
    }
}

proptest! {
    #[test]
    fn encoded_preview_frames_match_the_specification(kind in 0u8..8, parts in parts()) {
        let frame = upstream(kind, &parts);
        let written: Value = serde_json::from_str(&preview_json::encode(&frame)).unwrap();
        prop_assert_eq!(written, of_upstream(&frame));
    }

    #[test]
    fn preview_frames_of_the_specification_are_decoded(frame in downstream()) {
        for text in [of_downstream(&frame).to_string(), without_nulls(of_downstream(&frame)).to_string()] {
            prop_assert_eq!(json::decode(&text), Downstream::Preview(frame.clone()));
        }
    }

    #[test]
    fn any_part_of_a_preview_frame_is_decoded_or_skipped(at in any::<usize>(), frame in downstream()) {
        let whole = of_downstream(&frame).to_string();
        let cut = (0..=at % (whole.len() + 1)).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
        let _ = json::decode(&whole[..cut]);
    }
}

#[test]
fn a_response_that_cannot_be_read_is_a_failure_and_not_skipped() {
    let unreadable = |text: &str| {
        let Downstream::Preview(preview::Downstream::InvokeResponse { id, outcome, .. }) = json::decode(text)
        else {
            panic!("{text}")
        };
        assert_eq!(id, "1");
        matches!(outcome, Err(InvokeFailure::Unreadable(_)))
    };
    assert!(unreadable(r#"{"type":"invokeResponse","invocationId":"1","dataType":"text","data":"x"}"#));
    assert!(unreadable(
        r#"{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"odd","data":"x"}"#
    ));
    for member in [
        r#""success":"true""#,
        r#""success":false,"error":"BadRequest""#,
        r#""success":false,"error":{"name":1}"#,
        r#""success":true,"dataType":1"#,
    ] {
        let text = format!(r#"{{"type":"invokeResponse","invocationId":"1",{member}}}"#);
        assert!(unreadable(&text), "{text}");
        let other = json::decode(&text.replace("invokeResponse", "ack"));
        assert!(matches!(other, Downstream::Skipped { .. }), "{other:?}");
    }
    assert!(!unreadable(r#"{"type":"invokeResponse","invocationId":"1","success":false}"#));
}

#[test]
fn the_end_of_a_stream_is_decoded_with_and_without_a_payload() {
    let text = r#"{"type":"message","from":"group","group":"g","sequenceId":7,"dataType":"text","data":"",
        "stream":{"streamId":"s","streamSequenceId":2,"endOfStream":true}}"#;
    assert_eq!(json::decode(text), terminal());
    assert_eq!(json::decode(&text.replace(r#""dataType":"text","data":"","#, "")), terminal());
}

#[test]
fn a_message_with_an_unreadable_stream_or_metadata_is_an_ordinary_message() {
    for member in [
        r#""stream":{"streamId":"s"}"#,
        r#""stream":{"streamId":"s","streamSequenceId":"1"}"#,
        r#""stream":{"streamId":1,"streamSequenceId":1}"#,
        r#""stream":7"#,
        r#""metadata":{"a":1}"#,
        r#""metadata":{"a":"1","b":null}"#,
        r#""metadata":[]"#,
    ] {
        let text = format!(
            r#"{{"type":"message","from":"group","group":"g","dataType":"text","data":"x",{member}}}"#
        );
        let Downstream::Message { message: Incoming::Group(message), .. } = json::decode(&text) else {
            panic!("{text}")
        };
        assert_eq!((message.data, message.stream, message.metadata), (Data::from("x"), None, None));
    }
}
