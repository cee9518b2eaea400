//! Three ways to close WebSocket connections, seen from the clients that are closed.

use http::Method;
use service_core::BoxError;
use service_emulator::Emulator;
use webpubsub::ServiceClient;

use super::recorder::Recorder;
use super::{Story, Targets, observed};
use crate::socket::Client;

pub(super) async fn show(
    story: &mut Story<'_>,
    emulator: &Emulator,
    targets: &Targets,
) -> Result<(), BoxError> {
    let hub = targets.hub.as_deref().unwrap_or("demo");
    let recorder = Recorder::default();
    let emulated = emulator.webpubsub().connection_string();
    let text = targets.webpubsub.as_ref().map_or(emulated.as_str(), |text| text.expose());
    let service =
        ServiceClient::builder_from_connection_string(text, hub).attempt_policy(recorder.clone()).build()?;
    if targets.webpubsub.is_some() {
        story.consent(&format!(
            "Connect five clients of our own to hub `{hub}` of your Web PubSub resource, and close them? Groups and users \
             are named `demo-...`; other connections are not touched."
        ))?;
    }
    let scene = Scene { service, recorder, emulated: targets.webpubsub.is_none() };
    scene.close_group(story).await?;
    scene.close_connection(story).await?;
    scene.close_user(story).await
}

struct Scene {
    service: ServiceClient,
    recorder: Recorder,
    emulated: bool,
}

impl Scene {
    async fn close_group(&self, story: &mut Story<'_>) -> Result<(), BoxError> {
        let (mut alice, mut bob) = (self.join("demo-alice").await?, self.join("demo-bob").await?);
        story.step("Web PubSub: close the connections of a group, all but one")?;
        story.before("Alice and Bob are connected, both in group `demo-lobby`.")?;
        story.call(r#"service.group("demo-lobby").close_connections().excluded([bob]).reason("closing time").await?"#)?;
        let group = self.service.group("demo-lobby");
        group.close_connections().excluded([&bob.connection_id]).reason("closing time").await?;
        story.exchange(&self.recorder.last())?;
        self.closed("Alice", &mut alice, "closing time").await?;
        bob.ping()
            .await
            .map_err(|error| format!("not observed: Bob, who was excluded, is still connected ({error})"))?;
        story.effect("Alice's client received \"closing time\" and its socket closed.")?;
        story.effect("Bob's client pinged and got its pong: he is still there.")?;
        Ok(())
    }

    async fn close_connection(&self, story: &mut Story<'_>) -> Result<(), BoxError> {
        let mut carol = self.join("demo-carol").await?;
        story.step("Web PubSub: close one connection")?;
        story.before(&format!("Carol is connected as {}.", carol.connection_id))?;
        story.call(r#"service.connection(carol).close().reason("signed in elsewhere").await?"#)?;
        self.service.connection(&carol.connection_id).close().reason("signed in elsewhere").await?;
        story.exchange(&self.recorder.last())?;
        self.closed("Carol", &mut carol, "signed in elsewhere").await?;
        story.effect("Carol's client received \"signed in elsewhere\" and its socket closed.")?;
        Ok(())
    }

    async fn close_user(&self, story: &mut Story<'_>) -> Result<(), BoxError> {
        let (mut phone, mut laptop) = (self.join("demo-dave").await?, self.join("demo-dave").await?);
        story.step("Web PubSub: close the connections of a user, all but one")?;
        story.before("Dave is connected twice, by phone and by laptop.")?;
        story.call(r#"service.user("demo-dave").close_connections().excluded([laptop]).reason("one device only").await?"#)?;
        let user = self.service.user("demo-dave");
        user.close_connections().excluded([&laptop.connection_id]).reason("one device only").await?;
        story.exchange(&self.recorder.last())?;
        self.closed("Dave's phone", &mut phone, "one device only").await?;
        laptop
            .ping()
            .await
            .map_err(|error| format!("not observed: Dave's excluded laptop is still connected ({error})"))?;
        story.effect(
            "The phone received \"one device only\" and its socket closed; the laptop still responds.",
        )?;
        Ok(())
    }

    /// Connects a real WebSocket client, with a token that the service itself makes.
    async fn join(&self, user: &str) -> Result<Client, BoxError> {
        let hub = self.service.hub_name();
        let request = self.service.request(Method::POST, "/api/hubs/{}/:generateToken", &[hub]);
        let response = request.query("userId", user).query("group", "demo-lobby").await?;
        let response: serde_json::Value = serde_json::from_slice(&response)?;
        let token = response["token"].as_str().ok_or("the service's response holds no client token")?;
        Client::connect(&format!("{}/client/hubs/{hub}?access_token={token}", self.service.endpoint())).await
    }

    /// The emulator closes before it responds; the real service may take a moment.
    fn grace(&self) -> u32 {
        if self.emulated { 0 } else { 20 }
    }

    /// The client is closed and received the reason. The real service is only known to send it in its `disconnected` message.
    async fn closed(&self, who: &str, client: &mut Client, reason: &str) -> Result<(), BoxError> {
        let ending = client.ending(self.grace()).await;
        let ending = ending.map_err(|error| format!("not observed: {who}'s client is closed ({error})"))?;
        let received = ending.message.as_deref() == Some(reason);
        observed(received, &format!("{who}'s client receives {reason:?}; it received {:?}", ending.message))?;
        let framed = ending.reason == reason || !self.emulated;
        observed(framed, &format!("{who}'s close frame carries {reason:?}; it carried {:?}", ending.reason))
    }
}
