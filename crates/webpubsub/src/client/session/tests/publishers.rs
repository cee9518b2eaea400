//! The streams that the program sends: parts are kept until they are acknowledged, resent after a rejection or a recovery, and
//! an end that the service does not confirm is never reported as a success.

mod confirmations;

use super::*;
use crate::client::frame::preview::{self, StreamEndError};
use crate::client::streams::{Opening, StreamCommand, Window};

/// The writer's end of a stream.
struct Writer {
    key: u64,
    id: &'static str,
    next: u64,
    window: Arc<Window>,
    opened: oneshot::Receiver<Result<()>>,
}

const START: &str = r#"{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}"#;
const END: &str = r#"{"type":"streamEnd","streamId":"s"}"#;
const KEEP_ALIVE: &str = r#"{"type":"streamData","streamId":"s"}"#;
const CLOSED: &str = r#"{"type":"streamClosed","streamId":"s"}"#;

fn part(number: u64) -> String {
    format!(
        r#"{{"type":"streamData","streamId":"s","streamSequenceId":{number},"dataType":"text","data":"x"}}"#
    )
}

fn parts(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(part).collect()
}

impl Rig {
    fn encoded(&self, frame: preview::Upstream<'_>) -> Message {
        self.session.settings.protocol.encode(&Upstream::Preview(frame))
    }

    fn open_as(&mut self, id: &'static str) -> Writer {
        self.open_with(id, 300.0)
    }

    fn open_with(&mut self, id: &'static str, idle_timeout: f64) -> Writer {
        let key = self.ids.fetch_add(1, Ordering::Relaxed);
        let start = preview::Upstream::StreamStart { group: "g", no_echo: false, id, idle_timeout_ms: None };
        let (opened, outcome) = oneshot::channel();
        let window = Arc::new(Window::new(100));
        let opening = Opening {
            key,
            id: id.to_owned(),
            frame: self.encoded(start),
            keep_alive: self.encoded(preview::Upstream::StreamKeepAlive { id }),
            idle_timeout: secs(idle_timeout),
            timeout: secs(60.0),
            deadline: self.now + secs(60.0),
            window: Arc::clone(&window),
            opened,
        };
        self.session.stream(StreamCommand::Open(Box::new(opening)), self.now);
        Writer { key, id, next: 1, window, opened: outcome }
    }

    /// Opens a stream that the service has accepted.
    fn open(&mut self) -> Writer {
        self.open_idle(300.0)
    }

    /// Opens a stream that the service has accepted, with this idle time in seconds.
    fn open_idle(&mut self, idle_timeout: f64) -> Writer {
        let mut writer = self.open_with("s", idle_timeout);
        assert_eq!(self.written(), [START]);
        self.stream_ack(1);
        writer.opened.try_recv().unwrap().unwrap();
        writer
    }

    fn write(&mut self, writer: &mut Writer, count: u64) {
        for _ in 0..count {
            let data = Data::from("x");
            let frame =
                preview::Upstream::StreamData { id: writer.id, sequence_id: writer.next, data: &data };
            let frame = self.encoded(frame);
            writer.next += 1;
            self.session.stream(StreamCommand::Part { key: writer.key, frame }, self.now);
        }
    }

    fn finish(&mut self, writer: &Writer) -> oneshot::Receiver<Result<()>> {
        let (done, outcome) = oneshot::channel();
        let frame = self.encoded(preview::Upstream::StreamEnd { id: writer.id, error: None });
        self.session.stream(StreamCommand::End { key: writer.key, frame, done: Some(done) }, self.now);
        outcome
    }

