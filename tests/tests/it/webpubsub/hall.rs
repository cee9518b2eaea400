//! A hub with four live connections: Ann twice and Bob, in the groups red and blue, and one without a name.

use std::collections::BTreeMap;

use serde_json::Value;
use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;
use webpubsub::ServiceClient;
use workspace_tests::socket::Client;

pub(crate) const HUB: &str = "chat";
/// The last thing that a connection is sent: everything sent to it before has arrived by then, since order is kept.
const MARK: &str = "that was all";

pub(crate) struct Hall {
    pub(crate) emulator: Emulator,
    pub(crate) service: ServiceClient,
    /// In red.
    pub(crate) ann: Client,
    /// Ann's second connection, in blue.
    pub(crate) ann2: Client,
    /// In red and blue.
    pub(crate) bob: Client,
    /// Without a user, in no group.
    pub(crate) anonymous: Client,
}

impl Hall {
    pub(crate) async fn open() -> Self {
        let emulator = Emulator::start().await.unwrap();
        let service =
            ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), HUB).unwrap();
        let ann = join(&emulator, &ClientToken::new().user("ann").group("red")).await;
        let ann2 = join(&emulator, &ClientToken::new().user("ann").group("blue")).await;
        let bob = join(&emulator, &ClientToken::new().user("bob").group("red").group("blue")).await;
        let anonymous = join(&emulator, &ClientToken::new()).await;
        Self { emulator, service, ann, ann2, bob, anonymous }
    }

    fn all(&mut self) -> [(&'static str, &mut Client); 4] {
        [
            ("ann", &mut self.ann),
            ("ann2", &mut self.ann2),
            ("bob", &mut self.bob),
            ("anonymous", &mut self.anonymous),
        ]
    }

    /// What every connection has got until now, by its name; those that got nothing are left out.
    pub(crate) async fn heard(&mut self) -> BTreeMap<&'static str, Vec<Value>> {
        let service = self.service.clone();
        let mut heard = BTreeMap::new();
        for (name, client) in self.all() {
            service.connection(&client.connection_id).send(MARK).await.unwrap();
            loop {
                let frame = client.json().await.unwrap();
                if frame["data"] == MARK {
                    break;
                }
                heard.entry(name).or_insert_with(Vec::new).push(frame);
            }
        }
        heard
    }

    /// Who has got something until now.
    pub(crate) async fn who_heard(&mut self) -> Vec<&'static str> {
        self.heard().await.into_keys().collect()
    }

    /// The groups that every connection is in, as the emulator has it.
    pub(crate) fn groups(&mut self) -> BTreeMap<&'static str, Vec<String>> {
        let connections = self.emulator.webpubsub().connections(HUB);
        let groups = |id: &str| {
            let found = connections.iter().find(|connection| connection.connection_id == id);
            found.map(|connection| connection.groups.clone()).unwrap_or_default()
        };
        self.all().into_iter().map(|(name, client)| (name, groups(&client.connection_id))).collect()
    }
}

pub(crate) async fn join(emulator: &Emulator, token: &ClientToken) -> Client {
    Client::connect(&emulator.webpubsub().client_access_url(HUB, token)).await.unwrap()
}
