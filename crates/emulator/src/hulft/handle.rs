//! What a test can configure in the contract, and what it can inspect: everything that no operation of the API does or
//! shows.

use std::time::SystemTime;

use super::agents::samples;
use super::keys::check_key;
use super::rate_limit::RateLimit;
use super::store::Row as _;
use super::{
    AccessDenial, Agent, ConnectedAgent, EndpointStatus, Hulft, InvalidSetting, Mail, RelayLog, Scope,
    SecondaryAccount, State, Transfer,
};

/// Manages API keys and limits.
impl Hulft {
    /// Returns the API key with all scopes, for `Authorization: Bearer <key>`.
    pub fn api_key(&self) -> String {
        self.state().api_key.clone()
    }

    /// Replaces [`api_key`](Self::api_key) by another key with all scopes. Requests with the old key are rejected from
    /// now on.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is not 1 to 256 visible ASCII characters.
    pub fn set_api_key(&self, key: &str) -> Result<(), InvalidSetting> {
        check_key(key)?;
        let state = &mut *self.state();
        state.keys.remove(&state.api_key);
        state.keys.add(key, Scope::ALL);
        key.clone_into(&mut state.api_key);
        Ok(())
    }

    /// Adds an API key with these scopes only. If the key exists, its scopes are replaced.
    pub fn add_api_key(&self, key: &str, scopes: &[Scope]) {
        self.state().keys.add(key, scopes);
    }

    /// Removes an API key. Requests with it are rejected from now on. Does nothing if there is no such key, or if it is the
    /// one of [`api_key`](Self::api_key).
    pub fn remove_api_key(&self, key: &str) {
        let state = &mut *self.state();
        if key != state.api_key {
            state.keys.remove(key);
        }
    }

    /// Sets how many requests per minute the contract allows, over all its keys. `None` disables the limit. Default:
    /// 100, as in the service.
    ///
    /// Once the limit is exceeded, all requests are rejected with 429 for 10 minutes. A call resets the count and ends
    /// a running block.
    pub fn rate_limit(&self, requests_per_minute: Option<u32>) {
        self.state().rate_limit = RateLimit::new(requests_per_minute);
    }

    /// Sets whether searches of logs include the day of `to`. Default: `true`. The vendor does not document it.
    pub fn searches_include_to(&self, included: bool) {
        self.state().includes_to = included;
    }

    /// Sets the maximum number of Connection IDs. Default: 10, as in the vendor's example.
    ///
    /// Existing Connection IDs above a new limit are kept.
    pub fn connection_id_limit(&self, limit: usize) {
        self.state().connections.set_limit(limit);
    }
}

/// Connects Agents and runs their transfers.
impl Hulft {
    /// Connects an Agent and returns the id of its session.
    pub fn connect_agent(&self, agent: Agent) -> String {
        let now = self.0.clock.now();
        self.state().agents.connect(agent, now)
    }

    /// Disconnects the Agent with this session from its side: the session and its running transfers end abnormally.
    ///
    /// Returns `false` if there is no such session.
    pub fn disconnect_agent(&self, session_id: &str) -> bool {
        let now = self.0.clock.now();
        self.state().cut_off(session_id, now)
    }

    /// Disconnects all sessions of the Agents with this Agent ID, as [`disconnect_agent`](Self::disconnect_agent) does.
    /// Returns their number.
    pub fn disconnect_agents(&self, agent_id: &str) -> usize {
        let agents = self.agents();
        let sessions = agents.iter().filter(|connected| connected.agent.agent_id == agent_id);
        sessions.filter(|connected| self.disconnect_agent(&connected.session_id)).count()
    }

    /// Connects four Agents in both directions. One of them is too old to be disconnected through the API.
    pub fn add_sample_agents(&self) {
        for agent in samples() {
            self.connect_agent(agent);
        }
    }

    /// Returns the connected Agents, sorted by connection time.
    pub fn agents(&self) -> Vec<ConnectedAgent> {
        self.state().agents.connected().to_vec()
    }

    /// Starts a transfer of the Agent with this session and returns its processing identifier.
    ///
    /// Returns `None` if there is no such session. The transfer runs until it is [finished](Self::finish_transfer) or
    /// its Agent is disconnected. It is then added to the relay log.
    pub fn start_transfer(&self, session_id: &str) -> Option<String> {
        let now = self.0.clock.now();
        let state = &mut *self.state();
        let agent = state.agents.with_session(session_id)?;
        Some(state.transfers.start(agent, now))
    }

