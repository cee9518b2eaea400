//! The webhook as a `tower` service, which axum, hyper, and others can mount. It reads the body, up to its limit, only
//! after the head has been validated.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use service_core::BoxError;
use tower_service::Service;

use super::rejection::{Rejection, text};
use super::{Check, PendingEvent, ResponseBody, Webhook};

impl<B> Service<Request<B>> for Webhook
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = match self.check(request.method(), request.headers()) {
            Check::Event(event) => {
                return Box::pin(async {
                    Ok(read_and_respond(event, request.into_body()).await.map(ResponseBody::new))
                });
            }
            Check::Response(response) => response,
            Check::NotOurs => {
                text(StatusCode::NOT_FOUND, "this path accepts only requests from Azure Web PubSub")
            }
        };
        Box::pin(ready(Ok(response.map(ResponseBody::new))))
    }
}

async fn read_and_respond<B>(event: PendingEvent, body: B) -> Response<Bytes>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let limit = event.body_limit();
    match Limited::new(body, limit).collect().await {
        Ok(body) => event.respond(body.to_bytes()).await,
        Err(error) if error.is::<LengthLimitError>() => Rejection::body_too_large(limit).respond(),
        Err(_) => Rejection::bad_request("the body ended early").respond(),
    }
}
