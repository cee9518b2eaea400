//! The charts of the last minute, as SVG within the page.

use crate::history::{LENGTH, Sample};

const WIDTH: u64 = 240;
const HEIGHT: u64 = 40;

/// All charts, as elements of the page.
pub(super) fn all(samples: &[Sample]) -> String {
    let gauge = |of: fn(&Sample) -> u64| samples.iter().map(of).collect::<Vec<_>>();
    // The first sample has no predecessor.
    let rate = |of: fn(&Sample) -> u64| {
        samples.windows(2).map(|pair| of(&pair[1]) - of(&pair[0])).collect::<Vec<_>>()
    };
    let charts = [
        ("connections", gauge(|sample| sample.connections)),
        ("groups", gauge(|sample| sample.groups)),
        ("users", gauge(|sample| sample.users)),
        ("messages per second", rate(|sample| sample.messages)),
        ("requests per second", rate(|sample| sample.requests)),
    ];
    charts.iter().map(|(title, values)| chart(title, values)).collect()
}

/// A line from left to right, which ends at the right border with the newest value.
fn chart(title: &str, values: &[u64]) -> String {
    let (current, max) = (values.last().copied().unwrap_or(0), values.iter().copied().max().unwrap_or(0));
    let step = WIDTH / (LENGTH as u64 - 1);
    let first = WIDTH - step * (values.len().max(1) as u64 - 1);
    let point = |(index, value): (usize, &u64)| {
        let height = (HEIGHT - 4) * value / max.max(1);
        format!("{},{}", first + step * index as u64, HEIGHT - 2 - height)
    };
    let points = values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ");
    format!(
        "<figure><figcaption><b>{current}</b> {title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{title} in the last minute: now {current}, at most {max}\" preserveAspectRatio=\"none\">\
         <polyline points=\"{points}\"/></svg></figure>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_shows_the_newest_value_at_its_right_border_and_says_it_in_words() {
        let svg = chart("connections", &[0, 5, 10]);
        assert!(svg.contains("points=\"232,38 236,20 240,2\""), "{svg}");
        assert!(svg.contains("aria-label=\"connections in the last minute: now 10, at most 10\""), "{svg}");
        assert!(chart("users", &[]).contains("<b>0</b> users"));
    }

    #[test]
    fn a_rate_is_the_difference_of_two_samples() {
        let of = |messages| Sample { messages, ..Sample::default() };
        let charts = all(&[of(5), of(5), of(12)]);
        assert!(charts.contains("<b>7</b> messages per second"), "{charts}");
    }
}
