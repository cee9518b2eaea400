//! Which proxy requests use, and invalid settings of connections.

use std::process::Command;

use super::server::{Server, client, ok};
use super::*;

async fn get(pipeline: &Pipeline) -> Result<Bytes> {
    call(pipeline, &GET).await
}

#[tokio::test]
async fn an_explicit_proxy_receives_all_requests_and_its_password_is_not_forwarded() {
    let proxy = Server::responding(ok("by proxy")).await;
    let url = proxy.endpoint.replace("http://", "http://user:word@");
    let pipeline = client().proxy(url).allow_insecure_http().build("http://rooms.example", key()).unwrap();
    assert_eq!(get(&pipeline).await.unwrap(), "by proxy");
    let request = &proxy.seen()[0];
    assert!(request.starts_with("GET http://rooms.example/rooms/blue HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: Basic dXNlcjp3b3Jk\r\n"), "{request}");
}

#[tokio::test]
async fn a_proxy_that_rejects_the_tunnel_forwards_nothing_and_no_password_is_shown() {
    let proxy = Server::closing_after("HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n").await;
    let url = proxy.endpoint.replace("http://", &format!("http://user:{PLANTED}@"));
    let pipeline = client().proxy(url).build("https://rooms.example", key()).unwrap();
    let error = call(&pipeline, &SEND).await.unwrap_err();
    assert_eq!(error.delivery(), Some(crate::Delivery::NotSent));
    assert!(proxy.seen()[0].starts_with("CONNECT rooms.example:443 "), "{:?}", proxy.seen());
    assert!(!proxy.seen()[0].contains(PLANTED), "the service's key stays out of the proxy's request");
    assert!(!everything(&error).contains(PLANTED), "{error:?}");
}

#[tokio::test]
async fn the_status_of_a_proxy_that_rejects_the_tunnel_is_reported() {
    // The connector reports 407. For any other status, the proxy is asked once more.
    for (line, asked) in
        [("403 Forbidden", 2), ("407 Proxy Authentication Required", 1), ("502 Bad Gateway", 2)]
    {
        let proxy = Server::closing_after(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n")).await;
        let url = proxy.endpoint.replace("http://", &format!("http://user:{PLANTED}@"));
        let pipeline = client().proxy(url).build("https://rooms.example", key()).unwrap();
        let error = call(&pipeline, &CLOSE).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.to_string()).as_deref(), Some(line), "{error}");
        assert_eq!((error.delivery(), error.attempts()), (Some(crate::Delivery::NotSent), 1), "{error}");
        assert!(
            error.to_string().contains(&format!("{line}, could not connect to rooms.example:443")),
            "{error}"
        );
        assert!(!everything(&error).contains(PLANTED), "{error:?}");
        let seen = proxy.seen();
        assert_eq!(seen.len(), asked, "{seen:?}");
        for request in seen {
            assert!(request.starts_with("CONNECT rooms.example:443 HTTP/1.1\r\n"), "{request}");
            assert!(request.to_lowercase().contains("\r\nproxy-authorization: basic "), "{request}");
            assert!(!request.to_lowercase().contains("\r\nauthorization:"), "{request}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_has_no_second_response_leaves_the_first_error_as_it_is() {
    let rejected = Arc::new(AtomicU32::new(0));
    let proxy = Server::start(move |mut connection| {
        let rejected = Arc::clone(&rejected);
        async move {
            connection.request().await;
            if rejected.fetch_add(1, Ordering::SeqCst) == 0 {
                connection.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
            }
        }
    })
    .await;
    let pipeline = client().proxy(&*proxy.endpoint).build("https://rooms.example", key()).unwrap();
    let error = call(&pipeline, &CLOSE).await.unwrap_err();
    assert_eq!((error.status(), error.delivery()), (None, Some(crate::Delivery::NotSent)), "{error}");
    assert!(error.to_string().contains("rejected the CONNECT request"), "{error}");
    assert_eq!(proxy.connections(), 2);
}

/// Runs one of the tests below alone, in a process with these variables.
fn child(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("tests::proxies::{test}"), "--exact", "--ignored"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environments_proxy_is_used_except_for_loopback_and_can_be_disabled() {
    let proxy = Server::responding(ok("by proxy")).await;
    let server = Server::responding(ok("direct")).await;
    let variables = [
        ("HTTP_PROXY", &*proxy.endpoint),
        ("http_proxy", &proxy.endpoint),
        ("NO_PROXY", ""),
        ("no_proxy", ""),
        ("SERVER", &server.endpoint),
    ];
    child("child_with_a_proxy_in_its_environment", &variables);
    // Once, for the client that neither used loopback nor disabled the proxy.
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 1));
}

#[tokio::test]
#[ignore = "runs in a process of its own, with variables set by the test above"]
async fn child_with_a_proxy_in_its_environment() {
    // Absent if all ignored tests are run; the test above counts what this one sends.
    let Ok(server) = std::env::var("SERVER") else { return };
    assert_eq!(get(&client().build(&server, key()).unwrap()).await.unwrap(), "direct");
    let far = || client().allow_insecure_http().retry(crate::RetryOptions::none());
    // A name that cannot be resolved: only a proxy ca response for it.
    assert_eq!(get(&far().build("http://rooms.invalid", key()).unwrap()).await.unwrap(), "by proxy");
    let error = get(&far().no_proxy().build("http://rooms.invalid", key()).unwrap()).await.unwrap_err();
    assert_eq!(error.delivery(), Some(crate::Delivery::NotSent));
}

#[test]
fn a_malformed_proxy_variable_is_an_error_that_names_it_and_not_its_value() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for value in ["http://user:planted@host:port", "socks5://planted", "http://"] {
            let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].map(|other| {
                let value = if other == name { value } else { "" };
                (other, value)
            });
            child(
                "child_with_a_malformed_proxy_variable",
                &[&variables[..], &[("MALFORMED", name)]].concat(),
            );
        }
    }
}

