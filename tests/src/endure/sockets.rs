//! The WebSocket clients: publishers and subscribers of all subprotocols, and clients that send events and invocations to the event
//! handler.

use std::future::{IntoFuture, pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use service_core::BoxError;
use tokio::task::JoinSet;
use webpubsub::client::{
    Access, ClientBuilder, Event, Events, GroupEvent, GroupMessage, Protocol, Reconnect, Subscription,
};
use webpubsub::{Client, Credential, Delivery, Error, Role, ServiceClient};

use super::messages::Outcome;
use super::{GROUP, HUB, Phase, Plant, Shared, retry};

/// One publisher for each subprotocol, and one that uses REST.
pub(super) const PUBLISHERS: usize = PROTOCOLS.len() + 1;
/// One subscriber for each subprotocol, and one that subscribes to the group.
pub(super) const SUBSCRIBERS: usize = PROTOCOLS.len() + 1;
const PROTOCOLS: [Protocol; 4] =
    [Protocol::JsonReliable, Protocol::ProtobufReliable, Protocol::Json, Protocol::Protobuf];
/// More connections than this do not fail in a row.
const FIRST_ATTEMPTS: u32 = 100;
const IN_FLIGHT: usize = 16;
/// How often a publisher sends a message, and a client an event.
const INTERVAL: Duration = Duration::from_millis(50);
/// Shorter than the emulator's limit, and longer than what a busy machine needs.
const IDLE: Duration = Duration::from_secs(20);

/// Starts all of them.
pub(super) async fn start(
    shared: &Arc<Shared>,
    parts: &mut JoinSet<Result<(), BoxError>>,
) -> Result<(), BoxError> {
    for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
        let client =
            connect(shared, format!("subscriber{number}"), &[GROUP], protocol, |builder| builder).await?;
        parts.spawn(listen(client.events(), number, Arc::clone(shared)));
    }
    let client =
        connect(shared, "subscription".to_owned(), &[], Protocol::JsonReliable, |builder| builder).await?;
    let (subscription, events) = (attempt(|| client.group(GROUP).subscribe()).await?, client.events());
    parts.spawn(listen_to_group(subscription, PROTOCOLS.len(), Arc::clone(shared)));
    parts.spawn(expect_no_error(events));
    for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
        let user = format!("publisher{number}");
        let client = connect(shared, user, &[], protocol, ClientBuilder::without_events).await?;
        parts.spawn(publish(client, number, Arc::clone(shared)));
    }
    for (number, protocol) in PROTOCOLS.into_iter().enumerate() {
        let user = format!("caller{number}");
        let client = connect(shared, user.clone(), &[], protocol, ClientBuilder::without_events).await?;
        parts.spawn(call(client, user, Arc::clone(shared)));
    }
    Ok(())
}

/// A service client whose requests are cut.
pub(super) fn service(shared: &Shared) -> Result<ServiceClient, BoxError> {
    let key = Credential::access_key(shared.service.webpubsub_key.clone());
    let endpoint = format!("http://{}", shared.requests.address());
    Ok(ServiceClient::builder(&endpoint, HUB, key).clock(shared.clock.clone()).retry(retry()).build()?)
}