    fn stream_ack(&mut self, expected: u64) {
        self.text(&format!(r#"{{"type":"streamAck","streamId":"s","expectedSequenceId":{expected}}}"#));
    }

    fn nack(&mut self, name: &str, expected: u64) {
        self.text(&format!(
            r#"{{"type":"streamNack","streamId":"s","name":"{name}","expectedSequenceId":{expected}}}"#
        ));
    }

    fn close_with(&mut self, name: &str) {
        self.text(&CLOSED.replace('}', &format!(r#","error":{{"name":"{name}"}}}}"#)));
    }
}

fn is_open(outcome: &mut oneshot::Receiver<Result<()>>) -> bool {
    matches!(outcome.try_recv(), Err(oneshot::error::TryRecvError::Empty))
}

fn failed(mut outcome: oneshot::Receiver<Result<()>>) -> Error {
    outcome.try_recv().unwrap().unwrap_err()
}

fn succeeded(mut outcome: oneshot::Receiver<Result<()>>) {
    outcome.try_recv().unwrap().unwrap();
}

#[test]
fn parts_are_written_in_order_after_the_start_is_accepted_and_the_end_after_all_are() {
    let mut rig = online(|_| {});
    let mut writer = rig.open_as("s");
    rig.write(&mut writer, 2);
    assert_eq!(rig.written(), [START]);
    assert!(is_open(&mut writer.opened));
    rig.stream_ack(1);
    succeeded(writer.opened);
    writer.opened = oneshot::channel().1;
    assert_eq!(rig.written(), parts(1..=2));
    rig.write(&mut writer, 1);
    let mut done = rig.finish(&writer);
    assert_eq!(rig.written(), parts(3..=3), "the end waits for the acknowledgments");
    rig.stream_ack(3);
    assert!(rig.written().is_empty());
    rig.stream_ack(4);
    assert_eq!(rig.written(), [END]);
    assert!(is_open(&mut done));
    rig.text(CLOSED);
    succeeded(done);
    rig.stream_ack(4);
    rig.nack("InvalidSequenceId", 4);
    rig.text(CLOSED);
    assert_eq!(rig.session.action(), Action::Exchange, "frames for a closed stream are ignored");
}

#[test]
fn a_service_that_acknowledges_late_receives_the_end_after_a_while() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 2);
    rig.written();
    let done = rig.finish(&writer);
    assert!(rig.written().is_empty());
    assert_eq!(rig.wait(), secs(2.0));
    assert_eq!(rig.written(), [END]);
    rig.text(CLOSED);
    succeeded(done);
}

#[test]
fn a_rejected_stream_is_not_opened() {
    let mut rig = online(|_| {});
    let writer = rig.open_as("s");
    rig.written();
    rig.close_with("Forbidden");
    let error = failed(writer.opened);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("Forbidden")));
    assert!(!error.outcome_unknown());
    let mut again = rig.open_as("s");
    assert!(is_open(&mut again.opened), "the id is free again");
}

#[test]
fn an_id_can_be_used_once_at_a_time() {
    let mut rig = online(|_| {});
    let _writer = rig.open();
    let error = failed(rig.open_as("s").opened);
    assert!(error.is_invalid_input(), "{error}");
    assert!(rig.written().is_empty());
}

#[test]
fn after_a_rejection_parts_are_sent_again_from_the_expected_one_and_only_once() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 6);
    assert_eq!(rig.written().len(), 6);
    rig.nack("TransientError", 3);
    assert_eq!(rig.written(), parts(3..=6));
    // The service rejected each of the parts that followed the lost one.
    (0..3).for_each(|_| rig.nack("InvalidSequenceId", 3));
    assert!(rig.written().is_empty());
    rig.stream_ack(7);
    rig.pass(1.0);
    assert!(rig.written().is_empty());
    rig.write(&mut writer, 1);
    assert_eq!(rig.written(), parts(7..=7));
}

#[test]
fn repeated_rejections_are_followed_by_growing_waits_and_by_a_failure_without_progress() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    let (started, mut waits) = (rig.now, Vec::new());
    while rig.now < started + secs(60.0) {
        while !rig.written().is_empty() {
            rig.nack("TransientError", 1);
        }
        waits.push(rig.wait());
    }
    let text = "stream: the service acknowledged no part within 60s; the service may have acted on it";
    assert_eq!(writer.window.failure().unwrap().to_string(), text);
    assert!(waits.contains(&secs(0.2)) && waits.len() < 40, "{waits:?}");
    let gave_up =
        r#"{"type":"streamEnd","streamId":"s","error":{"message":"the sender gave up the stream"}}"#;
    assert_eq!(rig.written(), [gave_up]);
}

