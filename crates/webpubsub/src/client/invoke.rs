//! Invocations: events of the client to which the application's server responds with data.

use std::future::IntoFuture;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use service_core::{CallFuture, Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::data::{Data, Json};
use super::entries::Entries;
use super::frame::{Upstream, preview};
use super::session::{Done, Effect, Op};
use super::task::Command;
use super::{Client, send};

/// The name of the operation in the protocol.
pub(super) const INVOKE: &str = "invoke";

impl Client {
    /// Invokes an event handler of the application's server with a value as JSON, and returns its response.
    ///
    /// The server receives the event `azure.webpubsub.user.<event>`, as it does for [`send_event`](Self::send_event), and the
    /// response of its handler is the response of the invocation. A value that serializes to `null`, such as `&()`, is sent
    /// as an event without data. To send text or bytes, use [`invoke_data`](Self::invoke_data).
    ///
    /// An invocation is sent at most once. If the connection is lost before the response arrives, the invocation fails at
    /// once, even if the connection is then recovered: the handler may have run. Dropping the future before the response
    /// arrives cancels the invocation at the service.
    ///
    /// Invocations are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error if:
    ///
    /// * the name is invalid, or the value cannot be serialized,
    /// * the encoded frame is larger than 1 MB,
    /// * the service returns an error: [`ErrorKind::Service`], with the name of the error as its code,
    /// * the response cannot be read: [`ErrorKind::Decode`],
    /// * the connection is lost before the response arrives: [`outcome_unknown`](Error::outcome_unknown) then returns `true`,
    /// * no response arrives within the [`timeout`](Invoke::timeout), or
    /// * the client is closed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let response = client.invoke("sum", &[1, 2]).timeout(Duration::from_secs(5)).await?;
    /// println!("{}", response.json::<u32>()?);
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn invoke(&self, event: impl Into<String>, value: &(impl Serialize + ?Sized)) -> Invoke {
        Invoke::new(self.clone(), event.into(), Data::json_or_none(value))
    }

    /// Invokes an event handler of the application's server with data of any kind, as [`invoke`](Self::invoke) does.
    ///
    /// # Errors
    ///
    /// Returns an error under the same conditions as [`invoke`](Self::invoke).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let response = client.invoke_data("translate", "good morning").await?;
    /// println!("{:?}", response.as_text());
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn invoke_data(&self, event: impl Into<String>, data: impl Into<Data>) -> Invoke {
        Invoke::new(self.clone(), event.into(), Ok(Some(data.into())))
    }
}

/// A request that invokes an event handler of the application's server when awaited.
///
/// Created by [`Client::invoke`] and [`Client::invoke_data`]. Dropping the future before its frame is written cancels the
/// request. Dropping it later cancels the invocation at the service; the handler may have run.
///
/// # Examples
///
/// ```no_run
/// use webpubsub::Error;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// match client.invoke("reserve", &("table 4", 2)).await {
///     Ok(response) => println!("reserved: {:?}", response.data),
///     Err(error) if error.outcome_unknown() => println!("perhaps reserved: {error}"),
///     Err(error) => println!("not reserved: {:?}", error.code()),
/// }
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct Invoke {
    client: Client,
    event: String,
    data: Result<Option<Data>>,
    timeout: Option<Duration>,
    metadata: Option<Box<Entries>>,
}

impl Invoke {
    fn new(client: Client, event: String, data: Result<Option<Data>>) -> Self {
        Self { client, event, data, timeout: None, metadata: None }
    }

    /// Sets the timeout of the invocation, which starts when it is first polled. Default: the client's
    /// [`ack_timeout`](super::ClientBuilder::ack_timeout).
    ///
    /// When it elapses, the invocation is cancelled at the service.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    fn submit(self) -> Result<Pending> {
        let Self { client, event, data, timeout, metadata } = self;
        send::check_event(&event)?;
        let (data, metadata) = (data?, metadata.as_deref());
        let id = client.next_id();
        let frame =
            preview::Upstream::Invoke { id: &id.to_string(), event: &event, data: data.as_ref(), metadata };
        let frame = send::encode(&client, &Upstream::Preview(frame))?;
        let timeout = timeout.unwrap_or(client.shared.ack_timeout);
        let deadline = client.shared.clock.elapsed().saturating_add(timeout);
        let (sender, receiver) = oneshot::channel();
        let op = Op {
            name: INVOKE,
            ack_id: Some(id),
            frame,
            effect: Effect::None,
            timeout,
            deadline,
            written: false,
            in_flight: false,
            closes: 0,
            done: Done::Invocation(sender),
        };
        if client.send_command(Command::Send(Box::new(op))) {
            Ok(Pending { client, id, timeout, receiver, is_done: false })
        } else {
            Err(Op::closed(INVOKE, false))
        }
    }
}

