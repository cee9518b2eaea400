//! What the page and the control API need from Event Grid.

mod control;
mod page;

use super::Emulated;
use crate::control::Route;
use crate::eventgrid::EventGrid;
use crate::message::Service;
use crate::page::snapshot::Snapshot;

impl Emulated for EventGrid {
    fn service(&self) -> Service {
        Service::EventGrid
    }

    fn end(&self) {
        Self::end(self);
    }

    fn abort(&self) {
        Self::end(self);
    }

    fn reset(&self, _: bool) {
        Self::reset(self);
    }

    fn show(&self, snapshot: &mut Snapshot) {
        page::add_to(snapshot, self);
    }

    fn routes(&self) -> &'static [Route] {
        control::ROUTES
    }
}
