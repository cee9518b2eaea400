//! Calls of all clients with every kind of credential, against servers and proxies that fail in every way: the error, its
//! sources, and all that any crate logs at TRACE level.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{NamespaceClient, Receiver};
use futures_util::future::join_all;
use http::Method;
use hulft_webconnect::SiteClient;
use tokio_rustls::rustls::ServerConfig;
use webpubsub::{
    AccessToken, BoxError, Credential, ErrorKind, RawRequest, RetryOptions, ServiceClient, TokenCredential,
    TokenRequest,
};
use workspace_tests::fault_server::{FaultServer, Reserved, Script, Step, frames, http1_response};
use workspace_tests::tls::{Authority, Tls};

use super::{ACCESS_KEY, API_KEY, BODY, HEADER, PROXY, QUERY, SEGMENT, SHARED_KEY, TOKEN, clean, everything};
use crate::logged::Logged;

/// A way to make a request with a method.
type Caller = Box<dyn Fn(Method) -> RawRequest>;

/// How each client is set up, for every service.
struct Setup {
    endpoint: String,
    pem: String,
    proxy: Option<String>,
}

macro_rules! set_up {
    ($builder:expr, $setup:expr) => {{
        let builder = $builder
            .retry(RetryOptions::default().max_retries(1).initial_backoff(Duration::ZERO))
            .root_certificate($setup.pem.clone());
        match &$setup.proxy {
            Some(url) => builder.proxy(url.as_str()).build().unwrap(),
            None => builder.no_proxy().build().unwrap(),
        }
    }};
}

fn token() -> impl TokenCredential {
    async |_: TokenRequest| {
        // Later than any run of this test.
        let expires_on = SystemTime::UNIX_EPOCH + Duration::from_secs(30_000_000_000);
        Ok::<_, BoxError>(AccessToken::new(TOKEN, expires_on))
    }
}

fn web_pubsub(setup: &Setup, credential: Credential) -> Caller {
    let service = set_up!(ServiceClient::builder(&setup.endpoint, "chat", credential), setup);
    Box::new(move |method| service.request(method, "/api/hubs/{}", &[SEGMENT]))
}

fn event_grid(setup: &Setup, credential: eventgrid_namespaces::Credential) -> Caller {
    let namespace = set_up!(NamespaceClient::builder(&setup.endpoint, credential), setup);
    Box::new(move |method| namespace.request(method, "/topics/{}", &[SEGMENT]))
}

fn hulft(setup: &Setup) -> Caller {
    let site = set_up!(SiteClient::builder(API_KEY).endpoint(setup.endpoint.as_str()), setup);
    Box::new(move |method| site.request(method, "/api/v2/{}", &[SEGMENT]))
}

/// A client of each service with each kind of credential.
fn clients(setup: &Setup) -> Vec<(&'static str, Caller)> {
    vec![
        ("web pubsub, key", web_pubsub(setup, Credential::access_key(ACCESS_KEY))),
        ("web pubsub, token", web_pubsub(setup, Credential::token(token()))),
        ("event grid, key", event_grid(setup, eventgrid_namespaces::Credential::access_key(SHARED_KEY))),
        ("event grid, token", event_grid(setup, eventgrid_namespaces::Credential::token(token()))),
        ("hulft", hulft(setup)),
    ]
}

fn loaded(caller: &Caller, method: Method) -> RawRequest {
    caller(method).query("sig", QUERY).header("x-secret", HEADER).body("text/plain", BODY)
}

/// Every call against every script must fail, and show nothing.
async fn fails(what: &str, endpoint: String, pem: &str, proxy: Option<String>) -> Vec<ErrorKind> {
    let setup = Setup { endpoint, pem: pem.to_owned(), proxy };
    let mut calls = Vec::new();
    for (client, caller) in clients(&setup) {
        // One that may be repeated and one that must not.
        for method in [Method::PUT, Method::POST] {
            let call = loaded(&caller, method).attempt_timeout(Duration::from_secs(1)).into_future();
            calls.push(async move { (client, call.await.unwrap_err()) });
        }
    }
    let errors = join_all(calls).await;
    for (client, error) in &errors {
        clean(&format!("{what}, {client}"), &everything(error));
    }
    errors.iter().map(|(_, error)| error.kind()).collect()
}

