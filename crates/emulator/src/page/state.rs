//! What the page is made from.

use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::message::Endpoint;
use crate::services::Services;

/// The parts of an emulator that the page shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) clock: &'a Clock,
    pub(crate) faults: &'a Faults,
    pub(crate) journal: &'a Journal,
    pub(crate) services: &'a Services,
}
