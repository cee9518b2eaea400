//! Writes the relay log of a month to a CSV file, with progress. Reads `HULFT_WEBCONNECT_API_KEY`. The arguments are the first
//! and the last day and the file name, such as `2026-11-01 2026-11-30 november.csv`.
use std::fs::File;
use std::io::Write;

use hulft_webconnect::{BoxError, Date, SiteClient, write_csv};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let [from, to, file] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "FROM TO FILE")?;
    let rows = export(&SiteClient::from_env()?, from.parse()?, to.parse()?, File::create(file)?).await?;
    println!("{rows} rows");
    Ok(())
}

/// Returns the number of rows. If the log could not be read completely, nothing is written.
pub(crate) async fn export(
    site: &SiteClient,
    from: Date,
    to: Date,
    file: impl Write,
) -> Result<usize, BoxError> {
    let search = site.relay_logs().list().from(from).to(to).by_date();
    let search = search.on_progress(|progress| eprint!("\r{} of {} rows", progress.rows, progress.total));
    let rows = search.all().await?;
    eprintln!();
    write_csv(file, &rows)?;
    Ok(rows.len())
}
