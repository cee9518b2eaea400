//! The WebSocket client over TLS: the emulator behind a front with its own authority, which each client trusts or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use service_emulator::Emulator;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use webpubsub::client::{Event, Protocol};
use webpubsub::{Client, Delivery, Error, ErrorKind, Role, ServiceClient};
use workspace_tests::tls::{Authority, Tls};

/// The emulator, reached over TLS only.
struct Front {
    emulator: Emulator,
    address: String,
    /// Connections whose handshake was completed.
    entered: Arc<AtomicUsize>,
}

impl Front {
    async fn start(authority: &Authority, tls: &Tls) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = TlsAcceptor::from(authority.server(tls).unwrap());
        let (inner, entered) = (emulator.address(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&entered);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    // What a client does not trust, it hangs up on.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    count.fetch_add(1, Ordering::Relaxed);
                    let mut inner = TcpStream::connect(inner).await.unwrap();
                    drop(copy_bidirectional(&mut stream, &mut inner).await);
                });
            }
        });
        Self { emulator, address, entered }
    }

    /// A client access URL, signed for the address that the client connects to.
    async fn url(&self, user: &str) -> String {
        let string = format!(
            "Endpoint=https://{};AccessKey={};Version=1.0;",
            self.address,
            self.emulator.webpubsub().access_key()
        );
        let service = ServiceClient::from_connection_string(&string, "chat").unwrap();
        let roles = [Role::send_to_group("room"), Role::join_leave_group("room")];
        let access = service.client_access().user(user).roles(roles).await.unwrap();
        assert!(access.url.starts_with("wss://"), "not wss");
        access.url
    }

    async fn rejection(&self, trusted: Option<&Authority>) -> Error {
        let builder = Client::builder(self.url("ann").await);
        let builder = trusted.into_iter().fold(builder, |builder, one| builder.root_certificate(one.pem()));
        let error = builder.connect().await.unwrap_err();
        assert_eq!(self.entered.load(Ordering::Relaxed), 0, "{error}");
        error
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_connects_over_wss_with_any_http_version_that_the_server_prefers()
{
    let authority = Authority::new().unwrap();
    for tls in [Tls::default(), Tls::default().http1()] {
        let front = Front::start(&authority, &tls).await;
        for protocol in [Protocol::JsonReliable, Protocol::Json] {
            let builder = Client::builder(front.url("ann").await).protocol(protocol);
            let client = builder.root_certificate(authority.pem()).connect().await.unwrap();
            let mut events = client.events();
            assert!(matches!(events.next().await, Some(Event::Connected(_))));
            client.join_group("room").await.unwrap();
            client.send_to_group("room", "over TLS").await.unwrap();
            let Some(Event::GroupMessage(message)) = events.next().await else { panic!("no message") };
            assert_eq!(message.data.as_text(), Some("over TLS"));
            client.close().await;
        }
        assert_eq!(front.entered.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn a_certificate_that_is_rejected_is_what_the_error_says_and_nothing_is_sent() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    for (tls, trusted) in [
        (Tls::default(), None),
        (Tls::default(), Some(&other)),
        (Tls::default().expired(), Some(&authority)),
        (Tls::default().of_host("other.example"), Some(&authority)),
    ] {
        let front = Front::start(&authority, &tls).await;
        let error = front.rejection(trusted).await;
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::Transport, Some(Delivery::NotSent)),
            "{error}"
        );
        assert!(error.to_string().contains("the server's certificate was rejected"), "{error}");
        assert!(!format!("{error} {error:?}").contains("access_token"), "{error:?}");
    }
}