impl IntoFuture for Invoke {
    type Output = Result<InvokeResponse>;
    type IntoFuture = CallFuture<InvokeResponse>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.submit()?.get().await })
    }
}

/// An invocation whose response has not arrived, and that is cancelled when it is dropped.
struct Pending {
    client: Client,
    id: u64,
    timeout: Duration,
    receiver: oneshot::Receiver<Result<InvokeResponse>>,
    is_done: bool,
}

impl Pending {
    async fn get(mut self) -> Result<InvokeResponse> {
        let client = self.client.clone();
        match client.while_runtime_runs(self.timeout, &mut self.receiver).await {
            Some(outcome) => {
                self.is_done = true;
                // A task settles every invocation before it ends, so an outcome is missing only when the runtime shuts down.
                outcome.unwrap_or_else(|_| Err(Op::closed(INVOKE, true)))
            }
            None => Err(Op::stalled(INVOKE, self.timeout)),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_done {
            self.client.send_command(Command::CancelInvocation(self.id));
        }
    }
}

/// Contains the response of the application's server to an invocation; see [`Client::invoke`].
///
/// # Examples
///
/// ```no_run
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let response = client.invoke("sum", &[1, 2]).await?;
/// assert_eq!(response.json::<u32>()?, 3);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InvokeResponse {
    /// Contains the content of the response, or `None` if the handler responded without one.
    pub data: Option<Data>,
    pub(super) metadata: Option<Box<Entries>>,
}

impl InvokeResponse {
    /// Returns the content if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.data.as_ref().and_then(Data::as_text)
    }

    /// Parses the content as JSON. A response without content is parsed as `null`.
    ///
    /// Text is parsed too, since some subprotocols transfer JSON as text.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Decode`] if the content is binary, or does not match `T`. The error contains the position, but not
    /// the content.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        match &self.data {
            None => Json::parse_text("null"),
            Some(Data::Json(json)) => json.parse(),
            Some(Data::Text(text)) => Json::parse_text(text),
            Some(Data::Binary(_) | Data::Protobuf(_)) => {
                Err(Error::new(ErrorKind::Decode, "the response is binary, not JSON"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(data: impl Into<Option<Data>>) -> InvokeResponse {
        InvokeResponse { data: data.into(), metadata: None }
    }

    #[test]
    fn json_is_read_from_json_text_and_an_empty_response() {
        assert_eq!(response(Data::json(&3).unwrap()).json::<u8>().unwrap(), 3);
        assert_eq!(response(Data::from("[1,2]")).json::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(response(None).json::<Option<u8>>().unwrap(), None);
        response(None).json::<()>().unwrap();
        for data in [Some(Data::from(vec![1])), Some(Data::from("x")), None] {
            assert_eq!(response(data).json::<u8>().unwrap_err().kind(), ErrorKind::Decode);
        }
    }

    #[test]
    fn a_value_that_is_null_is_no_data() {
        assert_eq!(Data::json_or_none(&()).unwrap(), None);
        assert_eq!(Data::json_or_none(&None::<u8>).unwrap(), None);
        assert_eq!(Data::json_or_none("x").unwrap(), Some(Data::json("x").unwrap()));
    }
}
