//! Requests as sent on the wire, and values as read from responses, against a mock server.

use http::Method;
use hulft_webconnect::{Agent, Direction, ErrorKind, RetryOptions, SiteClient, StopReason};
use mockito::{Matcher, Server, ServerGuard};

/// The example of the specification, section 4.3.
const STATUS: &str = r#"{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"status":[{"agentId":"agent1","direction":"receive",
 "connectionId":["id1","id22"],"endpoint":"california-service1.webconnect.hulft.com",
 "startConnection":"2016-06-30 14:22:00.942","sessionId":"dfBqpCYBFcQZNRx9z6q_A6rQ0Yv7y3yZ3IJJf2aJ",
 "agentVersion":"2.0.0","willBeClosed":false,"supportingDisconnectApi":true}]}"#;

const DISCONNECTION: &str = r#"{"sessionId":"dfBqpCYBFcQZNRx9z6q_A6rQ0Yv7y3yZ3IJJf2aJ","endpoint":"california-service1.webconnect.hulft.com"}"#;

fn site(server: &ServerGuard) -> SiteClient {
    SiteClient::builder("planted-key").endpoint(server.url()).build().unwrap()
}

#[tokio::test]
async fn disconnecting_posts_session_and_endpoint() {
    for status in [200, 201, 204] {
        let mut server = Server::new_async().await;
        let mock = server
            .mock("POST", "/api/v2/agent/disconnection")
            .match_header("authorization", "Bearer planted-key")
            .match_header("content-type", "application/json")
            .match_header("x-request-id", Matcher::Regex("^[0-9a-f-]{36}$".into()))
            .match_header("user-agent", Matcher::Regex("^hulft-webconnect/\\d+\\.\\d+\\.\\d+ \\(".into()))
            .match_body(DISCONNECTION)
            .with_status(status)
            .create_async()
            .await;
        let agents = site(&server).agents();
        let session = "dfBqpCYBFcQZNRx9z6q_A6rQ0Yv7y3yZ3IJJf2aJ";
        let response = agents
            .disconnect(session, "california-service1.webconnect.hulft.com")
            .with_response()
            .await
            .unwrap();
        mock.assert_async().await;
        assert_eq!(response.status().as_u16() as usize, status);
    }
}

#[tokio::test]
async fn an_agent_of_the_status_list_is_disconnected_by_what_the_list_says() {
    let mut server = Server::new_async().await;
    server
        .mock("GET", "/api/v2/agent/status?startIndex=0&maxResults=1000")
        .match_body("")
        .with_body(STATUS)
        .create_async()
        .await;
    let mock =
        server.mock("POST", "/api/v2/agent/disconnection").match_body(DISCONNECTION).create_async().await;
    let agents = site(&server).agents();
    let page = agents.list().page().await.unwrap();
    assert_eq!((page.total_size, page.fetch_size, page.start_index, page.max_results), (1, 1, 0, 30));
    let agent = &page.rows[0];
    assert_eq!(
        (agent.agent_id.as_str(), &agent.direction, agent.agent_version.as_str()),
        ("agent1", &Direction::Receive, "2.0.0")
    );
    assert_eq!(
        (agent.connection_ids.join(","), agent.start_connection.as_str()),
        ("id1,id22".into(), "2016-06-30 14:22:00.942")
    );
    assert!(!agent.will_be_closed && agent.supports_disconnection);
    agents.disconnect_agent(agent).await.unwrap();
    mock.assert_async().await;
}

