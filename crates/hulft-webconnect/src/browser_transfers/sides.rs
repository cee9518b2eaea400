//! The two sides of a transfer as callers name them, and the body of registrations and updates.

use serde::Serialize;

use crate::call::Body;
use crate::lenient::optional_boolean_as_text;
use crate::{Result, rules};

/// Describes the browser in the registration of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSide {
    pub(super) connection_id: String,
    pub(super) agent_id: String,
}

impl BrowserSide {
    /// Creates the browser's side from a registered connection ID and an agent ID of at most 25 characters.
    pub fn new(connection_id: impl Into<String>, agent_id: impl Into<String>) -> Self {
        Self { connection_id: connection_id.into(), agent_id: agent_id.into() }
    }
}

/// Describes the HULFT host in the registration of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HulftSide {
    pub(super) connection_id: String,
    pub(super) agent_id: String,
    pub(super) host_name: String,
}

impl HulftSide {
    /// Creates the host's side from a registered connection ID, the ID of the agent that connects the host (at most 25
    /// characters), and the name of the host.
    pub fn new(
        connection_id: impl Into<String>,
        agent_id: impl Into<String>,
        host_name: impl Into<String>,
    ) -> Self {
        let (connection_id, agent_id) = (connection_id.into(), agent_id.into());
        Self { connection_id, agent_id, host_name: host_name.into() }
    }
}

/// The body of registrations and updates of both directions; each uses its own fields.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) browser_to_hulft_definition_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hulft_to_browser_definition_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) browser: Option<BrowserChanges>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hulft: Option<HulftChanges>,
}

impl Body for Changes {}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrowserChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_boolean_as_text")]
    pub(super) use_receive_file_name: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receive_file_name: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HulftChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hulft_receiving_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hulft_request_acknowledge_port: Option<u16>,
    /// The messages `msg0` to `msg5`, `msgl0` and `msgl1`.
    #[serde(flatten)]
    pub(super) messages: std::collections::BTreeMap<String, String>,
}

impl Changes {
    pub(super) fn for_registration(file_id: String, browser: BrowserSide, hulft: HulftSide) -> Self {
        let browser = BrowserChanges {
            connection_id: Some(browser.connection_id),
            agent_id: Some(browser.agent_id),
            ..BrowserChanges::default()
        };
        let hulft = HulftChanges {
            connection_id: Some(hulft.connection_id),
            agent_id: Some(hulft.agent_id),
            host_name: Some(hulft.host_name),
            ..HulftChanges::default()
        };
        Self { file_id: Some(file_id), browser: Some(browser), hulft: Some(hulft), ..Self::default() }
    }

    pub(super) fn browser(&mut self) -> &mut BrowserChanges {
        self.browser.get_or_insert_default()
    }

    pub(super) fn hulft(&mut self) -> &mut HulftChanges {
        self.hulft.get_or_insert_default()
    }
}

pub(super) fn agent_id(id: &str) -> Result<()> {
    rules::length("agent id", id, 1, 25)
}

/// Checks what a registration requires.
pub(super) fn check_sides(file_id: &str, browser: &BrowserSide, hulft: &HulftSide) -> Result<()> {
    rules::required("file id", file_id)?;
    rules::required("the browser's connection id", &browser.connection_id)?;
    agent_id(&browser.agent_id)?;
    rules::required("the host's connection id", &hulft.connection_id)?;
    agent_id(&hulft.agent_id)?;
    rules::required("host name", &hulft.host_name)
}
