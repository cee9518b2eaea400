//! What a file arranges, and what is said of each kind of mistake in it.

use std::time::Duration;

use crate::eventgrid::SubscriptionSettings;
use crate::{Builder, Emulator};

const SAMPLE: &str = include_str!("../../emulator.sample.toml");

fn refusal(text: &str) -> String {
    Builder::new().config(text).unwrap_err().to_string()
}

/// An emulator with the settings of the text; a port that it names is let go.
async fn start(text: &str) -> Emulator {
    Emulator::builder().config(text).unwrap().port(0).start().await.unwrap()
}

#[tokio::test]
async fn the_sample_starts_an_emulator_with_what_it_names() {
    let emulator = start(SAMPLE).await;
    assert_eq!(emulator.faults().pending(), 4);
    let keys = [emulator.eventgrid().key(), emulator.webpubsub().access_key(), emulator.hulft().api_key()];
    let other = Emulator::start().await.unwrap();
    let defaults = [other.eventgrid().key(), other.webpubsub().access_key(), other.hulft().api_key()];
    assert_eq!(keys, defaults, "the sample shows the defaults");
    assert!(emulator.hulft().agents().iter().any(|agent| agent.agent.agent_id == "osaka-send"));
    let topics = emulator.eventgrid().topics();
    let names = topics[0].subscriptions.iter().map(|subscription| subscription.name.as_str());
    assert_eq!((topics[0].name.as_str(), names.collect::<Vec<_>>()), ("orders", vec!["billing", "shipping"]));
}

#[test]
fn the_sample_names_every_key() {
    // An unknown key makes serde tell the known ones of its table.
    let tables = [
        "",
        "[webpubsub]",
        "[[webpubsub.hubs]]",
        "[[webpubsub.hubs]]\n[[webpubsub.hubs.event_handlers]]",
        "[eventgrid]",
        "[[eventgrid.topics]]",
        "[[eventgrid.topics]]\n[[eventgrid.topics.subscriptions]]",
        "[hulft]",
        "[[hulft.api_keys]]",
        "[[hulft.agents]]",
        "[[hulft.endpoints]]",
        "[[faults]]",
        "[[socket_faults]]",
    ];
    for table in tables {
        let refusal = refusal(&format!("{table}\nnone_such = 1"));
        let (_, known) = refusal.split_once("expected ").unwrap_or_else(|| panic!("{refusal}"));
        for key in known.split('`').skip(1).step_by(2) {
            let named = [format!("\n{key} ="), format!("{key}]"), format!("# {key} ="), format!("`{key}`")];
            assert!(named.iter().any(|text| SAMPLE.contains(text)), "`{key}` of {table}");
        }
    }
}

