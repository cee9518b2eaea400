//! Applies a body to a browser transfer setting. A registration must contain every member that has no default. A change
//! keeps the members that it does not contain, even in nested objects (section 4.5.2).

use super::{Browser, Host, Kind, Setting};
use crate::hulft::body::{Body, required};
use crate::hulft::errors::Rejection;
use crate::hulft::rules::{CONNECTION_ID, FILE_ID, HOST, LONG_MESSAGE, MESSAGE, NOTE, Rule};

const MESSAGES: [(&str, &Rule); 8] = [
    ("msg0", &MESSAGE),
    ("msg1", &MESSAGE),
    ("msg2", &MESSAGE),
    ("msg3", &MESSAGE),
    ("msg4", &MESSAGE),
    ("msg5", &MESSAGE),
    ("msgl0", &LONG_MESSAGE),
    ("msgl1", &LONG_MESSAGE),
];

impl Setting {
    /// A new setting needs every member that has no default.
    pub(super) fn change(&mut self, kind: &Kind, mut body: Body, is_new: bool) -> Result<(), Rejection> {
        set(&mut self.description, body.text("description", &NOTE)?);
        set(&mut self.file_id, needed(body.text("fileId", &FILE_ID)?, "fileId", is_new)?);
        set(&mut self.memo, body.text("memo", &NOTE)?);
        if let Some(browser) = needed(body.object("browser")?, "browser", is_new)? {
            self.browser.change(kind, browser, is_new)?;
        }
        if let Some(hulft) = needed(body.object("hulft")?, "hulft", is_new)? {
            self.hulft.change(kind, hulft, is_new)?;
        }
        body.finish()
    }
}

impl Browser {
    fn change(&mut self, kind: &Kind, mut body: Body, is_new: bool) -> Result<(), Rejection> {
        let connection_id = body.text("connectionId", &CONNECTION_ID)?;
        set(&mut self.connection_id, needed(connection_id, "browser.connectionId", is_new)?);
        set(&mut self.agent_id, needed(body.text("agentId", &HOST)?, "browser.agentId", is_new)?);
        if kind.is_request {
            let uses = body.switch("useReceiveFileName")?;
            set(&mut self.uses_receive_file_name, needed(uses, "browser.useReceiveFileName", is_new)?);
            set(&mut self.receive_file_name, body.text("receiveFileName", &NOTE)?);
        }
        body.finish()
    }
}

impl Host {
    fn change(&mut self, kind: &Kind, mut body: Body, is_new: bool) -> Result<(), Rejection> {
        let connection_id = body.text("connectionId", &CONNECTION_ID)?;
        set(&mut self.connection_id, needed(connection_id, "hulft.connectionId", is_new)?);
        set(&mut self.agent_id, needed(body.text("agentId", &HOST)?, "hulft.agentId", is_new)?);
        set(&mut self.host_name, needed(body.text("hostName", &HOST)?, "hulft.hostName", is_new)?);
        let port =
            body.integer(kind.port, "an integer of 1 to 65535", |port| (1..=65_535).contains(&port))?;
        set(&mut self.port, port);
        for (place, (name, rule)) in self.messages.iter_mut().zip(MESSAGES) {
            set(place, body.text(name, rule)?);
        }
        body.finish()
    }
}

fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *place = value;
    }
}

fn needed<T>(given: Option<T>, name: &str, is_new: bool) -> Result<Option<T>, Rejection> {
    if is_new { required(given, name).map(Some) } else { Ok(given) }
}
