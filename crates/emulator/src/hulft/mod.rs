//! The Site API of HULFT-WebConnect: keys with scopes, the rate limit, and the Agents that are connected to the service.
//!
//! Apart from the other services, with its own wire types, written from the vendor's description of the API, so that a
//! client and this emulator cannot share a mistake.

mod agents;
mod errors;
mod keys;
mod paging;
mod rate_limit;
mod routes;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::agents::{Agent, ConnectedAgent, Direction, Transfer, TransferState};
use self::agents::{Agents, samples};
use self::keys::Keys;
pub use self::keys::Scope;
use self::rate_limit::RateLimit;
use crate::clock::Clock;
use crate::server::{Reply, Request};

/// The key that every emulated contract has: 32 alphanumerics, as the service's keys are.
const API_KEY: &str = "HulftEmulatorKey0123456789abcdef";

/// The emulated contract: what stands in it, and what a test may arrange or look at. Clones share one contract.
#[derive(Clone, Debug)]
pub struct Hulft(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

/// Everything that a request may read or change.
#[derive(Debug)]
struct State {
    keys: Keys,
    rate_limit: RateLimit,
    agents: Agents,
}

impl Hulft {
    pub(crate) fn new(clock: Clock) -> Self {
        let mut keys = Keys::default();
        keys.add(API_KEY, Scope::ALL);
        let state = State { keys, rate_limit: RateLimit::default(), agents: Agents::default() };
        Self(Arc::new(Inner { clock, state: Mutex::new(state) }))
    }

    /// An API key with all scopes, for `Authorization: Bearer <key>`.
    pub fn api_key(&self) -> String {
        API_KEY.to_owned()
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

    /// Connects an Agent and returns the id of its session.
    pub fn connect_agent(&self, agent: Agent) -> String {
        let now = self.0.clock.now();
        self.state().agents.connect(agent, now)
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
    /// is connected.
    pub fn start_transfer(&self, session_id: &str) -> Option<String> {
        self.state().agents.start_transfer(session_id)
    }

    /// Every transfer that was started, in that order.
    pub fn transfers(&self) -> Vec<Transfer> {
        self.state().agents.transfers().to_vec()
    }

    // Asynchronous as every service's entry point is, though nothing here waits.
    pub(crate) async fn answer(&self, request: &Request) -> Reply {
        let now = self.0.clock.now();
        routes::serve(&mut self.state(), request, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
