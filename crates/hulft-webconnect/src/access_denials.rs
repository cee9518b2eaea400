//! The access denial log: the accesses that the service denied because of an IP filter.

use serde::{Deserialize, Serialize};

use crate::call::handle;
use crate::lenient::{optional_text, text, texts};
use crate::operations::LIST_ACCESS_DENIALS;
use crate::page::row;
use crate::{Pager, Timestamp};

handle! {
    /// Reads the access denial log. Created by [`SiteClient::access_denials`](crate::SiteClient::access_denials).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// let mut denials = site.access_denials().list();
    /// while let Some(denial) = denials.next().await {
    ///     let denial = denial?;
    ///     println!("{} {}: {}", denial.accessed_at, denial.source_ip, denial.denial_reason);
    /// }
    /// # Ok(()) }
    /// ```
    AccessDenials
}

impl AccessDenials {
    /// Lists the denied accesses. The vendor does not document a scope for this operation.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/AccessDenialListGet.htm).
    pub fn list(&self) -> Pager<AccessDenial> {
        Pager::new(&self.pipeline, &LIST_ACCESS_DENIALS, &[])
    }
}

/// Describes one denied access.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AccessDenial {
    /// The e-mail address of the account, if a login to a Data Transfer Site was denied.
    #[serde(deserialize_with = "optional_text")]
    pub login_account: Option<String>,
    /// When the access took place. The vendor does not document the format.
    pub accessed_at: Timestamp,
    /// The kind of connection that was denied. The vendor does not document the values.
    #[serde(deserialize_with = "text")]
    pub connection_type: String,
    /// The IP address that the access came from.
    #[serde(deserialize_with = "text")]
    pub source_ip: String,
    /// The public host name that was accessed.
    #[serde(deserialize_with = "text")]
    pub destination_endpoint: String,
    /// The connection IDs, if the connection of an agent, a program or a D-Client was denied.
    #[serde(rename = "connectionId", deserialize_with = "texts")]
    pub connection_ids: Vec<String>,
    /// The agent ID, if the connection of an agent was denied.
    #[serde(deserialize_with = "optional_text")]
    pub agent_id: Option<String>,
    /// The user agent that the client sent.
    #[serde(deserialize_with = "text")]
    pub user_agent: String,
    /// Why the access was denied. The vendor does not document the values.
    #[serde(deserialize_with = "text")]
    pub denial_reason: String,
}

row!(AccessDenial, "accessDenialLogs", required {}, times accessed_at);
