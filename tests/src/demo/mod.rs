//! The demo: five calls through the real clients, each with the effect that it must have. It fails unless it saw them all.

mod eventgrid;
mod hulft;
mod recorder;
mod story;
mod webpubsub;

use std::io::Write;

use service_core::BoxError;
use service_emulator::Emulator;

pub use story::Story;

/// Which services are the real ones; the others are emulated.
#[derive(Debug, Default)]
pub struct Targets {
    /// A Web PubSub connection string.
    pub webpubsub: Option<service_core::Secret>,
    /// The hub to connect to; default `demo`.
    pub hub: Option<String>,
    /// An Event Grid namespace.
    pub eventgrid: Option<EventGridTarget>,
    /// A HULFT-WebConnect API key.
    pub hulft: Option<service_core::Secret>,
    /// The sessions of two agents that may be disconnected; needed with a real `hulft`.
    pub sessions: Vec<String>,
}

/// Where to publish and receive.
#[derive(Debug)]
pub struct EventGridTarget {
    /// The namespace's host name.
    pub endpoint: String,
    /// An access key of it.
    pub key: service_core::Secret,
    /// A topic.
    pub topic: String,
    /// A queue subscription of the topic.
    pub subscription: String,
}

/// Asks the person at the terminal; `false` ends the demo.
pub type Ask<'a> = &'a mut (dyn FnMut(&str) -> bool + Send);

/// Runs all of it against `emulator` and the real services among `targets`.
///
/// # Errors
///
/// The first effect that was not observed, or the error that prevented it.
pub async fn run(
    emulator: &Emulator,
    targets: &Targets,
    ask: Ask<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), BoxError> {
    let mut story = Story::new(out, ask);
    story.say("Five calls to three services, and what each of them changed.")?;
    story.say(&format!(
        "The emulator of all three runs at {} for as long as this takes.",
        emulator.endpoint()
    ))?;
    webpubsub::show(&mut story, emulator, targets).await?;
    eventgrid::show(&mut story, emulator, targets.eventgrid.as_ref()).await?;
    hulft::show(&mut story, emulator, targets).await?;
    story.say("")?;
    story.say("All five calls had the effect that they promise.")?;
    Ok(())
}

/// An effect that must be there; `what` says so in words.
fn observed(effect: bool, what: &str) -> Result<(), BoxError> {
    if effect { Ok(()) } else { Err(format!("not observed: {what}").into()) }
}
