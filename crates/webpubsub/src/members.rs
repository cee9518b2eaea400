//! The list of the connections of a group. A page is requested only when its connections are needed.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use serde::Deserialize;
use service_core::{Call, CallFuture, Endpoint, Error, PageLinks, Response, Result, read};

use crate::rules;

/// The maximum page size.
const MAX_PER_PAGE: u32 = 200;

/// Represents a connection that is a member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Member {
    /// The ID that identifies the connection.
    pub connection_id: String,
    /// The ID that identifies the user. It is `None` if the connection is anonymous.
    #[serde(default)]
    pub user_id: Option<String>,
}

/// Represents one page of a list of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberPage {
    /// The connections that this page contains. It can be empty without being the last page.
    pub members: Vec<Member>,
    /// The token that continues the list after this page; see [`ListConnections::continuation_token`]. It is `None` on the
    /// last page.
    pub continuation_token: Option<String>,
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    value: Vec<Member>,
    #[serde(default)]
    next_link: Option<String>,
}

pub(crate) fn page(response: &http::Response<Bytes>) -> Result<MemberPage> {
    let Wire { value, next_link } = read::json(response)?;
    let next_link = next_link.filter(|link| !link.is_empty());
    let continuation_token = next_link.as_deref().and_then(token_of);
    Ok(MemberPage { members: value, continuation_token, next_link })
}

fn token_of(link: &str) -> Option<String> {
    let (_, query) = link.split_once('?')?;
    let query = query.split('#').next().unwrap_or(query);
    let value = query.split('&').find_map(|pair| pair.strip_prefix("continuationToken="))?;
    let plain = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    Some(plain.into_owned())
}

/// A list of the connections of a group, which is requested page by page.
/// [`Group::list_connections`](crate::Group::list_connections) returns it.
///
/// [`next`](Self::next) returns one connection at a time. The list also implements `Stream`. It ends after the first error.
///
/// The service guarantees neither an order nor a snapshot: connections that join or leave during the listing can be missing
/// or appear twice.
///
/// # Examples
///
/// ```
/// # use std::sync::Arc;
/// # use service_core::testing::ScriptedTransport;
/// # use webpubsub::{Credential, ServiceClient};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> webpubsub::Result<()> {
/// # let script = ScriptedTransport::new();
/// # script.respond(http::Response::new(r#"{"value":[{"connectionId":"c1","userId":"dave"},{"connectionId":"c2"}]}"#));
/// # let builder = ServiceClient::builder("https://example.webpubsub.azure.com", "chat", Credential::access_key("key"));
/// # let service = builder.transport(Arc::new(script)).build()?;
/// let mut connections = service.group("lobby").list_connections().page_size(50);
/// let mut users = Vec::new();
/// while let Some(connection) = connections.next().await {
///     users.push(connection?.user_id);
/// }
/// assert_eq!(users, [Some("dave".to_owned()), None]);
/// # Ok(()) }
/// ```
#[must_use = "does nothing until its connections are requested"]
pub struct ListConnections {
    /// The call of the page that was requested last.
    call: Call<MemberPage>,
    links: PageLinks,
    members: VecDeque<Member>,
    progress: Progress,
}

/// Describes how far the list has been read.
enum Progress {
    NotStarted,
    InFlight(CallFuture<MemberPage>),
    Link(String),
    Ended,
}

impl ListConnections {
    pub(crate) fn new(call: Call<MemberPage>, known_as: Endpoint) -> Self {
        Self {
            call,
            links: PageLinks::new(known_as),
            members: VecDeque::new(),
            progress: Progress::NotStarted,
        }
    }

    /// Sets the maximum number of connections per page: 1 to 200. Default: 200, the default of the service.
    pub fn page_size(mut self, connections: u32) -> Self {
        self.call.check(rules::number("maxpagesize", connections, 1, MAX_PER_PAGE));
        self.call.query("maxpagesize", connections.to_string());
        self
    }

