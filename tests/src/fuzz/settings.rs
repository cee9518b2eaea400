//! The settings of the emulator: a file and environment variables. What is valid can be started, and read again without an effect.

use service_emulator::{ConfigError, Emulator};

use super::{block_on, split_once, text};

/// Separates the file from the variables.
const SEPARATOR: &[u8] = b"\n---\n";

/// A settings file, a line `---`, and variables, one per line, without their common prefix.
pub(super) fn settings(data: &[u8]) {
    let (file, variables) = split_once(data, SEPARATOR);
    let (Some(file), Some(variables)) = (text(file), text(variables)) else { return };
    let pairs = variables.lines().filter_map(|line| line.split_once('='));
    let pairs: Vec<_> =
        pairs.map(|(name, value)| (format!("SERVICE_EMULATOR_{name}"), value.to_owned())).collect();
    let builder = match Emulator::builder().config(file) {
        Ok(builder) => builder,
        Err(error) => return check(&error, file),
    };
    // The order in which the program reads them.
    let builder = match builder.variables(pairs.clone()) {
        Ok(builder) => builder,
        Err(error) => {
            check(&error, file);
            let named = pairs.iter().any(|(name, _)| error.to_string().starts_with(name.as_str()));
            return assert!(named || error.to_string().starts_with("SERVICE_EMULATOR_"), "{error}");
        }
    };
    if has_effects_elsewhere(file) || has_effects_elsewhere(variables) {
        return;
    }
    let builder = builder.host("127.0.0.1").port(0).tls(false).max_connections(16);
    block_on(async {
        // A name or a limit that only the service knows can still be wrong.
        let Ok(emulator) = builder.start().await else { return };
        let before = state(&emulator);
        emulator.reconfigure(file).expect("settings that were applied are valid");
        assert_eq!(state(&emulator), before, "the same settings change something");
        emulator.reset().unwrap();
        assert_eq!(state(&emulator), before, "a reset changes something");
    });
}

/// An error is one line, and names one of the file's.
fn check(error: &ConfigError, file: &str) {
    let shown = error.to_string();
    assert!(!shown.is_empty() && !shown.contains('\n'), "{shown:?}");
    if let Some(line) = error.line() {
        assert!((1..=file.lines().count() + 1).contains(&line), "{shown}");
        assert!(shown.starts_with(&format!("line {line}: ")));
    }
}

/// Whether the settings make the emulator call a webhook, or read or write a file, which is left out: keys can be escaped.
fn has_effects_elsewhere(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["url", "_ca", "advertise", "log", "\\"].iter().any(|word| lower.contains(word))
}

fn state(emulator: &Emulator) -> String {
    let (webpubsub, eventgrid, hulft) = (emulator.webpubsub(), emulator.eventgrid(), emulator.hulft());
    let mut hubs = webpubsub.hubs();
    hubs.sort();
    let keys = (webpubsub.access_key(), webpubsub.secondary_access_key(), eventgrid.key(), hulft.api_key());
    format!("{hubs:?} {:?} {keys:?} {}", eventgrid.topics(), emulator.faults().pending())
}
