//! What the page and the control API need from HULFT-WebConnect.

mod control;
mod page;

use super::Emulated;
use crate::control::Route;
use crate::hulft::Hulft;
use crate::message::Service;
use crate::page::snapshot::Snapshot;

impl Emulated for Hulft {
    fn service(&self) -> Service {
        Service::Hulft
    }

    fn reset(&self, sample_data: bool) {
        Self::reset(self, sample_data);
    }

    fn show(&self, snapshot: &mut Snapshot) {
        page::add_to(snapshot, self);
    }

    fn routes(&self) -> &'static [Route] {
        control::ROUTES
    }
}