#[test]
#[ignore = "runs in a process of its own, with variables set by the test above"]
fn child_with_a_malformed_proxy_variable() {
    let Ok(name) = std::env::var("MALFORMED") else { return };
    let error = invalid(client());
    let text = format!("environment variable {name} is not a proxy URL such as `http://host:3128`");
    assert_eq!(error.to_string(), text);
    assert!(!everything(&error).contains("planted"), "{error:?}");
    // Where the variable does not apply, it does not matter.
    client().no_proxy().build("https://rooms.example", key()).unwrap();
    client().build("https://localhost:1", key()).unwrap();
    client().allow_insecure_http().build("http://rooms.example", key()).map(drop).unwrap_or_else(|error| {
        assert!(name.eq_ignore_ascii_case("ALL_PROXY"), "{error}");
    });
}

fn invalid(client: Client) -> crate::Error {
    client.build("https://rooms.example", key()).err().expect("invalid")
}

#[test]
fn a_proxy_without_an_http_url_is_rejected_without_being_repeated() {
    for url in [
        "",
        "planted",
        "host:3128",
        "socks5://user:planted@host:1080",
        "http://user:planted@",
        "http://:planted@host:99999",
        "ftp://planted",
    ] {
        let error = invalid(client().proxy(url));
        assert!(error.is_invalid_input() && error.to_string().contains("proxy"), "{url}: {error}");
        assert!(!everything(&error).contains("planted"), "{error:?}");
    }
}

#[test]
fn invalid_certificates_are_rejected_without_being_repeated() {
    let garbage = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        "cGxhbnRlZC1zZWNyZXQtOWYzYw=="
    );
    let unread = "-----BEGIN CERTIFICATE-----\nplanted-secret-9f3c!\n-----END CERTIFICATE-----\n";
    for pem in ["", PLANTED, &garbage, unread, "-----BEGIN CERTIFICATE-----\n"] {
        let error = invalid(client().root_certificate(pem.as_bytes().to_vec()));
        assert!(error.is_invalid_input() && error.to_string().contains("certificate"), "{error:?}");
        let shown = everything(&error);
        assert!(!shown.contains(PLANTED) && !shown.contains("cGxhbnRlZC1"), "{error:?}");
    }
    let key = format!("-----BEGIN PRIVATE KEY-----\n{PLANTED}\n-----END PRIVATE KEY-----\n");
    for pem in ["", PLANTED, &key, &garbage] {
        let error = invalid(client().client_certificate(pem));
        assert!(error.is_invalid_input() && error.to_string().contains("certificate"), "{error:?}");
        let shown = everything(&error);
        assert!(!shown.contains(PLANTED) && !shown.contains("cGxhbnRlZC1"), "{error:?}");
    }
}
