//! Relay logs: which file went from where to where, when, and how it ended.

use serde::{Deserialize, Serialize};

use crate::call::{Call, handle, one_of_list, request};
use crate::lenient::{open_values, or_default};
use crate::operations::{GET_RELAY_LOGS, LIST_RELAY_LOGS, LIST_RELAY_LOGS_BY_FILE};
use crate::page::{Row, row};
use crate::{Amount, ClientType, Pager, TimeZone, Timestamp, rules};

handle! {
    /// The relay log of the contract, newest transfer first; made by [`SiteClient::relay_logs`](crate::SiteClient::relay_logs).
    ///
    /// The vendor does not say how long rows are kept, and whether transfers that are running are among them.
    RelayLogs
}

impl RelayLogs {
    /// All transfers. Needs the scope *Relay Log: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogAllGet.htm).
    ///
    /// At most 11,000 rows can be read of one search; narrow a longer one by [`Pager::from`] and [`Pager::to`].
    pub fn list(&self) -> Pager<RelayLog> {
        Pager::new(&self.pipeline, &LIST_RELAY_LOGS, &[])
    }

    /// The transfers of one HULFT file ID. Needs the scope *Relay Log: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogFileId.htm).
    pub fn list_of_file(&self, file_id: impl Into<String>) -> Pager<RelayLog> {
        let file_id = file_id.into();
        let mut pager = Pager::new(&self.pipeline, &LIST_RELAY_LOGS_BY_FILE, &[]);
        pager.check(rules::required("file id", &file_id));
        pager.condition("fileId", file_id)
    }

    /// One transfer by its processing identifier; `None` if there is none. Needs the scope *Relay Log: Get*. The service
    /// answers with a list; should it have several rows, this is the newest, and [`list_of_transfer`](Self::list_of_transfer)
    /// has all. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogProcessId.htm).
    pub fn get(&self, processing_id: &str) -> GetRelayLog {
        let names = [("processingId", processing_id)];
        GetRelayLog { call: Call::new(&self.pipeline, &GET_RELAY_LOGS, &names, one_of_list) }
    }

    /// The rows of one transfer by its processing identifier. Needs the scope *Relay Log: Get*. [The vendor's page](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogProcessId.htm).
    pub fn list_of_transfer(&self, processing_id: &str) -> Pager<RelayLog> {
        Pager::new(&self.pipeline, &GET_RELAY_LOGS, &[("processingId", processing_id)])
    }
}

/// Conditions of relay logs, for [`RelayLogs::list`] and [`RelayLogs::list_of_file`]; the rows of one transfer take none.
impl Pager<RelayLog> {
    /// Only transfers from this connection ID.
    pub fn sender_connection_id(self, id: impl Into<String>) -> Self {
        self.condition("senderConnectionId", id.into())
    }

    /// Only transfers to this connection ID.
    pub fn receiver_connection_id(self, id: impl Into<String>) -> Self {
        self.condition("receiverConnectionId", id.into())
    }

    /// Only transfers from this previous secondary account, by its e-mail address.
    pub fn sender_secondary_account(self, mail_address: impl Into<String>) -> Self {
        self.condition("senderSecondaryAccount", mail_address.into())
    }

    /// Only transfers to this previous secondary account, by its e-mail address.
    pub fn receiver_secondary_account(self, mail_address: impl Into<String>) -> Self {
        self.condition("receiverSecondaryAccount", mail_address.into())
    }
}

request! {
    /// Reads one transfer; made by [`RelayLogs::get`].
    GetRelayLog => Option<RelayLog>
}

impl GetRelayLog {
    /// Names the zone of the times answered. Default: UTC.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.call.query("timezone", zone.as_str());
        self.call.zone(zone, |log, zone| log.iter_mut().for_each(|log| log.set_time_zone(zone)));
        self
    }
}

/// One transfer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RelayLog {
    /// How it ended.
    pub status: TransferStatus,
    /// When it started.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Timestamp,
    /// The sending side's connection ID.
    #[serde(deserialize_with = "or_default")]
    pub sender_connection_id: String,
    /// The sending side's agent ID.
    #[serde(deserialize_with = "or_default")]
    pub sender_agent_id: String,
    /// The sending side's host name.
    #[serde(deserialize_with = "or_default")]
    pub sender_host_name: String,
    /// The receiving side's connection ID.
    #[serde(deserialize_with = "or_default")]
    pub receiver_connection_id: String,
    /// The receiving side's agent ID.
    #[serde(deserialize_with = "or_default")]
    pub receiver_agent_id: String,
    /// The receiving side's host name.
    #[serde(deserialize_with = "or_default")]
    pub receiver_host_name: String,
    /// HULFT's name of the transfer definition.
    #[serde(deserialize_with = "or_default")]
    pub file_id: String,
    /// The file's name.
    #[serde(deserialize_with = "or_default")]
    pub file_name: String,
    /// The processing identifier.
    #[serde(deserialize_with = "or_default")]
    pub processing_id: String,
    /// The file's size in bytes.
    pub data_size: Amount,
    /// How many bytes went over the transfer route.
    pub data_size_on_route: Amount,
    /// The rate in bytes per second.
    pub transfer_rate: Amount,
    /// What the sending side is.
    pub sender_client_type: ClientType,
    /// What the receiving side is.
    pub receiver_client_type: ClientType,
    /// The sending side's previous secondary account, by its e-mail address.
    #[serde(deserialize_with = "or_default")]
    pub sender_secondary_account: String,
    /// The receiving side's previous secondary account, by its e-mail address.
    #[serde(deserialize_with = "or_default")]
    pub receiver_secondary_account: String,
}

row!(RelayLog, "logs", |row, zone| {
    row.start_time.set_time_zone(zone);
    row.end_time.set_time_zone(zone);
});

open_values! {
    /// How a transfer ended.
    TransferStatus, Serialize::serialize, {
        /// Normally.
        Normal = "1",
        /// By an error.
        Failed = "2",
    }
}