    /// Ends a running transfer normally. Returns `false` if no such transfer is running.
    pub fn finish_transfer(&self, processing_id: &str) -> bool {
        let now = self.0.clock.now();
        let state = &mut *self.state();
        state.transfers.finish(processing_id, now).map(|line| state.relay_logs.add(line)).is_some()
    }

    /// Returns every transfer that was started, in that order.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.state().transfers.all().to_vec()
    }
}

impl Hulft {
    /// Returns the contract to its state at the start.
    pub(crate) fn reset(&self, sample_data: bool) {
        *self.state() = State::default();
        if sample_data {
            self.add_sample_data();
        }
    }
}

/// Fills the logs, and the resources that the API can only read or delete.
impl Hulft {
    /// Fills an empty contract with sample data: connections, IP filter groups, accounts, browser transfer settings and
    /// groups, D-Clients, relay permissions, logs, a previous secondary account, and [Agents](Self::add_sample_agents).
    ///
    /// Resources that are registered already are kept.
    pub fn add_sample_data(&self) {
        let now = self.0.clock.now();
        self.state().add_samples(now);
        self.add_sample_agents();
    }

    /// Adds a line to the relay log. At most 50,000 lines are kept: those of the transfers that started last.
    pub fn add_relay_log(&self, line: RelayLog) {
        self.state().relay_logs.add(line);
    }

    /// Adds this many generated lines to the relay log. They are the same in every emulator.
    ///
    /// The lines start at 2024-01-01 00:00:00 UTC, one minute apart, with processing identifiers starting at 1. Their
    /// File IDs cycle through `FILE1` to `FILE5`, and every tenth line is an error. A second call continues where the
    /// first one ended.
    pub fn add_relay_logs(&self, count: usize) {
        self.state().relay_logs.generate(count);
    }

    /// Adds this many generated lines to the relay log, like [`add_relay_logs`](Self::add_relay_logs), but the last one
    /// starts at `end`. At most 50,000 are added.
    ///
    /// The setting `relay_logs` and the sample data use the current time as `end`, so that a search for today finds
    /// lines.
    pub fn add_relay_logs_until(&self, count: usize, end: SystemTime) {
        self.state().relay_logs.generate_until(count, end);
    }

    /// Adds an access to the log of denied accesses.
    pub fn add_access_denial(&self, denial: AccessDenial) {
        self.state().access_denials.push(denial);
    }

    /// Adds a previous secondary account, or replaces the one that has the same id.
    pub fn add_secondary_account(&self, account: SecondaryAccount) {
        let mut state = self.state();
        state.secondary_accounts.retain(|other| other.id() != account.id());
        // Fails only at the emulator's bound of 10,000.
        let _ = state.secondary_accounts.add(account);
    }

    /// Sets the status of an endpoint, such as `service2.tokyo.webconnect.hulft.com`. Returns `false` if there is no
    /// such endpoint.
    pub fn set_service_status(&self, endpoint: &str, status: EndpointStatus) -> bool {
        self.state().service_status.set(endpoint, status)
    }
}

/// Inspects and causes effects that no operation of the API shows.
impl Hulft {
    /// Returns the mails that were sent, oldest first. The newest 10,000 are kept.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().mails.sent().cloned().collect()
    }

    /// Rejects all mails to the address from now on.
    pub fn reject_mails_to(&self, address: &str) {
        self.state().mails.reject(address);
    }

    /// Sets the password of an account, as its user does by following the mail. The account is then in use, and its
    /// address is verified.
    ///
    /// Returns `false` if there is no such account, or if no mail was sent to it since its mail address was last set.
    pub fn set_account_password(&self, account_id: &str) -> bool {
        self.state().accounts.get_mut(account_id).is_some_and(super::accounts::Account::set_password)
    }

    /// Returns the password of a Connection ID, which the API accepts but never returns. `None` if there is no such
    /// Connection ID.
    pub fn connection_password(&self, connection_id: &str) -> Option<String> {
        Some(self.state().connections.get(connection_id)?.password.clone())
    }

    /// Connects the D-Client with this D-Client ID. Returns `false` if the D-Client does not exist or may not be used.
    pub fn connect_dclient(&self, dclient_id: &str, client_version: &str) -> bool {
        self.state().switch_dclient(dclient_id, Some(client_version))
    }

    /// Disconnects the D-Client with this D-Client ID. Returns `false` if the D-Client does not exist.
    pub fn disconnect_dclient(&self, dclient_id: &str) -> bool {
        self.state().switch_dclient(dclient_id, None)
    }
}
