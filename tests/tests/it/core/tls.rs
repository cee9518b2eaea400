//! Whose certificates a client accepts and shows: each setting against a TLS server with an authority of its own.

use http::Method;
use webpubsub::{Delivery, Error, ErrorKind, RawRequest, ServiceClient};
use workspace_tests::fault_server::{FaultServer, Step};
use workspace_tests::tls::{Authority, Tls};

use super::builder;

/// Idempotent, so that only a specific reason prevents a retry.
fn get(service: &ServiceClient) -> RawRequest {
    service.request(Method::GET, "/api/hubs/chat", &[])
}

fn server(authority: &Authority, tls: &Tls) -> FaultServer {
    let config = authority.server(tls).unwrap();
    FaultServer::start([vec![Step::Tls(config), Step::Serve("done")]]).unwrap()
}

/// The error of a client that trusts these authorities.
async fn rejection(server: &FaultServer, endpoint: &str, trusted: &[&Authority]) -> Error {
    let builder = trusted.iter().fold(builder(endpoint), |builder, one| builder.root_certificate(one.pem()));
    let error = get(&builder.build().unwrap()).await.unwrap_err();
    assert!(server.requests().is_empty(), "{error}");
    error
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_rejected_and_never_tried_again() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    for trusted in [&[][..], &[&other]] {
        let server = server(&authority, &Tls::default());
        let error = rejection(&server, &server.https(), trusted).await;
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::NotSent)));
        assert_eq!((error.attempts(), server.connections(), error.stop_reason()), (1, 1, None));
        assert!(error.to_string().contains("the server's certificate was rejected"), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_of_another_host_is_rejected_although_its_authority_is_trusted()
{
    let authority = Authority::new().unwrap();
    for (tls, reason) in [
        (Tls::default().expired(), "expired"),
        (Tls::default().of_host("other.example"), "not valid for name"),
        (Tls::default().of_host("127.0.0.2"), "not valid for name"),
    ] {
        let server = server(&authority, &tls);
        let error = rejection(&server, &server.https(), &[&authority]).await;
        assert_eq!((error.attempts(), server.connections()), (1, 1), "{tls:?}");
        let mut chain = error.to_string();
        let mut next = std::error::Error::source(&error);
        while let Some(source) = next {
            chain.push_str(&format!(" / {source}"));
            next = source.source();
        }
        assert!(chain.contains("certificate was rejected") && chain.contains(reason), "{chain}");
    }
}

#[tokio::test]
async fn an_extra_root_certificate_is_accepted_over_http2_and_over_http1() {
    let authority = Authority::new().unwrap();
    for (tls, protocol) in [(Tls::default(), "h2"), (Tls::default().http1(), "http/1.1")] {
        let server = server(&authority, &tls);
        let service = builder(&server.https()).root_certificate(authority.pem()).build().unwrap();
        assert_eq!(get(&service).await.unwrap(), "done");
        assert_eq!(server.protocols(), [protocol]);
    }
}

#[tokio::test]
async fn several_extra_root_certificates_are_accepted_given_apart_or_in_one_text() {
    let (one, two) = (Authority::new().unwrap(), Authority::new().unwrap());
    for authority in [&one, &two] {
        let server = server(authority, &Tls::default());
        let apart = builder(&server.https()).root_certificate(one.pem()).root_certificate(two.pem());
        assert_eq!(get(&apart.build().unwrap()).await.unwrap(), "done");
        let together = builder(&server.https()).root_certificate(one.pem() + &two.pem());
        assert_eq!(get(&together.build().unwrap()).await.unwrap(), "done");
    }
}

#[tokio::test]
async fn a_host_name_is_what_its_certificate_must_be_for() {
    let authority = Authority::new().unwrap();
    let server = server(&authority, &Tls::default().of_host("localhost"));
    let by_name = server.https().replace("127.0.0.1", "localhost");
    let service = builder(&by_name).root_certificate(authority.pem()).build().unwrap();
    assert_eq!(get(&service).await.unwrap(), "done");
    let error = get(&builder(&server.https()).root_certificate(authority.pem()).build().unwrap()).await;
    assert!(error.unwrap_err().to_string().contains("certificate was rejected"));
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_asks_for_one() {
    let authority = Authority::new().unwrap();
    for tls in [Tls::default(), Tls::default().http1()] {
        let server = server(&authority, &tls.asking_for_certificate());
        let known = builder(&server.https()).root_certificate(authority.pem());
        let service = known.client_certificate(authority.client_pem().unwrap()).build().unwrap();
        assert_eq!(get(&service).await.unwrap(), "done");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn without_a_client_certificate_or_with_a_strangers_nothing_reaches_a_server_that_asks_for_one() {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    for certificate in [None, Some(stranger.client_pem().unwrap())] {
        let server = server(&authority, &Tls::default().asking_for_certificate());
        let mut builder = builder(&server.https()).root_certificate(authority.pem());
        if let Some(pem) = certificate {
            builder = builder.client_certificate(pem);
        }
        let error = get(&builder.build().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), server.requests().len()), (ErrorKind::Transport, 0), "{error}");
        assert_eq!((error.delivery(), error.attempts()), (Some(Delivery::NotSent), 1), "{error:?}");
        assert!(error.to_string().contains("rejected the client's certificate or requires one"), "{error}");
    }
}

#[tokio::test]
async fn a_trusted_server_keeps_its_connection_for_clients_of_other_hubs() {
    let authority = Authority::new().unwrap();
    let server = server(&authority, &Tls::default());
    let service = builder(&server.https()).root_certificate(authority.pem()).build().unwrap();
    get(&service).await.unwrap();
    get(&service.hub("other")).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
}
