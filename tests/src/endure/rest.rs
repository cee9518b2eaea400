//! The publisher that uses REST, and reads that go with it.

use std::sync::Arc;
use std::time::Duration;

use service_core::BoxError;
use tokio::task::JoinSet;
use webpubsub::ServiceClient;

use super::messages::Outcome;
use super::{GROUP, Phase, Shared, sockets};

const INTERVAL: Duration = Duration::from_millis(100);
/// One in so many requests is a read.
const READS: u64 = 5;

pub(super) fn start(shared: &Arc<Shared>, parts: &mut JoinSet<Result<(), BoxError>>) -> Result<(), BoxError> {
    let service = sockets::service(shared)?;
    shared.watch.calls(move || service.stats().calls_in_flight);
    parts.spawn(publish(sockets::service(shared)?, Arc::clone(shared)));
    Ok(())
}

/// Sends numbers to the group, one at a time, until everything is settled.
async fn publish(service: ServiceClient, shared: Arc<Shared>) -> Result<(), BoxError> {
    let (publisher, group) = (sockets::PUBLISHERS - 1, service.group(GROUP));
    while !shared.is(Phase::Over) {
        let number = shared.messages.sending(publisher);
        let outcome = match group.send(format!("{publisher}:{number}")).await {
            Ok(()) => Outcome::Acknowledged,
            Err(error) if error.may_have_acted() => Outcome::Unknown,
            // Rejected, or not sent.
            Err(_) => Outcome::NotSent,
        };
        shared.messages.sent(publisher, number, outcome);
        if number.is_multiple_of(READS) {
            // It may fail, as any call may.
            drop(group.exists().await);
            drop(group.list_connections().next().await);
        }
        shared.pause(INTERVAL).await;
    }
    Ok(())
}
