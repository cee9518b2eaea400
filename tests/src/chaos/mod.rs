//! The chaos: reliable messages of the WebSocket client while its connections are cut at random bytes, publishers' and
//! subscribers' alike. The [`judge`] counts what came.

pub mod judge;
mod publisher;
pub mod streams;

use std::sync::Arc;
use std::time::Duration;

use service_core::{BoxError, Clock, SystemClock};
use service_emulator::{Emulator, SocketFault};
use tokio::task::JoinSet;
use webpubsub::client::{
    Access, ClientBuilder, Event, Events, GroupEvent, GroupMessage, Reconnect, Subscription,
};
use webpubsub::{Client, Credential, Role, ServiceClient};

use crate::cutter::{Cuts, Cutter, Plan};
use judge::{Judge, Judgement};
use publisher::{Outcomes, Pace};

const HUB: &str = "chaos";
const GROUP: &str = "all";
const SUBSCRIBERS: usize = 4;
const PUBLISHERS: usize = 4;
/// More connections than this are not cut in a row.
const FIRST_ATTEMPTS: u32 = 100;
/// How often the end is looked for.
const LOOK: Duration = Duration::from_millis(100);
/// Nothing more comes when nothing has come for so many looks: longer than a recovery may take.
const PATIENCE: u32 = 450;
/// Where messages are lost for good, those that are under way need no more than this.
const LITTLE_PATIENCE: u32 = 10;
/// In the second mode, recoveries are rejected this often.
const REJECTIONS: Duration = Duration::from_millis(700);

/// What is done, and how badly it is treated.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where all random numbers start.
    pub seed: u64,
    /// How many messages are published.
    pub messages: u64,
    /// How many bytes a connection carries in one direction before it is cut, on average.
    pub mean_bytes: u64,
    /// Whether some connections are cut for good: the service then rejects their recovery.
    pub unrecoverable: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// What subscribers heard.
    pub heard: Judgement,
    /// What was reported to publishers.
    pub reported: Outcomes,
    /// Where connections were cut.
    pub cuts: Cuts,
    /// How many connections ended for good, as reported to their clients.
    pub disconnected: u64,
    unrecoverable: bool,
}

impl Report {
    /// Whether nothing was lost and nothing came twice; or, where connections end for good, whether every send has an end
    /// that its sender knows.
    #[must_use]
    pub fn holds(&self) -> bool {
        let all_reported =
            self.reported.acked + self.reported.unknown + self.reported.not_sent == self.reported.sent;
        if self.unrecoverable {
            // A run in which no connection ended for good proves nothing. A publisher's sends are then unknown.
            let ended = self.disconnected > 0 || self.reported.unknown > 0;
            return all_reported && ended && self.heard.doubled == 0;
        }
        all_reported
            && self.reported.acked == self.reported.sent
            && (self.heard.lost, self.heard.doubled) == (0, 0)
    }
}

/// Runs it to the end.
///
/// # Errors
///
/// What must not happen at all: a client that stops, or does not connect.
pub async fn run(options: Options) -> Result<Report, BoxError> {
    let emulator = Emulator::start().await?;
    let each = options.messages.div_ceil(PUBLISHERS as u64);
    let judge = Arc::new(Judge::new(SUBSCRIBERS, PUBLISHERS, each));
    let plan = Plan { seed: options.seed, mean: options.mean_bytes, early: 20 };
    let cutter = Cutter::start(emulator.address(), plan).await?;
    let mut subscribers = Vec::new();
    let mut listening = JoinSet::new();
    for number in 0..SUBSCRIBERS {
        let client =
            connect(&emulator, &cutter, format!("subscriber{number}"), &[GROUP], |builder| builder).await?;
        let (events, judge) = (client.events(), Arc::clone(&judge));
        if number % 2 == 0 {
            listening.spawn(listen(events, number, judge));
        } else {
            let subscription = client.group(GROUP).subscribe().await?;
            listening.spawn(listen_to_group(subscription, events, number, judge));
        }
        subscribers.push(client);
    }
    let rejections = options.unrecoverable.then(|| tokio::spawn(reject_recoveries(emulator.clone())));
    let pace = Pace::new(&judge, !options.unrecoverable);
    let mut publishing = JoinSet::new();
    for number in 0..PUBLISHERS {
        let user = format!("publisher{number}");
        let client = connect(&emulator, &cutter, user, &[], ClientBuilder::without_events).await?;
        publishing.spawn(publisher::run(client, GROUP, number, each, Arc::clone(&pace)));
    }
    let mut reported = Outcomes::default();
    while let Some(outcomes) = publishing.join_next().await {
        reported += outcomes?;
    }
    if let Some(rejections) = rejections {
        rejections.abort();
    }
    wait_for_the_rest(&judge, if options.unrecoverable { LITTLE_PATIENCE } else { PATIENCE }).await;
    let cuts = cutter.cuts();
    cutter.rest();
    for client in subscribers {
        client.close().await;
    }
    let mut disconnected = 0;
    while let Some(endings) = listening.join_next().await {
        disconnected += endings??;
    }
    let unrecoverable = options.unrecoverable;
    Ok(Report { heard: judge.judge(), reported, cuts, disconnected, unrecoverable })
}

