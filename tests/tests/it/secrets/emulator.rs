//! The emulator: errors of its settings, and the log of requests that carry secrets.

use service_emulator::Emulator;

use super::{ACCESS_KEY, API_KEY, CONTROL, HEADER, QUERY, SEGMENT, clean};
use crate::logged::Logged;

#[test]
fn no_error_of_the_settings_repeats_a_secret() {
    let settings = [
        format!("control_token = {CONTROL}"),
        format!("control_token = \"{CONTROL}\" x"),
        format!("control_token = [\"{CONTROL}\"]"),
        format!("[hulft]\napi_key = \"{API_KEY}\u{7}\""),
        format!("[hulft]\napi_key = [\"{API_KEY}\"]"),
        format!("[webpubsub]\naccess_key = \"{ACCESS_KEY}"),
        format!("[webpubsub]\naccess_key = {{ key = \"{ACCESS_KEY}\" }}"),
        format!("[eventgrid]\nkey = \"{SEGMENT}\""),
        format!(
            "[[webpubsub.hubs]]\nname = \"chat\"\n[[webpubsub.hubs.event_handlers]]\nurl = \"upstream?code={QUERY}\""
        ),
        format!(
            "[[eventgrid.topics]]\nname = \"t\"\n[[eventgrid.topics.subscriptions]]\nname = \"s\"\n\
             [eventgrid.topics.subscriptions.push]\nurl = \"http://x/?code={QUERY}\"\nheaders = {{ \"bad name\" = \"{HEADER}\" }}"
        ),
    ];
    for text in settings {
        let error = Emulator::builder().config(&text).unwrap_err();
        clean(&text, &format!("{error} {error:?} {error:#?}"));
    }
}

#[test]
fn the_log_of_the_emulator_shows_no_secret_of_a_request() {
    Logged::during(async |logged| {
        let emulator = Emulator::builder().control_token(CONTROL).start().await.unwrap();
        let client = reqwest::Client::new();
        let requests = [
            ("/api/hubs/chat/:send", "code"),
            ("/client/hubs/chat", "access_token"),
            ("/client/hubs/chat", "awps_reconnection_token"),
            ("/topics/orders:publish", "sig"),
            ("/api/v2/agents", "apiKey"),
            ("/_emulator/state", "token"),
            ("/_emulator/faults", "AuthToken"),
            ("/", "secret"),
            ("/elsewhere", "Ocp-Apim-Subscription-Key"),
        ];
        let mut shown = String::new();
        for (path, name) in requests {
            for method in [http::Method::GET, http::Method::POST] {
                for authorization in [format!("Bearer {CONTROL}x"), format!("SharedAccessKey {HEADER}")] {
                    let url = format!("{}{path}?{name}={QUERY}&api-version=2024-12-01", emulator.endpoint());
                    let request = client.request(method.clone(), url).header("authorization", authorization);
                    let response = request.header("cookie", HEADER).body(SEGMENT).send().await.unwrap();
                    shown += &format!("{:?}\n", response.headers());
                    shown += &response.text().await.unwrap();
                }
            }
        }
        clean("responses", &shown);
        let log = client.get(format!("{}/_emulator/events?after=0", emulator.endpoint()));
        let log = log.bearer_auth(CONTROL).send().await.unwrap();
        emulator.shutdown().await;
        let log = log.text().await.unwrap();
        assert!(log.contains("/elsewhere"), "{log}");
        clean("log of requests", &log);
        clean("log", &logged.text());
    });
}
