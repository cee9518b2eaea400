//! Browser transfer settings on the wire: the members of both kinds, without those of the other kind.

use serde::Serialize;

use super::{Browser, Host, Kind, Setting};

/// The vendor's fixed host name for the browser.
const HOST_NAME: &str = "HWC-BROWSER";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    browser_to_hulft_definition_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_to_browser_definition_id: Option<&'a str>,
    description: &'a str,
    file_id: &'a str,
    memo: &'a str,
    browser: WireBrowser<'a>,
    hulft: WireHost<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireBrowser<'a> {
    connection_id: &'a str,
    agent_id: &'a str,
    host_name: &'static str,
    /// A string, not a boolean (section 7).
    #[serde(skip_serializing_if = "Option::is_none")]
    use_receive_file_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receive_file_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireHost<'a> {
    connection_id: &'a str,
    agent_id: &'a str,
    host_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_receiving_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hulft_request_acknowledge_port: Option<u16>,
    msg0: &'a str,
    msg1: &'a str,
    msg2: &'a str,
    msg3: &'a str,
    msg4: &'a str,
    msg5: &'a str,
    msgl0: &'a str,
    msgl1: &'a str,
}

impl<'a> Wire<'a> {
    pub(super) fn of(kind: &Kind, row: &'a Setting) -> Self {
        let id = row.id.as_str();
        Self {
            browser_to_hulft_definition_id: (!kind.is_request).then_some(id),
            hulft_to_browser_definition_id: kind.is_request.then_some(id),
            description: &row.description,
            file_id: &row.file_id,
            memo: &row.memo,
            browser: WireBrowser::of(kind, &row.browser),
            hulft: WireHost::of(kind, &row.hulft),
        }
    }
}

impl<'a> WireBrowser<'a> {
    fn of(kind: &Kind, browser: &'a Browser) -> Self {
        let switch = if browser.uses_receive_file_name { "true" } else { "false" };
        Self {
            connection_id: &browser.connection_id,
            agent_id: &browser.agent_id,
            host_name: HOST_NAME,
            use_receive_file_name: kind.is_request.then_some(switch),
            receive_file_name: kind.is_request.then_some(&browser.receive_file_name),
        }
    }
}

impl<'a> WireHost<'a> {
    fn of(kind: &Kind, host: &'a Host) -> Self {
        let [msg0, msg1, msg2, msg3, msg4, msg5, msgl0, msgl1] = host.messages.each_ref().map(String::as_str);
        Self {
            connection_id: &host.connection_id,
            agent_id: &host.agent_id,
            host_name: &host.host_name,
            hulft_receiving_port: (!kind.is_request).then_some(host.port),
            hulft_request_acknowledge_port: kind.is_request.then_some(host.port),
            msg0,
            msg1,
            msg2,
            msg3,
            msg4,
            msg5,
            msgl0,
            msgl1,
        }
    }
}

/// A setting in a group or a previous secondary account.
#[derive(Serialize)]
pub(in crate::hulft) struct Link<'a> {
    id: &'a str,
    /// Null if it is blank.
    description: Option<&'a str>,
}

impl<'a> Link<'a> {
    pub(super) fn new(id: &'a str, description: Option<&'a str>) -> Self {
        Self { id, description: description.filter(|text| !text.is_empty()) }
    }
}
