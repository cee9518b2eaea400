//! `eventgrid publish`: events from files or standard input.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::task::Poll;

use clap::Args;
use eventgrid_namespaces::{CloudEvent, FailedEvents, InvalidEvent};
use futures_util::stream::{Stream, StreamExt as _, poll_fn};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::events::{self, Values};
use super::namespace;
use crate::count;
use crate::failure::{Failure, Result};
use crate::input;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::table::printable;

pub(super) const HELP: &str = "\
An input has CloudEvents as JSON lines, as a JSON array, or as JSON objects. With --type and --source, an input has the data of
the events instead, one JSON value per line; with --text, one text per line.

Invalid events are reported on standard error with their line, and the others are published; the exit code is then 5. Ctrl-C
waits for the requests in flight and reports how many events were published.

Examples:
  hubgrid eg publish --topic orders events.jsonl
  echo '{\"total\": 5}' | hubgrid eg publish --topic orders --type com.example.order.created --source /shop
  tail -f app.log | hubgrid eg publish --topic logs --type com.example.log --source /app --text";

/// Events that the thread that reads passes on at a time.
const CHUNK: usize = 256;

/// The options of `publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Name of the topic.
    #[arg(long)]
    topic: String,
    /// The input is data: set the `type` of each event.
    #[arg(long = "type", value_name = "TYPE", requires = "source")]
    event_type: Option<String>,
    /// The input is data: set the `source` of each event.
    #[arg(long, requires = "event_type")]
    source: Option<String>,
    /// Set the `subject` of each event.
    #[arg(long, requires = "event_type")]
    subject: Option<String>,
    /// The data is text, not JSON.
    #[arg(long, requires = "event_type")]
    text: bool,
    /// Maximum number of requests in flight. With more than 1, events may arrive in another order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    concurrency: usize,
    /// Write the events that could not be published to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    failed: Option<PathBuf>,
    /// Files; `-` and no file mean standard input.
    files: Vec<PathBuf>,
}

/// How the events are made from the values of the input.
#[derive(Clone)]
struct Template {
    event_type: String,
    source: String,
    subject: Option<String>,
    text: bool,
}

impl Template {
    fn event(&self, data: &[u8]) -> std::result::Result<CloudEvent, String> {
        let text = std::str::from_utf8(data).map_err(|_| "the data is not UTF-8".to_owned())?;
        let mut builder = CloudEvent::builder(self.source.as_str(), self.event_type.as_str());
        if let Some(subject) = &self.subject {
            builder = builder.subject(subject.as_str());
        }
        builder = if self.text {
            builder.data_text(text)
        } else {
            serde_json::from_str::<&RawValue>(text)
                .map_err(|error| format!("the data is not JSON: {error}"))?;
            builder.data_json_text(text)
        };
        builder.build().map_err(|error| error.to_string())
    }
}

/// What the thread that reads reports.
enum Read {
    Events(Vec<CloudEvent>),
    Invalid(String),
    Failed(Failure),
}

/// What became of the events.
#[derive(Default)]
struct Counts {
    published: usize,
    failed: usize,
    invalid: usize,
}

impl Publish {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        let sender = namespace()?.sender(self.topic.as_str());
        let template = self.event_type.zip(self.source).map(|(event_type, source)| Template {
            event_type,
            source,
            subject: self.subject,
            text: self.text,
        });
        let mut failed_events = self.failed.as_deref().map(create).transpose()?;
        let (events, mut problems) = read(input::or_stdin(self.files), template);
        // Owned by the stream: it ends at an interruption, and the requests in flight are completed.
        let stop = interrupt.clone();
        let events = events.take_until(Box::pin(async move { stop.wait().await }));
        let mut sending = sender.send_all(Box::pin(events)).concurrency(self.concurrency);
        let progress = Progress::start("events published");
        let mut counts = Counts::default();
        let mut error = None;
        while let Some(outcome) = sending.next().await {
            match outcome {
                Ok(events) => counts.published += events,
                Err(failed) => {
                    counts.failed += failed.events.len();
                    progress.warn(&format!("hubgrid: {failed}"));
                    save(&mut failed_events, &failed)?;
                    error.get_or_insert(failed.error);
                }
            }
            progress.set(counts.published as u64, None);
        }
        progress.end();
        if let Some(file) = &mut failed_events {
            file.flush()?;
        }
        while let Ok(problem) = problems.try_recv() {
            counts.invalid += 1;
            if let Some(failure) = problem {
                return Err(failure);
            }
        }
        report(&counts, output)?;
        interrupt.check()?;
        match error {
            Some(error) if counts.published == 0 => Err(error.into()),
            None if counts.invalid == 0 => Ok(()),
            _ => {
                let unpublished = count::was(counts.failed + counts.invalid, "event");
                Err(Failure::Partial(format!("{unpublished} not published")))
            }
        }
    }
}

