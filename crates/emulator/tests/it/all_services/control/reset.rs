//! The return to the state at the start.

use serde_json::{Value, json};
use service_emulator::webpubsub::{ClientToken, EventHandlerSettings};
use service_emulator::{Builder, Emulator, Fault};

use super::done;
use crate::common::http;

/// An emulator with arranged state in each service.
fn arranged() -> Builder {
    Emulator::builder().sample_data(true).arrange(|emulator| {
        emulator.eventgrid().declare("orders", "billing");
        emulator.webpubsub().event_handler("chat", EventHandlerSettings::new("http://127.0.0.1:9/"))?;
        emulator.hulft().rate_limit(Some(7));
        emulator.faults().push(Fault::status(503).path_contains("/none"));
        Ok(())
    })
}

/// Changes everything that a reset returns to its start.
fn change(emulator: &Emulator) {
    emulator.eventgrid().declare("other", "audit");
    emulator.eventgrid().set_keys("MDEyMzQ1Njc4OWFiY2RlZg==", "MDEyMzQ1Njc4OWFiY2RlZg==").unwrap();
    emulator.webpubsub().allow_anonymous("open", true).unwrap();
    emulator.webpubsub().set_access_keys("a", "b").unwrap();
    let agents = emulator.hulft().agents();
    assert!(agents.iter().all(|agent| emulator.hulft().disconnect_agent(&agent.session_id)));
}

fn is_as_at_the_start(emulator: &Emulator) -> [bool; 3] {
    let topics: Vec<_> = emulator.eventgrid().topics().into_iter().map(|topic| topic.name).collect();
    let hubs = emulator.webpubsub().hub_settings();
    [
        hubs.len() == 1 && hubs[0].event_handlers.len() == 1 && emulator.webpubsub().access_key().len() > 1,
        topics == ["orders"] && emulator.eventgrid().key() != "MDEyMzQ1Njc4OWFiY2RlZg==",
        emulator.hulft().agents().len() == 4,
    ]
}

#[tokio::test]
async fn a_reset_returns_every_service_to_its_start_and_forgets_faults_and_requests() {
    let emulator = arranged().start().await.unwrap();
    assert_eq!(is_as_at_the_start(&emulator), [true; 3]);
    change(&emulator);
    assert_eq!(is_as_at_the_start(&emulator), [false; 3]);
    emulator.faults().push(Fault::status(500).path_contains("/none"));
    http(&emulator, "GET", "/api/health", &[], "").await;
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new());
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    done(&emulator, "POST", "reset", Value::Null).await;
    assert_eq!(is_as_at_the_start(&emulator), [true; 3]);
    assert_eq!((emulator.faults().pending(), emulator.requests().len()), (1, 0));
    let frame = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert!(frame.is_close() && emulator.webpubsub().connections("chat").is_empty());
}

#[tokio::test]
async fn a_reset_of_one_service_leaves_the_others_alone() {
    for (index, name) in ["webpubsub", "eventgrid", "hulft"].into_iter().enumerate() {
        let emulator = arranged().start().await.unwrap();
        change(&emulator);
        done(&emulator, "POST", &format!("reset/{name}"), json!({})).await;
        let expected = [0, 1, 2].map(|other| other == index);
        assert_eq!(is_as_at_the_start(&emulator), expected, "{name}");
        assert_eq!(emulator.faults().pending(), 1, "not arranged again");
    }
}
