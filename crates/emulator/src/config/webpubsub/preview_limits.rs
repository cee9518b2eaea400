//! Limits of the features in preview in a configuration file.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::config::rules::count;
use crate::webpubsub::PreviewLimits;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    #[serde(deserialize_with = "count")]
    open_invocations: Option<u32>,
    #[serde(deserialize_with = "count")]
    open_streams: Option<u32>,
    #[serde(deserialize_with = "milliseconds")]
    stream_idle_timeout_ms: Option<Duration>,
}

impl From<Limits> for PreviewLimits {
    fn from(limits: Limits) -> Self {
        let (size, mut preview) = (|count: u32| count as usize, Self::default());
        preview.open_invocations = limits.open_invocations.map_or(preview.open_invocations, size);
        preview.open_streams = limits.open_streams.map_or(preview.open_streams, size);
        preview.stream_idle_timeout = limits.stream_idle_timeout_ms.unwrap_or(preview.stream_idle_timeout);
        preview
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(count(deserializer)?.map(|count| Duration::from_millis(count.into())))
}
