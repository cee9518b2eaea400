//! The webhook as a `tower` service, which axum, hyper, and others can mount. It reads the body, up to its limit, only after the
//! delivery is authenticated.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_service::Service;

use super::rejection::{Rejection, empty};
use super::{Check, PendingDelivery, ResponseBody, Webhook};
use crate::BoxError;

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
        let webhook = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let response = match webhook.check(&head.method, &head.uri, &head.headers).await {
                Check::Delivery(delivery) => read_and_respond(delivery, body).await,
                Check::Response(response) => response,
                Check::NotOurs => method_not_allowed(),
            };
            Ok(response.map(ResponseBody::new))
        })
    }
}

fn method_not_allowed() -> Response<Bytes> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

async fn read_and_respond<B>(delivery: PendingDelivery, body: B) -> Response<Bytes>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let limit = delivery.body_limit();
    match delivery.within_deadline(Limited::new(body, limit).collect()).await {
        Some(Ok(body)) => delivery.respond(body.to_bytes()).await,
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            delivery.reject(Rejection::body_too_large(limit))
        }
        // The service retries: an interrupted request says nothing about its events.
        Some(Err(_)) => delivery.reject(Rejection::unavailable("the body ended early")),
        None => delivery.reject(Rejection::unavailable("the body was not complete before the deadline")),
    }
}
