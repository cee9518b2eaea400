//! `POST /:generateToken`: creates client access tokens for callers that have no access key.

use std::time::Duration;

use http::HeaderValue;
use http::header::TRANSFER_ENCODING;

use super::call::Call;
use super::errors::Rejection;
use super::token::ClientToken;
use super::{errors, names};
use crate::message::Response;

const DEFAULT_MINUTES: u64 = 60;

pub(super) fn run(call: &Call<'_>) -> Result<Response, Rejection> {
    let request = call.request;
    let minutes = request.query("minutesToExpire").map_or(Ok(DEFAULT_MINUTES), |text| {
        let number = text
            .parse::<i32>()
            .ok()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| *number >= 1);
        number.ok_or_else(|| invalid_value("minutesToExpire", text))
    })?;
    let mut token = ClientToken::new();
    token.user = request.query("userId").filter(|user| !user.is_empty()).map(str::to_owned);
    token.roles = request.query_all("role").map(str::to_owned).collect();
    token.groups = request.query_all("group").map(str::to_owned).collect();
    if !token.groups.iter().all(|group| names::is_group(group)) {
        return Err(errors::invalid_token_request("group", errors::GROUP_NAME));
    }
    let hub = names::encode(call.hub);
    let path = match request.query("clientType").unwrap_or("Default") {
        kind if kind.eq_ignore_ascii_case("Default") => "client/hubs",
        kind if kind.eq_ignore_ascii_case("MQTT") => "clients/mqtt/hubs",
        other => return Err(invalid_value("clientType", other)),
    };
    let audience = format!("{}/{path}/{hub}", request.origin());
    let token = call.keys.sign_for(&token, &audience, call.now, Duration::from_secs(minutes * 60));
    // base64url and dots: no characters that JSON must escape.
    let mut response = errors::json(format!("{{\"token\":\"{token}\"}}"));
    // As observed: only this response is chunked.
    response.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    Ok(response)
}

fn invalid_value(parameter: &str, value: &str) -> Rejection {
    errors::invalid_token_request(parameter, &format!("The value '{value}' is not valid."))
}
