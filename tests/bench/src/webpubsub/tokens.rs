//! Client access tokens made here, compared with the HMAC that each of them needs at least.

use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::runtime::Runtime;

use super::{CPU, KEY, ours};
use crate::plan::Plan;
use crate::report::Report;
use crate::rounds::{Contender, Outcome};
use crate::{Result, load};

const BARE: &str = "bare HMAC-SHA256";
const TOKEN: &str = "client access token";
/// About the length of the part of a token that is signed.
const SIGNED: usize = 240;
/// Making a token is so short that a turn needs more of them.
const MORE: u32 = 8;

/// Adds the comparison to the report; there is no limit for it.
pub(super) fn compare(plan: Plan, runtime: &Runtime, report: &mut Report) -> Result<()> {
    let plan = Plan { requests: plan.requests.saturating_mul(MORE), ..plan };
    let client = ours::client("http://127.0.0.1:9")?;
    let mac: Hmac<Sha256> = Hmac::new_from_slice(KEY.as_bytes())?;
    let text = "x".repeat(SIGNED);
    let bare = |times| {
        for _ in 0..times {
            let mut mac = mac.clone();
            mac.update(black_box(text.as_bytes()));
            black_box(mac.finalize().into_bytes());
        }
        Ok(())
    };
    let token = |times| runtime.block_on(load::one_by_one(times, || ours::token(client.clone())));
    let outcome = Outcome::of(plan, vec![Contender::new(BARE, bare), Contender::new(TOKEN, token)])?;
    report.table("tokens for clients, one at a time", &outcome)?;
    let per_second = |name| outcome.spread(name, CPU).map(|spread| 1e6 / spread.median);
    report.note(&format!(
        "{:.0} tokens a second; the bare HMAC alone allows {:.0}",
        per_second(TOKEN)?,
        per_second(BARE)?
    ));
    Ok(())
}
