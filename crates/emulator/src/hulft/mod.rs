//! The Site API of HULFT-WebConnect: keys with scopes, the rate limit, and a contract with its Agents, connections,
//! relay permissions, browser transfers, accounts, and logs.
//!
//! [`Emulator::hulft`](crate::Emulator::hulft) returns the handle, [`Hulft`]. The module shares no wire types with the
//! other services or with a client. They are written from the vendor's description of the API, so that a client and
//! this emulator cannot share a mistake.

mod access_denials;
mod accounts;
mod agents;
mod body;
mod browser_transfer;
mod call;
mod connections;
mod dclients;
mod errors;
mod groups;
mod handle;
mod ip_filter_groups;
pub(crate) mod keys;
mod mails;
mod paging;
mod rate_limit;
mod relay_logs;
mod relay_permissions;
mod routes;
mod rules;
mod samples;
mod secondary_accounts;
mod service_status;
mod store;
mod transfers;
mod zones;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::access_denials::{AccessDenial, Denied};
pub use self::agents::{Agent, ConnectedAgent, Direction};
pub use self::connections::ClientType;
pub(crate) use self::connections::LIMIT as CONNECTION_ID_LIMIT;
pub use self::keys::Scope;
pub use self::mails::{Mail, MailKind};
pub(crate) use self::relay_logs::MAX_LINES as MAX_RELAY_LOGS;
pub use self::relay_logs::{RelayLog, RelayResult, RelaySide};
pub use self::secondary_accounts::SecondaryAccount;
pub use self::service_status::EndpointStatus;
pub(crate) use self::service_status::is_endpoint;
pub use self::transfers::{Transfer, TransferState};

use self::browser_transfer::Setting;
pub(crate) use self::rate_limit::PER_MINUTE as REQUESTS_PER_MINUTE;
use self::rate_limit::RateLimit;
use self::store::Store;
use crate::clock::Clock;
use crate::invalid_setting::InvalidSetting;
use crate::message::{Request, Response};

/// The API key that an emulated contract starts with: 32 alphanumeric characters, as in the service.
pub(crate) const API_KEY: &str = "HulftEmulatorKey0123456789abcdef";

/// A handle that configures and inspects the emulated contract. All clones share the same contract.
///
/// # Examples
///
/// ```
/// use service_emulator::Emulator;
/// use service_emulator::hulft::{Agent, Direction, TransferState};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let hulft = emulator.hulft();
/// hulft.rate_limit(None);
/// let session_id = hulft.connect_agent(Agent {
///     agent_id: "osaka-send".to_owned(),
///     direction: Direction::Send,
///     connection_ids: vec!["osaka".to_owned()],
///     endpoint: "service2.tokyo.webconnect.hulft.com".to_owned(),
///     agent_version: "3.1.0".to_owned(),
/// });
/// hulft.start_transfer(&session_id);
///
/// // If the code under test disconnects the Agent, its transfer is interrupted. Here, the Agent disconnects.
/// assert!(hulft.disconnect_agent(&session_id));
/// assert!(hulft.agents().is_empty());
/// assert_eq!(hulft.transfers()[0].state, TransferState::EndedAbnormally);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Hulft(Arc<Inner>);

struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

/// Omits the state, which contains keys, passwords, and data of the service.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

/// Everything that a request may read or change.
#[derive(Debug)]
struct State {
    /// The key that the handle returns. It has all scopes.
    api_key: String,
    keys: keys::Keys,
    rate_limit: RateLimit,
    /// Whether searches include the day of `to`, which the vendor does not document.
    includes_to: bool,
    access_denials: Vec<AccessDenial>,
    accounts: Store<accounts::Account>,
    agents: agents::Agents,
    connections: Store<connections::Connection>,
    dclients: Store<dclients::DClient>,
    groups: Store<groups::Group>,
    ip_filter_groups: Store<ip_filter_groups::IpFilterGroup>,
    mails: mails::Mails,
    relay_logs: relay_logs::RelayLogs,
    relay_permissions: Store<relay_permissions::RelayPermission>,
    secondary_accounts: Store<SecondaryAccount>,
    send_files: Store<Setting>,
    send_requests: Store<Setting>,
    service_status: service_status::ServiceStatus,
    transfers: transfers::Transfers,
}

impl Default for State {
    fn default() -> Self {
        let mut keys = keys::Keys::default();
        keys.add(API_KEY, Scope::ALL);
        Self {
            api_key: API_KEY.to_owned(),
            keys,
            rate_limit: RateLimit::default(),
            includes_to: true,
            access_denials: Vec::new(),
            accounts: Store::new(accounts::LIMIT),
            agents: agents::Agents::default(),
            connections: Store::new(connections::LIMIT),
            dclients: Store::new(dclients::LIMIT),
            groups: Store::new(groups::LIMIT),
            ip_filter_groups: Store::new(ip_filter_groups::LIMIT),
            mails: mails::Mails::default(),
            relay_logs: relay_logs::RelayLogs::default(),
            relay_permissions: Store::new(relay_permissions::LIMIT),
            secondary_accounts: Store::new(secondary_accounts::LIMIT),
            send_files: Store::new(browser_transfer::LIMIT),
            send_requests: Store::new(browser_transfer::LIMIT),
            service_status: service_status::ServiceStatus::default(),
            transfers: transfers::Transfers::default(),
        }
    }
}

impl Hulft {
    pub(crate) fn new(clock: Clock, sample_data: bool) -> Self {
        let hulft = Self(Arc::new(Inner { clock, state: Mutex::new(State::default()) }));
        if sample_data {
            hulft.add_sample_data();
        }
        hulft
    }

    // Asynchronous like the entry point of every service, although nothing here waits.
    pub(crate) async fn respond(&self, request: &Request) -> Response {
        let now = self.0.clock.now();
        routes::respond(&mut self.state(), request, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
