//! The log of denied accesses, newest first.

use std::time::SystemTime;

use serde::Serialize;

use super::State;
use super::call::Call;
use super::errors::Rejection;
use super::paging::Page;
use super::zones::Zone;
use crate::message::Response;

/// Says which kind of access was denied, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A login to the Data Transfer Site was denied.
    Login {
        /// The mail address of the account that tried to log in.
        account: String,
    },
    /// A connection to the service was denied.
    Connection {
        /// The Connection IDs that were used.
        connection_ids: Vec<String>,
        /// The Agent ID that was used.
        agent_id: String,
    },
}

/// Describes a denied access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDenial {
    /// The access that was denied.
    pub denied: Denied,
    /// The time at which the access was denied.
    pub accessed_at: SystemTime,
    /// The type of connection that was attempted. The vendor does not list the values.
    pub connection_type: String,
    /// The IP address from which the client connected.
    pub source_ip: String,
    /// The host name that the client connected to.
    pub destination_endpoint: String,
    /// The user agent that the client sent.
    pub user_agent: String,
    /// The reason why the access was denied. The vendor does not list the values.
    pub denial_reason: String,
}

/// Handles GET `/access-denial/log`.
pub(super) fn list(state: &mut State, call: &Call<'_>) -> Result<Response, Rejection> {
    let page = Page::read(call.request)?;
    let rows = state.access_denials.iter();
    let mut rows: Vec<_> = rows.filter(|row| page.covers(row.accessed_at, state.includes_to)).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.accessed_at));
    page.response("accessDenialLogs", rows.into_iter(), |row| Wire::of(row, page.zone))
}

/// Unset members are null, as in the vendor's example.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    login_account: Option<&'a str>,
    accessed_at: String,
    connection_type: &'a str,
    source_ip: &'a str,
    destination_endpoint: &'a str,
    connection_id: Option<&'a [String]>,
    agent_id: Option<&'a str>,
    user_agent: &'a str,
    denial_reason: &'a str,
}

impl<'a> Wire<'a> {
    fn of(row: &'a AccessDenial, zone: Zone) -> Self {
        let (login_account, connection_id, agent_id) = match &row.denied {
            Denied::Login { account } => (Some(account.as_str()), None, None),
            Denied::Connection { connection_ids, agent_id } => {
                (None, Some(connection_ids.as_slice()), Some(agent_id.as_str()))
            }
        };
        Self {
            login_account,
            accessed_at: zone.date_time(row.accessed_at),
            connection_type: &row.connection_type,
            source_ip: &row.source_ip,
            destination_endpoint: &row.destination_endpoint,
            connection_id,
            agent_id,
            user_agent: &row.user_agent,
            denial_reason: &row.denial_reason,
        }
    }
}
