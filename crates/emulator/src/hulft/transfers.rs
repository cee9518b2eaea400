//! Transfers of the connected Agents, which tests start: each is in the relay log once it has ended.

use std::time::SystemTime;

use super::agents::{Agent, ConnectedAgent, Direction};
use super::connections::ClientType;
use super::relay_logs::{RelayLog, RelayResult, RelaySide};

/// The size of a file that arrives whole.
const FILE_SIZE: u64 = 1_048_576;

/// How a transfer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferState {
    /// It is under way.
    Running,
    /// The file has arrived.
    EndedNormally,
    /// Its Agent was disconnected before the end.
    EndedAbnormally,
}

/// A transfer between an Agent's HULFT host and an API client with the same Connection ID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// The processing identifier.
    pub processing_id: String,
    /// The session of its Agent.
    pub session_id: String,
    /// Its Agent.
    pub agent: Agent,
    /// When it was started.
    pub started_at: SystemTime,
    /// How it stands.
    pub state: TransferState,
}

/// In the order in which they were started.
#[derive(Debug, Default)]
pub(super) struct Transfers(Vec<Transfer>);

impl Transfers {
    pub(super) fn start(&mut self, agent: &ConnectedAgent, now: SystemTime) -> String {
        let processing_id = processing_id();
        self.0.push(Transfer {
            processing_id: processing_id.clone(),
            session_id: agent.session_id.clone(),
            agent: agent.agent.clone(),
            started_at: now,
            state: TransferState::Running,
        });
        processing_id
    }

    pub(super) fn all(&self) -> &[Transfer] {
        &self.0
    }

    /// The running transfer ends normally; its line for the relay log.
    pub(super) fn finish(&mut self, processing_id: &str, now: SystemTime) -> Option<RelayLog> {
        let mut running = self.0.iter_mut().filter(|transfer| transfer.state == TransferState::Running);
        let transfer = running.find(|transfer| transfer.processing_id == processing_id)?;
        transfer.state = TransferState::EndedNormally;
        Some(transfer.log(now))
    }

    /// What runs over the session ends abnormally; the lines for the relay log.
    pub(super) fn break_off(&mut self, session_id: &str, now: SystemTime) -> Vec<RelayLog> {
        let mut logs = Vec::new();
        for transfer in &mut self.0 {
            if transfer.session_id == session_id && transfer.state == TransferState::Running {
                transfer.state = TransferState::EndedAbnormally;
                logs.push(transfer.log(now));
            }
        }
        logs
    }
}

impl Transfer {
    fn log(&self, now: SystemTime) -> RelayLog {
        let connection_id = self.agent.connection_ids.first().cloned().unwrap_or_default();
        let side = |agent_id: &str, host_name: &str, client_type| RelaySide {
            connection_id: connection_id.clone(),
            agent_id: agent_id.to_owned(),
            host_name: host_name.to_owned(),
            client_type,
            secondary_account: None,
        };
        let hulft = side(&self.agent.agent_id, "hulft-host", ClientType::Hulft);
        let api = side("api-client", "api-host", ClientType::DataTransferApi);
        let (sender, receiver) = match self.agent.direction {
            Direction::Send => (hulft, api),
            Direction::Receive => (api, hulft),
        };
        let is_whole = self.state == TransferState::EndedNormally;
        let size = if is_whole { FILE_SIZE } else { 0 };
        RelayLog {
            result: if is_whole { RelayResult::Normal } else { RelayResult::Error },
            start_time: self.started_at,
            end_time: now,
            sender,
            receiver,
            file_id: "FILEID1".to_owned(),
            file_name: "example".to_owned(),
            processing_id: self.processing_id.clone(),
            data_size: size,
            data_size_on_route: size,
        }
    }
}

/// 34 upper-case hexadecimal digits, as in the vendor's examples.
fn processing_id() -> String {
    let mut bytes = [0u8; 17];
    fastrand::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processing_identifier_has_the_shape_of_the_vendors_examples() {
        let id = processing_id();
        assert_eq!(id.len(), 34);
        assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')), "{id}");
    }
}
