//! What the page and the control API need from Web PubSub.

mod control;
mod page;

use super::Emulated;
use crate::control::Route;
use crate::history::Sample;
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

    fn count(&self, sample: &mut Sample) {
        let usage = self.usage();
        let number = |count: usize| count as u64;
        sample.connections = number(usage.connections);
        sample.groups = number(usage.groups);
        sample.users = number(usage.users);
        sample.messages = usage.delivered;
    }

    fn act(&self, action: &str, field: &dyn Fn(&str) -> String) -> Option<Result<&'static str, String>> {
        let sent = || self.send_text_to_group(&field("hub"), &field("group"), &field("text"));
        (action == "send").then(|| sent().map(|()| "sent").map_err(|error| error.to_string()))
    }

    fn routes(&self) -> &'static [Route] {
        control::ROUTES
    }
}
