//! Invocations: at most one response each, never sent twice, and cancelled at the service when the caller gives up.

use super::*;
use crate::client::frame::preview;
use crate::client::invoke::{INVOKE, InvokeResponse};

type Response = oneshot::Receiver<Result<InvokeResponse>>;

const SENT: &str =
    r#"{"type":"invoke","invocationId":"1","target":"event","event":"sum","dataType":"json","data":[1,2]}"#;
const CANCELLED: &str = r#"{"type":"cancelInvocation","invocationId":"1"}"#;

impl Rig {
    fn invoke(&mut self) -> Response {
        let (id, data) = (self.ids.fetch_add(1, Ordering::Relaxed), Data::json(&[1, 2]).unwrap());
        let text = id.to_string();
        let frame = preview::Upstream::Invoke { id: &text, event: "sum", data: Some(&data), metadata: None };
        let frame = self.session.settings.protocol.encode(&Upstream::Preview(frame));
        let (sender, receiver) = oneshot::channel();
        let timeout = self.session.settings.ack_timeout;
        self.session.submit(Op {
            name: INVOKE,
            ack_id: Some(id),
            frame,
            effect: Effect::None,
            timeout,
            deadline: self.now + timeout,
            written: false,
            in_flight: false,
            closes: 0,
            done: Done::Invocation(sender),
        });
        receiver
    }

    fn respond(&mut self, rest: &str) {
        self.text(&format!(r#"{{"type":"invokeResponse","invocationId":"1",{rest}}}"#));
    }
}

fn error(mut response: Response) -> Error {
    response.try_recv().unwrap().unwrap_err()
}

fn is_pending(response: &mut Response) -> bool {
    matches!(response.try_recv(), Err(oneshot::error::TryRecvError::Empty))
}

#[test]
fn a_response_completes_its_invocation_once() {
    let mut rig = online(|_| {});
    let mut response = rig.invoke();
    assert_eq!(rig.written(), [SENT]);
    rig.text(r#"{"type":"invokeResponse","invocationId":"2","success":true}"#);
    rig.text(r#"{"type":"invokeResponse","invocationId":"01","success":true}"#);
    rig.text(r#"{"type":"invokeResponse","invocationId":"x","success":true}"#);
    rig.ack(1);
    assert!(is_pending(&mut response), "an ack is no response");
    rig.respond(r#""success":true,"dataType":"json","data":3"#);
    rig.respond(r#""success":true,"dataType":"json","data":4"#);
    let response = response.try_recv().unwrap().unwrap();
    assert_eq!(response.json::<u8>().unwrap(), 3);
    rig.pass(60.0);
    assert!(rig.written().is_empty());
}

#[test]
fn an_empty_response_is_a_success_without_data() {
    let mut rig = online(|_| {});
    let mut response = rig.invoke();
    rig.written();
    rig.respond(r#""success":true"#);
    assert_eq!(response.try_recv().unwrap().unwrap().data, None);
}

#[test]
fn an_error_of_the_service_is_returned_with_its_name() {
    let mut rig = online(|_| {});
    let response = rig.invoke();
    rig.written();
    rig.respond(r#""success":false,"error":{"name":"BadRequest","message":"no such event"}"#);
    let error = error(response);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("BadRequest")));
    assert_eq!(error.to_string(), "invoke: BadRequest: no such event");
    assert!(!error.outcome_unknown());
}

#[test]
fn a_response_that_cannot_be_read_is_an_error_and_is_cancelled() {
    let mut rig = online(|_| {});
    let response = rig.invoke();
    rig.written();
    rig.respond(r#""dataType":"json","data":3"#);
    assert_eq!(error(response).kind(), ErrorKind::Decode);
    assert_eq!(rig.written(), [CANCELLED]);
}

#[test]
fn a_lost_connection_leaves_the_outcome_unknown_at_once_and_nothing_is_sent_again() {
    for code in [None, Some(1008)] {
        let mut rig = online(|settings| settings.resend = true);
        let response = rig.invoke();
        rig.written();
        rig.drop_with(code);
        let error = error(response);
        assert!(error.outcome_unknown(), "{error}");
        let text =
            "invoke: the connection was lost before the response arrived; the service may have acted on it";
        assert_eq!(error.to_string(), text);
        rig.wait();
        match code {
            None => rig.recover(),
            Some(_) => rig.connect("c2"),
        }
        assert!(rig.written().is_empty());
        rig.respond(r#""success":true"#);
    }
}

#[test]
fn an_invocation_is_not_sent_again_if_a_recovery_turns_out_to_be_a_new_connection() {
    let mut rig = online(|settings| settings.resend = true);
    rig.cut_and_recover();
    let response = rig.invoke();
    assert_eq!(rig.written(), [SENT]);
    rig.connected("c2", "t2");
    assert!(error(response).outcome_unknown());
    assert!(rig.written().is_empty());
}

#[test]
fn an_invocation_that_was_not_written_waits_for_the_next_connection() {
    let mut rig = online(|_| {});
    rig.drop_with(None);
    let mut response = rig.invoke();
    rig.wait();
    rig.recover();
    assert_eq!(rig.written(), [SENT]);
    assert!(is_pending(&mut response));
}

#[test]
fn an_invocation_that_is_never_written_is_known_not_to_be_sent() {
    let mut rig = online(|_| {});
    rig.drop_with(None);
    let response = rig.invoke();
    rig.now += secs(60.0);
    rig.session.tick(rig.now);
    let error = error(response);
    assert!(error.is_timeout() && error.delivery() == Some(Delivery::NotSent), "{error}");
}

#[test]
fn a_caller_that_gives_up_cancels_what_was_written_and_nothing_else() {
    let mut rig = online(|_| {});
    drop(rig.invoke());
    rig.session.cancel_invocation(1);
    assert!(rig.written().is_empty(), "it was not written");
    let _response = rig.invoke();
    rig.written();
    rig.session.cancel_invocation(2);
    rig.session.cancel_invocation(2);
    assert_eq!(rig.written(), [CANCELLED.replace("\"1\"", "\"2\"")]);
    let _send = rig.send();
    rig.written();
    rig.session.cancel_invocation(3);
    assert!(rig.written().is_empty(), "it is not an invocation");
}

#[test]
fn an_invocation_that_times_out_is_cancelled_at_the_service() {
    let mut rig = online(|settings| settings.ack_timeout = secs(5.0));
    let response = rig.invoke();
    rig.written();
    rig.pass(5.0);
    let error = error(response);
    assert!(error.is_timeout() && error.outcome_unknown());
    assert_eq!(error.to_string(), "invoke: no response received within 5s; the service may have acted on it");
    assert_eq!(rig.written(), [CANCELLED]);
}

#[test]
fn a_closing_client_waits_for_responses_for_a_while() {
    let mut rig = online(|_| {});
    let mut response = rig.invoke();
    rig.written();
    rig.session.close(rig.now);
    assert!(is_pending(&mut response) && !rig.session.is_drained());
    rig.respond(r#""success":true"#);
    assert!(rig.session.is_drained());
    let mut rig = online(|_| {});
    let response = rig.invoke();
    rig.written();
    rig.session.close(rig.now);
    rig.pass(5.0);
    assert!(error(response).outcome_unknown());
}
