//! Settings in environment variables: every key of the settings file, for containers without a file.

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{Config, ConfigError, Settings};
use crate::builder::Builder;

const PREFIX: &str = "SERVICE_EMULATOR_";
const SECTIONS: [&str; 3] = ["webpubsub", "eventgrid", "hulft"];
/// What the program itself prints or reads.
const OTHERS: [&str; 2] = ["CA", "CONFIG"];

impl Builder {
    /// Reads settings from environment variables: `SERVICE_EMULATOR_` and a key of the settings file in upper case, with
    /// its section if it has one.
    ///
    /// Examples are `SERVICE_EMULATOR_PORT=8080`, `SERVICE_EMULATOR_WEBPUBSUB_ACCESS_KEY=...`, and for lists, in the
    /// syntax of TOML, `SERVICE_EMULATOR_EVENTGRID_TOPICS='[{ name = "orders" }]'`. Variables with other prefixes are
    /// ignored. These settings replace earlier ones; setters called later win.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is unknown or a value breaks a rule. It names the variable, and never contains an access
    /// key.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use service_emulator::Emulator;
    ///
    /// let variables = [("SERVICE_EMULATOR_HULFT_API_KEY".to_owned(), "of-the-environment".to_owned())];
    /// let emulator = Emulator::builder().variables(variables)?.start().await?;
    /// assert_eq!(emulator.hulft().api_key(), "of-the-environment");
    /// # Ok(())
    /// # }
    /// ```
    pub fn variables(
        self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut all = Table::new();
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(PREFIX).filter(|key| !OTHERS.contains(key)) else { continue };
            let (section, key) = path(&key.to_ascii_lowercase());
            let value = value(section.as_deref(), &key, &text)
                .map_err(|error| ConfigError::of_value(&error, &name))?;
            insert(&mut all, section.as_deref(), &key, value);
        }
        if all.is_empty() {
            return Ok(self);
        }
        let config = Config::deserialize(all).map_err(|error| ConfigError::of_value(&error, PREFIX))?;
        let settings = Settings::new(config);
        let mut builder = settings.clone().apply(self);
        builder.arrangements.variables = Some(settings);
        Ok(builder)
    }
}

/// The section and the key.
fn path(key: &str) -> (Option<String>, String) {
    let in_section = SECTIONS.iter().find_map(|section| {
        let rest = key.strip_prefix(section)?.strip_prefix('_')?;
        Some((Some((*section).to_owned()), rest.to_owned()))
    });
    in_section.unwrap_or((None, key.to_owned()))
}

/// A value in the syntax of TOML if the key takes it. Otherwise, the text itself, so that texts need no quotes and an
/// access key may look like a number.
fn value(section: Option<&str>, key: &str, text: &str) -> Result<Value, toml::de::Error> {
    let check = |value: &Value| {
        let mut table = Table::new();
        insert(&mut table, section, key, value.clone());
        Config::deserialize(table).map(drop)
    };
    let text_value = Value::String(text.to_owned());
    let parsed =
        toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    let as_text = check(&text_value);
    match parsed.filter(|value| !value.is_str() || as_text.is_err()) {
        Some(value) => match (check(&value), as_text) {
            (Ok(()), _) => Ok(value),
            (Err(_), Ok(())) => Ok(text_value),
            (Err(error), Err(_)) => Err(error),
        },
        None => as_text.map(|()| text_value),
    }
}

fn insert(table: &mut Table, section: Option<&str>, key: &str, value: Value) {
    let Some(section) = section else {
        table.insert(key.to_owned(), value);
        return;
    };
    let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Builder, ConfigError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        crate::Emulator::builder().variables(variables)
    }

    #[tokio::test]
    async fn every_kind_of_value_can_be_set() {
        let builder = read(&[
            ("SERVICE_EMULATOR_HOST", "127.0.0.1"),
            ("SERVICE_EMULATOR_PORT", "0"),
            ("SERVICE_EMULATOR_SAMPLE_DATA", "false"),
            ("SERVICE_EMULATOR_LOG", "off"),
            ("SERVICE_EMULATOR_CA", "printed by the program"),
            ("SERVICE_EMULATOR_FAULTS", "[{ kind = 'status', status = 503 }]"),
            ("PATH", "/bin"),
        ]);
        let emulator = builder.unwrap().start().await.unwrap();
        assert_eq!(emulator.faults().pending(), 1);
    }

    #[test]
    fn an_unknown_key_and_an_invalid_value_are_errors_that_name_the_variable() {
        for (name, text, rule) in [
            ("SERVICE_EMULATOR_PROT", "1", "unknown key `prot`"),
            ("SERVICE_EMULATOR_PORT", "70000", "must be 0 to 65535"),
            ("SERVICE_EMULATOR_PORT", "x", "expected"),
            ("SERVICE_EMULATOR_CONTROL_TOKEN", "s3cret", "8 to 256"),
            ("SERVICE_EMULATOR_CONTROL_TOKEN", "", "8 to 256"),
            ("SERVICE_EMULATOR_HULFT_API_KEYS", "s3cret", "invalid type: string, expected a sequence"),
            ("SERVICE_EMULATOR_HULFT_API_KEYS", "['s3cret']", "expected struct ApiKey"),
            ("SERVICE_EMULATOR_HULFT", "s3cret", "expected struct Hulft"),
        ] {
            let error = read(&[(name, text)]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")) && error.contains(rule), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_text_needs_no_quotes_and_may_look_like_a_number() {
        for text in ["12345678", "true", "\"quoted\"", "a b", "='"] {
            let value = value(None, "advertise", text).unwrap();
            assert_eq!(value.as_str(), Some(text));
        }
        assert_eq!(value(None, "port", "8080").unwrap().as_integer(), Some(8080));
    }
}
