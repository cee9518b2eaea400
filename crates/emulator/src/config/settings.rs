//! The settings of a running emulator, which can be replaced by those of a changed file.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Config, ConfigError};
use crate::builder::Builder;
use crate::emulator::Emulator;

/// Settings that were applied, and that a reset applies again.
#[derive(Clone, Debug)]
pub(crate) struct Settings(Arc<RwLock<Arc<Config>>>);

impl Settings {
    pub(super) fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(config))))
    }

    fn get(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, config: Config) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// Sets what is needed before the start, and arranges the rest.
    pub(super) fn apply(self, builder: Builder) -> Builder {
        self.get().apply(builder).arrange(move |emulator| self.get().arrange(emulator))
    }
}

impl Emulator {
    /// Replaces the settings of [`Builder::config`] while the emulator runs. No connection is closed, and no event is lost.
    ///
    /// Keys, hubs, topics, subscriptions, and Agents become those of the text. Topics and subscriptions that the text no
    /// longer contains remain, with their events. If the faults in the text differ from those before, all scheduled faults
    /// are removed, and those of the text are scheduled. Keys, limits, and options that the text no longer contains
    /// return to the emulator's initial values, except for the delay of acks and certificate authorities, which remain.
    /// Settings of [`Builder::variables`] still win. The address, TLS, the log, the token of the control API, and the
    /// maximum number of connections do not change.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is invalid, in which case nothing changes, or if a setting cannot be applied.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use service_emulator::Emulator;
    ///
    /// let emulator = Emulator::builder().config("[hulft]\napi_key = 'old'")?.start().await?;
    /// emulator.reconfigure("[hulft]\napi_key = 'new'")?;
    /// assert_eq!(emulator.hulft().api_key(), "new");
    /// # Ok(())
    /// # }
    /// ```
    pub fn reconfigure(&self, toml: &str) -> Result<(), ConfigError> {
        let new = Config::parse(toml)?;
        let arrangements = &self.shared.arrangements;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| ConfigError::new(&error);
        let Some(file) = &arrangements.file else {
            return Err(ConfigError::new(&"there are no settings to replace"));
        };
        let (before, after) = match &arrangements.variables {
            Some(variables) => (file.get().with(&variables.get()), new.with(&variables.get())),
            None => ((*file.get()).clone(), new.clone()),
        };
        file.set(new);
        after.update(&before, self).map_err(failed)
    }
}