/// A client that goes through the proxy, with a new token for each new connection. The first connection may be cut too.
async fn connect(
    emulator: &Emulator,
    cutter: &Cutter,
    user: String,
    groups: &'static [&'static str],
    setting: fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, BoxError> {
    // The token names the host that the client sees.
    let endpoint = format!("http://{}", cutter.address());
    let key = Credential::access_key(emulator.webpubsub().access_key());
    let service = ServiceClient::new(&endpoint, HUB, key)?;
    let access = move || {
        let (service, user) = (service.clone(), user.clone());
        async move {
            let access = service.client_access().user(user).groups(groups.iter().copied());
            let roles = [Role::send_to_group(GROUP), Role::join_leave_group(GROUP)];
            Ok::<_, BoxError>(access.roles(roles).await?.url)
        }
    };
    let reconnect = Reconnect::default()
        .initial_backoff(Duration::from_millis(5))
        .max_backoff(Duration::from_millis(200));
    for _ in 0..FIRST_ATTEMPTS {
        let builder = setting(Client::builder(Access::from_fn(access.clone())).reconnect(reconnect.clone()));
        if let Ok(client) = builder.connect().await {
            return Ok(client);
        }
    }
    Err("a client cannot connect".into())
}

/// Hands what comes to the judge until the client is closed; says how many connections ended for good before.
async fn listen(mut events: Events, subscriber: usize, judge: Arc<Judge>) -> Result<u64, BoxError> {
    let mut disconnected = 0;
    while let Some(event) = events.next().await {
        match event {
            Event::GroupMessage(message) => hear(&message, subscriber, &judge)?,
            Event::Disconnected(_) => disconnected += 1,
            Event::Stopped(stopped) => {
                return stopped.error.map_or(Ok(disconnected), |error| Err(error.into()));
            }
            _ => {}
        }
    }
    Ok(disconnected)
}

/// The same for a subscriber that subscribes to the group. Its other events say how the client ended.
async fn listen_to_group(
    mut subscription: Subscription,
    events: Events,
    subscriber: usize,
    judge: Arc<Judge>,
) -> Result<u64, BoxError> {
    let mut disconnected = 0;
    while let Some(event) = subscription.next().await {
        match event {
            GroupEvent::Message(message) => hear(&message, subscriber, &judge)?,
            GroupEvent::Disconnected(_) => disconnected += 1,
            GroupEvent::Rejoined(_) => {}
            other => return Err(format!("a subscription that is read received {other:?}").into()),
        }
    }
    let reported = listen(events, subscriber, judge).await?;
    if reported == disconnected {
        return Ok(disconnected);
    }
    Err(format!("{reported} connections ended, and the subscription reported {disconnected} of them").into())
}

fn hear(message: &GroupMessage, subscriber: usize, judge: &Judge) -> Result<(), BoxError> {
    let text = message.data.as_text().and_then(|text| text.split_once(':'));
    let (publisher, number) = text.ok_or("a message that no publisher sent")?;
    judge.heard(subscriber, publisher.parse()?, number.parse()?);
    Ok(())
}

async fn reject_recoveries(emulator: Emulator) {
    let clock = SystemClock::new();
    loop {
        emulator.faults().push_socket(SocketFault::reject_recovery());
        clock.sleep(REJECTIONS).await;
    }
}

async fn wait_for_the_rest(judge: &Judge, patience: u32) {
    let clock = SystemClock::new();
    let (mut before, mut idle) = (judge.progress(), 0);
    while !judge.is_complete() && idle < patience {
        clock.sleep(LOOK).await;
        let now = judge.progress();
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
    }
}
