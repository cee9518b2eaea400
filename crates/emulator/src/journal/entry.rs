//! One entry of the journal and its text form: time, service, method, outcome, duration, target, notes.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::message::Service;

/// The maximum length of the target and note in a printed line, in characters.
const MAX_TEXT: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its number in the journal, starting at 1.
    pub(crate) number: u64,
    pub(crate) at: SystemTime,
    pub(crate) service: Option<Service>,
    pub(crate) verb: String,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// Path and query, without secrets and control characters.
    pub(crate) target: String,
    pub(crate) note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Status(u16),
    /// It has no status, but this word: it ended, or no webhook was called for an event.
    Word(&'static str),
    /// A fault reset the connection.
    Reset,
    /// The client went away, or there was no response.
    NoResponse,
}

impl Entry {
    pub(super) fn new(at: SystemTime, verb: &str, target: &str) -> Self {
        let target = printable(&without_secrets(target));
        let (outcome, took, note) = (Outcome::NoResponse, Duration::ZERO, String::new());
        Self { number: 0, at, service: None, verb: printable(verb), outcome, took, target, note }
    }

    pub(super) fn note(&mut self, note: &str) {
        if !self.note.is_empty() {
            self.note.push(' ');
        }
        self.note += &printable(note);
    }

    /// The text of the line as it is printed.
    pub(crate) fn text(&self, color: bool) -> String {
        let paint = |text: String, code: &str| {
            if color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text }
        };
        let (path, query) = self.target.split_at(self.target.find('?').unwrap_or(self.target.len()));
        let mut text = format!(
            "{}  {:<9}  {}  {}  {:>8}  {path}{}",
            paint(self.time(), "2"),
            self.service_name(),
            paint(format!("{:<7}", self.verb), "1"),
            paint(format!("{:<5}", self.outcome.text()), self.outcome.color()),
            self.duration(),
            paint(query.to_owned(), "2"),
        );
        if !self.note.is_empty() {
            // Writing to a string does not fail.
            let _ = write!(text, "  {}", paint(self.note.clone(), "36"));
        }
        text
    }

    /// The time of day in UTC.
    pub(crate) fn time(&self) -> String {
        time_of_day(self.at)
    }

    pub(crate) fn service_name(&self) -> &'static str {
        self.service.map_or("-", Service::name)
    }

    pub(crate) fn duration(&self) -> String {
        match self.took.as_secs_f64() {
            short @ ..1.0 => format!("{:.1} ms", short * 1_000.0),
            long => format!("{long:.1} s"),
        }
    }
}

/// Hours to milliseconds, in UTC.
pub(crate) fn time_of_day(at: SystemTime) -> String {
    let time = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = time.as_secs() % (24 * 3600);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", seconds % 60, time.subsec_millis())
}

impl Outcome {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Status(status) => status.to_string(),
            Self::Word(word) => word.to_owned(),
            Self::Reset => "reset".to_owned(),
            Self::NoResponse => "gone".to_owned(),
        }
    }

    /// The ANSI color of the class.
    fn color(self) -> &'static str {
        match self {
            Self::Status(200..=299) => "32",
            Self::Status(400..=499) => "33",
            Self::Status(500..) => "31",
            Self::Status(_) | Self::Word(_) => "36",
            Self::Reset | Self::NoResponse => "35",
        }
    }
}

/// Masks the values of query parameters whose names suggest secrets.
fn without_secrets(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    format!("{path}?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&"))
}

fn is_secret(name: &str) -> bool {
    // A name may be percent-encoded to hide what it is.
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
    ["token", "key", "sig", "code", "secret", "password", "credential"].iter().any(|word| name.contains(word))
}

/// Terminals interpret control characters, and a line feed would end the line early.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == MAX_TEXT {
            printable.push('…');
            break;
        }
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(target: &str) -> Entry {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_042);
        let mut line = Entry::new(at, "GET", target);
        line.service = Some(Service::WebPubSub);
        line.outcome = Outcome::Status(101);
        line.took = Duration::from_micros(1_240);
        line
    }

    #[test]
    fn a_line_reads_from_left_to_right() {
        let mut line = line("/client/hubs/chat?hub=x");
        line.note("user ann");
        assert_eq!(
            line.text(false),
            "22:13:20.042  webpubsub  GET      101      1.2 ms  /client/hubs/chat?hub=x  user ann"
        );
        line.took = Duration::from_secs(75);
        assert!(line.text(false).contains("  75.0 s  "));
    }

    #[test]
    fn the_class_of_a_status_has_its_color() {
        for (status, code) in [(101, "36"), (204, "32"), (302, "36"), (404, "33"), (503, "31")] {
            let mut line = line("/");
            line.outcome = Outcome::Status(status);
            assert!(line.text(true).contains(&format!("\x1b[{code}m{status}  \x1b[0m")), "{status}");
            assert!(!line.text(false).contains('\x1b'));
        }
    }

    #[test]
    fn secrets_of_a_query_are_masked() {
        let target =
            "/client?access_token=s3cret&a=1&awps_reconnection_token=s3cret&CODE=s3cret&%73ig=s3cret&b";
        let text = line(target).text(true);
        assert!(
            !text.contains("s3cret") && text.contains("a=1") && text.contains("access_token=***"),
            "{text}"
        );
    }

    #[test]
    fn what_a_client_chose_cannot_command_the_terminal_or_begin_a_line() {
        let mut line = line("/a\u{9b}31m");
        line.note("user \x1b[2J\nx");
        let text = line.text(false);
        assert!(!text.contains(char::is_control), "{text:?}");
    }

    #[test]
    fn long_targets_are_cut() {
        assert!(line(&"/é".repeat(1_000)).target.chars().count() <= MAX_TEXT + 1);
    }
}
