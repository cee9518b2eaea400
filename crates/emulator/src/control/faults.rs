//! Operations on scheduled faults. A fault is written as in the settings file.

use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Outcome, Problem, json as response, no_content};
use crate::config::{RequestFault, WebSocketFault};
use crate::faults::ScheduledFault;

/// `GET faults`
pub(super) fn list(call: &Call<'_>) -> Outcome {
    let faults: Vec<_> = call.emulator.faults().scheduled().iter().map(described).collect();
    Ok(response(&json!({ "faults": faults })))
}

/// `POST faults`. The member `sockets` decides what the fault affects.
pub(super) fn add(call: &Call<'_>) -> Outcome {
    let mut table: Value = call.body()?;
    let sockets = table.as_object_mut().and_then(|table| table.remove("sockets")).unwrap_or(false.into());
    let sockets = sockets.as_bool().ok_or_else(|| Problem::invalid("`sockets` must be true or false"))?;
    let faults = call.emulator.faults();
    let invalid = |error: serde_json::Error| Problem::invalid(format!("invalid fault: {error}"));
    let id = if sockets {
        serde_json::from_value::<WebSocketFault>(table).map_err(invalid)?.arrange(&faults)
    } else {
        serde_json::from_value::<RequestFault>(table).map_err(invalid)?.arrange(&faults)
    };
    let mut created = response(&json!({ "id": id.to_string() }));
    *created.status_mut() = StatusCode::CREATED;
    Ok(created)
}

/// `DELETE faults`
pub(super) fn clear(call: &Call<'_>) -> Outcome {
    call.emulator.faults().clear();
    Ok(no_content())
}

/// `DELETE faults/{fault}`
pub(super) fn remove(call: &Call<'_>) -> Outcome {
    let text = call.value("fault");
    let removed = text.parse().is_ok_and(|id| call.emulator.faults().remove(id));
    if removed { Ok(no_content()) } else { Err(Problem::not_found("fault", text)) }
}

fn described(fault: &ScheduledFault) -> Value {
    let mut table = fault.settings.clone();
    if let Value::Object(table) = &mut table {
        table.insert("id".to_owned(), fault.id.to_string().into());
        table.insert("sockets".to_owned(), fault.sockets.into());
        if let Some(remaining) = fault.remaining {
            table.insert("times".to_owned(), remaining.into());
        }
    }
    table
}
