//! Presence while connections are cut at random bytes: once the activity has stopped, every view equals the emulator's states. And
//! the example `who_is_online`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use service_emulator::webpubsub::ClientToken;
use service_emulator::{Emulator, SocketFault};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use webpubsub::client::{Access, Group, GroupStates, Reconnect};
use webpubsub::{BoxError, Client, Credential, Error, Role, ServiceClient};

#[expect(unreachable_pub, reason = "the file is public in its own crate")]
#[path = "../../../../../tests/src/cutter.rs"]
mod cutter;

use cutter::{Cutter, Plan};

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/who_is_online.rs"]
mod example;

const CLIENTS: usize = 50;
const CHANGES: usize = 8;
/// The number of recoveries that the service rejects, so that their clients need new connections.
const REJECTED: u32 = 40;

type States = BTreeMap<Option<String>, BTreeMap<String, String>>;

/// Repeats a request that may have been lost with a connection. The service must not reject any.
async fn until_done<T, F: Future<Output = Result<T, Error>>>(mut request: impl FnMut() -> F) -> T {
    loop {
        match request().await {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.code(), None, "{error}"),
        }
    }
}

/// Connects through the proxy, which may cut the first connection too.
async fn connect(emulator: &Emulator, cutter: &Cutter, user: String) -> Client {
    let key = Credential::access_key(emulator.webpubsub().access_key());
    let service = ServiceClient::new(&format!("http://{}", cutter.address()), "chat", key).unwrap();
    let access = move || {
        let roles =
            [Role::join_leave_group("room"), Role::set_group_state("room"), Role::get_group_state("room")];
        let access = service.client_access().user(&*user).roles(roles);
        async move { Ok::<_, BoxError>(access.await?.url) }
    };
    let backoff = Duration::from_millis(5);
    let reconnect = Reconnect::default().initial_backoff(backoff).max_backoff(10 * backoff);
    until_done(|| {
        let builder = Client::builder(Access::from_fn(access.clone())).reconnect(reconnect.clone());
        builder.without_events().connect()
    })
    .await
}

/// Joins the room, follows its states, and changes the own one several times.
async fn take_part(room: Group) -> GroupStates {
    until_done(|| async { room.join().await }).await;
    let states = until_done(|| async { room.states().await }).await;
    for change in 1..=CHANGES {
        until_done(|| async { room.set_state([("change", change.to_string())]).await }).await;
        if change % 3 == 0 {
            until_done(|| async { room.clear_state().await }).await;
        }
    }
    states
}

fn seen(states: &GroupStates) -> Vec<(Option<String>, BTreeMap<String, String>)> {
    states.current().into_iter().map(|member| (member.user_id, member.state)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_cuts_and_new_connections_every_view_equals_the_states_of_the_emulator() {
    let emulator = Emulator::start().await.unwrap();
    let plan = Plan { seed: 18, mean: 20_000, early: 5 };
    let cutter = Cutter::start(emulator.address(), plan).await.unwrap();
    emulator.faults().push_socket(SocketFault::reject_recovery().times(REJECTED));
    let (mut clients, mut running) = (Vec::new(), JoinSet::new());
    for number in 0..CLIENTS {
        let client = connect(&emulator, &cutter, format!("user{number:02}")).await;
        running.spawn(take_part(client.group("room")));
        clients.push(client);
    }
    let mut views = running.join_all().await;
    cutter.rest();
    // The connections that were given up can no longer be recovered, so their states are cleared.
    emulator.clock().advance(Duration::from_secs(31));
    let state = BTreeMap::from([("change".to_owned(), CHANGES.to_string())]);
    let expected: States =
        (0..CLIENTS).map(|number| (Some(format!("user{number:02}")), state.clone())).collect();
    for view in &mut views {
        // The states of connections that were given up are cleared when the service has noticed their end.
        while seen(view).len() != CLIENTS || seen(view).into_iter().collect::<States>() != expected {
            let event = view.next().await;
            assert!(event.is_some(), "a view ended");
        }
    }
    let of_emulator: Vec<_> = emulator.webpubsub().group_states("chat", "room");
    let of_emulator: Vec<_> =
        of_emulator.into_iter().map(|it| (it.connection_id, it.user_id, it.state, it.updated_at)).collect();
    for view in &views {
        let members = view.current().into_iter();
        let members: Vec<_> =
            members.map(|it| (it.connection_id, it.user_id, it.state, it.updated_at)).collect();
        assert!(view.is_complete());
        assert_eq!(members, of_emulator);
    }
    assert!(cutter.cuts().total > 0, "{:?}", cutter.cuts());
}

/// Passes on each line that is written.
struct Lines {
    line: Vec<u8>,
    sender: mpsc::UnboundedSender<String>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(io::Error::other)?;
                self.sender.send(line).map_err(io::Error::other)?;
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn member(emulator: &Emulator, user: &str) -> Client {
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.setGroupState", "webpubsub.getGroupState"];
    let token = roles.into_iter().fold(ClientToken::new().user(user), ClientToken::role);
    let url = emulator.webpubsub().client_access_url("chat", &token);
    Client::builder(url).without_events().connect().await.unwrap()
}

#[tokio::test]
async fn the_example_shows_who_comes_and_who_goes() {
    let emulator = Emulator::start().await.unwrap();
    let alice = member(&emulator, "alice").await;
    let (sender, mut shown) = mpsc::unbounded_channel();
    let mut lines = Lines { line: Vec::new(), sender };
    let running = tokio::spawn(async move { example::run(&alice, 3, &mut lines).await });
    assert_eq!(shown.recv().await.unwrap(), "online: 1");
    let bob = member(&emulator, "bob").await;
    let room = bob.group("room");
    room.join().await.unwrap();
    room.set_state([("status", "away")]).await.unwrap();
    assert_eq!(shown.recv().await.unwrap(), r#"Some("bob") {"status": "away"}"#);
    bob.close().await;
    assert_eq!(shown.recv().await.unwrap(), r#"Some("bob") is gone"#);
    running.await.unwrap().unwrap();
}
