//! The status of the service's endpoints.

use serde::Serialize;

use super::State;
use super::call::Call;
use super::errors::{Rejection, json};
use crate::message::Response;

/// Says how an endpoint of the service operates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointStatus {
    /// The endpoint operates normally: `"0"` on the wire.
    Normal,
    /// The endpoint has performance issues: `"9"` on the wire.
    PerformanceIssues,
    /// The endpoint is disrupted: `"1"` on the wire.
    Disrupted,
}

impl EndpointStatus {
    fn code(self) -> &'static str {
        match self {
            Self::Normal => "0",
            Self::PerformanceIssues => "9",
            Self::Disrupted => "1",
        }
    }
}

#[derive(Debug, Serialize)]
struct Endpoint {
    region: &'static str,
    endpoint: &'static str,
    #[serde(serialize_with = "as_code")]
    status: EndpointStatus,
}

fn as_code<S: serde::Serializer>(status: &EndpointStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.code())
}

/// The endpoints in the vendor's example.
#[derive(Debug)]
pub(super) struct ServiceStatus {
    /// The endpoints of Agents and the CLI.
    services: [Endpoint; 2],
    data_transfer_sites: [Endpoint; 2],
}

impl Default for ServiceStatus {
    fn default() -> Self {
        let endpoint = |region, endpoint| Endpoint { region, endpoint, status: EndpointStatus::Normal };
        Self {
            services: [
                endpoint("California", "california-service1.webconnect.hulft.com"),
                endpoint("Tokyo", "service2.tokyo.webconnect.hulft.com"),
            ],
            data_transfer_sites: [
                endpoint("California", "california-ap.webconnect.hulft.com"),
                endpoint("Tokyo", "service-ap.tokyo.webconnect.hulft.com"),
            ],
        }
    }
}

/// Whether the service has such an endpoint.
pub(crate) fn is_endpoint(name: &str) -> bool {
    ServiceStatus::default().has(name)
}

impl ServiceStatus {
    /// Returns `false` if there is no such endpoint.
    pub(super) fn set(&mut self, name: &str, status: EndpointStatus) -> bool {
        let mut endpoints = self.services.iter_mut().chain(&mut self.data_transfer_sites);
        endpoints
            .find(|endpoint| endpoint.endpoint == name)
            .map(|endpoint| endpoint.status = status)
            .is_some()
    }

    fn has(&self, name: &str) -> bool {
        self.services.iter().chain(&self.data_transfer_sites).any(|endpoint| endpoint.endpoint == name)
    }

    /// The worst status of all endpoints.
    fn total(&self) -> EndpointStatus {
        let has = |status| {
            self.services.iter().chain(&self.data_transfer_sites).any(|endpoint| endpoint.status == status)
        };
        let worst_first = [EndpointStatus::Disrupted, EndpointStatus::PerformanceIssues];
        worst_first.into_iter().find(|status| has(*status)).unwrap_or(EndpointStatus::Normal)
    }
}

/// Handles GET `/service/status`.
pub(super) fn get(state: &mut State, _call: &Call<'_>) -> Result<Response, Rejection> {
    let status = &state.service_status;
    let size = status.services.len() + status.data_transfer_sites.len();
    json(&Wire {
        total_size: size,
        fetch_size: size,
        start_index: 0,
        max_results: size,
        total_status: status.total().code(),
        service_status: &status.services,
        data_transfer_site_status: &status.data_transfer_sites,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    total_size: usize,
    fetch_size: usize,
    start_index: usize,
    max_results: usize,
    total_status: &'static str,
    service_status: &'a [Endpoint],
    data_transfer_site_status: &'a [Endpoint],
}
