//! Our client in a group with an official one: repeats each stream of the group in upper case, until its input ends. For
//! the scripts in `tests/interop`.

use service_core::BoxError;
use webpubsub::client::{Access, StreamReader};
use webpubsub::{Client, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(hub), Some(group)) = (arguments.next(), arguments.next()) else {
        return Err("usage: stream_peer HUB GROUP".into());
    };
    let service = ServiceClient::from_env(&hub)?;
    let access = Access::from_fn(move || {
        let access = service.client_access().user("peer");
        let access = access.roles([Role::send_to_any_group(), Role::join_leave_any_group()]);
        async move { Ok::<_, BoxError>(access.await?.url) }
    });
    let client = Client::builder(access).without_events().connect().await?;
    let mut streams = client.group(&group).streams().await?;
    println!("ready");
    let mut input =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    loop {
        tokio::select! {
            Some(stream) = streams.next() => repeat(&client, &group, stream).await?,
            ended = &mut input => {
                ended??;
                client.close().await;
                return Ok(());
            }
        }
    }
}

async fn repeat(client: &Client, group: &str, mut stream: StreamReader) -> Result<(), BoxError> {
    let id = format!("again-{}", stream.id());
    let mut writer = client.group(group).open_stream().stream_id(id).no_echo().await?;
    while let Some(part) = stream.next().await {
        match part {
            Ok(data) => writer.send(data.as_text().unwrap_or_default().to_uppercase()).await?,
            Err(error) => return Ok(writer.abort(error.to_string()).await?),
        }
    }
    Ok(writer.finish().await?)
}
