//! Transfers of the connected Agents, which tests start. A transfer is added to the relay log once it has ended.

use std::time::SystemTime;

use super::agents::{Agent, ConnectedAgent, Direction};
use super::connections::ClientType;
use super::relay_logs::{RelayLog, RelayResult, RelaySide};

/// The size of a file that is transferred completely.
const FILE_SIZE: u64 = 1_048_576;

/// Says whether a transfer is running, and how it ended otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferState {
    /// The transfer is running.
    Running,
    /// The transfer ended after the file was received.
    EndedNormally,
    /// The transfer was interrupted because its Agent was disconnected.
    EndedAbnormally,
}

/// Describes a transfer between an Agent's HULFT host and an API client with the same Connection ID.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// The processing identifier that identifies the transfer.
    pub processing_id: String,
    /// The id of the Agent's session over which the transfer runs.
    pub session_id: String,
    /// The Agent that takes part in the transfer.
    pub agent: Agent,
    /// The time at which the transfer was started, on the emulator's clock.
    pub started_at: SystemTime,
    /// The current state, which says whether the transfer is still running.
    pub state: TransferState,
}

/// Sorted by start.
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

    /// Ends a running transfer normally and returns its line for the relay log.
    pub(super) fn finish(&mut self, processing_id: &str, now: SystemTime) -> Option<RelayLog> {
        let mut running = self.0.iter_mut().filter(|transfer| transfer.state == TransferState::Running);
        let transfer = running.find(|transfer| transfer.processing_id == processing_id)?;
        transfer.state = TransferState::EndedNormally;
        Some(transfer.log(now))
    }

    /// Interrupts the transfers that run over the session and returns their lines for the relay log.
    pub(super) fn interrupt(&mut self, session_id: &str, now: SystemTime) -> Vec<RelayLog> {
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

/// 34 uppercase hexadecimal digits, as in the vendor's examples.
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
