//! What a test may arrange in the contract, and what it may look at: everything that no operation of the API does or shows.

use super::agents::samples;
use super::keys::check_key;
use super::rate_limit::RateLimit;
use super::store::Row as _;
use super::{
    AccessDenial, Agent, ConnectedAgent, EndpointStatus, Hulft, InvalidSetting, Mail, RelayLog, Scope,
    SecondaryAccount, Transfer,
};

/// Keys and limits.
impl Hulft {
    /// An API key with all scopes, for `Authorization: Bearer <key>`.
    pub fn api_key(&self) -> String {
        self.state().api_key.clone()
    }

    /// Puts another key with all scopes in the place of [`api_key`](Self::api_key), which is refused from now on.
    ///
    /// # Errors
    /// When the key is not 1 to 256 visible ASCII characters.
    pub fn set_api_key(&self, key: &str) -> Result<(), InvalidSetting> {
        check_key(key)?;
        let state = &mut *self.state();
        state.keys.remove(&state.api_key);
        state.keys.add(key, Scope::ALL);
        key.clone_into(&mut state.api_key);
        Ok(())
    }

    /// Adds an API key with these scopes only, or gives them to one that exists.
    pub fn add_api_key(&self, key: &str, scopes: &[Scope]) {
        self.state().keys.add(key, scopes);
    }

    /// How many requests a minute the contract has, over all its keys: 100 at first, as in the service; `None` switches the
    /// limit off. The count starts anew, and a block that is running ends.
    pub fn rate_limit(&self, requests_per_minute: Option<u32>) {
        self.state().rate_limit = RateLimit::new(requests_per_minute);
    }

    /// How many Connection IDs the contract may have: 10 at first, as in the vendor's example. Those above a new limit
    /// stay.
    pub fn connection_id_limit(&self, limit: usize) {
        self.state().connections.set_limit(limit);
    }
}

/// Agents and their transfers.
impl Hulft {
    /// Connects an Agent and returns the id of its session.
    pub fn connect_agent(&self, agent: Agent) -> String {
        let now = self.0.clock.now();
        self.state().agents.connect(agent, now)
    }

    /// The Agent with that session goes away by itself, and its running transfers end abnormally; false if there is none.
    pub fn disconnect_agent(&self, session_id: &str) -> bool {
        let now = self.0.clock.now();
        self.state().cut_off(session_id, now)
    }

    /// Connects a few Agents of both directions, one of them too old to be disconnected by the API.
    pub fn add_sample_agents(&self) {
        for agent in samples() {
            self.connect_agent(agent);
        }
    }

    /// The Agents that are connected, in the order in which they connected.
    pub fn agents(&self) -> Vec<ConnectedAgent> {
        self.state().agents.connected().to_vec()
    }

    /// Starts a transfer of the Agent with that session and returns its processing identifier; `None` if no such Agent
    /// is connected. It runs until it is [finished](Self::finish_transfer) or the Agent is disconnected, and is then in
    /// the relay log.
    pub fn start_transfer(&self, session_id: &str) -> Option<String> {
        let now = self.0.clock.now();
        let state = &mut *self.state();
        let agent = state.agents.with_session(session_id)?;
        Some(state.transfers.start(agent, now))
    }

    /// Ends a running transfer normally; false if there is none with that processing identifier.
    pub fn finish_transfer(&self, processing_id: &str) -> bool {
        let now = self.0.clock.now();
        let state = &mut *self.state();
        state.transfers.finish(processing_id, now).map(|line| state.relay_logs.add(line)).is_some()
    }

    /// Every transfer that was started, in that order.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.state().transfers.all().to_vec()
    }
}

/// Logs, and what the API only reads or deletes.
impl Hulft {
    /// Fills the contract with a little of everything: connections, IP filter groups, accounts, browser transfer settings
    /// and groups, D-Clients, relay permissions, logs, a previous secondary account, and the
    /// [Agents](Self::add_sample_agents). Meant for an empty contract: what is registered already stays as it is.
    pub fn add_sample_data(&self) {
        let now = self.0.clock.now();
        self.state().add_samples(now);
        self.add_sample_agents();
    }

    /// Adds a line to the relay log.
    pub fn add_relay_log(&self, line: RelayLog) {
        self.state().relay_logs.add(line);
    }

    /// Adds this many generated lines, always the same ones: a minute apart from 2024-01-01 00:00:00 UTC on, in processing
    /// identifiers from 1 on, of the File IDs `FILE1` to `FILE5` in turn, every tenth an error. A second call goes on where
    /// the first ended.
    pub fn add_relay_logs(&self, count: usize) {
        self.state().relay_logs.generate(count);
    }

    /// Adds an access that was refused.
    pub fn add_access_denial(&self, denial: AccessDenial) {
        self.state().access_denials.push(denial);
    }

    /// Adds a previous secondary account, or puts it in the place of the one with its id.
    pub fn add_secondary_account(&self, account: SecondaryAccount) {
        let mut state = self.state();
        state.secondary_accounts.retain(|other| other.id() != account.id());
        // Fails at the emulator's bound of 10,000 only.
        let _ = state.secondary_accounts.add(account);
    }

    /// How an endpoint of the service does, such as `service2.tokyo.webconnect.hulft.com`; false if there is no such one.
    pub fn set_service_status(&self, endpoint: &str, status: EndpointStatus) -> bool {
        self.state().service_status.set(endpoint, status)
    }
}

/// Effects that no GET shows.
impl Hulft {
    /// The mails that were sent, oldest first: the newest 10,000.
    pub fn mails(&self) -> Vec<Mail> {
        self.state().mails.sent().cloned().collect()
    }

    /// From now on no mail can be delivered to the address.
    pub fn reject_mails_to(&self, address: &str) {
        self.state().mails.reject(address);
    }

    /// The user of the account follows the mail and sets a password: the account is in use and its address verified. False
    /// if there is no such account, or no mail was sent to it since it was registered or got its address.
    pub fn set_account_password(&self, account_id: &str) -> bool {
        self.state().accounts.get_mut(account_id).is_some_and(super::accounts::Account::set_password)
    }

    /// The password of a Connection ID, which the API takes and never tells.
    pub fn connection_password(&self, connection_id: &str) -> Option<String> {
        Some(self.state().connections.get(connection_id)?.password.clone())
    }

    /// The D-Client with that D-Client ID comes online; false if there is none, or one that may not be used.
    pub fn connect_dclient(&self, dclient_id: &str, client_version: &str) -> bool {
        self.state().switch_dclient(dclient_id, Some(client_version))
    }

    /// The D-Client with that D-Client ID goes offline; false if there is none.
    pub fn disconnect_dclient(&self, dclient_id: &str) -> bool {
        self.state().switch_dclient(dclient_id, None)
    }
}