fn http1() -> Vec<(&'static str, Script)> {
    let write = |bytes: &'static str| vec![Step::Request, Step::write(bytes)];
    let says = |status, headers: &[(&str, &str)]| {
        vec![Step::Request, Step::write(http1_response(status, headers, "no"))]
    };
    vec![
        ("closed at once", vec![]),
        ("closed", vec![Step::Request]),
        ("reset", vec![Step::Request, Step::Reset]),
        ("silent", vec![Step::Hang]),
        ("no http", write("SSH-2.0-OpenSSH\r\n\r\n")),
        ("bad header", write("HTTP/1.1 200 OK\r\nna me: x\r\n\r\n")),
        ("cut head", write("HTTP/1.1 200 OK\r\ncontent-le")),
        ("cut body", write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")),
        ("bad chunk", write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")),
        ("bad length", write("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n")),
        ("endless header", vec![Step::Request, Step::write(format!("HTTP/1.1 200 {}", "x".repeat(1 << 20)))]),
        ("redirect", says("302 Found", &[("location", "http://127.0.0.1:1/x")])),
        ("400", says("400 Bad Request", &[])),
        ("401", says("401 Unauthorized", &[("www-authenticate", "Bearer")])),
        ("404", says("404 Not Found", &[])),
        ("407", says("407 Proxy Authentication Required", &[])),
        ("429", says("429 Too Many Requests", &[("retry-after", "0")])),
        ("503", says("503 Service Unavailable", &[("retry-after", "100000")])),
        ("504", says("504 Gateway Timeout", &[])),
    ]
}

fn http2(config: &Arc<ServerConfig>) -> Vec<(&'static str, Script)> {
    let after_tls = |steps: &[Step]| [&[Step::Tls(Arc::clone(config))], steps].concat();
    let says = |bytes: Vec<u8>| after_tls(&[Step::Request, Step::write(bytes)]);
    vec![
        ("tls closed", vec![]),
        ("tls cut", vec![Step::Bytes]),
        ("tls alert", vec![Step::Bytes, Step::write(&b"\x15\x03\x03\x00\x02\x02\x28"[..])]),
        ("no tls", vec![Step::Bytes, Step::write("HTTP/1.1 400 Bad Request\r\n\r\n")]),
        ("http2 closed at once", after_tls(&[])),
        ("http2 closed", after_tls(&[Step::Request])),
        ("http2 reset connection", after_tls(&[Step::Request, Step::Reset])),
        ("refused stream", says([1, 3].map(|id| frames::reset(id, frames::REFUSED_STREAM)).concat())),
        ("reset stream", says(frames::reset(1, frames::INTERNAL_ERROR))),
        ("goaway below", says(frames::goaway(0, frames::NO_ERROR))),
        ("goaway above", says(frames::goaway(1, frames::INTERNAL_ERROR))),
        ("cut body", says(frames::ok(1))),
        // A frame longer than any that was allowed.
        ("no http2", says(vec![0xff; 64])),
    ]
}

#[test]
fn no_failure_of_any_client_shows_a_secret_in_its_error_or_in_any_log() {
    Logged::during(async |logged| {
        let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
        let mut kinds = Vec::new();
        for (what, script) in http1() {
            let server = FaultServer::start([script]).unwrap();
            kinds.extend(fails(what, server.http(), &authority.pem(), None).await);
            if what == "404" {
                sent_all(&server.requests().concat());
            }
        }
        for (what, script) in http2(&authority.server(&Tls::default()).unwrap()) {
            let server = FaultServer::start([script]).unwrap();
            kinds.extend(fails(what, server.https(), &authority.pem(), None).await);
        }
        let unused = Reserved::new().unwrap();
        kinds.extend(fails("refused", format!("http://{}", unused.address()), &authority.pem(), None).await);
        kinds.extend(
            fails("no such host", "https://nowhere.invalid".to_owned(), &authority.pem(), None).await,
        );
        for (tls, trusted) in [
            (Tls::default(), &stranger),
            (Tls::default().expired(), &authority),
            (Tls::default().of_host("other.example"), &authority),
            (Tls::default().asking_for_certificate(), &authority),
        ] {
            let config = authority.server(&tls).unwrap();
            let server = FaultServer::start([vec![Step::Tls(config), Step::Serve("")]]).unwrap();
            kinds.extend(fails("certificate", server.https(), &trusted.pem(), None).await);
        }
        for kind in [ErrorKind::Transport, ErrorKind::Timeout, ErrorKind::Service, ErrorKind::Throttled] {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
        let text = logged.text();
        // The log of each crate on the way was listened to.
        for target in ["service_core", "hyper_util", "h2::", "rustls::", "reqwest::"] {
            assert!(text.contains(target), "{target} says nothing");
        }
        clean("log", &text);
    });
}

/// The search means something only if the secrets were there to be shown.
fn sent_all(requests: &str) {
    for secret in [SHARED_KEY, TOKEN, API_KEY, QUERY, HEADER, SEGMENT, BODY, "Bearer eyJ"] {
        assert!(requests.contains(secret), "{secret} was not sent");
    }
}

#[test]
fn no_failure_of_a_proxy_shows_its_password_or_a_secret() {
    Logged::during(async |logged| {
        let authority = Authority::new().unwrap();
        let unused = Reserved::new().unwrap();
        let of_a_proxy =
            ["closed", "reset", "no http", "bad header", "cut head", "redirect", "404", "407", "504"];
        for (what, script) in http1().into_iter().filter(|(what, _)| of_a_proxy.contains(what)) {
            let proxy = FaultServer::start([script]).unwrap();
            let url = proxy.http().replace("http://", &format!("http://user:{PROXY}@"));
            for endpoint in [format!("https://{}", unused.address()), format!("http://{}", unused.address())]
            {
                fails(what, endpoint, &authority.pem(), Some(url.clone())).await;
            }
        }
        let url = format!("http://user:{PROXY}@{}", unused.address());
        fails("no proxy", "https://nowhere.invalid".to_owned(), &authority.pem(), Some(url)).await;
        clean("log", &logged.text());
    });
}

#[test]
fn a_response_that_cannot_be_read_and_a_success_show_no_secret() {
    Logged::during(async |logged| {
        let authority = Authority::new().unwrap();
        let server = FaultServer::start([vec![Step::Serve("no json")]]).unwrap();
        let key = || eventgrid_namespaces::Credential::access_key(SHARED_KEY);
        let receiver = Receiver::new(&server.http(), "orders", "billing", key()).unwrap();
        let error = receiver.reject(["planted-lock-token"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        clean("decode", &everything(&error));
        let config = authority.server(&Tls::default()).unwrap();
        let server = FaultServer::start([vec![Step::Tls(config), Step::Serve("done")]]).unwrap();
        let setup = Setup { endpoint: server.https(), pem: authority.pem(), proxy: None };
        for (client, caller) in clients(&setup) {
            let response = loaded(&caller, Method::POST).with_response().await.unwrap();
            clean(client, &format!("{response:?} {:?}", loaded(&caller, Method::POST)));
        }
        clean("log", &logged.text());
    });
}

#[test]
fn no_malformed_setting_of_a_client_shows_its_secret() {
    Logged::during(async |logged| {
        for text in [
            format!("Endpoint=https://x.example;AccessKey={ACCESS_KEY};Port=x"),
            format!("Endpoint=https://x.example;Accesskey {ACCESS_KEY}"),
            format!("Endpoint=https://user:{ACCESS_KEY}@x.example;AccessKey={ACCESS_KEY}"),
            format!("Endpoint=https://x.example/?sig={ACCESS_KEY};AccessKey={ACCESS_KEY}"),
            format!("AccessKey={ACCESS_KEY}"),
            ACCESS_KEY.to_owned(),
        ] {
            let error = ServiceClient::from_connection_string(&text, "chat").unwrap_err();
            clean("connection string", &everything(&error));
            let builder = ServiceClient::builder_from_connection_string(&text, "chat");
            clean("builder", &format!("{builder:?} {builder:#?}"));
        }
        let proxy = format!("socks5://user:{PROXY}@x.example");
        let builder = ServiceClient::builder("https://x.example", "chat", Credential::access_key(ACCESS_KEY));
        let error = builder.proxy(proxy).client_certificate(ACCESS_KEY).build().unwrap_err();
        clean("proxy", &everything(&error));
        let builder = ServiceClient::builder("https://x.example", "chat", Credential::access_key(ACCESS_KEY));
        let error = builder.client_certificate(ACCESS_KEY).build().unwrap_err();
        clean("client certificate", &everything(&error));
        let error =
            SiteClient::builder(format!("{API_KEY}\n")).endpoint(format!("https://{API_KEY}@x.example"));
        clean("site", &everything(&error.build().unwrap_err()));
        clean("log", &logged.text());
    });
}
