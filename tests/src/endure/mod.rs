//! Endurance: all clients, the processors, the webhooks, and push delivery run together against the emulator in a process of its
//! own, while connections are cut, the emulator fails, and clocks jump. Ledgers account for each message, and samples show
//! whether anything grows.

mod chart;
mod clock;
mod events;
mod grid;
mod hooks;
mod line;
mod messages;
mod previews;
mod rest;
mod samples;
mod service;
mod site;
mod sockets;
mod states;
mod streams;
mod trouble;
mod upstream;
mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use service_core::{BoxError, Clock, RetryOptions, SystemClock};
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::cutter::{Cuts, Cutter, Plan};
use clock::Shifted;
use events::Events;
pub use line::Line;
use messages::Messages;
pub use samples::Growth;
use samples::Samples;
use service::Service;
pub use service::serve;
use site::Site;
use states::States;
use streams::Streams;
pub use trouble::Troubles;
use upstream::Upstream;
use watch::Watch;

const HUB: &str = "endure";
const GROUP: &str = "all";
const TOPIC: &str = "orders";
const PULL: &str = "pull";
const PUSH: &str = "push";
/// The service's own limits.
const LOCK: Duration = Duration::from_secs(60);
const MAX_DELIVERIES: u32 = 10;
const PUSH_TIMEOUT: Duration = Duration::from_secs(30);
/// How many bytes a WebSocket, or a connection for requests, carries in one direction before it is cut, on average.
const SOCKET_BYTES: u64 = 100_000;
const REQUEST_BYTES: u64 = 300_000;
/// How long everything may take to be settled after the troubles have ended: longer than a recovery and an acknowledgment.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the end is looked for, and after how many looks locks are made to expire.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 60;
/// Longer than a lock, and than the longest wait before an event is pushed again.
const SETTLING_JUMP: Duration = Duration::from_secs(310);

/// When the run ends.
#[derive(Debug, Clone, Copy)]
pub enum Length {
    /// After this time.
    Time(Duration),
    /// When every part has made this much progress.
    Progress(u64),
}

/// What goes wrong on purpose, to see the run fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The clients' memory grows.
    Leak,
    /// Events are acknowledged without being handled, and messages are not sent although they are counted as acknowledged.
    Loss,
    /// Messages are sent twice.
    Duplicate,
}

/// What runs, and for how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where all random numbers start.
    pub seed: u64,
    /// When the run ends.
    pub length: Length,
    /// How often everything is sampled.
    pub sample: Duration,
    /// What goes wrong on purpose.
    pub plant: Option<Plant>,
    /// Where the samples and the chart are written.
    pub directory: Option<PathBuf>,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Report {
    /// What the ledgers counted.
    pub lines: Vec<Line>,
    /// How the sampled values changed.
    pub growth: Vec<Growth>,
    /// What went wrong with connections.
    pub cuts: [Cuts; 2],
    /// What else went wrong.
    pub troubles: Troubles,
    /// How many samples were taken.
    pub samples: usize,
}

impl Report {
    /// Whether nothing was lost, duplicated, or acknowledged unhandled.
    #[must_use]
    pub fn accounts(&self) -> bool {
        self.lines.iter().all(Line::holds)
    }

    /// Whether nothing grew. Too few samples prove nothing.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        !self.growth.is_empty() && self.growth.iter().all(Growth::holds)
    }
}

/// The phases of a run. Parts that send something stop when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Everything runs, and everything fails at random.
    Trouble,
    /// Nothing fails any more. Publishers and setters go on, so that every receiver can come to the end.
    Calm,
    /// Everything is settled.
    Over,
}

/// What all parts share.
struct Shared {
    options: Options,
    clock: Arc<Shifted>,
    service: Service,
    /// The proxies for WebSockets and for requests.
    sockets: Cutter,
    requests: Cutter,
    phase: Receiver<Phase>,
    events: Arc<Events>,
    messages: Messages,
    upstream: Upstream,
    streams: Streams,
    states: States,
    site: Site,
    watch: Watch,
}

impl Shared {
    fn is(&self, phase: Phase) -> bool {
        *self.phase.borrow() == phase
    }

    /// Waits for this time, or until the run is over.
    async fn pause(&self, wait: Duration) {
        let mut phase = self.phase.clone();
        let over = async {
            // The sender is alive as long as the run is.
            let _ = phase.wait_for(|phase| *phase == Phase::Over).await;
        };
        service_core::timeout(&*self.clock, wait, over).await;
    }

    fn plants(&self, plant: Plant, number: u64) -> bool {
        self.options.plant == Some(plant) && number % 50 == 49
    }

    fn random(&self, part: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.options.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ part)
    }
}

/// How requests are retried: soon, because the emulator is near.
fn retry() -> RetryOptions {
    RetryOptions::default().initial_backoff(Duration::from_millis(5)).max_backoff(Duration::from_millis(200))
}

