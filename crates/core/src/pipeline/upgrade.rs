//! The opening of another protocol, such as a WebSocket: one attempt over the client's transport. When to try again is for
//! whoever speaks that protocol to say.

use http::header::USER_AGENT;
use http::{Request, Response};

use super::Pipeline;
use crate::error::{Delivery, Error, ErrorKind, MAX_ERROR_BODY_BYTES, Result};
use crate::{Io, SendOptions, Upgrade, clock, retry};

impl Pipeline {
    /// Sends an upgrade request within the client's budgets for connecting and for one attempt. The client's credential is not
    /// asked: what identifies the caller stands in the request.
    ///
    /// # Errors
    ///
    /// A URL that is not the client's endpoint's, everything that keeps a request from being answered, and any other answer
    /// than 101, with its status, code and hint.
    pub async fn upgrade(&self, mut request: Request<()>) -> Result<(Response<()>, Box<dyn Io>)> {
        let client = &self.inner;
        if !client.endpoint.owns(request.uri()) {
            let text = format!("the request does not go to {}", client.endpoint);
            return Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent());
        }
        request.headers_mut().entry(USER_AGENT).or_insert_with(|| client.user_agent.clone());
        let limit = client.attempt_timeout;
        let options = SendOptions::new(MAX_ERROR_BODY_BYTES);
        match clock::within(&*client.clock, limit, client.transport.upgrade(request, &options)).await {
            Some(Ok(Upgrade::Switched(head, stream))) => Ok((head, stream)),
            Some(Ok(Upgrade::Rejected(answer))) => Err(self.refused(answer)),
            Some(Err(error)) => Err(error),
            None => {
                let delivery = if options.is_waiting() { Delivery::NotSent } else { Delivery::Unknown };
                let text = format!("no response arrived within {limit:?}");
                Err(Error::new(ErrorKind::Timeout, text).with_delivery(delivery))
            }
        }
    }

    fn refused(&self, answer: Response<bytes::Bytes>) -> Error {
        let dialect = self.inner.dialect;
        let hint = retry::hint_of(answer.headers(), self.inner.clock.now());
        let (parts, body) = answer.into_parts();
        let mut error = Error::from_answer(parts.status, parts.headers, body, dialect.error_code);
        let mut ids = dialect
            .response_request_id_headers
            .iter()
            .filter_map(|name| error.headers().get(*name)?.to_str().ok());
        let request_id = ids.next().map(str::to_owned);
        let inner = error.inner_mut();
        (inner.retry_after, inner.request_id) = (hint, request_id);
        error
    }
}
