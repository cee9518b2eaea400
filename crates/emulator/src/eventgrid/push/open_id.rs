//! The metadata and the keys with which receivers verify tokens, at the paths where Entra ID serves them. They are public.

use http::HeaderValue;
use http::Method;
use http::header::CACHE_CONTROL;
use serde_json::json;

use super::token::issuer;
use crate::eventgrid::EventGrid;
use crate::eventgrid::errors::{RECEIVED, Rejection, json};
use crate::message::{Request, Response};

/// The response to a request for metadata or keys. `None` if it is for something else.
pub(in crate::eventgrid) fn respond(
    grid: &EventGrid,
    request: &Request,
) -> Option<Result<Response, Rejection>> {
    if request.method != Method::GET {
        return None;
    }
    match request.path().as_slice() {
        [_, "discovery", "v2.0", "keys"] | [_, "discovery", "keys"] => Some(keys(grid)),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => Some(metadata(request, tenant, true)),
        [tenant, ".well-known", "openid-configuration"] => Some(metadata(request, tenant, false)),
        _ => None,
    }
}

fn keys(grid: &EventGrid) -> Result<Response, Rejection> {
    let keys = grid.issuer().key_set().map_err(|_| Rejection::server_error())?;
    let mut response = json(RECEIVED, &keys)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn metadata(request: &Request, tenant: &str, v2: bool) -> Result<Response, Rejection> {
    let keys = if v2 { "discovery/v2.0/keys" } else { "discovery/keys" };
    json(
        RECEIVED,
        &json!({
            "issuer": issuer(tenant, v2),
            "jwks_uri": format!("{}/{tenant}/{keys}", request.origin()),
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    )
}
