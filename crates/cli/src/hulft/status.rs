//! `hulft status`: the health of the service.

use hulft_webconnect::{EndpointStatus, Health};
use serde_json::json;

use super::site;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Prints the status of each endpoint. Fails if the service is not healthy.
pub(super) async fn run(output: &mut Output) -> Result<()> {
    let status = site()?.service_status().await?;
    let mut table = output.table(["ENDPOINT", "KIND", "REGION", "STATUS"]);
    let services = status.services.iter().map(|endpoint| ("service", endpoint));
    let sites = status.data_transfer_sites.iter().map(|endpoint| ("data transfer site", endpoint));
    for (kind, EndpointStatus { endpoint, region, status, .. }) in services.chain(sites) {
        let value = json!({ "endpoint": endpoint, "kind": kind, "region": region, "status": status });
        table.row(&value, [endpoint, kind, region, status.as_str()].map(str::to_owned))?;
    }
    table.end()?;
    match status.total_status {
        Health::Normal => Ok(()),
        other => Err(Failure::Failed(format!("the status of the service is {other}"))),
    }
}
