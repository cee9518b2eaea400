//! Batches fill to their limits and report what did not fit.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use eventgrid_namespaces::{CloudEvent, Error, EventBatch};
use serde::ser::{Serialize, SerializeSeq, Serializer};

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

#[test]
fn an_event_from_borrowed_parts_is_added_or_returned_like_a_created_one() {
    let mut batch = EventBatch::new();
    batch.try_add_json("/orders", "created", &7).unwrap();
    let (len, bytes) = (batch.len(), batch.bytes());
    let unserializable = BTreeMap::from([((1, 2), 3)]);
    let large = "x".repeat(EventBatch::MAX_BYTES - bytes - 2);
    for (not_added, fits, rule) in [
        (batch.try_add_json(" ", "created", &7), false, "`source` must be a URI-reference"),
        (batch.try_add_json("/orders", "", &7), false, "`type` must not be empty"),
        (batch.try_add_json("/orders", "created", &()), false, "data is `null`"),
        (batch.try_add_json("/orders", "created", &unserializable), false, "cannot be serialized"),
        (batch.try_add_json("/orders", "created", &large), true, "would make the batch larger"),
        (batch.try_add_json("/orders", "created", &large.repeat(2)), false, "exceed the maximum"),
    ] {
        let not_added = not_added.unwrap_err();
        assert!(not_added.to_string().contains(rule), "{not_added}");
        assert_eq!((not_added.index(), not_added.fits_in_another()), (1, fits), "{not_added}");
        assert_eq!((batch.len(), batch.bytes()), (len, bytes), "{not_added}");
        if fits {
            assert_eq!(not_added.event().data_as::<&str>().unwrap(), large);
            EventBatch::new().try_add(not_added.into_event()).unwrap();
        }
    }
}

#[test]
fn a_batch_survives_data_that_panics() {
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut list = serializer.serialize_seq(None)?;
            list.serialize_element("part of the data")?;
            panic!("as planned")
        }
    }
    let mut batch = EventBatch::new();
    batch.try_add_json("/orders", "created", &7).unwrap();
    let bytes = batch.bytes();
    let panicked = catch_unwind(AssertUnwindSafe(|| batch.try_add_json("/orders", "created", &Panics)));
    assert!(panicked.is_err());
    assert_eq!((batch.len(), batch.bytes()), (1, bytes));
}
