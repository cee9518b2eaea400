//! The relay log: one line for each transfer that has ended, latest start first.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::State;
use super::call::Call;
use super::connections::ClientType;
use super::errors::Rejection;
use super::paging::Page;
use super::zones::Zone;
use crate::message::{Request, Response};

/// A bound of the emulator. The vendor does not describe the service's retention.
pub(crate) const MAX_LINES: usize = 50_000;

/// The first generated line: 2024-01-01 00:00:00 UTC.
const FIRST_GENERATED: Duration = Duration::from_secs(1_704_067_200);
/// Between two generated lines.
const INTERVAL: Duration = Duration::from_secs(60);

/// Says how a relayed transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayResult {
    /// The transfer ended normally: `"1"` on the wire.
    Normal,
    /// The transfer ended with an error: `"2"` on the wire.
    Error,
}

/// Describes the sender or the receiver of a relayed transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySide {
    /// The Connection ID that this side used.
    pub connection_id: String,
    /// The Agent ID that identifies this side.
    pub agent_id: String,
    /// The name of the host on which this side ran.
    pub host_name: String,
    /// The type of client that was connected.
    pub client_type: ClientType,
    /// The mail address of the previous secondary account that was used, if one was.
    pub secondary_account: Option<String>,
}

/// Describes a transfer in the relay log. The default is the vendor's example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayLog {
    /// Says whether the transfer succeeded.
    pub result: RelayResult,
    /// The time at which the transfer started. The log is sorted by it.
    pub start_time: SystemTime,
    /// The time at which the transfer ended.
    pub end_time: SystemTime,
    /// The side that sent the file.
    pub sender: RelaySide,
    /// The side that received the file.
    pub receiver: RelaySide,
    /// The File ID by which HULFT identifies the transfer.
    pub file_id: String,
    /// The name of the file that was transferred.
    pub file_name: String,
    /// The processing identifier that the service assigned to the transfer.
    pub processing_id: String,
    /// Contains the size of the file in bytes.
    pub data_size: u64,
    /// The number of bytes that were sent over the network.
    pub data_size_on_route: u64,
}

impl Default for RelayLog {
    fn default() -> Self {
        let start_time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_467_288_781_226);
        let side = |number: u32, client_type, mail_address: &str| RelaySide {
            connection_id: format!("id{number}"),
            agent_id: format!("agent{number}"),
            host_name: format!("host{number}"),
            client_type,
            secondary_account: Some(mail_address.to_owned()),
        };
        Self {
            result: RelayResult::Normal,
            start_time,
            end_time: start_time + Duration::from_secs(1),
            sender: side(1, ClientType::Hulft, "sender@example.com"),
            receiver: side(2, ClientType::DataTransferApi, "receiver@example.com"),
            file_id: "FILEID1".to_owned(),
            file_name: "example".to_owned(),
            processing_id: "CCC3D6B33DF4F42EA4734BD88519525A32".to_owned(),
            data_size: 60,
            data_size_on_route: 60,
        }
    }
}

/// Sorted by start time, oldest first. Lines with the same start time are in the order in which they were added.
#[derive(Debug, Default)]
pub(super) struct RelayLogs {
    lines: VecDeque<RelayLog>,
    generated: u32,
}

impl RelayLogs {
    pub(super) fn add(&mut self, line: RelayLog) {
        let index = self.lines.partition_point(|other| other.start_time <= line.start_time);
        self.lines.insert(index, line);
        if self.lines.len() > MAX_LINES {
            self.lines.pop_front();
        }
    }

    /// Adds lines that are a minute apart and cycle through five File IDs. Every tenth is an error. The next call
    /// continues where this one ends.
    pub(super) fn generate(&mut self, count: usize) {
        for _ in 0..count {
            let start = SystemTime::UNIX_EPOCH + FIRST_GENERATED + INTERVAL * self.generated;
            self.add_generated(start);
        }
    }

    /// Adds lines like [`generate`](Self::generate), the last of which starts at `end`.
    pub(super) fn generate_until(&mut self, count: usize, end: SystemTime) {
        for ago in (0..u32::try_from(count.min(MAX_LINES)).unwrap_or_default()).rev() {
            self.add_generated(end - INTERVAL * ago);
        }
    }

    fn add_generated(&mut self, start: SystemTime) {
        let line = generated(self.generated, start);
        self.generated += 1;
        self.add(line);
    }
}

fn generated(number: u32, start_time: SystemTime) -> RelayLog {
    let is_error = number % 10 == 9;
    let size = if is_error { 0 } else { 1_000 * u64::from(number + 1) };
    let side = |connection_id: &str, agent_id: &str| RelaySide {
        connection_id: connection_id.to_owned(),
        agent_id: agent_id.to_owned(),
        host_name: format!("{agent_id}-host"),
        client_type: ClientType::Hulft,
        secondary_account: None,
    };
    RelayLog {
        result: if is_error { RelayResult::Error } else { RelayResult::Normal },
        start_time,
        end_time: start_time + Duration::from_secs(2),
        sender: side("hq", "tokyo-send"),
        receiver: side("us1", "california-receive"),
        file_id: format!("FILE{}", number % 5 + 1),
        file_name: format!("file-{number}.dat"),
        processing_id: format!("{:034X}", number + 1),
        data_size: size,
        data_size_on_route: size,
    }
}

