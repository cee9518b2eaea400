//! The services of this build. The paths of the three services do not collide, so one port serves them all.

use std::sync::Arc;

use http::{Method, StatusCode};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::message::{Endpoint, Request, Response, Service, plain_error};

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

    /// Ends what would keep connections open when the server stops: WebSockets and long polls.
    pub(crate) fn end(&self) {
        #[cfg(feature = "webpubsub")]
        self.webpubsub.end();
        #[cfg(feature = "eventgrid")]
        self.eventgrid.end();
    }

    /// Stops what would outlive the emulator: deliveries to webhooks.
    pub(crate) fn abort(&self) {
        #[cfg(feature = "eventgrid")]
        self.eventgrid.end();
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
