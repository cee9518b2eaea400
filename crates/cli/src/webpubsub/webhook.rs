//! `webpubsub webhook`: receives the events of a hub, prints them, and responds.

use std::net::SocketAddr;

use async_trait::async_trait;
use clap::Args;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, Context, Disconnected, EventHandler, HandlerError, Result as Handled,
    UserEvent, UserEventResponse, Webhook as Service,
};

use super::{Hub, shown};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::settings;

pub(super) const HELP: &str = "\
Serves the webhook on every path. Verifies the signatures of the events with the access keys of the connection string. The
service reaches a webhook on this machine only through a tunnel; the emulator reaches it directly. Ctrl-C ends the program.

Each JSON line has the members `event` (such as `connect` or `user`), `hub`, `connection`, `user`, and those of its event:
`name`, `kind`, `data`, and `metadata` of user events, `group`, and `reason`.

Examples:
  hubgrid wps webhook --hub chat
  hubgrid wps webhook --hub chat --listen 127.0.0.1:7071 --respond 'got it'
  hubgrid wps webhook --hub chat --reject 'closed for maintenance'";

/// The options of `webhook`.
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    #[command(flatten)]
    hub: Hub,
    /// Address and port to listen on. Port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Respond to user events with this text. Without it, the response is empty.
    #[arg(long, value_name = "TEXT")]
    respond: Option<String>,
    /// Reject clients that connect, with 401 and this text.
    #[arg(long, value_name = "TEXT")]
    reject: Option<String>,
    /// End after this number of events.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Sends a description of each event to the task that prints.
struct Printer {
    events: UnboundedSender<Value>,
    respond: Option<String>,
    reject: Option<String>,
}

impl Printer {
    /// Reports an event, with the members that only this kind of event has.
    fn report(&self, event: &str, context: &Context, members: Value) {
        let mut value = json!({
            "event": event, "hub": context.hub(), "connection": context.connection_id(), "user": context.user_id(),
        });
        if let (Value::Object(value), Value::Object(members)) = (&mut value, members) {
            value.extend(members);
        }
        // Fails only when the program ends.
        let _ = self.events.send(value);
    }
}

#[async_trait]
impl EventHandler for Printer {
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Handled<ConnectResponse> {
        self.report("connect", context, json!({ "subprotocols": request.subprotocols }));
        match &self.reject {
            Some(text) => Err(HandlerError::unauthorized(text.as_str())),
            None => Ok(ConnectResponse::accept()),
        }
    }

    async fn connected(&self, context: &Context) -> Handled<()> {
        self.report("connected", context, Value::Null);
        Ok(())
    }

    async fn disconnected(&self, context: &Context, event: Disconnected) -> Handled<()> {
        self.report("disconnected", context, json!({ "reason": event.reason }));
        Ok(())
    }

    async fn user_event(&self, context: &Context, event: UserEvent) -> Handled<UserEventResponse> {
        let (kind, data) = shown::pushed(event.data());
        let metadata = shown::metadata(Some(&event.metadata()));
        let members = json!({ "name": event.name(), "kind": kind, "data": data, "metadata": metadata });
        self.report("user", context, members);
        Ok(self.respond.as_ref().map_or_else(UserEventResponse::none, UserEventResponse::text))
    }

    async fn group_joined(&self, context: &Context, group: &str) -> Handled<()> {
        self.report("group joined", context, json!({ "group": group }));
        Ok(())
    }

    async fn group_left(&self, context: &Context, group: &str) -> Handled<()> {
        self.report("group left", context, json!({ "group": group }));
        Ok(())
    }
}

impl Webhook {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        settings::get()
            .require_key("a webhook verifies signatures with the access keys of the connection string")?;
        output.live();
        let interrupt = Interrupt::listen_while_read()?;
        let (events, mut received) = unbounded_channel();
        let printer = Printer { events, respond: self.respond, reject: self.reject };
        let service = Service::builder_from_env(&self.hub.hub, printer)?.build()?;
        let address = self.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| Failure::Failed(format!("could not listen on {address}: {error}")))?;
        shown::notice(&format!("listening for events on http://{}/", listener.local_addr()?));
        tokio::spawn(serve(listener, service));
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(Some(event)) = interrupt.or(received.recv()).await else { return Ok(()) };
            output.record(&event, || line(&event))?;
            left -= 1;
        }
        Ok(())
    }
}

/// Serves connections until the program ends.
async fn serve(listener: TcpListener, service: Service) {
    loop {
        // Fails for a connection that was reset before it was accepted, and if file descriptors are used up.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let mut server = http1::Builder::new();
            // Without a timer, a client could send its request head as slowly as it likes.
            let connection = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            let _ = connection.await;
        });
    }
}

/// Describes an event for people.
fn line(event: &Value) -> String {
    let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    let mut line = format!("{} connection {}, user {}", text("event"), text("connection"), text("user"));
    for name in ["name", "group", "reason"] {
        if event[name].is_string() {
            line += &format!(", {name} {}", text(name));
        }
    }
    if !event["data"].is_null() {
        line += &format!(": {}", shown::message(&event["data"], &event["metadata"]));
    }
    line
}
