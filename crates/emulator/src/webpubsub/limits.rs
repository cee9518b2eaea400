//! Bounds for features in preview that the service does not document.

use std::time::Duration;

/// Limits what one connection may use of the features in preview. The service's own limits are not documented.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use service_emulator::Emulator;
/// use service_emulator::webpubsub::PreviewLimits;
///
/// let emulator = Emulator::start().await?;
/// let mut limits = PreviewLimits::default();
/// limits.open_streams = 1;
/// emulator.webpubsub().set_preview_limits(limits);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreviewLimits {
    /// The maximum number of invocations that wait for their response. Default: 1,000. Another one gets `BadRequest`.
    pub open_invocations: usize,
    /// The maximum number of open group streams. Default: 1,000. Another one gets `BadRequest`.
    pub open_streams: usize,
    /// The maximum idle timeout that a stream may request. Default: one day. A longer one gets `BadRequest`.
    pub stream_idle_timeout: Duration,
}

impl Default for PreviewLimits {
    fn default() -> Self {
        Self {
            open_invocations: 1_000,
            open_streams: 1_000,
            stream_idle_timeout: Duration::from_secs(24 * 60 * 60),
        }
    }
}
