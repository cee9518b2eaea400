//! What the page and the control API need from Web PubSub.

mod control;
mod page;

use super::Emulated;
use crate::control::Route;
use crate::message::Service;
use crate::page::snapshot::Snapshot;
use crate::webpubsub::WebPubSub;

impl Emulated for WebPubSub {
    fn service(&self) -> Service {
        Service::WebPubSub
    }

    fn end(&self) {
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
