//! Creates a URL for a client in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`, sends to the client and to its group, and
//! lists the members of the group. Open the URL that it prints with any WebSocket program.
use std::io::Write;

use webpubsub::filter::{groups, user_id};
use webpubsub::{BoxError, Message, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    let access = service.client_access().user("dave").groups(["lobby"]);
    let access = access.roles([Role::send_to_group("lobby")]).await?;
    println!("Connect to this within the hour, then press Enter:\n{}", access.url);
    std::io::stdin().read_line(&mut String::new())?;
    run(&service, &mut std::io::stdout()).await
}

pub(crate) async fn run(service: &ServiceClient, out: &mut impl Write) -> Result<(), BoxError> {
    let lobby = service.group("lobby");
    service.user("dave").send("hello, dave").await?;
    let news = Message::json(&serde_json::json!({ "news": "the lobby opens" }));
    lobby.send(news).filter(user_id().ne("troll").and(!groups().contains("muted"))).await?;
    let mut members = lobby.list_connections();
    while let Some(member) = members.next().await {
        let member = member?;
        let user = member.user_id.as_deref().unwrap_or("anonymous");
        writeln!(out, "{user} is in the lobby on {}", member.connection_id)?;
    }
    writeln!(out, "dave is {}", if service.user("dave").exists().await? { "here" } else { "not here" })?;
    Ok(())
}
