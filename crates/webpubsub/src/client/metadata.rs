//! The metadata of sends, a preview feature of the service.

use service_core::Result;

use super::entries::Entries;

/// Implements the setter for metadata in the builder of a send.
#[cfg(feature = "preview")]
macro_rules! metadata_setter {
    () => {
        /// Sets the metadata, which receivers get beside the content. Plain WebSocket clients receive none, and the webhook
        /// receives its keys in lower case.
        ///
        /// If it violates a limit of [`Metadata`](crate::Metadata), the send fails before anything is sent. Metadata is a preview
        /// feature of the service.
        #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
        pub fn metadata(mut self, metadata: impl Into<crate::Metadata>) -> Self {
            self.metadata = Some(Box::new(metadata.into()));
            self
        }
    };
}

#[cfg(feature = "preview")]
pub(super) use metadata_setter;

#[cfg(feature = "preview")]
pub(super) fn check(metadata: Option<&Entries>) -> Result<()> {
    metadata.map_or(Ok(()), Entries::check)
}

/// Without the feature, no send has metadata.
#[cfg(not(feature = "preview"))]
pub(super) fn check(_: Option<&Entries>) -> Result<()> {
    Ok(())
}
