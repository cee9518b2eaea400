//! The payloads of the last sends and publishes, which are shown only if the setting allows it.

use super::filter::Filter;
use crate::server::{Received, Shared};

const MAX_ROWS: usize = 20;
/// In characters.
const MAX_TEXT: usize = 500;

/// A payload, and where it was sent.
pub(super) struct Payload {
    pub(super) target: String,
    pub(super) text: String,
}

/// The last payloads, newest first. Other requests are left out: their bodies may contain passwords.
pub(super) fn last(shared: &Shared, filter: &Filter) -> Vec<Payload> {
    let requests = shared.log.all();
    let payloads = requests.iter().rev().filter_map(payload);
    payloads.filter(|payload| filter.shows([payload.target.as_str(), &payload.text])).take(MAX_ROWS).collect()
}

fn payload(request: &Received) -> Option<Payload> {
    let target = request.target.split('?').next().unwrap_or_default();
    if !target.ends_with(":send") && !target.ends_with(":publish") {
        return None;
    }
    let text = match std::str::from_utf8(&request.body) {
        Ok(text) => text.chars().take(MAX_TEXT).collect(),
        Err(_) => format!("{} bytes that are no text", request.body.len()),
    };
    Some(Payload { target: target.to_owned(), text })
}