/// Handles GET `/relay/log`, with or without `fileId`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let filter = Filter::read(call.request)?;
    response(state, call, |line| filter.matches(line))
}

/// Handles GET `/relay/log/{processingId}`, which returns a list as well.
pub(super) fn get(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    response(state, call, |line| line.processing_id == call.parameter(0))
}

fn response(
    state: &State,
    call: &Call<'_>,
    wanted: impl Fn(&RelayLog) -> bool,
) -> Result<Response, Rejection> {
    let page = Page::read(call.request)?;
    let lines = state.relay_logs.lines.iter().rev();
    let lines = lines.filter(|line| page.covers(line.start_time, state.includes_to) && wanted(line));
    page.response("logs", lines, |line| Wire::of(line, page.zone))
}

/// The parameters that only this list has. Blank ones are ignored.
struct Filter<'a> {
    file_id: Option<&'a str>,
    connection_ids: [Option<&'a str>; 2],
    secondary_accounts: [Option<&'a str>; 2],
}

impl<'a> Filter<'a> {
    fn read(request: &'a Request) -> Result<Self, Rejection> {
        let file_id = request.query("fileId");
        if file_id == Some("") {
            return Err(Rejection::invalid_parameter("fileId", "a File ID"));
        }
        let value = |name| request.query(name).filter(|value| !value.is_empty());
        Ok(Self {
            file_id,
            connection_ids: ["senderConnectionId", "receiverConnectionId"].map(value),
            secondary_accounts: ["senderSecondaryAccount", "receiverSecondaryAccount"].map(value),
        })
    }

    fn matches(&self, line: &RelayLog) -> bool {
        let sides = [&line.sender, &line.receiver];
        let same_id =
            |(wanted, side): (&Option<&str>, &RelaySide)| wanted.is_none_or(|id| side.connection_id == id);
        let same_account = |(wanted, side): (&Option<&str>, &RelaySide)| {
            wanted.is_none_or(|account| side.secondary_account.as_deref() == Some(account))
        };
        self.file_id.is_none_or(|id| line.file_id == id)
            && self.connection_ids.iter().zip(sides).all(same_id)
            && self.secondary_accounts.iter().zip(sides).all(same_account)
    }
}

/// A line on the wire. Sizes and the rate are strings (section 7).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    status: &'static str,
    start_time: String,
    end_time: String,
    sender_connection_id: &'a str,
    sender_agent_id: &'a str,
    sender_host_name: &'a str,
    receiver_connection_id: &'a str,
    receiver_agent_id: &'a str,
    receiver_host_name: &'a str,
    file_id: &'a str,
    file_name: &'a str,
    processing_id: &'a str,
    data_size: String,
    data_size_on_route: String,
    transfer_rate: String,
    sender_client_type: ClientType,
    receiver_client_type: ClientType,
    sender_secondary_account: Option<&'a str>,
    receiver_secondary_account: Option<&'a str>,
}

impl<'a> Wire<'a> {
    fn of(line: &'a RelayLog, zone: Zone) -> Self {
        let RelayLog { sender, receiver, .. } = line;
        Self {
            status: match line.result {
                RelayResult::Normal => "1",
                RelayResult::Error => "2",
            },
            start_time: zone.date_time(line.start_time),
            end_time: zone.date_time(line.end_time),
            sender_connection_id: &sender.connection_id,
            sender_agent_id: &sender.agent_id,
            sender_host_name: &sender.host_name,
            receiver_connection_id: &receiver.connection_id,
            receiver_agent_id: &receiver.agent_id,
            receiver_host_name: &receiver.host_name,
            file_id: &line.file_id,
            file_name: &line.file_name,
            processing_id: &line.processing_id,
            data_size: line.data_size.to_string(),
            data_size_on_route: line.data_size_on_route.to_string(),
            transfer_rate: rate(line).to_string(),
            sender_client_type: sender.client_type,
            receiver_client_type: receiver.client_type,
            sender_secondary_account: sender.secondary_account.as_deref(),
            receiver_secondary_account: receiver.secondary_account.as_deref(),
        }
    }
}

/// The transfer rate in bytes per second on the network. A transfer without a duration counts as one millisecond, the
/// smallest duration that the log shows.
fn rate(line: &RelayLog) -> u128 {
    let milliseconds = line.end_time.duration_since(line.start_time).unwrap_or_default().as_millis().max(1);
    u128::from(line.data_size_on_route) * 1_000 / milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_line_is_dropped_at_the_limit() {
        let mut logs = RelayLogs::default();
        logs.generate(MAX_LINES + 1);
        assert_eq!(logs.lines.len(), MAX_LINES);
        let second = SystemTime::UNIX_EPOCH + FIRST_GENERATED + INTERVAL;
        assert_eq!(logs.lines[0], generated(1, second));
    }

    #[test]
    fn a_rate_is_in_bytes_per_second() {
        let line = RelayLog::default();
        let of = |milliseconds, size| {
            let end_time = line.start_time + Duration::from_millis(milliseconds);
            rate(&RelayLog { end_time, data_size_on_route: size, ..line.clone() })
        };
        assert_eq!((of(1000, 60), of(500, 60), of(0, 60), of(2000, 0)), (60, 120, 60_000, 0));
    }
}
