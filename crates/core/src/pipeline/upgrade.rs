//! The upgrade to another protocol, such as WebSocket: one attempt over the client's transport. Retrying is up to the code
//! that uses the protocol.

use http::header::USER_AGENT;
use http::{Request, Response};

use super::Pipeline;
use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES, Result, rounded};
use crate::{Io, SendOptions, Upgrade, clock, retry};

impl Pipeline {
    /// Sends an upgrade request and returns the response's head and the connection.
    ///
    /// The client's connect timeout and attempt timeout apply. There are no retries. The client's credential is not used: the
    /// request must contain what identifies the caller.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not one of the client's endpoint, the request fails or times out, or the response's
    /// status is not 101. In the last case, the error contains the status, the service's code and reason, and the `Retry-After`
    /// value. Every error of a request that was made contains the host, the number of attempts (1), and the elapsed time.
    pub async fn upgrade(&self, mut request: Request<()>) -> Result<(Response<()>, Box<dyn Io>)> {
        let client = &self.inner;
        if !client.endpoint.owns(request.uri()) {
            let text = format!("the request was not sent: its origin is not {}", client.endpoint);
            return Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent());
        }
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| client.user_agent.clone());
        let sent_id =
            client.dialect.request_id_header.as_ref().and_then(|name| request.headers().get(name)).cloned();
        let started = client.settings.clock.elapsed();
        self.attempt(request).await.map_err(|mut error| {
            let inner = error.inner_mut();
            inner.attempts = 1;
            inner.elapsed = client.settings.clock.elapsed().saturating_sub(started);
            let sent_id = sent_id.and_then(|id| id.to_str().ok().map(str::to_owned));
            inner.request_id = inner.request_id.take().or(sent_id);
            let host = client.endpoint.host_and_port();
            if error.message().is_none_or(|text| !text.contains(&host)) {
                error.inner_mut().host = Some(host);
            }
            error
        })
    }

    async fn attempt(&self, request: Request<()>) -> Result<(Response<()>, Box<dyn Io>)> {
        let client = &self.inner;
        let limit = client.settings.attempt_timeout;
        let options = SendOptions::new(MAX_ERROR_BODY_BYTES);
        match clock::timeout(&*client.settings.clock, limit, client.transport.upgrade(request, &options))
            .await
        {
            Some(Ok(Upgrade::Switched(head, stream))) => Ok((head, stream)),
            Some(Ok(Upgrade::Rejected(response))) => Err(self.rejected(response)),
            Some(Err(error)) => Err(error),
            None => {
                let text = format!("no response arrived within {:?}", rounded(limit));
                let delivery = if options.is_waiting() { Delivery::NotSent } else { Delivery::Unknown };
                Err(Error::new(ErrorKind::Timeout, text).with_delivery(delivery))
            }
        }
    }

    fn rejected(&self, response: Response<bytes::Bytes>) -> Error {
        let dialect = self.inner.dialect;
        let hint = retry::hint_of(response.headers(), self.inner.settings.clock.now());
        let (parts, body) = response.into_parts();
        let mut error = Error::from_response(parts.status, parts.headers, body, dialect.error_code);
        let mut ids = self.inner.response_ids.iter();
        let request_id = ids.find_map(|name| error.headers().get(name)?.to_str().ok()).map(str::to_owned);
        let inner = error.inner_mut();
        (inner.retry_after, inner.request_id) = (hint, request_id);
        inner.unauthorized_help = dialect.unauthorized_help;
        error
    }
}