    /// Sets the maximum number of connections in the list: 1 to 2,147,483,647. Default: no maximum.
    pub fn top(mut self, connections: u32) -> Self {
        self.call.check(rules::number("top", connections, 1, i32::MAX.unsigned_abs()));
        self.call.query("top", connections.to_string());
        self
    }

    /// Continues an earlier list after the page that had this [`continuation_token`](MemberPage::continuation_token).
    ///
    /// [`top`](Self::top) counts from there.
    pub fn continuation_token(mut self, token: impl AsRef<str>) -> Self {
        if token.as_ref().is_empty() {
            let rule = "must not be empty, since the list would start over";
            self.call.check(Err(Error::invalid_input("continuationToken", rule, None)));
        }
        self.call.query("continuationToken", token);
        self
    }

    /// Returns the next connection, or `None` after the last one.
    ///
    /// This method is cancel safe: a request in flight is continued by the next call.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is invalid, if a request fails, or if the link to the next page leads to an origin
    /// other than the service or the reverse proxy, or to a page that was already read. Nothing is sent in the first case; the
    /// credential is not sent to a foreign origin.
    pub async fn next(&mut self) -> Option<Result<Member>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns all remaining connections.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<Member>> {
        let mut members = Vec::from(std::mem::take(&mut self.members));
        let mut pages = self.pages();
        while let Some(page) = pages.next().await {
            members.append(&mut page?.members);
        }
        Ok(members)
    }

    /// Returns the list as pages. Remaining connections of a page that was partly read are skipped.
    pub fn pages(self) -> ConnectionPages {
        ConnectionPages { list: self }
    }

    /// Requests the first page only, and returns it with the status and headers of its response.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`next`](Self::next).
    pub async fn with_response(mut self) -> Result<Response<MemberPage>> {
        self.call.again().send().await
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<MemberPage>>> {
        if let Progress::Link(link) = &self.progress {
            self.call = self.links.follow(&self.call, link);
        }
        if matches!(self.progress, Progress::NotStarted | Progress::Link(_)) {
            self.progress = Progress::InFlight(fetch(self.call.again()));
        }
        let Progress::InFlight(future) = &mut self.progress else { return Poll::Ready(None) };
        let outcome = ready!(future.as_mut().poll(context));
        self.progress = match &outcome {
            Ok(MemberPage { next_link: Some(link), .. }) => Progress::Link(link.clone()),
            _ => Progress::Ended,
        };
        Poll::Ready(Some(outcome))
    }
}

fn fetch(call: Call<MemberPage>) -> CallFuture<MemberPage> {
    Box::pin(async move { Ok(call.send().await?.body) })
}

service_core::call_setters!(ListConnections);

impl Stream for ListConnections {
    type Item = Result<Member>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(member) = self.members.pop_front() {
                return Poll::Ready(Some(Ok(member)));
            }
            match ready!(self.poll_page(context)) {
                Some(Ok(page)) => self.members = page.members.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

/// A list of the connections of a group that returns whole pages. [`ListConnections::pages`] creates it.
///
/// It also implements `Stream`. It ends after the first error.
#[must_use = "does nothing until its pages are requested"]
#[derive(Debug)]
pub struct ConnectionPages {
    list: ListConnections,
}

impl ConnectionPages {
    /// Returns the next page, or `None` after the last one. An empty group has one empty page.
    ///
    /// This method is cancel safe: a request in flight is continued by the next call.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`ListConnections::next`].
    pub async fn next(&mut self) -> Option<Result<MemberPage>> {
        poll_fn(|context| self.list.poll_page(context)).await
    }
}

impl Stream for ConnectionPages {
    type Item = Result<MemberPage>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.list.poll_page(context)
    }
}

impl fmt::Debug for ListConnections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListConnections").field("call", &self.call).finish_non_exhaustive()
    }
}
