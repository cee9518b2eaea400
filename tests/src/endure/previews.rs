//! Group streams and group states, which the service offers as a preview.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use service_core::{BoxError, Clock};
use tokio::task::JoinSet;
use webpubsub::Client;
use webpubsub::client::{
    ClientBuilder, Event, Events, GroupStateEvent, GroupStates, MemberState, Protocol, StreamReader,
    StreamWriter, Streams,
};

use super::sockets::{attempt, connect};
use super::streams::PARTS;
use super::{GROUP, Phase, Shared};
use crate::stream_parts::{self, Ending};

const SETTER: &str = "setter";
const INTERVAL: Duration = Duration::from_millis(100);
/// Longer than a jump of the clock.
const STREAM_IDLE: Duration = Duration::from_secs(3_600);

pub(super) async fn start(
    shared: &Arc<Shared>,
    parts: &mut JoinSet<Result<(), BoxError>>,
) -> Result<(), BoxError> {
    let user = |name: &str| name.to_owned();
    let reader = connect(shared, user("reader"), &[], Protocol::JsonReliable, |builder| builder).await?;
    parts.spawn(lost_connections(reader.events(), Arc::clone(shared)));
    let streams = attempt(|| reader.group(GROUP).streams()).await?;
    parts.spawn(read_streams(streams, Arc::clone(shared)));
    for protocol in [Protocol::JsonReliable, Protocol::ProtobufReliable] {
        let writer = connect(shared, user("writer"), &[], protocol, ClientBuilder::without_events).await?;
        parts.spawn(write_streams(writer, Arc::clone(shared)));
    }
    let follower =
        connect(shared, user("follower"), &[], Protocol::ProtobufReliable, ClientBuilder::without_events)
            .await?;
    attempt(|| follower.group(GROUP).join()).await?;
    let states = attempt(|| follower.group(GROUP).states()).await?;
    parts.spawn(follow(states, Arc::clone(shared)));
    let setter = connect(shared, user(SETTER), &[], Protocol::Json, ClientBuilder::without_events).await?;
    attempt(|| setter.group(GROUP).join()).await?;
    parts.spawn(set(setter, Arc::clone(shared)));
    Ok(())
}

/// Reports the connections that the reader of streams has lost for good.
async fn lost_connections(mut events: Events, shared: Arc<Shared>) -> Result<(), BoxError> {
    while let Some(event) = events.next().await {
        match event {
            Event::Disconnected(_) => shared.streams.disconnected(),
            Event::Stopped(stopped) => return stopped.error.map_or(Ok(()), |error| Err(error.into())),
            _ => {}
        }
    }
    Ok(())
}

async fn read_streams(mut streams: Streams, shared: Arc<Shared>) -> Result<(), BoxError> {
    let mut reading = JoinSet::new();
    while let Some(stream) = streams.next().await {
        reading.spawn(read(stream, Arc::clone(&shared)));
        while let Some(read) = reading.try_join_next() {
            read??;
        }
    }
    while let Some(read) = reading.join_next().await {
        read??;
    }
    Ok(())
}

async fn read(mut stream: StreamReader, shared: Arc<Shared>) -> Result<(), BoxError> {
    let number: u64 = stream.id().parse()?;
    shared.streams.reading(number, stream.missed_parts());
    let ending = stream_parts::read(&mut stream, number, |part| shared.streams.part(number, part)).await?;
    shared.streams.read(number, ending, shared.clock.elapsed());
    Ok(())
}

/// Writes one stream after the other.
async fn write_streams(client: Client, shared: Arc<Shared>) -> Result<(), BoxError> {
    while shared.is(Phase::Trouble) {
        let number = shared.streams.opening();
        let opening = client.group(GROUP).open_stream().stream_id(number.to_string());
        match opening.idle_timeout(STREAM_IDLE).await {
            Ok(writer) => {
                let ending = write(writer, number).await;
                shared.streams.written(number, ending, shared.clock.elapsed());
            }
            Err(_) => shared.streams.not_opened(number),
        }
        shared.pause(INTERVAL).await;
    }
    client.close().await;
    Ok(())
}

async fn write(mut writer: StreamWriter, number: u64) -> Ending {
    for part in 0..PARTS {
        if writer.send(format!("{number}:{part}")).await.is_err() {
            return Ending::Failed;
        }
    }
    match writer.finish().await {
        Ok(()) => Ending::Complete,
        // The end may have taken effect although its response is lost.
        Err(error) if error.outcome_unknown() => Ending::Unknown,
        Err(_) => Ending::Failed,
    }
}

/// Sets ascending numbers until everything is settled.
async fn set(client: Client, shared: Arc<Shared>) -> Result<(), BoxError> {
    let group = client.group(GROUP);
    while !shared.is(Phase::Over) {
        let number = shared.states.setting();
        let result = group.set_state([("number", number.to_string())]).await;
        shared.states.set(number, result.is_ok());
        shared.pause(INTERVAL).await;
    }
    client.close().await;
    Ok(())
}

/// Follows the states until the client is closed.
async fn follow(mut states: GroupStates, shared: Arc<Shared>) -> Result<(), BoxError> {
    while let Some(event) = states.next().await {
        record(event, &shared)?;
        while let Some(Some(event)) = states.next().now_or_never() {
            record(event, &shared)?;
        }
        let current = states.current();
        let numbers = current.iter().filter(|member| member.user_id.as_deref() == Some(SETTER)).map(number);
        shared.states.sees(numbers.collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or_default());
    }
    Ok(())
}

fn record(event: GroupStateEvent, shared: &Shared) -> Result<(), BoxError> {
    match event {
        GroupStateEvent::Set(member) => shared.states.update(&member.connection_id, number(&member)?),
        GroupStateEvent::Cleared(cleared) => shared.states.cleared(&cleared.connection_id),
        GroupStateEvent::Snapshot(snapshot) => {
            let members = snapshot.members.iter().map(|member| member.connection_id.as_str());
            shared.states.snapshot(members);
        }
        _ => {}
    }
    Ok(())
}

fn number(member: &MemberState) -> Result<u64, BoxError> {
    Ok(member.state.get("number").ok_or("a state without a number")?.parse()?)
}
