//! Rounds of the same tests, up to the first in which one fails.

use super::{Tally, verdict};
use crate::failure::{Failure, Result};
use crate::stopwatch::Stopwatch;

/// What a round came to.
pub(super) struct Round {
    pub(super) tally: Tally,
    took: String,
}

/// Runs up to `count` rounds; a failure ends them and names its round, where there are several.
pub(super) fn run(count: u32, mut one: impl FnMut() -> (Tally, Result<()>)) -> (Vec<Round>, Result<()>) {
    let mut rounds = Vec::new();
    for number in 1..=count {
        if count > 1 {
            eprintln!("round {number} of {count}");
        }
        let watch = Stopwatch::start();
        let (tally, result) = one();
        rounds.push(Round { tally, took: watch.read() });
        if let Err(failure) = result.and_then(|()| verdict(tally)) {
            let text = failure.text();
            let told = if count > 1 { format!("round {number} of {count}: {text}") } else { text.to_owned() };
            return (rounds, Err(Failure::failed(told)));
        }
    }
    (rounds, Ok(()))
}

/// A line for each round.
pub(super) fn table(rounds: &[Round]) -> String {
    let mut table = format!("{:>5} {:>7} {:>7} {:>13}\n", "round", "passed", "failed", "took");
    for (index, Round { tally, took }) in rounds.iter().enumerate() {
        table.push_str(&format!("{:>5} {:>7} {:>7} {took:>13}\n", index + 1, tally.passed, tally.failed));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn the_first_round_with_a_failure_is_the_last_and_is_named() {
        let mut results = [tally(2, 0), tally(1, 1), tally(2, 0)].into_iter();
        let (rounds, result) = run(3, || (results.next().unwrap(), Ok(())));
        assert_eq!(result.unwrap_err().text(), "round 2 of 3: 1 tests failed");
        assert_eq!(rounds.len(), 2);
        assert_eq!(table(&rounds).lines().count(), 3);
    }

    #[test]
    fn a_runner_that_fails_ends_the_rounds_even_when_no_test_did() {
        let (rounds, result) = run(2, || (tally(2, 0), Err(Failure::failed("no build"))));
        assert_eq!((rounds.len(), result.unwrap_err().text()), (1, "round 1 of 2: no build"));
    }

    #[test]
    fn rounds_without_a_failure_are_all_run() {
        let (rounds, result) = run(3, || (tally(2, 0), Ok(())));
        assert!(result.is_ok());
        assert_eq!(rounds.iter().map(|round| round.tally.passed).sum::<u64>(), 6);
    }

    #[test]
    fn a_single_round_is_not_named() {
        let (_, result) = run(1, || (tally(0, 0), Ok(())));
        assert_eq!(result.unwrap_err().text(), "no test ran");
    }
}
