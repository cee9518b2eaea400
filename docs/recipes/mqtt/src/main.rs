//! An MQTT client of the hub `chat` that publishes and receives in the topic `room/1`. Reads `WEBPUBSUB_CONNECTION_STRING`.
use std::time::Duration;

use http::{Request, Uri};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, Transport};
use webpubsub::{BoxError, ClientProtocol, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    let url = fresh_url(&service).await?;
    let is_secure = url.scheme_str() == Some("wss");
    let transport = if is_secure { Transport::wss_with_default_config() } else { Transport::Ws };
    // The port is that of the URL. The argument does not matter.
    let mut options = MqttOptions::new("sensor-7", url.to_string(), 443);
    options.set_transport(transport).set_keep_alive(Duration::from_secs(60));
    // Called for each connection, so that the client always connects with a fresh token.
    options.set_request_modifier(move |request| connect_to(service.clone(), request));

    let (client, mut connection) = AsyncClient::new(options, 10);
    client.subscribe("room/1", QoS::AtLeastOnce).await?;
    client.publish("room/1", QoS::AtLeastOnce, false, "21.5 °C").await?;
    loop {
        match connection.poll().await {
            Ok(Event::Incoming(Packet::Publish(message))) => {
                println!("{}: {}", message.topic, String::from_utf8_lossy(&message.payload));
            }
            Ok(_) => {}
            // The next call of `poll` reconnects.
            Err(error) => {
                eprintln!("{error}");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}

/// In a real client, this is a request to the negotiate endpoint of your server.
async fn fresh_url(service: &ServiceClient) -> Result<Uri, BoxError> {
    let access = service.client_access().user("sensor-7").protocol(ClientProtocol::Mqtt);
    let access = access.roles([Role::join_leave_group("room/1"), Role::send_to_group("room/1")]).await?;
    Ok(access.url.parse()?)
}

async fn connect_to(service: ServiceClient, mut request: Request<()>) -> Request<()> {
    match fresh_url(&service).await {
        Ok(url) => *request.uri_mut() = url,
        // The old token may still be valid. If it is not, the service rejects the connection.
        Err(error) => eprintln!("no fresh URL: {error}"),
    }
    request
}