#[tokio::test]
async fn keys_of_the_file_take_the_place_of_the_well_known_ones() {
    let emulator = start(
        "[webpubsub]\naccess_key = 'a-key'\n[eventgrid]\nsecondary_key = 'AAAAAAAAAAAAAAAAAAAAAA=='\n[hulft]\napi_key = 'own'",
    )
    .await;
    assert!(emulator.webpubsub().connection_string().contains("AccessKey=a-key;"));
    assert_eq!(emulator.eventgrid().secondary_key(), "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(emulator.hulft().api_key(), "own");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_known_ones() {
    let told = refusal("port = 0\n\n[eventgrid]\nkey_of_door = 'x'\n");
    assert!(told.starts_with("line 4: unknown key `key_of_door`, expected one of `key`"), "{told}");
    let told = refusal("[[faults]]\nkind = 'reset'\n[fault]\nkind = 'reset'");
    assert!(told.starts_with("line 3: unknown key `fault`, "), "{told}");
}

#[test]
fn a_value_out_of_bounds_is_told_with_its_line_key_and_rule() {
    let subscription =
        "[[eventgrid.topics]]\nname = 'orders'\n[[eventgrid.topics.subscriptions]]\nname = 'billing'";
    for (text, expected) in [
        ("port = 70000", "line 1: `port`: must be 0 to 65535, not 70000"),
        ("host = 'here'", "line 1: `host`: "),
        ("log = 'loud'", "line 1: `log`: must be off, plain, color, or auto, not 'loud'"),
        ("[[eventgrid.topics]]", "line 1: missing key `name`"),
        ("[[faults]]\nkind = 'x'", "line 2: `kind`: unknown value `x`, expected one of `status`"),
        (
            "[[eventgrid.topics]]\nname = 'a_b'",
            "line 2: `name`: must be 3 to 50 letters, digits and '-', not 'a_b'",
        ),
        (
            &format!("{subscription}\nlock_duration_seconds = 59"),
            "line 5: `lock_duration_seconds`: must be 60 to 300, not 59",
        ),
        (
            &format!("{subscription}\nmax_delivery_count = 11"),
            "line 5: `max_delivery_count`: must be 1 to 10, not 11",
        ),
        ("[hulft]\nrelay_logs = 50001", "line 2: `relay_logs`: must be 0 to 50000, not 50001"),
        ("[[hulft.api_keys]]\nkey = 'x'\nscopes = ['Agent']", "line 3: `scopes`: 'Agent' is no scope; "),
        ("[[hulft.endpoints]]\nname = 'x'", "line 2: `name`: the service has no endpoint 'x'"),
        ("[[webpubsub.hubs]]\nname = '1'", "line 1: invalid event handler: the hub name '1' is invalid"),
        ("[[faults]]\nkind = 'status'\nstatus = 99", "line 3: `status`: must be 200 to 599, not 99"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with(expected), "{text}: {refusal}");
        assert_eq!(refusal.lines().count(), 1);
    }
}

#[test]
fn a_key_of_a_service_that_breaks_its_rule_is_not_repeated() {
    for text in [
        "[webpubsub]\naccess_key = 's3cret;'",
        "[eventgrid]\nkey = 's3cret'",
        "[hulft]\napi_key = 's3 cret s3cret'",
        "[hulft]\napi_key = 's3cret",
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with("line 2: ") && !refusal.contains("s3"), "{refusal}");
    }
}

#[test]
fn faults_have_the_keys_of_their_kind_only() {
    for (keys, expected) in [
        ("kind = 'status'", "needs a `status`"),
        ("kind = 'reset'\nstatus = 500", "with `kind = \"status\"` only"),
        ("kind = 'delay'", "needs a `delay_ms`"),
        ("kind = 'hang'\ndelay_ms = 1", "with `kind = \"delay\"` only"),
        ("kind = 'hang'\ntimes = 1\nprobability = 0.5", "not both"),
        ("kind = 'hang'\nseed = 1", "with `probability` only"),
    ] {
        let refusal = refusal(&format!("\n[[faults]]\n{keys}"));
        assert!(refusal.starts_with("line 2: ") && refusal.contains(expected), "{refusal}");
    }
    for (keys, expected) in [
        ("kind = 'lose_ack'\nafter_sent = 1", "\"drop\" and \"half_open\" only"),
        ("kind = 'drop'\nafter_sent = 1\nat_received = 1", "not both"),
        ("kind = 'drop'\nafter_sent = 1\nafter_work = true", "does not go with"),
        ("kind = 'drop'\ndelay_ms = 1", "\"delay_ack\"` only"),
        ("kind = 'delay_ack'", "needs a `delay_ms`"),
    ] {
        let refusal = refusal(&format!("\n[[socket_faults]]\n{keys}"));
        assert!(refusal.starts_with("line 2: ") && refusal.contains(expected), "{refusal}");
    }
}

#[tokio::test]
async fn a_setter_called_after_the_file_wins_and_what_the_file_leaves_out_stays() {
    let builder = Emulator::builder().sample_data(true).config("port = 1\nsample_data = false").unwrap();
    let emulator = builder.port(0).start().await.unwrap();
    assert!(emulator.hulft().agents().is_empty());
    let emulator = Emulator::builder().sample_data(true).config("").unwrap().start().await.unwrap();
    assert!(!emulator.hulft().agents().is_empty());
}

#[tokio::test]
async fn subscriptions_have_the_settings_of_the_file() {
    let emulator = start(
        "[[eventgrid.topics]]\nname = 'orders'\n[[eventgrid.topics.subscriptions]]\nname = 'billing'\n\
        lock_duration_seconds = 90\nmax_delivery_count = 2\ntime_to_live_seconds = 61",
    )
    .await;
    let expected = SubscriptionSettings::default()
        .lock_duration(Duration::from_secs(90))
        .max_delivery_count(2)
        .time_to_live(Duration::from_secs(61));
    assert_eq!(emulator.eventgrid().topics()[0].subscriptions[0].settings, expected);
}
