//! The method of every benchmark: contenders take turns, A B C A B C, so that anything that slows the machine for a while slows
//! all of them, and each round is compared within itself.

use std::time::Duration;

use crate::plan::Plan;
use crate::spread::Spread;
use crate::{Result, measure};

/// How many requests of a turn are run a second time to count allocations. The count hardly varies.
const COUNTED: u32 = 256;

/// One way to do the work.
pub struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u32) -> Result<()> + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender that does this many requests on request.
    pub fn new(name: &'static str, run: impl FnMut(u32) -> Result<()> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }

    fn turn(&mut self, requests: u32) -> Result<Cost> {
        let cpu = measure::cpu_of(|| (self.run)(requests))?;
        let counted = requests.min(COUNTED);
        let allocations = measure::allocations_of(|| (self.run)(counted))?;
        Ok(Cost {
            cpu: micros(cpu) / f64::from(requests),
            allocations: allocations as f64 / f64::from(counted),
        })
    }
}

/// What one request of a turn cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU time in microseconds.
    pub cpu: f64,
    /// Allocations.
    pub allocations: f64,
}

/// What the rounds showed.
#[derive(Debug)]
pub struct Outcome {
    names: Vec<&'static str>,
    rounds: Vec<Vec<Cost>>,
}

impl Outcome {
    /// Runs the contenders in turn, after a round that warms up connections and caches and does not count.
    ///
    /// # Errors
    ///
    /// The first request that fails, with the contender's name.
    pub fn of(plan: Plan, mut contenders: Vec<Contender<'_>>) -> Result<Self> {
        let mut rounds = Vec::new();
        for round in 0..=plan.rounds {
            let mut costs = Vec::new();
            for contender in &mut contenders {
                let cost = contender.turn(plan.requests);
                costs.push(cost.map_err(|error| format!("{}: {error}", contender.name))?);
            }
            if round > 0 {
                rounds.push(costs);
            }
        }
        Ok(Self { names: contenders.iter().map(|contender| contender.name).collect(), rounds })
    }

    /// The contenders, in the order of their turns.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// One number of one contender.
    ///
    /// # Errors
    ///
    /// A name that no contender has.
    pub fn spread(&self, name: &str, number: fn(&Cost) -> f64) -> Result<Spread> {
        self.compared(name, name, number, |own, _| own)
    }

    /// How many times `baseline` the contender costs, round by round.
    ///
    /// # Errors
    ///
    /// A name that no contender has.
    pub fn ratio(&self, name: &str, baseline: &str, number: fn(&Cost) -> f64) -> Result<Spread> {
        self.compared(name, baseline, number, |own, other| own / other)
    }

    /// How much more than `baseline` the contender costs, round by round.
    ///
    /// # Errors
    ///
    /// A name that no contender has.
    pub fn difference(&self, name: &str, baseline: &str, number: fn(&Cost) -> f64) -> Result<Spread> {
        self.compared(name, baseline, number, |own, other| own - other)
    }

    fn compared(
        &self,
        name: &str,
        baseline: &str,
        number: fn(&Cost) -> f64,
        compare: fn(f64, f64) -> f64,
    ) -> Result<Spread> {
        let (own, other) = (self.turn_of(name)?, self.turn_of(baseline)?);
        let values = self.rounds.iter().map(|costs| compare(number(&costs[own]), number(&costs[other])));
        Spread::of(values).ok_or_else(|| "there were no rounds".into())
    }

    fn turn_of(&self, name: &str) -> Result<usize> {
        let turn = self.names.iter().position(|known| *known == name);
        turn.ok_or_else(|| format!("no contender is called `{name}`").into())
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::hint::black_box;

    use super::*;

    const CPU: fn(&Cost) -> f64 = |cost| cost.cpu;

    fn outcome(rounds: &[[f64; 2]]) -> Outcome {
        let cost = |cpu| Cost { cpu, allocations: 0.0 };
        let rounds = rounds.iter().map(|round| round.iter().copied().map(cost).collect()).collect();
        Outcome { names: vec!["a", "b"], rounds }
    }

    #[test]
    fn contenders_take_turns_and_the_first_round_does_not_count() {
        let turns = RefCell::new(String::new());
        let contender = |name| {
            let turns = &turns;
            Contender::new(name, move |_| {
                turns.borrow_mut().push_str(name);
                Ok(())
            })
        };
        let plan = Plan { rounds: 2, requests: 1 };
        let outcome = Outcome::of(plan, vec![contender("a"), contender("b")]).unwrap();
        // Each turn runs twice: for the time, and for the allocations.
        assert_eq!(*turns.borrow(), "aabb".repeat(3));
        assert_eq!(outcome.rounds.len(), 2);
    }

    #[test]
    fn a_slow_minute_that_hits_both_leaves_their_ratio_alone() {
        let outcome = outcome(&[[2.0, 1.0], [20.0, 10.0], [4.0, 2.0]]);
        assert_eq!(outcome.ratio("a", "b", CPU).unwrap(), Spread { median: 2.0, min: 2.0, max: 2.0 });
        assert_eq!(outcome.difference("a", "b", CPU).unwrap(), Spread { median: 2.0, min: 1.0, max: 10.0 });
        assert_eq!(outcome.spread("a", CPU).unwrap(), Spread { median: 4.0, min: 2.0, max: 20.0 });
        assert!(outcome.ratio("a", "c", CPU).is_err());
    }

    #[test]
    fn allocations_are_told_per_request() {
        let boxes = Contender::new("boxes", |requests| {
            (0..2 * requests).for_each(|number| drop(black_box(Box::new(number))));
            Ok(())
        });
        let outcome = Outcome::of(Plan { rounds: 1, requests: 10_000 }, vec![boxes]).unwrap();
        assert_eq!(outcome.spread("boxes", |cost| cost.allocations).unwrap().median, 2.0);
    }

    #[test]
    fn a_request_that_fails_ends_the_run_with_the_contenders_name() {
        let broken = Contender::new("broken", |_| Err("rejected".into()));
        let error = Outcome::of(Plan { rounds: 1, requests: 1 }, vec![broken]).unwrap_err();
        assert_eq!(error.to_string(), "broken: rejected");
    }
}