#[tokio::test]
async fn the_status_list_takes_bounds_and_a_direction() {
    let mut server = Server::new_async().await;
    let all = server
        .mock("GET", "/api/v2/agent/status?startIndex=10000&maxResults=1000")
        .with_body(STATUS)
        .create_async()
        .await;
    let send = server
        .mock("GET", "/api/v2/agent/status/send?startIndex=0&maxResults=1")
        .with_status(204)
        .create_async()
        .await;
    let new = server
        .mock("GET", "/api/v2/agent/status/side%2Fways?startIndex=0&maxResults=1000")
        .with_body(r#"{"totalSize":0,"status":[]}"#)
        .create_async()
        .await;
    let agents = site(&server).agents();
    agents.list().start_index(10_000).page_size(1_000).page().await.unwrap();
    assert!(
        agents
            .list_by_direction(&Direction::Send)
            .start_index(0)
            .page_size(1)
            .page()
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    agents.list_by_direction(&Direction::Other("side/ways".into())).page().await.unwrap();
    for mock in [all, send, new] {
        mock.assert_async().await;
    }
}

#[tokio::test]
async fn invalid_arguments_are_rejected_before_anything_is_sent() {
    let mut server = Server::new_async().await;
    let no_post = server.mock("POST", Matcher::Any).expect(0).create_async().await;
    let no_get = server.mock("GET", Matcher::Any).expect(0).create_async().await;
    let agents = site(&server).agents();
    for (session, endpoint) in [("", "e"), (" ", "e"), ("s", ""), ("s", "\t")] {
        assert!(agents.disconnect(session, endpoint).await.unwrap_err().is_invalid_input());
    }
    for (page, rule) in [
        (agents.list().start_index(10_001), "startIndex must be between 0 and 10000"),
        (agents.list().page_size(0), "maxResults must be between 1 and 1000"),
        (agents.list().page_size(1_001), "maxResults must be between 1 and 1000"),
        (agents.list_by_direction(&Direction::Other("..".into())), "dot segment"),
        (agents.list_by_direction(&Direction::Other(String::new())), "must not be empty"),
    ] {
        let error = page.page().await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
    }
    for segment in ["", ".", ".."] {
        assert!(
            site(&server)
                .request(Method::GET, "/api/v2/relay/log/{}", &[segment])
                .await
                .unwrap_err()
                .is_invalid_input()
        );
    }
    let mut old = Agent::default();
    (old.agent_id, old.session_id, old.endpoint, old.agent_version) =
        ("a1".into(), "s".into(), "e".into(), "1.1.9".into());
    let error = agents.disconnect_agent(&old).await.unwrap_err();
    assert!(error.to_string().contains("1.2.0 or later, got \"a1 1.1.9\""), "{error}");
    no_post.assert_async().await;
    no_get.assert_async().await;
}

#[tokio::test]
async fn each_error_status_gives_one_readable_error() {
    for status in [400, 401, 403, 404, 405, 429, 500] {
        let mut server = Server::new_async().await;
        let body = r#"{"code":"E300003","message":"The data is already registered."}"#;
        let mock = server
            .mock("POST", Matcher::Any)
            .with_status(status)
            .with_body(body)
            .expect(1)
            .create_async()
            .await;
        let error =
            site(&server).agents().disconnect("s", "e").retry(RetryOptions::none()).await.unwrap_err();
        mock.assert_async().await;
        assert_eq!(error.status().unwrap().as_u16() as usize, status);
        assert_eq!(
            (error.code(), error.message()),
            (Some("E300003"), Some("The data is already registered."))
        );
        assert!(error.request_id().is_some_and(|id| error.to_string().contains(id)));
        assert_eq!(error.kind(), if status == 429 { ErrorKind::Throttled } else { ErrorKind::Service });
        assert!(error.to_string().starts_with(&format!("DisconnectAgent: {status} ")), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_an_error_with_status_and_text() {
    let mut server = Server::new_async().await;
    server
        .mock("POST", Matcher::Any)
        .with_status(503)
        .with_body("<html>maintenance</html>")
        .create_async()
        .await;
    server.mock("GET", Matcher::Any).with_body("<html>maintenance</html>").create_async().await;
    let agents = site(&server).agents();
    let error = agents.disconnect("s", "e").await.unwrap_err();
    assert!(error.to_string().contains("503") && error.to_string().contains("maintenance"), "{error}");
    let error = agents.list().page().await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
}

#[tokio::test]
async fn a_disconnection_whose_outcome_is_not_known_is_not_repeated() {
    let mut server = Server::new_async().await;
    let mock = server.mock("POST", Matcher::Any).with_status(500).expect(1).create_async().await;
    let error = site(&server).agents().disconnect("s", "e").await.unwrap_err();
    mock.assert_async().await;
    assert_eq!(error.stop_reason(), Some(StopReason::NotIdempotent));
    assert!(error.to_string().contains("not retried: the operation is not idempotent"), "{error}");
}

#[tokio::test]
async fn values_that_are_new_or_differ_from_the_tables_are_read() {
    let mut server = Server::new_async().await;
    let body = r#"{"totalSize":1,"status":[{"agentId":"a","direction":"both","willBeClosed":"true","supportingDisconnectApi":"false","new":{}}]}"#;
    server.mock("GET", Matcher::Any).with_body(body).create_async().await;
    let page = site(&server).agents().list().page().await.unwrap();
    let agent = &page.rows[0];
    assert_eq!(agent.direction, Direction::Other("both".into()));
    assert!(agent.will_be_closed && !agent.supports_disconnection);
}

#[test]
fn keys_and_endpoints_are_checked_without_being_repeated() {
    assert!(SiteClient::new("").unwrap_err().to_string().contains("key must not be empty"));
    for (endpoint, rule) in [
        ("www.webconnect.hulft.com", "no scheme"),
        ("https://www.webconnect.hulft.com/api/v2", "no path"),
        ("https://u:planted@x.example", "credentials"),
        ("http://x.example", "allow_insecure_http"),
    ] {
        let builder = SiteClient::builder("planted").endpoint(endpoint);
        assert!(!format!("{builder:?}").contains("planted") || endpoint.contains("planted"));
        let error = builder.build().unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{endpoint}: {error}");
        assert!(!format!("{error:?}").contains("planted"));
    }
    assert!(SiteClient::new("planted\n").is_ok(), "a line break after a pasted key is ignored");
    assert!(!format!("{:?}", SiteClient::new("planted").unwrap()).contains("planted"));
}
