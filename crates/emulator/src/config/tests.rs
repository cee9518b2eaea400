//! What a configuration file sets up, and which error each kind of mistake produces.

use std::time::Duration;

use crate::eventgrid::SubscriptionSettings;
use crate::{Builder, Emulator};

const SAMPLE: &str = include_str!("../../emulator.sample.toml");

fn config_error(text: &str) -> String {
    Builder::new().config(text).unwrap_err().to_string()
}

/// An emulator with the settings of the text, but on a free port.
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
    // For an unknown key, serde lists the known keys of its table.
    let tables = [
        "",
        "[webpubsub]",
        "[webpubsub.preview_limits]",
        "[[webpubsub.hubs]]",
        "[[webpubsub.hubs]]\n[[webpubsub.hubs.event_handlers]]",
        "[eventgrid]",
        "[[eventgrid.topics]]",
        "[[eventgrid.topics]]\n[[eventgrid.topics.subscriptions]]",
        "[[eventgrid.topics]]\n[[eventgrid.topics.subscriptions]]\n[eventgrid.topics.subscriptions.push]",
        "[[eventgrid.topics]]\n[[eventgrid.topics.subscriptions]]\n[eventgrid.topics.subscriptions.push.batch]",
        "[[eventgrid.topics]]\n[[eventgrid.topics.subscriptions]]\n[eventgrid.topics.subscriptions.push.entra_token]",
        "[hulft]",
        "[[hulft.api_keys]]",
        "[[hulft.agents]]",
        "[[hulft.endpoints]]",
        "[[faults]]",
        "[[socket_faults]]",
    ];
    for table in tables {
        let error = config_error(&format!("{table}\nnone_such = 1"));
        let (_, known) = error.split_once("expected ").unwrap_or_else(|| panic!("{error}"));
        for key in known.split('`').skip(1).step_by(2) {
            let written = ["\n{} =", "{}]", "# {} =", "`{}`", "{ {} =", ", {} ="];
            let named = written.map(|form| form.replace("{}", key));
            assert!(named.iter().any(|text| SAMPLE.contains(text)), "`{key}` of {table}");
        }
    }
}

#[tokio::test]
async fn keys_in_the_file_replace_the_well_known_ones() {
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
    let error = config_error("port = 0\n\n[eventgrid]\nkey_of_door = 'x'\n");
    assert!(error.starts_with("line 4: unknown key `key_of_door`, expected one of `key`"), "{error}");
    let error = config_error("[[faults]]\nkind = 'reset'\n[fault]\nkind = 'reset'");
    assert!(error.starts_with("line 3: unknown key `fault`, "), "{error}");
}

