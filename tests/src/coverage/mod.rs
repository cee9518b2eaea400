//! `cargo xtask coverage`: holds the operations that each client knows against a document of what its service has, an
//! OpenAPI 2 file or a list written from the service's documentation. How the next api-version will be met.

mod document;
mod open_api;
mod report;
mod service;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use service_core::BoxError;

pub use self::document::{Document, Documented};
pub use self::report::Report;
pub use self::service::{SERVICES, Service};

/// The documents that are compared when none is named, from the root of the checkout; those outside it may be missing.
const USUAL: [&str; 3] = [
    "tests/data/hulft-operations.json",
    "../shared/specs/openapi/webpubsub-2024-12-01.json",
    "../shared/specs/openapi/eventgrid-namespaces-2024-06-01.json",
];

/// What came of all comparisons.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The report: one or more lines for each document.
    pub text: String,
    /// Whether every document was read and none differs from its client.
    pub complete: bool,
}

/// Compares these documents with the clients that they belong to.
pub fn compare(files: &[PathBuf]) -> Outcome {
    let mut outcome = Outcome { complete: true, ..Outcome::default() };
    for file in files {
        outcome.add(file);
    }
    outcome
}

/// Compares the usual documents that exist, and reports which do not.
pub fn compare_usual() -> Outcome {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (at_hand, missing): (Vec<_>, Vec<_>) =
        USUAL.iter().map(|file| root.join(file)).partition(|file| file.exists());
    let mut outcome = compare(&at_hand);
    for file in missing {
        let _ = writeln!(outcome.text, "not found: {}", name_of(&file));
    }
    outcome
}

impl Outcome {
    fn add(&mut self, file: &Path) {
        match examine(file) {
            Ok((service, report)) => {
                self.complete &= report.is_complete();
                let _ = writeln!(self.text, "{}: {report} ({})", service.name, name_of(file));
                for difference in &report.differences {
                    let _ = writeln!(self.text, "  {difference}");
                }
            }
            Err(error) => {
                self.complete = false;
                let _ = writeln!(self.text, "{}: {error}", file.display());
            }
        }
    }
}

fn examine(file: &Path) -> Result<(&'static Service, Report), BoxError> {
    let document = Document::read(file)?;
    let service = Service::of(&document)?;
    Ok((service, Report::new(&document, service.known)))
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
