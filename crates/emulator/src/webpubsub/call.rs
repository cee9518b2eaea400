//! A REST request that was routed to its operation, with what all operations read from it.

use std::time::SystemTime;

use http::header::CONTENT_LENGTH;

use super::errors::{self, Rejection, VERSIONS};
use super::hub::Hubs;
use super::names;
use super::token::Keys;
use crate::message::Request;

const MAX_BYTES: usize = 1024 * 1024;

/// A request and the values from its path.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) hubs: &'a Hubs,
    pub(super) keys: &'a Keys,
    pub(super) hub: &'a str,
    pub(super) now: SystemTime,
    pub(super) values: Vec<(&'static str, &'a str)>,
}

impl<'a> Call<'a> {
    /// The value of the path's `{name}`: at least one character.
    pub(super) fn value(&self, name: &'static str) -> Result<&'a str, Rejection> {
        let value = self.values.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        if value.is_empty() {
            return Err(errors::invalid(name, &format!("The {name} field is required.")));
        }
        Ok(value)
    }

    /// The group in the path, a valid name.
    pub(super) fn group(&self) -> Result<&'a str, Rejection> {
        let group = self.values.iter().find(|(key, _)| *key == "group").map_or("", |(_, value)| value);
        if names::is_group(group) { Ok(group) } else { Err(errors::invalid("group", errors::GROUP_NAME)) }
    }

    /// The size of the body, which must be announced and is bounded.
    pub(super) fn check_body(&self) -> Result<(), Rejection> {
        if self.request.header(CONTENT_LENGTH).is_none() {
            return Err(errors::invalid("body", "The request has no Content-Length."));
        }
        if self.request.body.len() > MAX_BYTES {
            return Err(errors::invalid("body", "The body is larger than 1 MB."));
        }
        Ok(())
    }

    /// Rejects versions older than the one that introduced the operation.
    pub(super) fn check_since(&self, version: &str) -> Result<(), Rejection> {
        let known: Vec<_> = VERSIONS.into_iter().filter(|known| *known >= version).collect();
        check_version(self.request, &known)
    }

    /// The connections that the request excludes.
    pub(super) fn excluded(&self) -> Vec<&'a str> {
        self.request.query_all("excluded").collect()
    }
}

/// Rejects a request with another version than these, or with several. Without one, the newest applies.
pub(super) fn check_version(request: &Request, known: &[&str]) -> Result<(), Rejection> {
    let mut versions = request.query_all("api-version");
    let Some(version) = versions.next() else { return Ok(()) };
    if versions.next().is_some() {
        return Err(errors::invalid("api-version", "The API version is specified more than once."));
    }
    if known.contains(&version) {
        return Ok(());
    }
    Err(errors::invalid("api-version", &format!("The API version '{version}' is not supported.")))
}
