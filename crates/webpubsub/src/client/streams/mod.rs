//! Streams to a group, a preview feature of the service: one logical message that is sent and received in parts (previews,
//! section 3).

mod buffer;
mod open;
mod reader;
mod subscribe;
mod window;
mod writer;

use std::time::Duration;

pub use open::OpenStream;
pub use reader::{ReadError, StreamReader};
pub use subscribe::{Streams, SubscribeStreams};
pub use writer::{StreamWriter, UserError};

pub(super) use buffer::PartBuffer;
pub(super) use open::{Opening, StreamCommand};
pub(super) use reader::NewStream;
pub(super) use subscribe::Accepting;
pub(super) use window::{Failure, Window};

/// Returns a random text of 128 bits, with which the ids of a client's streams start. `up_to` returns a random duration up to its
/// argument.
pub(super) fn random_prefix(up_to: &impl Fn(Duration) -> Duration) -> String {
    let random = || up_to(Duration::from_nanos(u64::MAX)).as_nanos();
    format!("{:016x}{:016x}", random(), random())
}

/// The idle time after which the service ends a stream by default (previews, section 3.2).
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
