//! The services of this build. The paths of the three services do not collide, so one port serves them all.

#[cfg(feature = "eventgrid")]
mod eventgrid;
#[cfg(feature = "hulft")]
mod hulft;
#[cfg(feature = "webpubsub")]
mod webpubsub;

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::clock::Clock;
use crate::control::Route;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::message::{Endpoint, Request, Response, Service, plain_error};
use crate::page::snapshot::Snapshot;

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

/// What the emulator does with each of its services, besides responding to requests.
pub(crate) trait Emulated {
    fn service(&self) -> Service;

    /// Ends what would keep connections open when the server stops: WebSockets and long polls.
    fn end(&self) {}

    /// Stops what would outlive the emulator: deliveries to webhooks.
    fn abort(&self) {}

    /// Removes everything that requests and settings have added. Clients are disconnected.
    fn reset(&self, sample_data: bool);

    /// Adds the service's state to what the page shows.
    fn show(&self, snapshot: &mut Snapshot);

    /// The operations of the control API that concern the service.
    fn routes(&self) -> &'static [Route];
}

impl Services {
    #[allow(unused_variables, reason = "each service uses some of them, and a build may lack services")]
    pub(crate) fn new(
        clock: &Clock,
        endpoint: &Endpoint,
        faults: &Faults,
        journal: &Arc<Journal>,
        sample_data: bool,
    ) -> Self {
        Self {
            #[cfg(feature = "webpubsub")]
            webpubsub: crate::webpubsub::WebPubSub::new(
                clock.clone(),
                endpoint.clone(),
                faults.clone(),
                Arc::clone(journal),
            ),
            #[cfg(feature = "eventgrid")]
            eventgrid: crate::eventgrid::EventGrid::new(clock.clone(), Arc::clone(journal)),
            #[cfg(feature = "hulft")]
            hulft: crate::hulft::Hulft::new(clock.clone(), sample_data),
        }
    }

    pub(crate) fn all(&self) -> Vec<&dyn Emulated> {
        vec![
            #[cfg(feature = "webpubsub")]
            &self.webpubsub,
            #[cfg(feature = "eventgrid")]
            &self.eventgrid,
            #[cfg(feature = "hulft")]
            &self.hulft,
        ]
    }

    /// The services with one of them replaced by the one of `other`.
    #[allow(unused_variables, reason = "a build may lack services")]
    pub(crate) fn with(mut self, service: Service, other: &Self) -> Self {
        match service {
            #[cfg(feature = "webpubsub")]
            Service::WebPubSub => self.webpubsub = other.webpubsub.clone(),
            #[cfg(feature = "eventgrid")]
            Service::EventGrid => self.eventgrid = other.eventgrid.clone(),
            #[cfg(feature = "hulft")]
            Service::Hulft => self.hulft = other.hulft.clone(),
            #[allow(unreachable_patterns, reason = "a build may lack services")]
            _ => {}
        }
        self
    }

    /// Performs the request.
    pub(crate) async fn respond(&self, request: &Request) -> Response {
        if is_probe(request) {
            return Response::default();
        }
        match Service::of(request) {
            #[cfg(feature = "webpubsub")]
            Some(Service::WebPubSub) => self.webpubsub.respond(request).await,
            #[cfg(feature = "eventgrid")]
            Some(Service::EventGrid) => self.eventgrid.respond(request).await,
            #[cfg(feature = "hulft")]
            Some(Service::Hulft) => self.hulft.respond(request).await,
            _ => plain_error(StatusCode::NOT_FOUND, "no emulated service has this path"),
        }
    }
}

/// Whether this is a health probe of the emulator itself, which container engines and scripts send.
fn is_probe(request: &Request) -> bool {
    request.path() == ["health"] && matches!(request.method, Method::GET | Method::HEAD)
}