#[test]
fn a_value_out_of_bounds_is_reported_with_its_line_key_and_rule() {
    let subscription =
        "[[eventgrid.topics]]\nname = 'orders'\n[[eventgrid.topics.subscriptions]]\nname = 'billing'";
    for (text, expected) in [
        ("port = 70000", "line 1: `port`: must be 0 to 65535, not 70000"),
        ("host = 'not here'", "line 1: `host`: must be an IP address or a host name"),
        ("max_connections = 0", "line 1: `max_connections`: must be 1 to 4294967295, not 0"),
        ("[webpubsub]\nentra = 'none'", "line 2: `entra`: unknown value `none`, expected"),
        ("[webpubsub]\nack_delay_ms = 60001", "line 2: `ack_delay_ms`: must be 0 to 60000, not 60001"),
        (
            "[webpubsub.preview_limits]\nopen_streams = 0",
            "line 2: `open_streams`: must be 1 to 4294967295, not 0",
        ),
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
        (
            "[[hulft.api_keys]]\nkey = 'x'\nscopes = ['Agent']",
            "line 3: `scopes`: unknown scope 'Agent', expected one of: ",
        ),
        ("[[hulft.endpoints]]\nname = 'x'", "line 2: `name`: unknown endpoint 'x'"),
        ("[[webpubsub.hubs]]\nname = '1'", "line 1: invalid event handler: the hub name '1' is invalid"),
        (
            "[webpubsub]\nevent_handler_ca = 'none-such.pem'",
            "line 2: `event_handler_ca`: none-such.pem: No such file",
        ),
        (
            "[webpubsub]\nevent_handler_ca = 'Cargo.toml'",
            "line 2: `event_handler_ca`: Cargo.toml: the PEM text contains no certificate",
        ),
        ("[[faults]]\nkind = 'status'\nstatus = 99", "line 3: `status`: must be 200 to 599, not 99"),
    ] {
        let error = config_error(text);
        assert!(error.starts_with(expected), "{text}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn a_key_of_a_service_that_breaks_its_rule_is_not_repeated() {
    for text in [
        "[webpubsub]\naccess_key = 's3cret;'",
        "[eventgrid]\nkey = 's3cret'",
        "[hulft]\napi_key = 's3 cret s3cret'",
        "[hulft]\napi_key = 's3cret",
        "[hulft]\napi_keys = 's3cret'",
        "[hulft]\napi_keys = 's3cret, expected s3cret'",
        "[hulft]\napi_keys = ['s3cret']",
        "[hulft]\napi_keys = [{ key = 's3cret', scopes = 's3cret' }]",
        "[hulft]\nagents = \"\"\"s3cret\n`s3cret`\"\"\"",
        "[eventgrid]\ntopics = 's3cret'",
        "[webpubsub]\npreview_limits = 's3cret'",
        "[webpubsub]\nack_delay_ms = 's3cret'",
    ] {
        let error = config_error(text);
        assert!(error.starts_with("line 2: ") && !error.contains("s3"), "{error}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_described_but_not_repeated() {
    for (text, expected) in [
        ("[hulft]\napi_keys = 's3cret'", "line 2: `api_keys`: invalid type: string, expected a sequence"),
        ("[hulft]\napi_key = 12345678", "line 2: `api_key`: invalid type: integer, expected a string"),
        ("tls = [1]", "line 1: `tls`: invalid type: sequence, expected a boolean"),
        ("hulft = 's3cret'", "line 1: `hulft`: invalid type: string, expected struct Hulft"),
        ("port = 1.5", "line 1: `port`: invalid type: floating point, expected i64"),
    ] {
        assert_eq!(config_error(text), expected);
    }
}

#[test]
fn faults_have_the_keys_of_their_kind_only() {
    for (keys, expected) in [
        ("kind = 'status'", "requires `status`"),
        ("kind = 'reset'\nstatus = 500", "`body` require `kind = \"status\"`"),
        ("kind = 'delay'", "requires `delay_ms`"),
        ("kind = 'hang'\ndelay_ms = 1", "requires `kind = \"delay\"`"),
        ("kind = 'hang'\ntimes = 1\nprobability = 0.5", "cannot be combined"),
        ("kind = 'hang'\nseed = 1", "`seed` requires `probability`"),
    ] {
        let error = config_error(&format!("\n[[faults]]\n{keys}"));
        assert!(error.starts_with("line 2: ") && error.contains(expected), "{error}");
    }
    for (keys, expected) in [
        ("kind = 'lose_ack'\nafter_sent = 1", "the kind \"drop\" or \"half_open\""),
        ("kind = 'drop'\nafter_sent = 1\nat_received = 1", "cannot be combined"),
        ("kind = 'drop'\nafter_sent = 1\nafter_processing = true", "cannot be combined with `after_sent`"),
        ("kind = 'drop'\ndelay_ms = 1", "requires `kind = \"delay_ack\"`"),
        ("kind = 'delay_ack'", "requires `delay_ms`"),
        ("kind = 'delay_invoke_response'", "requires `delay_ms`"),
        ("kind = 'nack_stream_data'", "requires `nack`"),
        ("kind = 'lose_stream_ack'\nnack = 'transient_error'", "requires `kind = \"nack_stream_data\"`"),
    ] {
        let error = config_error(&format!("\n[[socket_faults]]\n{keys}"));
        assert!(error.starts_with("line 2: ") && error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_setter_called_after_the_file_wins_and_a_setting_that_the_file_omits_is_kept() {
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

#[tokio::test]
async fn a_push_subscription_in_the_file_is_declared_and_its_secrets_are_not_printed() {
    let commented = SAMPLE.split("# [[eventgrid.topics.subscriptions]]").nth(1).unwrap();
    let (table, _) = commented.split_once("# ----").unwrap();
    let mut text = "[[eventgrid.topics]]\nname = 'orders'\n[[eventgrid.topics.subscriptions]]\n".to_owned();
    text += "max_delivery_count = 3";
    for line in table.lines().filter(|line| !line.starts_with("# A ")) {
        text += &format!("{}\n", line.trim_start_matches("# "));
    }
    let emulator = start(&text).await;
    let audit = emulator.eventgrid().topics().remove(0).subscriptions.remove(0);
    let push = audit.push.unwrap();
    assert_eq!((audit.name.as_str(), push.url.as_str()), ("audit", "http://localhost:7071/hooks/eventgrid"));
    assert_eq!(audit.settings, SubscriptionSettings::default().max_delivery_count(3));
    assert!(!format!("{:?}", super::Config::parse(&text).unwrap()).contains("s3cret"));
    let error = config_error(&text.replace("structured", "binary"));
    assert!(error.contains("invalid push subscription: a batch cannot be in binary mode"), "{error}");
    let error = config_error(&text.replace("http://", "ftp://"));
    assert!(error.contains("the URL 'ftp://localhost:7071/hooks/eventgrid' is not"), "{error}");
}