#[test]
fn an_end_is_not_sent_while_a_part_is_rejected_and_a_close_then_is_a_failure() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 2);
    rig.written();
    let done = rig.finish(&writer);
    rig.nack("TransientError", 1);
    rig.pass(10.0);
    assert_eq!(rig.written(), parts(1..=2));
    rig.text(CLOSED);
    assert_eq!(failed(done).kind(), ErrorKind::Service);
}

#[test]
fn an_acknowledgment_of_what_was_not_sent_fails_the_stream_at_both_ends() {
    for expected in [0, 1, 4] {
        let mut rig = online(|_| {});
        let mut writer = rig.open();
        rig.write(&mut writer, 2);
        rig.written();
        rig.stream_ack(2);
        rig.stream_ack(expected);
        let error = writer.window.failure().unwrap();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        let frames = rig.written();
        assert!(
            frames.len() == 1 && frames[0].contains(r#""userErrorCode":"ProtocolViolation""#),
            "{frames:?}"
        );
    }
}

#[test]
fn after_a_recovery_everything_unacknowledged_is_sent_again_including_the_end() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 4);
    rig.written();
    rig.stream_ack(3);
    rig.drop_with(None);
    rig.write(&mut writer, 1);
    rig.wait();
    rig.recover();
    assert_eq!(rig.written(), parts(3..=5));
    rig.stream_ack(6);
    let done = rig.finish(&writer);
    assert_eq!(rig.written(), [END]);
    rig.cut_and_recover();
    assert_eq!(rig.written(), [END]);
    rig.text(CLOSED);
    succeeded(done);
}

#[test]
fn a_close_that_was_lost_with_the_connection_counts_if_all_parts_were_accepted() {
    for (acknowledged, is_success) in [(3, true), (2, false)] {
        let mut rig = online(|_| {});
        let mut writer = rig.open();
        rig.write(&mut writer, 2);
        rig.written();
        let done = rig.finish(&writer);
        rig.stream_ack(acknowledged);
        rig.pass(2.0);
        assert_eq!(rig.written(), [END]);
        rig.cut_and_recover();
        assert!(!rig.written().is_empty());
        rig.close_with("StreamNotFound");
        match is_success {
            true => succeeded(done),
            false => assert_eq!(failed(done).code(), Some("StreamNotFound")),
        }
    }
    // Without a lost connection, it is an error.
    let mut rig = online(|_| {});
    let writer = rig.open();
    let done = rig.finish(&writer);
    rig.written();
    rig.close_with("StreamNotFound");
    assert_eq!(failed(done).code(), Some("StreamNotFound"));
}

#[test]
fn a_connection_that_cannot_be_recovered_fails_its_streams_and_not_one_that_was_not_started() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    rig.written();
    let done = rig.finish(&writer);
    rig.drop_with(Some(1008));
    let mut later = rig.open_as("t");
    assert!(failed(done).outcome_unknown());
    assert!(writer.window.failure().is_some());
    rig.wait();
    rig.connect("c2");
    assert_eq!(rig.written(), [START.replace("\"s\"", "\"t\"")]);
    assert!(is_open(&mut later.opened));
}

#[test]
fn a_start_whose_acceptance_is_lost_with_the_connection_fails() {
    let mut rig = online(|_| {});
    let writer = rig.open_as("s");
    rig.written();
    rig.drop_with(None);
    let error = failed(writer.opened);
    assert!(error.outcome_unknown(), "{error}");
    rig.wait();
    rig.recover();
    assert!(rig.written().is_empty());
}