/// A client whose connections are cut, with a new token for each new connection.
pub(super) async fn connect(
    shared: &Shared,
    user: String,
    groups: &'static [&'static str],
    protocol: Protocol,
    setting: fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, BoxError> {
    // The token names the host that the client sees.
    let endpoint = format!("http://{}", shared.sockets.address());
    let key = Credential::access_key(shared.service.webpubsub_key.clone());
    let service = ServiceClient::builder(&endpoint, HUB, key).clock(shared.clock.clone()).build()?;
    let access = move || {
        let (service, user) = (service.clone(), user.clone());
        async move {
            let access = service.client_access().user(user).groups(groups.iter().copied());
            let roles = [
                Role::send_to_group(GROUP),
                Role::join_leave_group(GROUP),
                Role::set_group_state(GROUP),
                Role::get_group_state(GROUP),
            ];
            Ok::<_, BoxError>(access.roles(roles).await?.url)
        }
    };
    let reconnect = Reconnect::default()
        .initial_backoff(Duration::from_millis(5))
        .max_backoff(Duration::from_millis(200));
    let mut failure = None;
    for _ in 0..FIRST_ATTEMPTS {
        let builder = Client::builder(Access::from_fn(access.clone())).protocol(protocol);
        let builder = builder.reconnect(reconnect.clone()).clock(shared.clock.clone());
        match setting(builder.keep_alive(IDLE / 4, IDLE)).connect().await {
            Ok(client) => {
                shared.watch.client(&client);
                return Ok(client);
            }
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.map_or_else(|| "a client cannot connect".into(), Into::into))
}

/// Repeats a request until it succeeds, since its connection may be lost.
pub(super) async fn attempt<T, R>(request: impl Fn() -> R) -> Result<T, Error>
where
    R: IntoFuture<Output = Result<T, Error>>,
{
    for _ in 1..FIRST_ATTEMPTS {
        if let Ok(value) = request().await {
            return Ok(value);
        }
    }
    request().await
}

/// What the outcome says about a request. `None` if the service reported a failure.
fn outcome<T>(result: &Result<T, Error>) -> Option<Outcome> {
    match result {
        Ok(_) => Some(Outcome::Acknowledged),
        Err(error) if error.outcome_unknown() => Some(Outcome::Unknown),
        Err(error) if error.delivery() == Some(Delivery::NotSent) => Some(Outcome::NotSent),
        Err(_) => None,
    }
}

type Sending = BoxFuture<'static, Result<(), Error>>;

/// Publishes numbers, several at a time, until everything is settled.
async fn publish(client: Client, publisher: usize, shared: Arc<Shared>) -> Result<(), BoxError> {
    let mut in_flight = FuturesUnordered::new();
    while !shared.is(Phase::Over) {
        while in_flight.len() >= IN_FLIGHT {
            record(in_flight.next().await, publisher, &shared)?;
        }
        let number = shared.messages.sending(publisher);
        let text = format!("{publisher}:{number}");
        if shared.plants(Plant::Duplicate, number) {
            drop(client.send_to_group(GROUP, text.clone()).await);
        }
        let mut sending: Sending = client.send_to_group(GROUP, text).into_future();
        if shared.plants(Plant::Loss, number) {
            sending = Box::pin(async { Ok(()) });
        }
        // The client takes a message when its future is first polled.
        match poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await {
            Poll::Ready(result) => record(Some((number, result)), publisher, &shared)?,
            Poll::Pending => in_flight.push(Box::pin(async move { (number, sending.await) })),
        }
        let finished = async {
            while let Some(outcome) = in_flight.next().await {
                record(Some(outcome), publisher, &shared)?;
            }
            pending::<Result<(), BoxError>>().await
        };
        tokio::select! {
            failed = finished => failed?,
            () = shared.pause(INTERVAL) => {}
        }
    }
    client.close().await;
    Ok(())
}

/// Records the outcome of a message. The service must not report any other one.
fn record(
    result: Option<(u64, Result<(), Error>)>,
    publisher: usize,
    shared: &Shared,
) -> Result<(), BoxError> {
    let Some((number, result)) = result else { return Ok(()) };
    match (outcome(&result), result) {
        (Some(outcome), _) => shared.messages.sent(publisher, number, outcome),
        (None, Err(error)) => return Err(error.into()),
        (None, Ok(())) => {}
    }
    Ok(())
}

/// Records what arrives until the client is closed.
async fn listen(mut events: Events, subscriber: usize, shared: Arc<Shared>) -> Result<(), BoxError> {
    while let Some(event) = events.next().await {
        match event {
            Event::GroupMessage(message) => receive(&message, subscriber, &shared)?,
            Event::Disconnected(_) => shared.messages.disconnected(subscriber),
            Event::Dropped(dropped) => return Err(format!("a subscriber is too slow: {dropped:?}").into()),
            Event::Stopped(stopped) => return stopped.error.map_or(Ok(()), |error| Err(error.into())),
            _ => {}
        }
    }
    Ok(())
}

/// The same for a subscriber that subscribes to the group.
async fn listen_to_group(
    mut subscription: Subscription,
    subscriber: usize,
    shared: Arc<Shared>,
) -> Result<(), BoxError> {
    while let Some(event) = subscription.next().await {
        match event {
            GroupEvent::Message(message) => receive(&message, subscriber, &shared)?,
            GroupEvent::Disconnected(_) => shared.messages.disconnected(subscriber),
            GroupEvent::Rejoined(_) => {}
            other => return Err(format!("a subscription that is read received {other:?}").into()),
        }
    }
    Ok(())
}

/// Reads events until the client is closed.
async fn expect_no_error(mut events: Events) -> Result<(), BoxError> {
    while let Some(event) = events.next().await {
        if let Event::Stopped(stopped) = event {
            return stopped.error.map_or(Ok(()), |error| Err(error.into()));
        }
    }
    Ok(())
}

fn receive(message: &GroupMessage, subscriber: usize, shared: &Shared) -> Result<(), BoxError> {
    if message.stream.is_some() {
        return Ok(());
    }
    let text = message.data.as_text().and_then(|text| text.split_once(':'));
    let (publisher, number) = text.ok_or("a message that no publisher sent")?;
    shared.messages.received(subscriber, publisher.parse()?, number.parse()?);
    Ok(())
}

/// Sends events and invocations in turn, one at a time.
async fn call(client: Client, user: String, shared: Arc<Shared>) -> Result<(), BoxError> {
    let mut number = 0;
    while shared.is(Phase::Trouble) {
        number += 1;
        shared.upstream.sending(&user, number);
        let text = format!("{user}:{number}");
        let outcome = if number % 2 == 0 {
            outcome(&client.send_event("note", text).await)
        } else {
            let response = client.invoke_data("echo", text.clone()).timeout(IDLE).await;
            if response.as_ref().is_ok_and(|response| response.as_text() != Some(text.as_str())) {
                shared.upstream.wrong_response();
            }
            outcome(&response)
        };
        shared.upstream.sent(&user, number, outcome);
        shared.pause(INTERVAL).await;
    }
    client.close().await;
    Ok(())
}
