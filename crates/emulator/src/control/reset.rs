//! Operations that return the emulator, or a service, to its state at the start.

use http::StatusCode;

use super::call::{Call, Outcome, Problem, no_content};
use crate::message::Service;

/// `POST reset`
pub(super) fn all(call: &Call<'_>) -> Outcome {
    done(call.emulator.reset())
}

/// `POST reset/{service}`
pub(super) fn service(call: &Call<'_>) -> Outcome {
    let name = call.value("service");
    let known = [Service::WebPubSub, Service::EventGrid, Service::Hulft];
    let service = known.into_iter().find(|service| service.name() == name);
    done(call.emulator.reset_service(service.ok_or_else(|| Problem::not_found("service", name))?))
}

fn done(outcome: std::io::Result<()>) -> Outcome {
    match outcome {
        Ok(()) => Ok(no_content()),
        Err(error) => Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}
