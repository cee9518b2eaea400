//! The shape of every request on the wire, against a mock server.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use mockito::{Matcher, Mock, Server, ServerGuard};
use webpubsub::{AccessToken, Credential, ServiceClient, TokenRequest, operations};

use super::cases::{self, Case};

/// Uses a token credential, since only then `generateToken` is called.
fn client(server: &ServerGuard) -> ServiceClient {
    let credential = Credential::token(async |_request: TokenRequest| {
        let expires_on = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        Ok::<_, Infallible>(AccessToken::new("planted", expires_on))
    });
    ServiceClient::new(&server.url(), "chat", credential).unwrap()
}

/// Mocks a response to exactly this request.
async fn expect(server: &mut ServerGuard, case: &Case, name: &str) -> Mock {
    let mock = server
        .mock(case.method, case.target(name).as_str())
        .match_header("authorization", "Bearer planted")
        .match_header("user-agent", Matcher::Regex("^webpubsub/\\d+\\.\\d+\\.\\d+ \\(\\w+; \\w+\\)$".into()))
        .match_header("x-ms-client-request-id", Matcher::Regex("^[0-9a-f-]{36}$".into()))
        .with_status(case.status)
        .with_body(case.response);
    let mock = match case.body {
        Some((content_type, body)) => mock.match_header("content-type", content_type).match_body(body),
        None => mock.match_header("content-type", Matcher::Missing).match_body(""),
    };
    mock.create_async().await
}

/// Checks that each of these calls sends its own request and no other.
async fn arrive(cases: &[Case], name: &str, encoded: &str) {
    let mut server = Server::new_async().await;
    let service = client(&server);
    for case in cases {
        let mock = expect(&mut server, case, encoded).await;
        let outcome = (case.call)(&service, name).await;
        assert!(outcome.is_ok(), "{} with {name:?}, {}: {outcome:?}", case.id, case.query);
        assert!(mock.matched_async().await, "{} with {name:?}, {}", case.id, case.query);
        mock.remove_async().await;
    }
}

#[tokio::test]
async fn every_operation_arrives_as_the_specification_says_plain_and_with_every_option() {
    arrive(&cases::all(), "n1", "n1").await;
}

#[tokio::test]
async fn hostile_names_arrive_as_one_segment_in_every_operation() {
    for (name, encoded) in [
        ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
        ("日本語", "%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        ("it's a 🚀", "it%27s%20a%20%F0%9F%9A%80"),
        ("../x", "..%2Fx"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b;c:d@e", "a%5Cb%3Bc%3Ad%40e"),
    ] {
        let named: Vec<_> = cases::all().into_iter().filter(|case| case.path.contains("{}")).collect();
        arrive(&named, name, encoded).await;
    }
}

#[tokio::test]
async fn names_that_would_change_the_path_are_rejected_in_every_operation_before_anything_is_sent() {
    let mut server = Server::new_async().await;
    let mut nothing = Vec::new();
    for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
        nothing.push(server.mock(method, Matcher::Any).expect(0).create_async().await);
    }
    let service = client(&server);
    for name in ["", ".", ".."] {
        for case in cases::all().iter().filter(|case| case.path.contains("{}")) {
            let error = (case.call)(&service, name).await.unwrap_err();
            assert!(error.is_invalid_input() && error.attempts() == 0, "{} with {name:?}: {error}", case.id);
            assert_eq!(error.operation(), Some(case.id));
        }
        for case in cases::all().iter().filter(|case| case.path.contains("/hubs/")) {
            let error = (case.call)(&service.hub(name), "n1").await.unwrap_err();
            assert!(
                error.is_invalid_input() && error.attempts() == 0,
                "{} in hub {name:?}: {error}",
                case.id
            );
        }
    }
    for mock in nothing {
        mock.assert_async().await;
    }
}

#[test]
fn every_operation_and_every_query_parameter_has_its_case() {
    let cases = cases::all();
    for operation in operations::ALL {
        let of_it: Vec<_> = cases.iter().filter(|case| case.id == operation.id).collect();
        let pairs = of_it.iter().flat_map(|case| case.query.split('&')).filter(|pair| !pair.is_empty());
        let mut sent: BTreeSet<_> = pairs.map(|pair| pair.split('=').next().unwrap()).collect();
        sent.insert("api-version");
        assert!(!of_it.is_empty(), "{}", operation.id);
        assert_eq!(sent, operation.query.iter().copied().collect(), "{}", operation.id);
        assert!(of_it.iter().all(|case| case.method == operation.method.as_str()), "{}", operation.id);
        assert!(operation.success.iter().any(|status| usize::from(*status) == of_it[0].status));
    }
    let ids: BTreeSet<_> = operations::ALL.iter().map(|operation| operation.id).collect();
    assert_eq!((ids.len(), cases.iter().map(|case| case.id).collect::<BTreeSet<_>>()), (25, ids));
}

#[tokio::test]
async fn existence_checks_accept_200_as_true_and_404_as_false_and_nothing_else() {
    for (status, response) in [(200, Some(true)), (404, Some(false)), (204, None), (401, None), (403, None)] {
        let mut server = Server::new_async().await;
        server.mock("HEAD", Matcher::Any).with_status(status).create_async().await;
        let service = client(&server);
        for outcome in [
            service.group("g").exists().await,
            service.user("u").exists().await,
            service.connection("c").exists().await,
            service.connection("c").has_permission("sendToGroup").group("g").await,
        ] {
            match (outcome, response) {
                (Ok(given), Some(response)) => assert_eq!(given, response, "{status}"),
                (Err(error), None) => assert_eq!(error.status().unwrap().as_u16() as usize, status),
                (outcome, _) => panic!("{status}: {outcome:?}"),
            }
        }
    }
}
