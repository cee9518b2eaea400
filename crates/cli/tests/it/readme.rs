//! The sessions of the README, run as written: on a terminal, in a shell, with the emulator's variables.

use service_emulator::Emulator;

use crate::program::{PATH, Program};
use crate::terminal::{OnTerminal, blocking};

const README: &str = include_str!("../../README.md");

/// A command of a session, and the lines that it prints.
#[derive(Debug)]
struct Step {
    command: String,
    expected: Vec<String>,
}

/// Returns the console blocks of a section of the README.
fn sessions(section: &str) -> Vec<Vec<Step>> {
    let (_, section) = README.split_once(&format!("\n## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.map(steps).collect()
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => steps.push(Step { command: command.to_owned(), expected: Vec::new() }),
            None => steps.last_mut().unwrap().expected.push(line.to_owned()),
        }
    }
    steps
}

/// Returns whether a line matches an expected one, in which `...` stands for any text.
/// The width of columns depends on such text.
fn matches(line: &str, expected: &str) -> bool {
    let narrow = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (line, expected) = (narrow(line), narrow(expected));
    let mut rest = &*line;
    let parts: Vec<_> = expected.split("...").map(str::trim).collect();
    for (index, part) in parts.iter().enumerate() {
        let Some(at) = rest.find(part) else { return false };
        if index == 0 && at != 0 {
            return false;
        }
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || parts.last().is_some_and(|part| part.is_empty())
}

/// Starts a command in a shell on a terminal.
fn start(program: &Program, step: &Step) -> OnTerminal {
    OnTerminal::shell(&program.with("NO_COLOR", "1"), &step.command)
}

/// Returns what remains of a line after the progress bars in it were removed from the terminal.
fn seen(line: &str) -> &str {
    line.rsplit("\u{1b}[2K").next().unwrap_or_default()
}

/// Checks what a command printed.
fn check(step: &Step, text: &str) {
    let lines: Vec<_> = text.lines().map(seen).collect();
    let expected = &step.expected;
    // A table may have more rows than the README shows.
    let open = expected.last().is_some_and(|line| line.ends_with(" ..."));
    assert!(lines.len() == expected.len() || (open && lines.len() > expected.len()), "{step:#?}\n{text}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(matches(line, expected), "`{line}` is not `{expected}`: {step:#?}\n{text}");
    }
}

fn run(program: &Program, steps: &[Step]) {
    for step in steps {
        check(step, &start(program, step).finish().1);
    }
}

/// The environment of a session: the program is in the search path.
async fn environment() -> (Emulator, Program) {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let program = Program::new(&emulator);
    let directory = std::path::Path::new(PATH).parent().unwrap().display();
    let path = format!("{directory}:{}", program.environment["PATH"]);
    let program = program.with("PATH", &path);
    (emulator, program)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_web_pubsub_runs_as_written() {
    let (_emulator, program) = environment().await;
    blocking(move || {
        let [first, second] = &sessions("Web PubSub")[..] else { panic!("not two terminals") };
        let mut listen = start(&program, &first[0]);
        let begin = listen.until("joined lobby\r\n").replace("\r\n", "\n");
        run(&program, second);
        check(&first[0], &(begin + &listen.finish().1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_event_grid_runs_as_written() {
    let (emulator, program) = environment().await;
    // The events wait, so it does not matter which terminal is faster.
    emulator.eventgrid().declare("orders", "billing");
    blocking(move || {
        let [first, second] = &sessions("Event Grid")[..] else { panic!("not two terminals") };
        let process = start(&program, &first[0]);
        run(&program, second);
        check(&first[0], &process.finish().1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_hulft_runs_as_written() {
    let (_emulator, program) = environment().await;
    blocking(move || {
        let [steps] = &sessions("HULFT-WebConnect")[..] else { panic!("not one terminal") };
        run(&program, steps);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_the_emulator_runs_as_written() {
    let (_emulator, program) = environment().await;
    blocking(move || {
        let [steps] = &sessions("The emulator")[..] else { panic!("not one terminal") };
        run(&program, steps);
    })
    .await;
}

#[test]
fn the_dots_of_a_session_stand_for_any_text() {
    for (line, expected) in
        [("a b c", "a ... c"), ("ab", "ab"), ("AGENT  ID", "AGENT ..."), ("x  alice", "...  alice")]
    {
        assert!(matches(line, expected), "{line}");
    }
    for (line, expected) in [("a b d", "a ... c"), ("abc", "ab"), ("xAGENT", "AGENT ..."), ("b", "a...")] {
        assert!(!matches(line, expected), "{line}");
    }
}
