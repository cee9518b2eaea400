//! The access denial log: accesses that the service refused because of an IP filter.

use serde::{Deserialize, Serialize};

use crate::call::handle;
use crate::lenient::{or_default, texts};
use crate::operations::LIST_ACCESS_DENIALS;
use crate::page::row;
use crate::{Pager, Timestamp};

handle! {
    /// The access denial log; made by [`SiteClient::access_denials`](crate::SiteClient::access_denials).
    AccessDenials
}

impl AccessDenials {
    /// The refused accesses. The vendor documents no scope for it. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccessDenialListGet.htm).
    pub fn list(&self) -> Pager<AccessDenial> {
        Pager::new(&self.pipeline, &LIST_ACCESS_DENIALS, &[])
    }
}

/// One refused access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccessDenial {
    /// The e-mail address of the account, when a login at a Data Transfer Site was refused.
    pub login_account: Option<String>,
    /// When it was; the vendor does not document the form.
    pub accessed_at: Timestamp,
    /// The kind of connection; the vendor does not document the values.
    #[serde(deserialize_with = "or_default")]
    pub connection_type: String,
    /// The address that the access came from.
    #[serde(deserialize_with = "or_default")]
    pub source_ip: String,
    /// The public host name that was accessed.
    #[serde(deserialize_with = "or_default")]
    pub destination_endpoint: String,
    /// The connection IDs, when a connection of an agent or the like was refused.
    #[serde(rename = "connectionId", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// The agent ID, when a connection of an agent or the like was refused.
    pub agent_id: Option<String>,
    /// The user agent.
    #[serde(deserialize_with = "or_default")]
    pub user_agent: String,
    /// Why; the vendor does not document the values.
    #[serde(deserialize_with = "or_default")]
    pub denial_reason: String,
}

row!(AccessDenial, "accessDenialLogs", |row, zone| { row.accessed_at.set_time_zone(zone) });
