//! Service status: the condition of the service's access points.

use serde::{Deserialize, Serialize};

use crate::call::request;
use crate::lenient::{number, open_values, or_default, text};

request! {
    /// A request that reads the service status, created by [`SiteClient::service_status`](crate::SiteClient::service_status).
    GetServiceStatus => ServiceStatus
}

impl GetServiceStatus {
    pub(crate) fn new(pipeline: &service_core::Pipeline) -> Self {
        let call =
            crate::call::Call::new(pipeline, &crate::operations::GET_SERVICE_STATUS, &[], crate::read::value);
        Self { call }
    }
}

/// Describes the condition of the service and its access points.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// The number of access points that exist, of both kinds together.
    #[serde(deserialize_with = "number")]
    pub total_size: u64,
    /// The number of access points that this response contains.
    #[serde(deserialize_with = "number")]
    pub fetch_size: u64,
    /// Contains the index of the first access point.
    #[serde(deserialize_with = "number")]
    pub start_index: u64,
    /// The maximum number of access points that a response can contain.
    #[serde(deserialize_with = "number")]
    pub max_results: u64,
    /// The condition that the service as a whole is in.
    pub total_status: Health,
    /// The access points that agents and the CLI connect to.
    #[serde(rename = "serviceStatus", deserialize_with = "or_default")]
    pub services: Vec<EndpointStatus>,
    /// The Data Transfer Sites, which browsers connect to.
    #[serde(rename = "dataTransferSiteStatus", deserialize_with = "or_default")]
    pub data_transfer_sites: Vec<EndpointStatus>,
}

crate::page::item!(ServiceStatus, required { total_status: "totalStatus" });

/// Describes the condition of one access point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// The region that the access point is in, such as `Tokyo`.
    #[serde(deserialize_with = "text")]
    pub region: String,
    /// Contains the host name of the access point.
    #[serde(deserialize_with = "text")]
    pub endpoint: String,
    /// The condition that the access point is in.
    pub status: Health,
}

open_values! {
    /// Says in which condition the service or an access point is.
    Health, Serialize::serialize, {
        /// It operates normally.
        Normal = "0",
        /// It is disrupted.
        Disrupted = "1",
        /// It is slow.
        PerformanceIssues = "9",
    }
}
