//! Browser transfer settings of both kinds: Send File, from a browser to a HULFT host, and Send Request, from a HULFT
//! host to a browser.

mod change;
mod wire;

pub(super) use self::wire::Link;
use self::wire::Wire;
use super::State;
use super::body::{Body, required};
use super::call::Call;
use super::errors::{Rejection, created_at, done, json, json_or_nothing};
use super::paging::Page;
use super::rules::NAME;
use super::store::{Row, Store};
use crate::message::Response;

/// A bound of the emulator.
pub(super) const LIMIT: usize = 10_000;

/// The differences between the two kinds.
#[derive(Debug)]
pub(super) struct Kind {
    /// The path below `/api/v2`.
    path: &'static str,
    id: &'static str,
    list: &'static str,
    port: &'static str,
    default_port: u16,
    is_request: bool,
}

pub(super) const SEND_FILE: Kind = Kind {
    path: "browser-transfer/definition/browser-to-hulft",
    id: "browserToHulftDefinitionId",
    list: "browserToHulftDefinitions",
    port: "hulftReceivingPort",
    default_port: 30_000,
    is_request: false,
};

pub(super) const SEND_REQUEST: Kind = Kind {
    path: "browser-transfer/definition/hulft-to-browser",
    id: "hulftToBrowserDefinitionId",
    list: "hulftToBrowserDefinitions",
    port: "hulftRequestAcknowledgePort",
    default_port: 31_000,
    is_request: true,
};

/// Lets the table of operations select a kind by a type.
pub(super) trait HasKind {
    const KIND: Kind;
}

pub(super) enum SendFile {}

impl HasKind for SendFile {
    const KIND: Kind = SEND_FILE;
}

pub(super) enum SendRequest {}

impl HasKind for SendRequest {
    const KIND: Kind = SEND_REQUEST;
}

#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) file_id: String,
    pub(super) memo: String,
    pub(super) browser: Browser,
    pub(super) hulft: Host,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Browser {
    pub(super) connection_id: String,
    pub(super) agent_id: String,
    /// Like the next member, only used by Send Request settings.
    pub(super) uses_receive_file_name: bool,
    pub(super) receive_file_name: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) connection_id: String,
    pub(super) agent_id: String,
    pub(super) host_name: String,
    pub(super) port: u16,
    /// `msg0` to `msg5`, `msgl0`, `msgl1`.
    pub(super) messages: [String; 8],
}

impl Setting {
    pub(super) fn new(kind: &Kind, id: String) -> Self {
        Self {
            id,
            description: String::new(),
            file_id: String::new(),
            memo: String::new(),
            browser: Browser::default(),
            hulft: Host { port: kind.default_port, ..Host::default() },
        }
    }

    fn names(&self, connection_id: &str) -> bool {
        self.browser.connection_id == connection_id || self.hulft.connection_id == connection_id
    }

    fn check(&self, state: &State) -> Result<(), Rejection> {
        if self.browser.uses_receive_file_name && self.browser.receive_file_name.is_empty() {
            let message =
                "'browser.receiveFileName' is required when 'browser.useReceiveFileName' is \"true\".";
            return Err(Rejection::invalid_body(message));
        }
        state.check_connection("browser.connectionId", &self.browser.connection_id)?;
        state.check_connection("hulft.connectionId", &self.hulft.connection_id)
    }
}

impl Row for Setting {
    fn id(&self) -> &str {
        &self.id
    }
}

/// Handles GET `/browser-transfer/definition/...`.
pub(super) fn list<K: HasKind>(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let kind = &K::KIND;
    let rows = state.browser_transfers(kind).rows().iter();
    Page::read(call.request)?.response(kind.list, rows, |row| Wire::of(kind, row))
}

/// Handles GET `/browser-transfer/definition/.../{id}`.
pub(super) fn get<K: HasKind>(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let kind = &K::KIND;
    json_or_nothing(state.browser_transfers(kind).get(call.parameter(0)).map(|row| Wire::of(kind, row)))
}

/// Handles POST `/browser-transfer/definition/...`.
pub(super) fn register<K: HasKind>(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let kind = &K::KIND;
    let mut body = Body::read(call.request)?;
    let id = required(body.text(kind.id, &NAME)?, kind.id)?;
    let mut setting = Setting::new(kind, id);
    setting.change(kind, body, true)?;
    setting.check(state)?;
    state.browser_transfers_mut(kind).add(setting.clone())?;
    created_at(call.request, &format!("{}/{}", kind.path, setting.id), &Wire::of(kind, &setting))
}

/// Handles PUT `/browser-transfer/definition/.../{id}`.
pub(super) fn update<K: HasKind>(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let kind = &K::KIND;
    let mut setting = state.browser_transfers(kind).copy(call.parameter(0))?;
    setting.change(kind, Body::read(call.request)?, false)?;
    setting.check(state)?;
    state.browser_transfers_mut(kind).replace(setting.clone())?;
    json(&Wire::of(kind, &setting))
}

/// Handles DELETE `/browser-transfer/definition/.../{id}`.
pub(super) fn delete<K: HasKind>(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let kind = &K::KIND;
    state.browser_transfers_mut(kind).remove(call.parameter(0))?;
    state.forget_missing_browser_transfers();
    Ok(done())
}

impl State {
    fn browser_transfers(&self, kind: &Kind) -> &Store<Setting> {
        if kind.is_request { &self.send_requests } else { &self.send_files }
    }

    fn browser_transfers_mut(&mut self, kind: &Kind) -> &mut Store<Setting> {
        if kind.is_request { &mut self.send_requests } else { &mut self.send_files }
    }

    /// Rejects settings that are not registered.
    pub(super) fn check_browser_transfers(
        &self,
        kind: &Kind,
        field: &str,
        ids: &[String],
    ) -> Result<(), Rejection> {
        match ids.iter().find(|id| !self.browser_transfers(kind).has(id)) {
            None => Ok(()),
            Some(id) => Err(Rejection::unknown_reference(field, id)),
        }
    }

    /// The settings in the form in which groups and previous secondary accounts show them.
    pub(super) fn links_to<'a>(&'a self, kind: &Kind, ids: &'a [String]) -> Vec<Link<'a>> {
        let description = |id: &str| self.browser_transfers(kind).get(id).map(|row| row.description.as_str());
        ids.iter().map(|id| Link::new(id, description(id))).collect()
    }

    pub(super) fn remove_browser_transfers_of(&mut self, connection_id: &str) {
        self.send_files.retain(|setting| !setting.names(connection_id));
        self.send_requests.retain(|setting| !setting.names(connection_id));
        self.forget_missing_browser_transfers();
    }

    /// Removes settings that are no longer registered from the groups and the previous secondary accounts.
    fn forget_missing_browser_transfers(&mut self) {
        let Self { send_files, send_requests, groups, secondary_accounts, .. } = self;
        let clean = |files: &mut Vec<String>, requests: &mut Vec<String>| {
            files.retain(|id| send_files.has(id));
            requests.retain(|id| send_requests.has(id));
        };
        groups.for_each_mut(|row| clean(&mut row.send_file_ids, &mut row.send_request_ids));
        secondary_accounts.for_each_mut(|row| clean(&mut row.send_file_ids, &mut row.send_request_ids));
    }
}
