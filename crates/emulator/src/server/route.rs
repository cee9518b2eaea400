//! Maps paths to services. The paths of the three services do not collide, so one port serves them all.

use std::sync::Arc;

use http::StatusCode;

use super::endpoint::Endpoint;
use super::request::Request;
use super::response::{Answer, plain_error};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;

/// Identifies one of the emulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Azure Web PubSub, which serves `/api/hubs`, `/api/health`, `/client`, and `/clients`.
    WebPubSub,
    /// Azure Event Grid Namespaces, which serves `/topics` and `/api/events/topics`.
    EventGrid,
    /// HULFT-WebConnect, which serves `/api/v2`.
    Hulft,
}

impl Service {
    /// The service that a path belongs to.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        match request.path().as_slice() {
            ["api", "hubs" | "health", ..] | ["client" | "clients", ..] => Some(Self::WebPubSub),
            ["topics", ..] | ["api", "events", "topics", ..] => Some(Self::EventGrid),
            ["api", "v2", ..] => Some(Self::Hulft),
            _ => None,
        }
    }
}

/// The services that this build includes.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    #[cfg(feature = "webpubsub")]
    pub(crate) webpubsub: crate::webpubsub::WebPubSub,
    #[cfg(feature = "eventgrid")]
    pub(crate) eventgrid: crate::eventgrid::EventGrid,
    #[cfg(feature = "hulft")]
    pub(crate) hulft: crate::hulft::Hulft,
}

impl Services {
    #[cfg_attr(
        not(feature = "webpubsub"),
        allow(unused_variables, reason = "only it uses the address, faults of open sockets, and webhooks")
    )]
    pub(crate) fn new(clock: &Clock, endpoint: Endpoint, faults: &Faults, journal: &Arc<Journal>) -> Self {
        Self {
            #[cfg(feature = "webpubsub")]
            webpubsub: crate::webpubsub::WebPubSub::new(
                clock.clone(),
                endpoint,
                faults.clone(),
                Arc::clone(journal),
            ),
            #[cfg(feature = "eventgrid")]
            eventgrid: crate::eventgrid::EventGrid::new(clock.clone()),
            #[cfg(feature = "hulft")]
            hulft: crate::hulft::Hulft::new(clock.clone()),
        }
    }

    /// Performs the request.
    pub(crate) async fn respond(&self, request: &Request) -> Answer {
        match Service::of(request) {
            #[cfg(feature = "webpubsub")]
            Some(Service::WebPubSub) => self.webpubsub.respond(request).await,
            #[cfg(feature = "eventgrid")]
            Some(Service::EventGrid) => Answer::Reply(self.eventgrid.answer(request).await),
            #[cfg(feature = "hulft")]
            Some(Service::Hulft) => Answer::Reply(self.hulft.answer(request).await),
            _ => Answer::Reply(plain_error(StatusCode::NOT_FOUND, "no emulated service has this path")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_belongs_to_one_service() {
        let of = |target: &str| {
            let (method, headers) = (http::Method::GET, http::HeaderMap::new());
            Service::of(&Request::read(method, target.to_owned(), headers, bytes::Bytes::new()).unwrap())
        };
        assert_eq!(of("/api/hubs/chat/:send?api-version=1"), Some(Service::WebPubSub));
        assert_eq!(of("/api/health"), Some(Service::WebPubSub));
        assert_eq!(of("/client/hubs/chat"), Some(Service::WebPubSub));
        assert_eq!(of("/topics/orders:publish"), Some(Service::EventGrid));
        assert_eq!(of("/api/events/topics/orders:publish"), Some(Service::EventGrid));
        assert_eq!(of("/api/v2/agent/status"), Some(Service::Hulft));
        assert_eq!(of("//api/v2/agent/status"), None);
        assert_eq!(of("/"), None);
    }
}
