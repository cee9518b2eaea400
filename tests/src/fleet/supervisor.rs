//! The supervisor: starts the workers, kills or stops one at a time, and restarts it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use service_core::{BoxError, Clock, SystemClock, timeout};
use service_emulator::Emulator;
use tokio::process::{Child, Command};

use super::Options;
use crate::deliveries::Deliveries;

/// How long a worker may take to shut down: longer than a processor's shutdown timeout and its grace period.
const SHUTDOWN: Duration = Duration::from_secs(60);
/// How long a worker may take to become busy before it is killed idle.
const START: Duration = Duration::from_secs(2);
/// How far the clock of one worker is ahead, in seconds.
const AHEAD: u32 = 3_600;

pub(super) struct Supervisor {
    program: PathBuf,
    endpoint: String,
    key: String,
    judge: SocketAddr,
    deliveries: Arc<Deliveries>,
    options: Options,
    random: fastrand::Rng,
    workers: Vec<Worker>,
    started: u32,
    kills: u32,
    stops: u32,
}

struct Worker {
    number: u32,
    process: Child,
}

impl Supervisor {
    pub(super) fn start(
        emulator: &Emulator,
        deliveries: &Arc<Deliveries>,
        judge: SocketAddr,
        options: Options,
        program: &Path,
    ) -> Result<Self, BoxError> {
        let mut supervisor = Self {
            program: program.to_owned(),
            endpoint: emulator.endpoint(),
            key: emulator.eventgrid().key(),
            judge,
            deliveries: Arc::clone(deliveries),
            options,
            random: fastrand::Rng::with_seed(options.seed),
            workers: Vec::new(),
            started: 0,
            kills: 0,
            stops: 0,
        };
        for slot in 0..options.processes {
            let worker = supervisor.worker(slot as usize)?;
            supervisor.workers.push(worker);
        }
        Ok(supervisor)
    }

    /// Starts a worker. The clock of the one in the first slot is ahead.
    fn worker(&mut self, slot: usize) -> Result<Worker, BoxError> {
        self.started += 1;
        let number = self.started;
        let ahead = if slot == 0 { AHEAD } else { 0 };
        let mut command = Command::new(&self.program);
        command.arg("fleet-worker").args(["--endpoint", &self.endpoint]);
        command.args(["--judge", &self.judge.to_string(), "--worker", &number.to_string()]);
        command.args(["--seed", &self.options.seed.to_string(), "--ahead", &ahead.to_string()]);
        if self.options.plant {
            command.arg("--plant");
        }
        command.env("FLEET_KEY", &self.key).stdin(Stdio::null()).kill_on_drop(true);
        Ok(Worker { number, process: command.spawn()? })
    }

    /// Fails if a worker has ended.
    pub(super) fn check(&mut self) -> Result<(), BoxError> {
        for worker in &mut self.workers {
            if let Some(status) = worker.process.try_wait()? {
                return Err(format!("a worker has ended: {status}").into());
            }
        }
        Ok(())
    }

    /// Kills or stops one worker at random, and restarts it.
    pub(super) async fn incident(&mut self) -> Result<(), BoxError> {
        self.check()?;
        let slot = self.random.usize(..self.workers.len());
        let number = self.workers[slot].number;
        let (clock, delay) = (SystemClock::new(), Duration::from_millis(self.random.u64(..20)));
        let until = clock.elapsed() + START;
        while self.deliveries.busy(number) == 0 && clock.elapsed() < until {
            clock.sleep(Duration::from_millis(1)).await;
        }
        clock.sleep(delay).await;
        let killed = self.random.bool();
        self.deliveries.stops(number, killed);
        let process = &mut self.workers[slot].process;
        if killed {
            process.kill().await?;
            self.kills += 1;
        } else {
            expect_success(terminate(process).await?)?;
            self.deliveries.has_stopped(number);
            self.stops += 1;
        }
        self.workers[slot] = self.worker(slot)?;
        Ok(())
    }

    /// Stops all workers. Returns how many were killed and stopped before.
    pub(super) async fn stop(mut self) -> Result<(u32, u32), BoxError> {
        for worker in &mut self.workers {
            self.deliveries.stops(worker.number, false);
            expect_success(terminate(&mut worker.process).await?)?;
        }
        Ok((self.kills, self.stops))
    }
}

/// Sends SIGTERM and waits for the end.
async fn terminate(process: &mut Child) -> Result<ExitStatus, BoxError> {
    let id = process.id().ok_or("a worker has ended")?;
    expect_success(Command::new("kill").args(["-TERM", &id.to_string()]).status().await?)?;
    let ended = timeout(&SystemClock::new(), SHUTDOWN, process.wait()).await;
    Ok(ended.ok_or("a worker does not shut down")??)
}

fn expect_success(status: ExitStatus) -> Result<(), BoxError> {
    if status.success() { Ok(()) } else { Err(format!("a process failed: {status}").into()) }
}
