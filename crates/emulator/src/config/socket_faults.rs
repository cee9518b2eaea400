//! Faults of open WebSockets in a configuration file.

use std::time::Duration;

use serde::Deserialize;

use crate::config::rules::count;
use crate::faults::{self, FaultId, Faults, SocketFault};

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Table")]
pub(crate) struct WebSocketFault(SocketFault);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: Kind,
    delay_ms: Option<u64>,
    nack: Option<StreamNack>,
    #[serde(default, deserialize_with = "count")]
    at_received: Option<u32>,
    at_received_bytes: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    after_sent: Option<u32>,
    after_sent_bytes: Option<u64>,
    #[serde(default)]
    after_processing: bool,
    hub: Option<String>,
    connection: Option<String>,
    #[serde(default, deserialize_with = "count")]
    nth: Option<u32>,
    #[serde(default, deserialize_with = "count")]
    times: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Drop,
    HalfOpen,
    DelayAck,
    LoseAck,
    IgnoreSequenceAck,
    RejectRecovery,
    LoseStreamAck,
    NackStreamData,
    DelayInvokeResponse,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StreamNack {
    InvalidSequenceId,
    TransientError,
}

impl WebSocketFault {
    pub(crate) fn arrange(&self, faults: &Faults) -> FaultId {
        faults.push_socket(self.0.clone())
    }
}

impl TryFrom<Table> for WebSocketFault {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, &'static str> {
        table.check_bytes()?;
        let counts_frames = matches!(table.kind, Kind::Drop | Kind::HalfOpen);
        if !counts_frames
            && (table.at_received.is_some() || table.after_sent.is_some() || table.after_processing)
        {
            return Err(
                "`at_received`, `after_sent`, and `after_processing` require the kind \"drop\" or \"half_open\"",
            );
        }
        if table.at_received.is_some() && table.after_sent.is_some() {
            return Err("`at_received` and `after_sent` cannot be combined");
        }
        if table.after_processing && table.after_sent.is_some() {
            return Err(
                "`after_processing` concerns a received frame and cannot be combined with `after_sent`",
            );
        }
        if !matches!(table.kind, Kind::DelayAck | Kind::DelayInvokeResponse) && table.delay_ms.is_some() {
            return Err("`delay_ms` requires `kind = \"delay_ack\"` or `\"delay_invoke_response\"`");
        }
        if table.kind != Kind::NackStreamData && table.nack.is_some() {
            return Err("`nack` requires `kind = \"nack_stream_data\"`");
        }
        Ok(Self(table.filtered(table.fault()?)))
    }
}

impl Table {
    fn check_bytes(&self) -> Result<(), &'static str> {
        if self.at_received_bytes.is_none() && self.after_sent_bytes.is_none() {
            return Ok(());
        }
        if self.kind != Kind::Drop {
            return Err("`at_received_bytes` and `after_sent_bytes` require the kind \"drop\"");
        }
        let counts = [
            self.at_received.is_some(),
            self.after_sent.is_some(),
            self.after_processing,
            self.after_sent_bytes.is_some(),
        ];
        if counts.iter().filter(|set| **set).count() > usize::from(self.at_received_bytes.is_none()) {
            return Err(
                "`at_received_bytes` and `after_sent_bytes` cannot be combined with one another, with \
                        `at_received`, `after_sent`, or `after_processing`",
            );
        }
        Ok(())
    }

    fn fault(&self) -> Result<SocketFault, &'static str> {
        let fault = match self.kind {
            Kind::Drop => SocketFault::drop_connection(),
            Kind::HalfOpen => SocketFault::half_open(),
            Kind::DelayAck => SocketFault::delay_ack(self.delay()?),
            Kind::DelayInvokeResponse => SocketFault::delay_invoke_response(self.delay()?),
            Kind::LoseAck => SocketFault::lose_ack(),
            Kind::IgnoreSequenceAck => SocketFault::ignore_sequence_ack(),
            Kind::RejectRecovery => SocketFault::reject_recovery(),
            Kind::LoseStreamAck => SocketFault::lose_stream_ack(),
            Kind::NackStreamData => {
                let nack = self.nack.ok_or("`kind = \"nack_stream_data\"` requires `nack`")?;
                SocketFault::nack_stream_data(nack.into())
            }
        };
        let fault = match (self.at_received_bytes, self.after_sent_bytes) {
            (Some(bytes), _) => fault.at_received_bytes(bytes),
            (_, Some(bytes)) => fault.after_sent_bytes(bytes),
            _ => fault,
        };
        Ok(match (self.at_received, self.after_sent) {
            (Some(frames), _) => fault.at_received(frames),
            (_, Some(frames)) => fault.after_sent(frames),
            _ => fault,
        })
    }

    fn delay(&self) -> Result<Duration, &'static str> {
        self.delay_ms.map(Duration::from_millis).ok_or("this kind of fault requires `delay_ms`")
    }

    /// Limits the fault to the sockets that the table selects.
    fn filtered(&self, mut fault: SocketFault) -> SocketFault {
        if self.after_processing {
            fault = fault.after_processing();
        }
        if let Some(hub) = &self.hub {
            fault = fault.hub(hub);
        }
        if let Some(connection) = &self.connection {
            fault = fault.connection(connection);
        }
        if let Some(nth) = self.nth {
            fault = fault.nth(nth);
        }
        fault.times(self.times.unwrap_or(1))
    }
}

impl From<StreamNack> for faults::StreamNack {
    fn from(name: StreamNack) -> Self {
        match name {
            StreamNack::InvalidSequenceId => Self::InvalidSequenceId,
            StreamNack::TransientError => Self::TransientError,
        }
    }
}
