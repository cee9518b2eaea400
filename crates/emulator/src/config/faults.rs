//! Faults in a configuration file: one table each, whose `kind` decides which other keys it may have.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Deserializer};

use super::rules::{checked, count, within};
use crate::faults::{Fault, FaultId, Faults};
use crate::message::Service;

/// A fault of requests: scripted, or random with a probability and a seed.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Table")]
pub(crate) struct RequestFault {
    fault: Fault,
    random: Option<(f64, u64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kind: Kind,
    #[serde(default, deserialize_with = "status")]
    status: Option<u16>,
    #[serde(default, deserialize_with = "headers")]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    delay_ms: Option<u64>,
    #[serde(default)]
    after_processing: bool,
    #[serde(default, deserialize_with = "method")]
    method: Option<String>,
    path_contains: Option<String>,
    service: Option<ServiceName>,
    #[serde(default, deserialize_with = "count")]
    times: Option<u32>,
    #[serde(default, deserialize_with = "probability")]
    probability: Option<f64>,
    seed: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    Delay,
    Hang,
    Reset,
    CutBody,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ServiceName {
    WebPubSub,
    EventGrid,
    Hulft,
}

impl RequestFault {
    pub(crate) fn arrange(&self, faults: &Faults) -> FaultId {
        match self.random {
            Some((probability, seed)) => faults.randomly(probability, self.fault.clone(), seed),
            None => faults.push(self.fault.clone()),
        }
    }
}

impl TryFrom<Table> for RequestFault {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        if table.kind != Kind::Status
            && (table.status.is_some() || table.body.is_some() || !table.headers.is_empty())
        {
            return Err("`status`, `headers`, and `body` require `kind = \"status\"`".to_owned());
        }
        if table.kind != Kind::Delay && table.delay_ms.is_some() {
            return Err("`delay_ms` requires `kind = \"delay\"`".to_owned());
        }
        if table.probability.is_some() && table.times.is_some() {
            return Err("`times` and `probability` cannot be combined".to_owned());
        }
        if table.probability.is_none() && table.seed.is_some() {
            return Err("`seed` requires `probability`".to_owned());
        }
        let random = table.probability.map(|probability| (probability, table.seed.unwrap_or_default()));
        Ok(Self { fault: table.filtered(table.fault()?), random })
    }
}

impl Table {
    fn fault(&self) -> Result<Fault, String> {
        Ok(match self.kind {
            Kind::Status => {
                let status = self.status.ok_or("`kind = \"status\"` requires `status`")?;
                let fault = Fault::status(status).body(self.body.clone().unwrap_or_default());
                self.headers.iter().fold(fault, |fault, (name, value)| fault.header(name, value))
            }
            Kind::Delay => Fault::delay(Duration::from_millis(
                self.delay_ms.ok_or("`kind = \"delay\"` requires `delay_ms`")?,
            )),
            Kind::Hang => Fault::hang(),
            Kind::Reset => Fault::reset(),
            Kind::CutBody => Fault::cut_body(),
        })
    }

    /// Limits the fault to the requests that the table selects.
    fn filtered(&self, mut fault: Fault) -> Fault {
        if self.after_processing {
            fault = fault.after_processing();
        }
        if let Some(method) = &self.method {
            fault = fault.method(method);
        }
        if let Some(text) = &self.path_contains {
            fault = fault.path_contains(text);
        }
        if let Some(service) = self.service {
            fault = fault.service(service.into());
        }
        fault.times(self.times.unwrap_or(1))
    }
}

impl From<ServiceName> for Service {
    fn from(name: ServiceName) -> Self {
        match name {
            ServiceName::WebPubSub => Self::WebPubSub,
            ServiceName::EventGrid => Self::EventGrid,
            ServiceName::Hulft => Self::Hulft,
        }
    }
}

/// A 1xx status is no final response, and there is no class beyond 599 (RFC 9110, section 15).
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    within(deserializer, &(200..=599)).map(Some)
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    checked(deserializer, |headers: &BTreeMap<String, String>| {
        let bad = headers.iter().find(|(name, value)| {
            HeaderName::try_from(name.as_str()).is_err() || HeaderValue::try_from(value.as_str()).is_err()
        });
        match bad {
            None => Ok(()),
            Some((name, _)) => Err(format!("invalid name or value of HTTP header '{name}'")),
        }
    })
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let method = checked(deserializer, |method: &String| {
        Method::from_bytes(method.as_bytes()).map(drop).map_err(|_| format!("invalid HTTP method '{method}'"))
    });
    method.map(Some)
}

fn probability<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    within(deserializer, &(0.0..=1.0)).map(Some)
}
