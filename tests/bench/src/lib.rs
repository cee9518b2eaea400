//! Benchmarks, each of which runs beside its baselines in the same process and the same minutes, so that what is told are
//! ratios and differences rather than times of a machine. In a package of its own, so that the baselines stay out of the
//! tests' dependencies.

pub mod answers;
pub mod calls;
pub mod eventgrid;
pub mod ids;
pub mod load;
pub mod measure;
pub mod peer;
pub mod plan;
pub mod program;
pub mod report;
pub mod rounds;
pub mod server;
pub mod spread;
pub mod webpubsub;
pub mod webpubsub_client;

/// What fails here is told to a person and ends the run.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of a step.
pub type Result<T> = std::result::Result<T, Error>;
