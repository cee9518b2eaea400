//! Service status: how the access points of the service are doing.

use serde::{Deserialize, Serialize};

use crate::call::request;
use crate::lenient::{number, open_values, or_default};

request! {
    /// Reads the service status; made by [`SiteClient::service_status`](crate::SiteClient::service_status).
    GetServiceStatus => ServiceStatus
}

impl GetServiceStatus {
    pub(crate) fn new(pipeline: &service_core::Pipeline) -> Self {
        let call = crate::call::Call::new(
            pipeline,
            &crate::operations::GET_SERVICE_STATUS,
            &[],
            service_core::read::json,
        );
        Self { call }
    }
}

/// How the access points of the service are doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// How many access points there are, of both kinds together.
    #[serde(deserialize_with = "number")]
    pub total_size: u64,
    /// How many of them are told.
    #[serde(deserialize_with = "number")]
    pub fetch_size: u64,
    /// The index of the first.
    #[serde(deserialize_with = "number")]
    pub start_index: u64,
    /// How many may be told.
    #[serde(deserialize_with = "number")]
    pub max_results: u64,
    /// The service as a whole.
    pub total_status: Health,
    /// The access points of agents and the CLI.
    #[serde(rename = "serviceStatus", deserialize_with = "or_default")]
    pub services: Vec<EndpointStatus>,
    /// The Data Transfer Sites, for browsers.
    #[serde(rename = "dataTransferSiteStatus", deserialize_with = "or_default")]
    pub data_transfer_sites: Vec<EndpointStatus>,
}

/// How one access point is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// The region, such as `Tokyo`.
    #[serde(deserialize_with = "or_default")]
    pub region: String,
    /// The host name.
    #[serde(deserialize_with = "or_default")]
    pub endpoint: String,
    /// How it is doing.
    pub status: Health,
}

open_values! {
    /// How the service or an access point is doing.
    Health, Serialize::serialize, {
        /// Operating normally.
        Normal = "0",
        /// Disrupted.
        Disrupted = "1",
        /// Slow.
        PerformanceIssues = "9",
    }
}
