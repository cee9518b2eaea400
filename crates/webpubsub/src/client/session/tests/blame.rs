//! Requests after which the service closes the connection.

use super::*;

fn close(rig: &mut Rig, code: u16) {
    rig.session.lost(Loss { code: Some(code), reason: "test close".to_owned() }, rig.now);
    rig.wait();
}

#[test]
fn a_close_code_that_blames_a_frame_fails_it_at_once_with_code_and_reason() {
    for code in [1003, 1007, 1009] {
        let mut rig = online(|_| {});
        let outcome = rig.send();
        rig.written();
        close(&mut rig, code);
        let error = outcome.get().unwrap_err();
        assert_eq!(error.code(), Some(code.to_string().as_str()));
        assert!(error.to_string().contains("after this request: test close"), "{error}");
        assert!(error.outcome_unknown());
        rig.recover();
        assert!(rig.written().is_empty());
    }
}

#[test]
fn the_largest_frame_is_blamed_for_being_too_large_and_the_others_are_retransmitted() {
    let mut rig = online(|_| {});
    let (mut first, large, mut last) =
        (rig.send(), rig.join("a-group-with-a-long-name-".repeat(20).as_str()), rig.send());
    assert_eq!(rig.written().len(), 3);
    close(&mut rig, 1009);
    assert_eq!(large.get().unwrap_err().code(), Some("1009"));
    rig.recover();
    assert_eq!(rig.written().len(), 2);
    assert!(first.is_open() && last.is_open());
}

#[test]
fn after_other_codes_a_frame_is_given_up_after_the_second_close_that_follows_it() {
    for code in [1000, 1001, 1011, 1012, 4000] {
        let mut rig = online(|_| {});
        let mut outcome = rig.send();
        let later = rig.send();
        rig.written();
        close(&mut rig, code);
        rig.recover();
        assert!(outcome.is_open());
        assert_eq!(rig.written().len(), 2);
        close(&mut rig, code);
        assert_eq!(outcome.get().unwrap_err().code(), Some(code.to_string().as_str()));
        rig.recover();
        assert_eq!(rig.written().len(), 1, "the other one is not to blame");
        rig.ack(2);
        later.get().unwrap();
    }
}

#[test]
fn a_frame_that_was_not_written_since_the_recovery_is_not_blamed() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::default().initial_backoff(secs(0.5)));
    let mut outcome = rig.send();
    rig.written();
    for _ in 0..3 {
        rig.drop_with(None);
        rig.wait();
        rig.recover();
        close(&mut rig, 1011);
        rig.recover();
        assert!(outcome.is_open());
    }
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn a_request_is_given_up_although_it_is_resent_on_new_connections() {
    let mut rig = online(|settings| (settings.resend, settings.protocol) = (true, Protocol::Json));
    let outcome = rig.send();
    rig.written();
    close(&mut rig, 1011);
    rig.connect("c2");
    assert_eq!(rig.written().len(), 1);
    close(&mut rig, 1011);
    assert_eq!(outcome.get().unwrap_err().code(), Some("1011"));
    rig.connect("c3");
    assert!(rig.written().is_empty());
}

#[test]
fn a_join_that_is_blamed_is_not_repeated_on_a_new_connection() {
    let mut rig = online(|_| {});
    let outcome = rig.join("g");
    rig.written();
    close(&mut rig, 1007);
    assert!(outcome.get().is_err());
    rig.recover();
    rig.replace("c2");
    assert!(rig.written().is_empty());
}
