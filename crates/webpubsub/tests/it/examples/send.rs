//! The example `send` against the emulator.

use service_emulator::Emulator;
use webpubsub::ServiceClient;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/send.rs"]
mod example;

#[tokio::test]
async fn it_reports_that_no_client_is_connected_yet() {
    let emulator = Emulator::start().await.unwrap();
    let service =
        ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat").unwrap();
    let mut shown = Vec::new();
    example::run(&service, &mut shown).await.unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), "dave is not here\n");
}
