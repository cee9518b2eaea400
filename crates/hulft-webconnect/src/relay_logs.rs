//! Relay logs: which file was transferred, between which sides, when, and with which result.

use serde::{Deserialize, Serialize};

use crate::call::{Call, handle, request};
use crate::lenient::{open_values, text};
use crate::operations::{GET_RELAY_LOGS, LIST_RELAY_LOGS, LIST_RELAY_LOGS_BY_FILE};
use crate::page::{Row, row};
use crate::{ClientType, Number, Pager, RelayLogsByDate, TimeZone, Timestamp, read, rules};

handle! {
    /// Reads the relay log of the contract, newest transfer first. Created by
    /// [`SiteClient::relay_logs`](crate::SiteClient::relay_logs).
    ///
    /// The vendor does not document how long rows are kept, or whether the log contains transfers that are still
    /// running.
    ///
    /// # Examples
    ///
    /// ```
    /// use hulft_webconnect::{TimeZone, TransferStatus};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), hulft_webconnect::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # let builder = hulft_webconnect::SiteClient::builder(emulator.hulft().api_key());
    /// # let site = builder.endpoint(emulator.endpoint()).build()?;
    /// let mut logs = site.relay_logs().list().from("2024-05-01".parse()?).time_zone(TimeZone::new("Asia/Tokyo")?);
    /// while let Some(log) = logs.next().await {
    ///     let log = log?;
    ///     if log.status == TransferStatus::Failed {
    ///         println!("{}: {} was not transferred", log.start_time, log.file_name);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    RelayLogs
}

impl RelayLogs {
    /// Lists all transfers. Requires the scope *Relay Log: Get*.
    ///
    /// A search returns at most 11,000 rows. Split a longer one with [`Pager::by_date`].
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogAllGet.htm).
    pub fn list(&self) -> Pager<RelayLog> {
        Pager::new(&self.pipeline, &LIST_RELAY_LOGS, &[])
    }

    /// Lists the transfers of one HULFT file ID. Requires the scope *Relay Log: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogFileId.htm).
    pub fn list_by_file(&self, file_id: impl Into<String>) -> Pager<RelayLog> {
        let file_id = file_id.into();
        let mut pager = Pager::new(&self.pipeline, &LIST_RELAY_LOGS_BY_FILE, &[]);
        pager.check(rules::required("file id", &file_id));
        pager.condition("fileId", &file_id)
    }

    /// Returns the transfer with this processing identifier, or `None` if it does not exist. Requires the scope *Relay
    /// Log: Get*.
    ///
    /// The service returns a list. If the list has several rows, this method returns the newest;
    /// [`list_by_transfer`](Self::list_by_transfer) returns all of them.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogProcessId.htm).
    pub fn get(&self, processing_id: &str) -> GetRelayLog {
        let segments = [("processingId", processing_id)];
        GetRelayLog { call: Call::new(&self.pipeline, &GET_RELAY_LOGS, &segments, read::one_of_list) }
    }

    /// Lists the rows of the transfer with this processing identifier. Requires the scope *Relay Log: Get*.
    ///
    /// See the [vendor's documentation](https://www.hulft.com/help/en-us/WebConnect-V3/HWC-SAP/Content/SiteAPI/APIDetail/RelayLogProcessId.htm).
    pub fn list_by_transfer(&self, processing_id: &str) -> Pager<RelayLog> {
        Pager::new(&self.pipeline, &GET_RELAY_LOGS, &[("processingId", processing_id)])
    }
}

/// Search conditions of relay logs, for [`RelayLogs::list`] and [`RelayLogs::list_by_file`]. The rows of one transfer
/// cannot be searched.
impl Pager<RelayLog> {
    /// Splits the search by date until each part fits into the 11,000 rows that the service returns.
    ///
    /// The search needs both [`from`](Self::from) and [`to`](Self::to). Each split costs up to three requests, whose rows are
    /// used only if the part is not split again.
    pub fn by_date(self) -> RelayLogsByDate {
        let (list, start_index) = self.into_list();
        RelayLogsByDate::new(list, start_index)
    }

    /// Selects transfers from this connection ID.
    pub fn sender_connection_id(self, id: impl Into<String>) -> Self {
        self.condition("senderConnectionId", &id.into())
    }

    /// Selects transfers to this connection ID.
    pub fn receiver_connection_id(self, id: impl Into<String>) -> Self {
        self.condition("receiverConnectionId", &id.into())
    }

    /// Selects transfers from this previous secondary account, identified by its e-mail address.
    pub fn sender_secondary_account(self, mail_address: impl Into<String>) -> Self {
        self.condition("senderSecondaryAccount", &mail_address.into())
    }

    /// Selects transfers to this previous secondary account, identified by its e-mail address.
    pub fn receiver_secondary_account(self, mail_address: impl Into<String>) -> Self {
        self.condition("receiverSecondaryAccount", &mail_address.into())
    }
}

request! {
    /// A request that reads a transfer, created by [`RelayLogs::get`].
    GetRelayLog => Option<RelayLog>
}

impl GetRelayLog {
    /// Sets the time zone of the returned times. Default: UTC.
    pub fn time_zone(mut self, zone: TimeZone) -> Self {
        self.call.query("timezone", zone.as_str());
        self.call.zone(zone, |log, zone| {
            if let Some(log) = log {
                log.for_each_time(&mut |time| time.set_time_zone(zone));
            }
        });
        self
    }
}

/// Describes one transfer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RelayLog {
    /// The result that the transfer ended with.
    pub status: TransferStatus,
    /// When the transfer started.
    pub start_time: Timestamp,
    /// When the transfer ended.
    pub end_time: Timestamp,
    /// The connection ID that the sender used.
    #[serde(deserialize_with = "text")]
    pub sender_connection_id: String,
    /// The ID of the agent that sent the file.
    #[serde(deserialize_with = "text")]
    pub sender_agent_id: String,
    /// The name of the host that sent the file.
    #[serde(deserialize_with = "text")]
    pub sender_host_name: String,
    /// The connection ID that the receiver used.
    #[serde(deserialize_with = "text")]
    pub receiver_connection_id: String,
    /// The ID of the agent that received the file.
    #[serde(deserialize_with = "text")]
    pub receiver_agent_id: String,
    /// The name of the host that received the file.
    #[serde(deserialize_with = "text")]
    pub receiver_host_name: String,
    /// The HULFT file ID, which names the transfer definition.
    #[serde(deserialize_with = "text")]
    pub file_id: String,
    /// Names the file.
    #[serde(deserialize_with = "text")]
    pub file_name: String,
    /// The processing identifier, which identifies the transfer.
    #[serde(deserialize_with = "text")]
    pub processing_id: String,
    /// Contains the size of the file in bytes.
    pub data_size: Number,
    /// The number of bytes that were sent over the transfer route.
    pub data_size_on_route: Number,
    /// Contains the transfer rate in bytes per second.
    pub transfer_rate: Number,
    /// The client type that sent the file.
    pub sender_client_type: ClientType,
    /// The client type that received the file.
    pub receiver_client_type: ClientType,
    /// The e-mail address of the previous secondary account that sent the file.
    #[serde(deserialize_with = "text")]
    pub sender_secondary_account: String,
    /// The e-mail address of the previous secondary account that received the file.
    #[serde(deserialize_with = "text")]
    pub receiver_secondary_account: String,
}

row!(RelayLog, "logs", required {}, times start_time end_time);

open_values! {
    /// Says how a transfer ended.
    TransferStatus, Serialize::serialize, {
        /// The transfer succeeded.
        Normal = "1",
        /// The transfer failed.
        Failed = "2",
    }
}
