//! Benchmarks, each of which runs with its baselines in the same process and the same minutes, so that the results are
//! ratios and differences rather than times of a machine. A separate package, so that the baselines stay out of the
//! tests' dependencies.

pub mod calls;
pub mod eventgrid;
pub mod growth;
pub mod ids;
pub mod load;
pub mod measure;
pub mod network;
pub mod peer;
pub mod plan;
pub mod program;
pub mod report;
pub mod resident;
pub mod responses;
pub mod rounds;
pub mod server;
pub mod spread;
pub mod webpubsub;
pub mod webpubsub_client;

/// A failure is printed for a person and ends the run.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of a step.
pub type Result<T> = std::result::Result<T, Error>;
