//! One fault: which requests it is for, what it does to them, and when.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::clock::Clock;
use crate::server::{Answer, Request, Service};

/// What goes wrong with a request, and with which. Made by one of the kinds ([`status`](Self::status),
/// [`delay`](Self::delay), [`hang`](Self::hang), [`reset`](Self::reset), [`cut_body`](Self::cut_body)); without
/// further setters it strikes the next request, once, before the service has done the work.
#[derive(Debug, Clone)]
#[must_use = "does nothing until pushed"]
pub struct Fault {
    kind: Kind,
    after_work: bool,
    method: Option<String>,
    path_contains: Option<String>,
    service: Option<Service>,
    pub(super) times: u32,
}

#[derive(Debug, Clone)]
enum Kind {
    Answer { status: u16, headers: Vec<(String, String)>, body: Bytes },
    Delay(Duration),
    Hang,
    Reset,
    CutBody,
}

/// What becomes of a request that met a fault.
pub(crate) enum Effect {
    Answer(Answer),
    /// Only a part of the answer's body is sent, then the connection breaks.
    Cut(Answer),
    /// The connection is reset without an answer.
    Reset,
}

impl Fault {
    /// Another answer than the service's: this status, without headers or body of the service.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Answer { status, headers: Vec::new(), body: Bytes::new() })
    }

    /// The service's own answer, later by this much time on the emulator's clock.
    pub fn delay(by: Duration) -> Self {
        Self::new(Kind::Delay(by))
    }

    /// No answer: the connection stays open until the client goes.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// No answer: the connection is reset.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// The service does the work, and its answer ends in the middle of the body. Where HTTP allows no body (after HEAD,
    /// with 204), the connection is reset in place of an answer.
    pub fn cut_body() -> Self {
        Self::new(Kind::CutBody)
    }

    /// Adds a header to the answer of [`status`](Self::status); no other kind has headers.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Kind::Answer { headers, .. } = &mut self.kind {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the body of the answer of [`status`](Self::status); no other kind has a body.
    pub fn body(mut self, text: impl Into<Bytes>) -> Self {
        if let Kind::Answer { body, .. } = &mut self.kind {
            *body = text.into();
        }
        self
    }

    /// Strikes once the service has done the work: its effects stay, only its answer is touched.
    pub fn after_work(mut self) -> Self {
        self.after_work = true;
        self
    }

    /// Only for requests with this method, whatever its case.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only for requests whose path, as it stood on the request line and without the query, contains this text.
    pub fn path_contains(mut self, text: impl Into<String>) -> Self {
        self.path_contains = Some(text.into());
        self
    }

    /// Only for requests to this service.
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// How many requests it strikes, 1 by default.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn new(kind: Kind) -> Self {
        Self { kind, after_work: false, method: None, path_contains: None, service: None, times: 1 }
    }

    pub(super) fn matches(&self, request: &Request, service: Option<Service>) -> bool {
        let path = request.target.split('?').next().unwrap_or("");
        self.method.as_ref().is_none_or(|method| request.method.as_str().eq_ignore_ascii_case(method))
            && self.path_contains.as_ref().is_none_or(|text| path.contains(text))
            && self.service.is_none_or(|wanted| service == Some(wanted))
    }

    /// Runs the work, or does not, as the fault has it.
    pub(crate) async fn apply(self, work: impl Future<Output = Answer>, clock: &Clock) -> Effect {
        let mut work = std::pin::pin!(work);
        let mut done = if self.after_work { Some(work.as_mut().await) } else { None };
        match self.kind {
            Kind::Answer { status, headers, body } => {
                Effect::Answer(Answer::Reply(reply(status, &headers, body)))
            }
            Kind::Reset => Effect::Reset,
            Kind::Hang => std::future::pending().await,
            Kind::Delay(by) => {
                clock.sleep(by).await;
                Effect::Answer(match done.take() {
                    Some(answer) => answer,
                    None => work.await,
                })
            }
            Kind::CutBody => Effect::Cut(match done.take() {
                Some(answer) => answer,
                None => work.await,
            }),
        }
    }
}

/// A script that HTTP does not allow is answered as such, loudly: left out it would look like a fault that never struck.
fn reply(status: u16, headers: &[(String, String)], body: Bytes) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(body).unwrap_or_else(|error| {
        let mut reply = Response::new(Bytes::from(format!("the scripted fault is no HTTP answer: {error}")));
        *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        reply
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_http_does_not_know_is_reported_in_the_answer() {
        let answer = reply(42, &[], Bytes::new());
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(String::from_utf8_lossy(answer.body()).contains("no HTTP answer"));
    }
}
