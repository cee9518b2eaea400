//! What is known about a stream when its responses were lost or belong to an earlier stream with the same id.

use super::*;

#[test]
fn a_stream_that_waited_while_a_connection_failed_before_it_was_established_is_like_any_other() {
    let mut rig = online(|_| {});
    rig.drop_with(Some(1008));
    let mut writer = rig.open_as("s");
    rig.wait();
    rig.session.opened(Attempt::New, rig.now);
    rig.drop_with(None);
    rig.wait();
    rig.connect("c2");
    assert_eq!(rig.written(), [START]);
    rig.stream_ack(1);
    writer.opened.try_recv().unwrap().unwrap();
    rig.pass(150.0);
    assert_eq!(rig.written(), [KEEP_ALIVE]);
    rig.write(&mut writer, 1);
    assert_eq!(rig.written(), parts(1..=1));
    rig.pass(60.0);
    assert!(writer.window.failure().is_some_and(|error| error.is_timeout()));
}

#[test]
fn a_close_that_was_lost_does_not_count_if_the_stream_may_have_ended_for_being_idle() {
    for (idle_timeout, is_success) in [(300.0, true), (5.0, false)] {
        let mut rig = online(|_| {});
        let writer = rig.open_idle(idle_timeout);
        let done = rig.finish(&writer);
        assert_eq!(rig.written(), [END]);
        rig.drop_with(None);
        rig.pass(10.0);
        rig.recover();
        assert_eq!(rig.written(), [END]);
        rig.close_with("StreamNotFound");
        if is_success {
            succeeded(done);
            continue;
        }
        let error = failed(done);
        assert!(error.outcome_unknown(), "{error}");
        assert_eq!(error.code(), Some("StreamNotFound"));
    }
}

#[test]
fn a_stream_that_is_gone_after_a_recovery_before_its_parts_were_acknowledged_has_an_unknown_outcome() {
    for ends in [true, false] {
        let mut rig = online(|_| {});
        let mut writer = rig.open();
        rig.write(&mut writer, 2);
        rig.written();
        let done = rig.finish(&writer);
        if ends {
            rig.pass(2.0);
            assert_eq!(rig.written(), [END]);
        }
        rig.cut_and_recover();
        assert_eq!(rig.written(), parts(1..=2));
        rig.close_with("StreamNotFound");
        let error = failed(done);
        assert_eq!(error.code(), Some("StreamNotFound"));
        assert_eq!(error.outcome_unknown(), ends, "an end that was not written was not processed: {error}");
    }
}

#[test]
fn a_stream_that_was_never_started_is_known_not_to_be_sent_when_the_client_ends() {
    for closes in [true, false] {
        let mut rig = online(|_| {});
        rig.drop_with(None);
        let unsent = rig.open_as("s");
        if closes {
            rig.session.close(rig.now);
            rig.session.tick(rig.now);
        }
        drop(rig);
        let error = failed(unsent.opened);
        assert_eq!(error.delivery(), Some(Delivery::NotSent), "{error}");
    }
}

#[test]
fn the_id_of_a_stream_that_was_given_up_is_free_after_the_service_has_closed_it() {
    let mut rig = online(|_| {});
    let mut writer = rig.open();
    rig.write(&mut writer, 1);
    rig.written();
    rig.pass(60.0);
    assert!(writer.window.failure().is_some());
    assert_eq!(rig.written().len(), 1, "it is ended at the service");
    let error = failed(rig.open_as("s").opened);
    assert!(error.is_invalid_input(), "{error}");
    rig.stream_ack(2);
    rig.text(CLOSED);
    let writer = rig.open();
    assert!(writer.window.failure().is_none());
}

#[test]
fn the_id_of_a_stream_that_was_given_up_is_free_on_the_next_socket() {
    for recovers in [true, false] {
        let mut rig = online(|_| {});
        let writer = rig.open_as("s");
        rig.written();
        rig.pass(60.0);
        assert!(failed(writer.opened).is_timeout());
        match recovers {
            true => rig.cut_and_recover(),
            false => rig.replace("c2"),
        }
        rig.open();
    }
}

#[test]
fn only_some_ids_of_streams_that_were_given_up_are_kept() {
    let mut rig = online(|_| {});
    let ids: Vec<&'static str> = (0..101).map(|number| &*format!("s{number}").leak()).collect();
    let _writers: Vec<_> = ids.iter().map(|id| rig.open_as(id)).collect();
    rig.written();
    rig.pass(60.0);
    assert_eq!(rig.written().len(), 101);
    assert!(is_open(&mut rig.open_as(ids[0]).opened));
    assert!(failed(rig.open_as(ids[1]).opened).is_invalid_input());
}

#[test]
fn resends_of_rejected_parts_do_not_replace_a_keep_alive() {
    let mut rig = online(|_| {});
    let mut writer = rig.open_idle(20.0);
    rig.write(&mut writer, 1);
    let (started, mut kept_alive) = (rig.now, 0);
    while rig.now < started + secs(35.0) {
        loop {
            let frames = rig.written();
            if frames.is_empty() {
                break;
            }
            kept_alive += frames.iter().filter(|frame| *frame == KEEP_ALIVE).count();
            if frames.contains(&part(1)) {
                rig.nack("TransientError", 1);
            }
        }
        rig.wait();
    }
    assert!(writer.window.failure().is_none());
    assert_eq!(kept_alive, 3, "one for each half of the idle time");
}