/// Runs it to the end. `program` is this package's program `long`, which becomes the emulator.
///
/// # Errors
///
/// Fails if a part stops although it must not, or on a system without `/proc`.
pub async fn run(options: Options, program: &Path) -> Result<Report, BoxError> {
    let clock = Arc::new(Shifted::default());
    let events = Arc::new(Events::default());
    let (judge, time) = (Arc::clone(&events), Arc::clone(&clock));
    let service = Service::start(program, move |report| judge.step(report, time.elapsed())).await?;
    let plan = |mean, early| Plan { seed: options.seed, mean, early };
    let sockets = Cutter::start(service.address, plan(SOCKET_BYTES, 10)).await?;
    let requests = Cutter::start(service.address, plan(REQUEST_BYTES, 5)).await?;
    let (phases, phase) = channel(Phase::Trouble);
    let shared = Arc::new(Shared {
        clock,
        service,
        sockets,
        requests,
        phase,
        events,
        messages: Messages::new(sockets::PUBLISHERS, sockets::SUBSCRIBERS),
        upstream: Upstream::default(),
        streams: Streams::default(),
        states: States::default(),
        site: Site::default(),
        watch: Watch::default(),
        options,
    });
    hooks::start(&shared).await?;
    let mut parts = JoinSet::new();
    sockets::start(&shared, &mut parts).await?;
    previews::start(&shared, &mut parts).await?;
    rest::start(&shared, &mut parts)?;
    grid::start(&shared, &mut parts)?;
    site::start(&shared, &mut parts)?;
    let result = endure(&shared, &phases, &mut parts).await;
    // Also after an error, so that no part goes on.
    phases.send_replace(Phase::Over);
    let (samples, troubles) = result?;
    shared.watch.close_clients().await;
    while let Some(part) = parts.join_next().await {
        part??;
    }
    shared.service.stop().await?;
    report(&shared, &samples, troubles)
}

/// Samples until the end, and waits until everything is settled.
async fn endure(
    shared: &Arc<Shared>,
    phases: &Sender<Phase>,
    parts: &mut JoinSet<Result<(), BoxError>>,
) -> Result<(Samples, Troubles), BoxError> {
    let mut troubles = tokio::spawn(trouble::run(Arc::clone(shared)));
    let (real, mut samples, mut leak) = (SystemClock::new(), Samples::default(), Vec::new());
    while !has_ended(shared, &real) {
        real.sleep(shared.options.sample).await;
        samples.push(real.elapsed().as_secs_f64(), &watch::sample(shared).await?);
        shared.events.sweep(shared.clock.elapsed());
        shared.streams.sweep(shared.clock.elapsed());
        if shared.options.plant == Some(Plant::Leak) {
            leak.push(vec![1_u8; 1 << 20]);
        }
        if let Some(ended) = parts.try_join_next() {
            return Err(ended?.err().unwrap_or_else(|| "a part has ended".into()));
        }
        if troubles.is_finished() {
            return Err((&mut troubles).await?.err().unwrap_or_else(|| "the troubles have ended".into()));
        }
    }
    phases.send_replace(Phase::Calm);
    let troubles = troubles.await??;
    shared.sockets.rest();
    shared.requests.rest();
    settle(shared, &real).await?;
    Ok((samples, troubles))
}

fn has_ended(shared: &Shared, real: &SystemClock) -> bool {
    match shared.options.length {
        Length::Time(time) => real.elapsed() >= time,
        Length::Progress(least) => {
            let done = [
                shared.events.handled(),
                shared.messages.total(),
                shared.upstream.total() * 10,
                shared.streams.total() * 50,
                shared.states.total() * 50,
                shared.site.total() * 20,
            ];
            done.iter().all(|done| *done >= least)
        }
    }
}

/// Waits until nothing is open. What was lost on its way to a receiver is locked, a writer's lost connection ends its streams late,
/// and only time helps.
async fn settle(shared: &Shared, real: &SystemClock) -> Result<(), BoxError> {
    let until = real.elapsed() + PATIENCE;
    let mut looks = 0_u32;
    while real.elapsed() < until {
        let now = shared.clock.elapsed();
        let settled = [
            shared.events.sweep(now),
            shared.streams.sweep(now),
            shared.messages.is_settled(),
            shared.states.is_settled(),
        ];
        if settled == [true; 4] {
            break;
        }
        looks += 1;
        if looks.is_multiple_of(LOOKS) {
            trouble::jump(shared, SETTLING_JUMP).await?;
        }
        real.sleep(LOOK).await;
    }
    shared.events.close();
    shared.messages.close();
    shared.streams.close();
    shared.states.close();
    Ok(())
}

fn report(shared: &Shared, samples: &Samples, troubles: Troubles) -> Result<Report, BoxError> {
    if let Some(directory) = &shared.options.directory {
        fs::create_dir_all(directory)?;
        samples.write_csv(&directory.join("samples.csv"))?;
        chart::write(samples, &directory.join("chart.svg"))?;
    }
    let lines = [
        shared.events.lines(),
        shared.messages.lines(),
        shared.upstream.lines(),
        shared.streams.lines(),
        shared.states.lines(),
        shared.site.lines(),
    ];
    Ok(Report {
        lines: lines.concat(),
        growth: samples.growth(),
        cuts: [shared.sockets.cuts(), shared.requests.cuts()],
        troubles,
        samples: samples.times.len(),
    })
}
