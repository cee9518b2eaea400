//! Who is in a group: a list that is read page by page, as its connections are taken.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use serde::Deserialize;
use service_core::{Call, CallFuture, Endpoint, Error, Response, Result, read};

use crate::rules;

/// The most that a page may be asked for.
const MAX_PER_PAGE: u32 = 200;

/// A connection that is in a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Member {
    /// The connection's id.
    pub connection_id: String,
    /// Whose it is; `None` for an anonymous one.
    #[serde(default)]
    pub user_id: Option<String>,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberPage {
    /// The connections of this part; it may be empty without being the last one.
    pub members: Vec<Member>,
    /// Where the list goes on, for [`ListConnections::continuation_token`]; `None` after the last page.
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

/// The connections of a group; made by [`Group::list_connections`](crate::Group::list_connections).
/// [`next`](Self::next) sends what is needed for the next one; it is a `Stream` of them as well. After an error it has ended.
///
/// The service promises no order and no snapshot: connections that come or go meanwhile may be missed or seen twice.
#[must_use = "does nothing until its connections are taken"]
pub struct ListConnections {
    call: Call<MemberPage>,
    known_as: Endpoint,
    members: VecDeque<Member>,
    progress: Progress,
}

/// How far a list has been read.
enum Progress {
    Fresh,
    Waiting(CallFuture<MemberPage>),
    Link(String),
    Ended,
}

impl ListConnections {
    pub(crate) fn new(call: Call<MemberPage>, known_as: Endpoint) -> Self {
        Self { call, known_as, members: VecDeque::new(), progress: Progress::Fresh }
    }

    /// Asks for at most this many connections at a time: 1 to 200. Default: the service's, 200.
    pub fn page_size(mut self, connections: u32) -> Self {
        self.call.check(rules::number("maxpagesize", connections, 1, MAX_PER_PAGE));
        self.call.query("maxpagesize", connections.to_string());
        self
    }

    /// Ends the list after this many connections: 1 to 2,147,483,647.
    pub fn top(mut self, connections: u32) -> Self {
        self.call.check(rules::number("top", connections, 1, i32::MAX.unsigned_abs()));
        self.call.query("top", connections.to_string());
        self
    }

    /// Goes on where an earlier list stopped, by [`MemberPage::continuation_token`]. [`top`](Self::top) then counts from
    /// there.
    pub fn continuation_token(mut self, token: impl AsRef<str>) -> Self {
        if token.as_ref().is_empty() {
            let rule = "must not be empty, which would start from the first connection";
            self.call.check(Err(Error::invalid_input("continuationToken", rule, None)));
        }
        self.call.query("continuationToken", token);
        self
    }

    /// The next connection; `None` after the last.
    ///
    /// # Errors
    ///
    /// A bad argument, before anything is sent; everything that a call may meet; a link to the next page that leads
    /// neither to the service's own address nor to the reverse proxy.
    pub async fn next(&mut self) -> Option<Result<Member>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// All connections that are left.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<Member>> {
        let mut members = Vec::from(std::mem::take(&mut self.members));
        let mut pages = self.pages();
        while let Some(page) = pages.next().await {
            members.append(&mut page?.members);
        }
        Ok(members)
    }

    /// The list page by page. Connections of a page that was begun are left out.
    pub fn pages(self) -> ConnectionPages {
        ConnectionPages { list: self }
    }

    /// The first page alone, together with the answer's status and headers.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn with_response(mut self) -> Result<Response<MemberPage>> {
        self.call.again().send().await
    }

    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<MemberPage>>> {
        let asked = match &self.progress {
            Progress::Fresh => Some(self.call.again()),
            Progress::Link(link) => Some(self.call.follow(link, &self.known_as)),
            Progress::Waiting(_) | Progress::Ended => None,
        };
        if let Some(call) = asked {
            self.progress = Progress::Waiting(fetch(call));
        }
        let Progress::Waiting(waiting) = &mut self.progress else { return Poll::Ready(None) };
        let outcome = ready!(waiting.as_mut().poll(context));
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

/// The connections of a group page by page; made by [`ListConnections::pages`]. It is a `Stream` as well. After an error it
/// has ended.
#[must_use = "does nothing until its pages are taken"]
#[derive(Debug)]
pub struct ConnectionPages {
    list: ListConnections,
}

impl ConnectionPages {
    /// The next page; `None` after the last. An empty group has one page without connections.
    ///
    /// # Errors
    ///
    /// As [`ListConnections::next`].
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
