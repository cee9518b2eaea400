//! The webhook handler behind axum, called by the emulator for clients that come and go: three programs' views of the same
//! events, of which the handler and the emulator share no code.

use async_trait::async_trait;
use axum::Router;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::webpubsub::{ClientToken, EventHandlerSettings, SystemEvent};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use webpubsub::client::{Data, Event, Events};
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, ConnectionState, Context, Disconnected, EventHandler, HandlerError,
    Result, UserEvent, UserEventResponse, Webhook, WebhookBuilder,
};
use webpubsub::{Client, ErrorKind, Role, ServiceClient};

const EVERY: [SystemEvent; 5] = [
    SystemEvent::Connect,
    SystemEvent::Connected,
    SystemEvent::Disconnected,
    SystemEvent::GroupJoined,
    SystemEvent::GroupLeft,
];

/// What is seen when ann is let in.
const ENTERING: [&str; 3] =
    ["connect of ann at 0", "connected of guest ann at 1", "joined lobby of guest ann at 1"];

/// Lets users in who are not banned, under another name, and counts in the state what each connection says.
struct Hall(mpsc::UnboundedSender<String>);

impl Hall {
    fn saw(&self, context: &Context, what: &str) {
        assert!(context.is_verified());
        let count = context.state().map_or(Ok(0), ConnectionState::decode::<u32>).unwrap();
        self.0.send(format!("{what} of {} at {count}", context.user_id().unwrap_or("anonymous"))).unwrap();
    }
}

#[async_trait]
impl EventHandler for Hall {
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Result<ConnectResponse> {
        self.saw(context, "connect");
        let user = context.user_id().ok_or_else(|| HandlerError::unauthorized("sign in first"))?;
        if request.query.get("door") == ["back"] {
            return Err(HandlerError::new(StatusCode::FORBIDDEN, "not by this door"));
        }
        let accepted = ConnectResponse::accept()
            .user_id(format!("guest {user}"))
            .groups(["lobby"])
            .roles([Role::send_to_group("lobby")])
            .state(ConnectionState::json(&1)?);
        Ok(match request.subprotocols.iter().find(|name| name.starts_with("hall.")) {
            Some(ours) => accepted.subprotocol(ours),
            None => accepted,
        })
    }

    async fn connected(&self, context: &Context) -> Result {
        self.saw(context, "connected");
        Ok(())
    }

    async fn disconnected(&self, context: &Context, event: Disconnected) -> Result {
        self.saw(context, &format!("disconnected ({})", event.reason));
        Ok(())
    }

    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        self.saw(context, event.name());
        let count = context.state().map_or(Ok(0), ConnectionState::decode::<u32>)?;
        let response = match event.name() {
            "order" => {
                UserEventResponse::json(&json!({ "id": event.json::<Value>()?["id"], "count": count }))?
            }
            "message" => UserEventResponse::text(event.text().unwrap_or_default().to_uppercase()),
            _ => return Err(HandlerError::bad_request("no such event")),
        };
        Ok(response.state(ConnectionState::json(&(count + 1))?))
    }

    async fn group_joined(&self, context: &Context, group: &str) -> Result {
        self.saw(context, &format!("joined {group}"));
        Ok(())
    }

    async fn group_left(&self, context: &Context, group: &str) -> Result {
        self.saw(context, &format!("left {group}"));
        Ok(())
    }
}

/// The emulator, whose hub `chat` has the webhook as its event handler, and what the webhook sees.
struct Stage {
    emulator: Emulator,
    seen: mpsc::UnboundedReceiver<String>,
}

impl Stage {
    /// With the emulator's own key.
    async fn start() -> Self {
        Self::with(|webhook, emulator| webhook.access_key(emulator.webpubsub().access_key())).await
    }

    async fn with(finish: impl FnOnce(WebhookBuilder, &Emulator) -> WebhookBuilder) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let webhook = finish(Webhook::builder("Chat", Hall(sender)), &emulator).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/{{hub}}/{{event}}", listener.local_addr().unwrap());
        let app = Router::new().route_service("/chat/{event}", webhook);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let settings = EventHandlerSettings::new(url).system_events(EVERY);
        emulator.webpubsub().event_handler("chat", settings).unwrap();
        Self { emulator, seen }
    }

    fn url(&self, user: Option<&str>) -> String {
        let token = user.map_or_else(ClientToken::new, |user| ClientToken::new().user(user));
        self.emulator.webpubsub().client_access_url("chat", &token)
    }

    async fn enter(&self, user: &str) -> (Client, Events) {
        let client = Client::builder(self.url(Some(user))).connect().await.unwrap();
        let events = client.events();
        (client, events)
    }

    /// Status and text of the rejection.
    async fn rejection(&self, url: String) -> (u16, String) {
        let error = Client::builder(url).connect().await.unwrap_err();
        (error.status().unwrap().as_u16(), String::from_utf8(error.body().to_vec()).unwrap())
    }

    async fn sees(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.seen.recv().await.unwrap(), *expected);
        }
    }
}

#[tokio::test]
async fn who_is_accepted_has_the_name_the_groups_and_the_roles_that_the_handler_gave() {
    let mut stage = Stage::start().await;
    let (client, mut events) = stage.enter("ann").await;
    let Some(Event::Connected(connected)) = events.next().await else { panic!("not connected") };
    assert_eq!(connected.user_id.as_deref(), Some("guest ann"));
    stage.sees(&ENTERING).await;
    assert_eq!(stage.emulator.webpubsub().connections("chat")[0].groups, ["lobby"]);
    client.send_to_group("lobby", "hello").await.unwrap();
    let Some(Event::GroupMessage(message)) = events.next().await else { panic!("no message") };
    assert_eq!(message.from_user_id.as_deref(), Some("guest ann"));
    let error = client.join_group("elsewhere").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("Forbidden")));
}

