//! Batches fill to their limits and report what did not fit.

use eventgrid_namespaces::{CloudEvent, Error, EventBatch};

use super::{ORDER, order};

/// An event whose JSON has this many bytes.
fn sized(bytes: usize) -> CloudEvent {
    let event =
        |data: usize| CloudEvent::builder("/s", "t").id("big").data_json(&"x".repeat(data)).build().unwrap();
    let least = serde_json::to_vec(&event(0)).unwrap().len();
    event(bytes - least)
}

#[test]
fn a_batch_fills_to_the_byte() {
    let mut batch = EventBatch::new();
    batch.try_add(order()).unwrap();
    // Two brackets and a comma.
    let room = EventBatch::MAX_BYTES - ORDER.len() - 3;
    let not_added = batch.try_add(sized(room + 1)).unwrap_err();
    assert!(not_added.fits_in_another(), "{not_added}");
    assert_eq!((not_added.index(), not_added.event().id(), batch.len()), (1, "big", 1));
    assert_eq!(batch.bytes(), ORDER.len() + 2);
    batch.try_add(sized(room)).unwrap();
    assert_eq!((batch.bytes(), batch.len()), (EventBatch::MAX_BYTES, 2));
    EventBatch::new().try_add(not_added.into_event()).unwrap();
}

#[test]
fn a_batch_fills_to_a_thousand_events() {
    let mut batch = EventBatch::try_from(vec![order(); EventBatch::MAX_EVENTS]).unwrap();
    let not_added = batch.try_add(order()).unwrap_err();
    assert!(
        not_added.fits_in_another() && not_added.to_string().contains("the batch holds 1000 events"),
        "{not_added}"
    );
    assert_eq!((batch.len(), not_added.index()), (1000, 1000));
}

#[test]
fn an_event_that_fits_nowhere_is_distinguished_from_a_full_batch() {
    let mut batch = EventBatch::new();
    batch.try_add(order()).unwrap();
    let bare = CloudEvent::builder("/s", "t").id("bare").build().unwrap();
    let text = batch.try_add(sized(EventBatch::MAX_BYTES - 1)).unwrap_err().to_string();
    assert!(text.contains("its 1048575 bytes and the 2 brackets of a batch exceed"), "{text}");
    for (event, rule) in
        [(sized(EventBatch::MAX_BYTES - 1), "exceed the maximum of 1048576 bytes"), (bare, "no data")]
    {
        let not_added = batch.try_add(event).unwrap_err();
        assert!(!not_added.fits_in_another() && not_added.to_string().contains(rule), "{not_added}");
    }
    assert!(EventBatch::new().try_add(sized(EventBatch::MAX_BYTES - 2)).is_ok());
    assert_eq!((batch.len(), batch.bytes()), (1, ORDER.len() + 2));
}

#[test]
fn a_list_that_does_not_fit_names_the_event() {
    let events = vec![order(), order(), sized(EventBatch::MAX_BYTES)];
    let error: Error = EventBatch::try_from(events).unwrap_err().into();
    assert!(error.is_invalid_input(), "{error}");
    assert!(error.to_string().contains(r#"could not add event 2 (id "big")"#), "{error}");
}
