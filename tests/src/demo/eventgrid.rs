//! Rejecting an event: it goes to the dead letters and is not received again.

use std::time::Duration;

use bytes::Bytes;
use eventgrid_namespaces::{Credential, NamespaceClient, Receiver};
use http::Method;
use serde_json::{Value, json};
use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;

use super::recorder::Recorder;
use super::{EventGridTarget, Story, observed};

pub(super) async fn show(
    story: &mut Story<'_>,
    emulator: &Emulator,
    target: Option<&EventGridTarget>,
) -> Result<(), BoxError> {
    let recorder = Recorder::default();
    let (endpoint, key, topic, subscription) = match target {
        Some(target) => {
            let (topic, subscription) = (target.topic.as_str(), target.subscription.as_str());
            story.consent(&format!(
                "Publish two events to topic `{topic}`, receive from subscription `{subscription}` and reject the first of \
                 the two? Other events that arrive meanwhile stay locked until their locks end."
            ))?;
            (target.endpoint.clone(), target.key.clone(), topic, subscription)
        }
        None => {
            emulator.eventgrid().declare("orders", "billing");
            (emulator.endpoint(), emulator.eventgrid().key().into(), "orders", "billing")
        }
    };
    let namespace = NamespaceClient::builder(&endpoint, Credential::access_key(key));
    let receiver = namespace.attempt_policy(recorder.clone()).build()?.receiver(topic, subscription);
    let scene = Scene { receiver, topic, subscription };

    story.step("Event Grid Namespaces: reject an event")?;
    let run = format!("{:x}", SystemClock::new().now().duration_since(std::time::UNIX_EPOCH)?.as_nanos());
    let (unwanted, control) = (format!("unwanted-{run}"), format!("control-{run}"));
    scene.publish(&unwanted).await?;
    let lock_token = scene
        .receive_until(&unwanted, &unwanted)
        .await?
        .ok_or("not observed: the published event arrives")?;
    story.before(&format!(
        "Event `{unwanted}` was published to topic `{topic}` and received from `{subscription}`."
    ))?;
    story.call("receiver.reject([lock_token]).await?.into_result()?")?;
    receiver_result(&scene.receiver, lock_token).await?;
    story.exchange(&recorder.last())?;

    if target.is_none() {
        // Had the event only been locked, it would be delivered again when its lock ends.
        emulator.clock().advance(Duration::from_secs(3600));
    }
    scene.publish(&control).await?;
    let again = scene.receive_until(&unwanted, &control).await?;
    observed(again.is_none(), "the rejected event is not received again")?;
    story
        .effect(&format!("An event published after it, `{control}`, was received; `{unwanted}` was not."))?;
    if target.is_none() {
        let dead = emulator.eventgrid().dead_letters(topic, subscription);
        observed(
            dead.iter().any(|letter| letter.event["id"] == unwanted.as_str()),
            "the rejected event is a dead letter",
        )?;
        story.effect("It lies among the subscription's dead letters, an hour later too.")?;
    }
    Ok(())
}

async fn receiver_result(receiver: &Receiver, lock_token: String) -> Result<(), BoxError> {
    let succeeded = receiver.reject([lock_token.clone()]).await?.into_result()?;
    observed(succeeded == [lock_token], "the service reports the lock token as rejected")
}

struct Scene<'a> {
    receiver: Receiver,
    topic: &'a str,
    subscription: &'a str,
}

impl Scene<'_> {
    async fn publish(&self, id: &str) -> Result<(), BoxError> {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "/demo", "type": "com.example.order.created", "data": {"total": 5},
        });
        let request = self.receiver.request(Method::POST, "/topics/{}:publish", &[self.topic]);
        request.body("application/cloudevents+json; charset=utf-8", event.to_string()).await?;
        Ok(())
    }

    /// Receives until event `last` comes; the lock token of event `wanted` if it came by then.
    async fn receive_until(&self, wanted: &str, last: &str) -> Result<Option<String>, BoxError> {
        let (mut token, mut empty) = (None, 0);
        while empty < 2 {
            let names = [self.topic, self.subscription];
            let request =
                self.receiver.request(Method::POST, "/topics/{}/eventsubscriptions/{}:receive", &names);
            let response: Bytes = request.query("maxEvents", "10").query("maxWaitTime", "10").await?;
            let response: Value = serde_json::from_slice(&response)?;
            empty += usize::from(response["value"].as_array().is_none_or(Vec::is_empty));
            for received in response["value"].as_array().into_iter().flatten() {
                if received["event"]["id"] == wanted {
                    token = received["brokerProperties"]["lockToken"].as_str().map(str::to_owned);
                }
                if received["event"]["id"] == last {
                    return Ok(token);
                }
            }
        }
        Err(format!("not observed: event `{last}` arrives").into())
    }
}
