//! A single request fault: which requests it affects, what it does to them, and when.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::FaultId;
use crate::clock::Clock;
use crate::message::{Request, Response, Service, cut, reset};

/// Describes what goes wrong with a request, and with which requests.
///
/// One of the kinds creates it: [`status`](Self::status), [`delay`](Self::delay), [`hang`](Self::hang),
/// [`reset`](Self::reset), or [`cut_body`](Self::cut_body). Without further setters, it affects the next request, once,
/// before the service processes that request. Pass it to [`Faults::push`](super::Faults::push) or
/// [`Faults::randomly`](super::Faults::randomly).
///
/// # Examples
///
/// ```
/// use service_emulator::{Emulator, Fault};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::TcpStream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// emulator.faults().push(Fault::status(503).header("retry-after", "1").path_contains("/topics/"));
///
/// let request = "POST /topics/orders:publish HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
/// let mut stream = TcpStream::connect(emulator.address()).await?;
/// stream.write_all(request.as_bytes()).await?;
/// let mut response = String::new();
/// stream.read_to_string(&mut response).await?;
/// assert!(response.starts_with("HTTP/1.1 503"));
/// assert!(response.contains("retry-after: 1"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "does nothing until pushed"]
pub struct Fault {
    /// Assigned when it is scheduled.
    pub(super) id: FaultId,
    pub(super) kind: Kind,
    pub(super) after_processing: bool,
    pub(super) method: Option<String>,
    pub(super) path_contains: Option<String>,
    pub(super) service: Option<Service>,
    pub(super) times: u32,
}

#[derive(Clone, PartialEq)]
pub(super) enum Kind {
    Status { status: u16, headers: Vec<(String, String)>, body: Bytes },
    Delay(Duration),
    Hang,
    Reset,
    CutBody,
}

/// Without the contents, which may be secrets.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, headers, body } => {
                write!(f, "Status({status}, {} headers, {} bytes)", headers.len(), body.len())
            }
            Self::Delay(by) => write!(f, "Delay({by:?})"),
            Self::Hang => f.write_str("Hang"),
            Self::Reset => f.write_str("Reset"),
            Self::CutBody => f.write_str("CutBody"),
        }
    }
}

impl Fault {
    /// Creates a fault that replaces the service's response by one with this status and without headers or a body.
    ///
    /// [`header`](Self::header) and [`body`](Self::body) add them. The service does not process the request unless
    /// [`after_processing`](Self::after_processing) is set. If HTTP does not allow the status, a header, or a header
    /// value, the client receives a 500 response that says so.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status { status, headers: Vec::new(), body: Bytes::new() })
    }

    /// Creates a fault that delays the request by this much time on the emulator's clock. The response is the service's
    /// own.
    ///
    /// The delay comes before the processing, or between processing and response if
    /// [`after_processing`](Self::after_processing) is set.
    pub fn delay(by: Duration) -> Self {
        Self::new(Kind::Delay(by))
    }

    /// Creates a fault that sends no response and keeps the connection open until the client closes it.
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// Creates a fault that sends no response and resets the connection.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Creates a fault that processes the request and cuts the response off in the middle of its body.
    ///
    /// If HTTP allows no body (after HEAD, with 204), the connection is reset instead.
    pub fn cut_body() -> Self {
        Self::new(Kind::CutBody)
    }

    /// Adds a header to the response of a [`status`](Self::status) fault. Ignored for any other kind.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Kind::Status { headers, .. } = &mut self.kind {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Sets the response body of a [`status`](Self::status) fault. Ignored for any other kind.
    pub fn body(mut self, text: impl Into<Bytes>) -> Self {
        if let Kind::Status { body, .. } = &mut self.kind {
            *body = text.into();
        }
        self
    }

    /// Lets the fault occur after the service has processed the request: its effects remain, only the response is
    /// affected.
    pub fn after_processing(mut self) -> Self {
        self.after_processing = true;
        self
    }

    /// Limits the fault to requests with this method. The case of letters does not matter.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Limits the fault to requests whose path contains this text. The path is compared as received, still
    /// percent-encoded, without the query.
    pub fn path_contains(mut self, text: impl Into<String>) -> Self {
        self.path_contains = Some(text.into());
        self
    }

    /// Limits the fault to requests to this service.
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Sets how many requests the fault affects. Default: 1. With 0, [`push`](super::Faults::push) ignores the fault. A
    /// [random](super::Faults::randomly) fault is not limited by it.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn new(kind: Kind) -> Self {
        Self {
            id: FaultId::default(),
            kind,
            after_processing: false,
            method: None,
            path_contains: None,
            service: None,
            times: 1,
        }
    }

    pub(super) fn matches(&self, request: &Request, service: Option<Service>) -> bool {
        let path = request.target.split('?').next().unwrap_or("");
        self.method.as_ref().is_none_or(|method| request.method.as_str().eq_ignore_ascii_case(method))
            && self.path_contains.as_ref().is_none_or(|text| path.contains(text))
            && self.service.is_none_or(|wanted| service == Some(wanted))
    }

    /// Processes the request, or does not, as the fault prescribes, and returns what the client receives.
    pub(crate) async fn apply(
        self,
        method: &Method,
        process: impl Future<Output = Response>,
        clock: &Clock,
    ) -> Response {
        let mut process = std::pin::pin!(process);
        let processed = if self.after_processing { Some(process.as_mut().await) } else { None };
        match self.kind {
            Kind::Status { status, headers, body } => return scripted(status, &headers, body),
            Kind::Reset => return reset(),
            Kind::Hang => std::future::pending().await,
            Kind::Delay(by) => clock.sleep(by).await,
            Kind::CutBody => {}
        }
        let response = match processed {
            Some(response) => response,
            None => process.await,
        };
        if matches!(self.kind, Kind::CutBody) { cut(method, response) } else { response }
    }
}

/// If HTTP does not allow the scripted response, the response says so: leaving a part out would look like a fault that
/// never occurred.
fn scripted(status: u16, headers: &[(String, String)], body: Bytes) -> Response {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(body.into()).unwrap_or_else(|error| {
        let message = format!("could not build the response of the scripted fault: {error}");
        let mut response = Response::new(message.into());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_headers_and_bodies() {
        let fault = Fault::status(200).header("authorization", "Bearer pl4nted").body("pl4nted");
        let shown = format!("{fault:?}");
        assert!(shown.contains("Status(200, 1 headers, 7 bytes)") && !shown.contains("pl4nted"), "{shown}");
    }

    #[test]
    fn a_status_that_http_does_not_allow_is_reported_in_the_response() {
        let response = scripted(42, &[], Bytes::new());
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(String::from_utf8_lossy(response.body().as_ref()).contains("could not build the response"));
    }
}