#[test]
fn a_start_that_is_not_accepted_or_not_sent_times_out() {
    let mut rig = online(|_| {});
    let sent = rig.open_as("s");
    rig.written();
    rig.pass(60.0);
    let error = failed(sent.opened);
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    assert_eq!(rig.written().len(), 1, "the service may have accepted it, so it is ended");
    rig.drop_with(None);
    let unsent = rig.open_as("s");
    rig.now += secs(60.0);
    rig.session.tick(rig.now);
    let error = failed(unsent.opened);
    assert!(error.is_timeout() && error.delivery() == Some(Delivery::NotSent), "{error}");
}

#[test]
fn an_idle_stream_is_kept_alive_while_it_is_connected() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    rig.written();
    rig.stream_ack(2);
    for _ in 0..3 {
        while rig.written().is_empty() {
            rig.wait();
        }
    }
    rig.pass(150.0);
    assert_eq!(rig.written(), [KEEP_ALIVE]);
    assert!(rig.session.deadline().is_some_and(|at| at > rig.now));
    rig.drop_with(None);
    rig.wait();
    rig.recover();
    rig.pass(140.0);
    assert!(rig.written().is_empty());
    rig.pass(10.0);
    assert_eq!(rig.written(), [KEEP_ALIVE]);
}

#[test]
fn a_stream_after_whose_parts_the_service_closes_the_connection_again_is_given_up() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    for round in 1..=2 {
        assert!(writer.window.failure().is_none());
        assert_eq!(rig.written(), parts(1..=1), "round {round}");
        rig.drop_with(Some(1007));
        rig.wait();
        rig.recover();
    }
    assert!(writer.window.failure().is_some_and(|error| error.outcome_unknown()));
    assert!(rig.written().is_empty());
}

#[test]
fn the_time_without_progress_goes_on_after_a_recovery() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    rig.written();
    for _ in 0..2 {
        rig.pass(25.0);
        rig.cut_and_recover();
        assert_eq!(rig.written(), parts(1..=1));
    }
    rig.pass(9.0);
    assert!(writer.window.failure().is_none());
    rig.pass(1.0);
    assert!(writer.window.failure().is_some_and(|error| error.is_timeout()));
}

#[test]
fn streams_take_turns() {
    let mut rig = online(|_| {});
    let (mut one, mut two) = (rig.open(), rig.open_as("t"));
    rig.written();
    rig.text(r#"{"type":"streamAck","streamId":"t","expectedSequenceId":1}"#);
    rig.write(&mut one, 3);
    rig.write(&mut two, 3);
    let frames = rig.written();
    let ids: Vec<_> = frames.iter().map(|frame| if frame.contains("\"s\"") { 's' } else { 't' }).collect();
    assert!(ids.len() == 6 && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
}

#[test]
fn a_writer_that_is_dropped_ends_its_stream_with_an_error_and_one_that_was_not_started_is_forgotten() {
    let mut rig = online(|_| {});
    let error = Some(StreamEndError { message: Some("dropped"), code: None });
    let end = rig.encoded(preview::Upstream::StreamEnd { id: "s", error });
    let unstarted = rig.open_as("s");
    let command = |key| StreamCommand::End { key, frame: end.clone(), done: None };
    rig.session.stream(command(unstarted.key), rig.now);
    assert!(rig.written().is_empty());
    let writer = rig.open();
    rig.session.stream(command(writer.key), rig.now);
    assert_eq!(rig.written(), [r#"{"type":"streamEnd","streamId":"s","error":{"message":"dropped"}}"#]);
}

#[test]
fn a_closing_client_finishes_what_is_ending_and_fails_the_others() {
    let mut rig = online(|_| {});
    let writer = rig.open();
    let done = rig.finish(&writer);
    let other = rig.open_as("t");
    rig.written();
    rig.session.close(rig.now);
    assert!(!rig.session.is_drained());
    rig.text(CLOSED);
    succeeded(done);
    assert!(rig.session.is_drained());
    rig.session.tick(rig.now);
    assert!(failed(other.opened).outcome_unknown());
}

#[test]
fn writers_do_not_wait_for_a_task_that_is_gone() {
    let mut rig = online(|_| {});
    let writer = rig.open();
    let window = Arc::clone(&writer.window);
    drop(rig);
    assert!(window.failure().is_some());
}