#[tokio::test]
async fn a_rejected_client_receives_the_handlers_status_and_text() {
    let mut stage = Stage::start().await;
    assert_eq!(stage.rejection(stage.url(None)).await, (401, "sign in first".to_owned()));
    stage.sees(&["connect of anonymous at 0"]).await;
    let by_the_back = stage.url(Some("ann")) + "&door=back";
    assert_eq!(stage.rejection(by_the_back).await, (403, "not by this door".to_owned()));
    stage.sees(&["connect of ann at 0"]).await;
    assert!(stage.emulator.webpubsub().connections("chat").is_empty());
    assert!(stage.seen.try_recv().is_err(), "no event is sent for a client that was rejected");
}

#[tokio::test]
async fn the_handler_chooses_a_subprotocol_of_its_own_and_hears_plain_frames() {
    let mut stage = Stage::start().await;
    let mut request = stage.url(Some("ann")).into_client_request().unwrap();
    let offered = "json.webpubsub.azure.v1, hall.v2".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered);
    let stream = TcpStream::connect(stage.emulator.address()).await.unwrap();
    let (mut socket, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "hall.v2");
    stage.sees(&ENTERING).await;
    socket.send("hello".into()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "HELLO");
    stage.sees(&["message of guest ann at 1"]).await;
}

#[tokio::test]
async fn an_event_is_acknowledged_after_its_handler_whose_response_reaches_the_client_with_the_state_kept() {
    let mut stage = Stage::start().await;
    let (client, mut events) = stage.enter("ann").await;
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    stage.sees(&ENTERING).await;
    for count in 1..4 {
        client.send_event("order", Data::json(&json!({ "id": 7 })).unwrap()).await.unwrap();
        // Before the ack, and so before this line.
        assert_eq!(stage.seen.try_recv().unwrap(), format!("order of guest ann at {count}"));
        let Some(Event::ServerMessage(message)) = events.next().await else { panic!("no response") };
        assert_eq!(json_of(&message.data), json!({ "id": 7, "count": count }));
    }
    client.close().await;
    stage.sees(&["disconnected (Normal) of guest ann at 4"]).await;
}

#[tokio::test]
async fn an_event_that_the_handler_rejects_is_an_error_of_its_sender_whose_connection_stays_open() {
    let mut stage = Stage::start().await;
    let (client, mut events) = stage.enter("ann").await;
    let error = client.send_event("unheard-of", "x").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("InternalServerError")));
    stage.sees(&ENTERING).await;
    stage.sees(&["unheard-of of guest ann at 1"]).await;
    client.send_event("order", Data::json(&json!({ "id": 7 })).unwrap()).await.unwrap();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    assert!(matches!(events.next().await, Some(Event::ServerMessage(_))));
}

#[tokio::test]
async fn groups_and_the_end_of_a_connection_are_told_in_their_order() {
    let mut stage = Stage::start().await;
    let (_client, mut events) = stage.enter("ann").await;
    let Some(Event::Connected(connected)) = events.next().await else { panic!("not connected") };
    stage.sees(&ENTERING).await;
    let service =
        ServiceClient::from_connection_string(&stage.emulator.webpubsub().connection_string(), "chat");
    let service = service.unwrap();
    service.group("table").add_connection(&connected.connection_id).await.unwrap();
    service.group("table").remove_connection(&connected.connection_id).await.unwrap();
    service.connection(&connected.connection_id).close().reason("closing time").await.unwrap();
    for event in ["joined table", "left table", "disconnected (closing time)"] {
        stage.sees(&[&format!("{event} of guest ann at 1")]).await;
    }
}

#[tokio::test]
async fn a_webhook_with_another_key_takes_nothing_and_one_with_either_key_takes_all() {
    let mut stage = Stage::with(|webhook, _| webhook.access_key("of another resource")).await;
    let (status, text) = stage.rejection(stage.url(Some("ann"))).await;
    assert_eq!((status, text.as_str()), (401, "ce-signature matches none of the access keys"));
    assert!(stage.seen.try_recv().is_err(), "the handler is not asked");
    let secondary =
        Stage::with(|webhook, emulator| webhook.access_key(emulator.webpubsub().secondary_access_key()));
    let mut stage = secondary.await;
    let (_client, _events) = stage.enter("ann").await;
    stage.sees(&["connect of ann at 0"]).await;
}

#[tokio::test]
async fn a_webhook_that_names_another_origin_fails_its_check_and_gets_no_event() {
    let with_origin = |origin: &'static str| {
        Stage::with(move |webhook, emulator| {
            webhook.access_key(emulator.webpubsub().access_key()).allowed_origin(origin)
        })
    };
    let mut stage = with_origin("name.webpubsub.azure.com").await;
    assert_eq!(stage.rejection(stage.url(Some("ann"))).await.0, 502);
    assert!(stage.seen.try_recv().is_err(), "the handler is not asked");
    let mut stage = with_origin("127.0.0.1").await;
    let (_client, _events) = stage.enter("ann").await;
    stage.sees(&["connect of ann at 0"]).await;
}

fn json_of(data: &Data) -> Value {
    let Data::Json(json) = data else { panic!("not JSON: {data:?}") };
    json.parse().unwrap()
}