fn report(counts: &Counts, output: &mut Output) -> Result<()> {
    let Counts { published, failed, invalid } = counts;
    output.record(&json!({ "published": published, "failed": failed, "invalid": invalid }), || {
        let rest = match failed + invalid {
            0 => String::new(),
            _ => format!(", {failed} failed, {invalid} invalid"),
        };
        format!("{} published{rest}", count::counted(*published, "event"))
    })
}

/// Reads the inputs on a thread of its own, because reading blocks and parsing takes time. Returns the events, and for each
/// invalid one a message; a failure ends the reading.
fn read(
    paths: Vec<PathBuf>,
    template: Option<Template>,
) -> (impl Stream<Item = CloudEvent> + Send + 'static, mpsc::UnboundedReceiver<Option<Failure>>) {
    // A few chunks, so that the memory for a large file is bounded.
    let (sender, mut receiver) = mpsc::channel(16);
    let (problem, problems) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for path in paths {
            if let Err(failure) = read_one(&path, template.as_ref(), &sender) {
                let _ = sender.blocking_send(Read::Failed(failure));
                return;
            }
        }
    });
    let mut chunk = Vec::new().into_iter();
    let events = poll_fn(move |context| {
        loop {
            if let Some(event) = chunk.next() {
                return Poll::Ready(Some(event));
            }
            match std::task::ready!(receiver.poll_recv(context)) {
                Some(Read::Events(events)) => chunk = events.into_iter(),
                Some(Read::Invalid(message)) => {
                    let _ = writeln!(std::io::stderr(), "hubgrid: {}", printable(&message));
                    let _ = problem.send(None);
                }
                Some(Read::Failed(failure)) => {
                    let _ = problem.send(Some(failure));
                }
                None => return Poll::Ready(None),
            }
        }
    });
    (events, problems)
}

fn read_one(path: &std::path::Path, template: Option<&Template>, sender: &mpsc::Sender<Read>) -> Result<()> {
    let mut values = if template.is_some_and(|template| template.text) {
        Values::lines(path)?
    } else {
        Values::open(path)?
    };
    let mut chunk = Vec::new();
    let make = |json: &[u8]| match template {
        Some(template) => template.event(json),
        None => events::strict(json).map_err(|error: InvalidEvent| error.to_string()),
    };
    while let Some(item) = values.next(make)? {
        let message = match item.value {
            Ok(event) => {
                chunk.push(event);
                None
            }
            Err(reason) => Some(Read::Invalid(format!("{}:{}: {reason}", values.name(), item.at))),
        };
        // What has been read is published before more is waited for.
        let full = chunk.len() >= CHUNK || message.is_some() || values.may_wait();
        let complete = full.then(|| Read::Events(std::mem::take(&mut chunk)));
        for read in complete.into_iter().chain(message) {
            if sender.blocking_send(read).is_err() {
                return Ok(());
            }
        }
    }
    let _ = sender.blocking_send(Read::Events(chunk));
    Ok(())
}

fn create(path: &std::path::Path) -> Result<BufWriter<File>> {
    let file = File::create(path);
    let file =
        file.map_err(|error| Failure::Usage(format!("could not create {}: {error}", path.display())))?;
    Ok(BufWriter::new(file))
}

fn save(file: &mut Option<BufWriter<File>>, failed: &FailedEvents) -> Result<()> {
    let Some(file) = file else { return Ok(()) };
    for (_, event) in &failed.events {
        serde_json::to_writer(&mut *file, event).map_err(std::io::Error::from)?;
        file.write_all(b"\n")?;
    }
    Ok(())
}
