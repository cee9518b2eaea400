//! The statistics of one number over many rounds: median and spread.

use std::fmt;

/// The median of some values, between the smallest and the largest of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle value; the mean of the two middle ones of an even number.
    pub median: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Spread {
    /// The spread of these values; `None` without any.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:>8.2} {min:>8.2} .. {max:<8.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_round_moves_the_largest_value_and_not_the_median() {
        let calm = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!(calm, Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([900.0, 1.0, 2.0]).unwrap(), Spread { max: 900.0, ..calm });
    }

    #[test]
    fn an_even_number_of_rounds_has_its_median_between_the_two_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }
}
