#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_denials;
mod accounts;
mod agents;
mod browser_transfer_groups;
mod browser_transfers;
mod by_date;
mod call;
mod connections;
#[cfg(feature = "csv")]
mod csv;
mod date;
mod dclients;
mod ip_filter_groups;
mod lenient;
mod metrics;
pub mod operations;
mod page;
mod pager;
mod pages;
mod rate_limit;
mod read;
mod relay_logs;
mod relay_permissions;
mod rules;
mod secondary_accounts;
mod service_status;
#[cfg(feature = "shared-rate-limit")]
mod shared_window;
mod site;
#[cfg(feature = "testing")]
pub mod testing;
mod values;

pub use access_denials::{AccessDenial, AccessDenials};
pub use accounts::{
    Account, AccountStatus, Accounts, DeleteAccount, GetAccount, RegisterAccount, RequestPasswordMail,
    UpdateAccount,
};
pub use agents::{Agent, Agents, DisconnectAgent};
pub use browser_transfer_groups::{
    BrowserTransferGroup, BrowserTransferGroups, DeleteBrowserTransferGroup, GetBrowserTransferGroup,
    RegisterBrowserTransferGroup, UpdateBrowserTransferGroup,
};
pub use browser_transfers::{
    BrowserSide, BrowserToHulft, BrowserToHulftBrowser, BrowserToHulftDefinition, BrowserToHulftHost,
    DeleteBrowserToHulft, DeleteHulftToBrowser, GetBrowserToHulft, GetHulftToBrowser, HulftSide,
    HulftToBrowser, HulftToBrowserBrowser, HulftToBrowserDefinition, HulftToBrowserHost,
    RegisterBrowserToHulft, RegisterHulftToBrowser, UpdateBrowserToHulft, UpdateHulftToBrowser,
};
pub use by_date::{IncompleteRelayLogs, Progress, RelayLogsByDate};
pub use connections::{
    Connection, Connections, DeleteConnection, GetConnection, RegisterConnection, UpdateConnection,
};
#[cfg(feature = "csv")]
pub use csv::write_csv;
pub use date::{Date, TimeZone, Timestamp};
pub use dclients::{
    ConnectionStatus, DClient, DClients, DeleteDClient, GetDClient, RegisterDClient, RequestDClientMail,
    UpdateDClient,
};
pub use ip_filter_groups::{
    DeleteIpFilterGroup, GetIpFilterGroup, IpAddressError, IpFilterGroup, IpFilterGroupUsers, IpFilterGroups,
    RegisterIpFilterGroup, UpdateIpFilterGroup,
};
pub use metrics::INSTRUMENTS;
pub use page::{Page, Row};
pub use pager::Pager;
pub use pages::Pages;
pub use rate_limit::RateLimit;
pub use relay_logs::{GetRelayLog, RelayLog, RelayLogs, TransferStatus};
pub use relay_permissions::{
    DeleteRelayPermission, GetRelayPermission, RegisterRelayPermission, RelayPermission, RelayPermissions,
    UpdateRelayPermission,
};
pub use secondary_accounts::{
    DeleteSecondaryAccount, GetSecondaryAccount, PasswordManagement, PasswordPolicy, SecondaryAccount,
    SecondaryAccounts,
};
pub use service_status::{EndpointStatus, GetServiceStatus, Health, ServiceStatus};
pub use site::{SiteClient, SiteClientBuilder};
pub use values::{AccountLink, ClientType, DefinitionLink, Direction, Number};

pub use service_core::{
    AttributeValue, BoxError, CallFuture, ClientStats, Clock, Delivery, Error, ErrorDetail, ErrorKind,
    InnerError, Instrument, InstrumentKind, Io, Meter, Next, Operation, Policy, RawRequest, Response, Result,
    RetryOptions, Secret, SendOptions, StopReason, SystemClock, TraceContext, Transport, Upgrade,
};
/// Provides the types of requests and responses, for [`Policy`], [`Transport`] and `request`.
pub use {bytes, http};
