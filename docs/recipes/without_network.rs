//! A function, and its test without a network and without waiting. Needs the feature `testing` in `[dev-dependencies]`.
use webpubsub::{Result, ServiceClient};

pub(crate) async fn announce(service: &ServiceClient) -> Result<()> {
    service.group("lobby").send("The lobby closes in five minutes.").await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use webpubsub::Credential;
    use webpubsub::http::Response;
    use webpubsub::testing::{ManualClock, ScriptedTransport};

    use super::*;

    #[tokio::test]
    async fn a_throttled_announcement_is_sent_after_the_delay_that_the_service_asked_for() {
        let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
        let throttled = Response::builder().status(429).header("retry-after", "8").body("").unwrap();
        script.respond(throttled).status(202);
        let service = ServiceClient::builder("https://name.example", "chat", Credential::access_key("key"))
            .transport(Arc::new(script.clone()))
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();

        announce(&service).await.unwrap();
        assert_eq!(script.sent().len(), 2);
        assert_eq!(clock.slept(), [Duration::from_secs(8)]);
    }
}
