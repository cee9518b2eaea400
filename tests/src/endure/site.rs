//! HULFT-WebConnect: settings that are registered, read, and deleted, one after the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hulft_webconnect::{Error, RateLimit, SiteClient};
use service_core::{BoxError, Clock};
use tokio::task::JoinSet;

use super::line::Line;
use super::{Phase, Shared, retry};

const INTERVAL: Duration = Duration::from_millis(100);
const ADDRESS: &str = "10.0.0.0/8";

/// What was reported about settings, and whether it is true.
#[derive(Debug, Default)]
pub(super) struct Site(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    registered: u64,
    unknown: u64,
    rejected: u64,
    deleted: u64,
    lists: u64,
    lost: u64,
    contradicted: u64,
    undeleted: u64,
}

impl Site {
    pub(super) fn total(&self) -> u64 {
        self.lock().deleted
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let counts = self.lock();
        vec![
            Line::count("settings registered", counts.registered),
            Line::count("  outcome unknown", counts.unknown),
            Line::count("  rejected", counts.rejected),
            Line::count("settings deleted", counts.deleted),
            Line::count("lists of agents", counts.lists),
            Line::fault("settings lost", counts.lost),
            Line::fault("settings rejected, but registered", counts.contradicted),
            Line::fault("settings deleted, but still there", counts.undeleted),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn start(shared: &Arc<Shared>, parts: &mut JoinSet<Result<(), BoxError>>) -> Result<(), BoxError> {
    let builder = SiteClient::builder(shared.service.hulft_key.clone());
    let builder = builder.endpoint(format!("http://{}", shared.requests.address()));
    let site = builder.clock(shared.clock.clone()).rate_limit(RateLimit::none()).retry(retry()).build()?;
    let stats = site.clone();
    shared.watch.calls(move || stats.stats().calls_in_flight);
    parts.spawn(run(site, Arc::clone(shared)));
    Ok(())
}

async fn run(site: SiteClient, shared: Arc<Shared>) -> Result<(), BoxError> {
    for number in 0.. {
        if !shared.is(Phase::Trouble) {
            break;
        }
        once(&site, &format!("endure-{number}"), &shared).await;
        // It may fail, as any call may.
        shared.site.lock().lists += u64::from(site.agents().list().all().await.is_ok());
        shared.pause(INTERVAL).await;
    }
    Ok(())
}

/// Registers a group of addresses, reads it, and deletes it.
async fn once(site: &SiteClient, name: &str, shared: &Shared) {
    let groups = site.ip_filter_groups();
    let registered = groups.register(name, [ADDRESS]).await.map(drop);
    let exists = exists(site, name, shared).await;
    {
        let mut counts = shared.site.lock();
        match &registered {
            Ok(()) => {
                counts.registered += 1;
                counts.lost += u64::from(!exists);
            }
            Err(error) if error.may_have_acted() => counts.unknown += 1,
            Err(_) => {
                counts.rejected += 1;
                counts.contradicted += u64::from(exists);
            }
        }
    }
    if !exists {
        return;
    }
    while !is_deleted(groups.delete(name).await) {
        if shared.is(Phase::Over) {
            return;
        }
        shared.pause(INTERVAL).await;
    }
    let exists = self::exists(site, name, shared).await;
    let mut counts = shared.site.lock();
    counts.deleted += 1;
    counts.undeleted += u64::from(exists);
}

/// An earlier attempt may have deleted it.
fn is_deleted(result: Result<(), Error>) -> bool {
    result.is_ok() || result.is_err_and(|error| error.is_not_found())
}

/// Reads until there is a response.
async fn exists(site: &SiteClient, name: &str, shared: &Shared) -> bool {
    loop {
        match site.ip_filter_groups().get(name).await {
            Ok(group) => return group.is_some(),
            Err(error) if error.is_not_found() => return false,
            Err(_) => shared.clock.sleep(INTERVAL).await,
        }
    }
}
