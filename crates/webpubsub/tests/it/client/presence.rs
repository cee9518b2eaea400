//! Presence while connections are cut at random bytes: once the activity has stopped, every view equals the emulator's states.

use std::collections::BTreeMap;
use std::time::Duration;

use service_emulator::{Emulator, SocketFault};
use tokio::task::JoinSet;
use webpubsub::client::{Access, Group, GroupStates, Reconnect};
use webpubsub::{BoxError, Client, Credential, Error, Role, ServiceClient};

#[expect(unreachable_pub, reason = "the file is public in its own crate")]
#[path = "../../../../../tests/src/cutter.rs"]
mod cutter;

use cutter::{Cutter, Plan};

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
