//! Shows who is online in the group `room` of the hub `chat`. Each connection sets its own state. To see changes, start the program
//! more than once, with a different name as its argument each time. Group states are a preview feature of the service.
use std::io::Write;

use webpubsub::client::GroupStateEvent;
use webpubsub::{BoxError, Client, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let name = std::env::args().nth(1).unwrap_or("alice".to_owned());
    let access = ServiceClient::from_env("chat")?.client_access().user(name).roles([
        Role::join_leave_group("room"),
        Role::set_group_state("room"),
        Role::get_group_state("room"),
    ]);
    let client = Client::builder(access.await?).connect().await?;
    run(&client, usize::MAX, &mut std::io::stdout()).await
}

/// Prints at most `max` changes.
pub(crate) async fn run(client: &Client, max: usize, out: &mut impl Write) -> Result<(), BoxError> {
    let room = client.group("room");
    room.join().await?;
    room.set_state([("status", "here")]).await?;
    let (mut states, mut shown) = (room.states().await?, 0);
    while shown < max
        && let Some(event) = states.next().await
    {
        match event {
            GroupStateEvent::Set(member) => writeln!(out, "{:?} {:?}", member.user_id, member.state)?,
            GroupStateEvent::Cleared(gone) => writeln!(out, "{:?} is gone", gone.user_id)?,
            GroupStateEvent::Snapshot(all) => writeln!(out, "online: {}", all.members.len())?,
            _ => continue,
        }
        shown += 1;
    }
    client.close().await;
    Ok(())
}
