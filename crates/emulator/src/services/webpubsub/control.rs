//! Operations of the control API on hubs and their sockets.

use serde_json::{Value, json};

use crate::config::webpubsub::Hub;
use crate::control::{Call, Outcome, Problem, Route, json as response, no_content};
use crate::webpubsub::{ConnectionInfo, EventHandlerSettings, HubSettings, UserEvents};

pub(super) const ROUTES: &[Route] = &[
    Route("GET", "webpubsub/hubs", hubs),
    Route("PUT", "webpubsub/hubs/{hub}", declare),
    Route("DELETE", "webpubsub/hubs/{hub}", remove),
    Route("GET", "webpubsub/hubs/{hub}/connections", connections),
    Route("POST", "webpubsub/hubs/{hub}/connections/{connection}/drop", drop_socket),
    Route("POST", "webpubsub/hubs/{hub}/connections/{connection}/stall", stall_socket),
];

/// The settings of hubs, and the names of hubs that have connections.
fn hubs(call: &Call<'_>) -> Outcome {
    let service = call.emulator.webpubsub();
    let settings: Vec<_> = service.hub_settings().iter().map(shown).collect();
    let connected: Vec<_> = service
        .hubs()
        .into_iter()
        .map(|name| json!({ "connections": service.connections(&name).len(), "name": name }))
        .collect();
    Ok(response(&json!({ "hubs": settings, "connected": connected })))
}

/// The body is a hub of the settings file without its name.
fn declare(call: &Call<'_>) -> Outcome {
    let hub: Hub = call.named_body(call.value("hub"))?;
    hub.declare(&call.emulator.webpubsub()).map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(no_content())
}

fn remove(call: &Call<'_>) -> Outcome {
    let hub = call.value("hub");
    if call.emulator.webpubsub().remove_hub_settings(hub) {
        Ok(no_content())
    } else {
        Err(Problem::not_found("hub with settings", hub))
    }
}

fn connections(call: &Call<'_>) -> Outcome {
    let connections = call.emulator.webpubsub().connections(call.value("hub"));
    let connections: Vec<_> = connections.iter().map(connection).collect();
    Ok(response(&json!({ "connections": connections })))
}

fn drop_socket(call: &Call<'_>) -> Outcome {
    let (hub, connection) = (call.value("hub"), call.value("connection"));
    lost(call.emulator.webpubsub().drop_socket(hub, connection), connection)
}

fn stall_socket(call: &Call<'_>) -> Outcome {
    let (hub, connection) = (call.value("hub"), call.value("connection"));
    lost(call.emulator.webpubsub().stall_socket(hub, connection), connection)
}

fn lost(done: bool, connection: &str) -> Outcome {
    if done { Ok(no_content()) } else { Err(Problem::not_found("open socket of the connection", connection)) }
}

fn connection(info: &ConnectionInfo) -> Value {
    json!({
        "connection_id": info.connection_id,
        "user_id": info.user_id,
        "groups": info.groups,
        "online": info.online,
        "subprotocol": info.subprotocol,
    })
}

fn shown(hub: &HubSettings) -> Value {
    let handlers: Vec<_> = hub.event_handlers.iter().map(handler).collect();
    json!({ "name": hub.name, "allow_anonymous": hub.allow_anonymous, "event_handlers": handlers })
}

fn handler(settings: &EventHandlerSettings) -> Value {
    let (url, system, user) = settings.shown();
    let system: Vec<_> = system.iter().map(|event| event.setting()).collect();
    let user = match user {
        UserEvents::All => json!("all"),
        UserEvents::None => json!("none"),
        UserEvents::Only(names) => json!(names),
    };
    json!({ "url": url, "system_events": system, "user_events": user })
}
