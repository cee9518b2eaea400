//! The samples as a chart: one panel for each kind of series.

use std::path::Path;

use plotters::prelude::*;
use service_core::BoxError;

use super::samples::{Kind, Samples, Series};

const SIZE: (u32, u32) = (1_200, 1_600);
const COLORS: [RGBColor; 6] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 39, 40),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(255, 127, 14),
    RGBColor(23, 190, 207),
];
/// More points than this are not visible.
const POINTS: usize = 1_000;
const KIBIBYTES: f64 = 1_024.0;

/// Writes the chart as SVG.
pub(super) fn write(samples: &Samples, path: &Path) -> Result<(), BoxError> {
    let minutes: Vec<_> = samples.times.iter().map(|seconds| seconds / 60.0).collect();
    let end = minutes.last().copied().unwrap_or_default().max(0.01);
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, kind) in area.split_evenly((Kind::ALL.len(), 1)).iter().zip(Kind::ALL) {
        let scale = if kind == Kind::Memory { KIBIBYTES } else { 1.0 };
        let shown: Vec<&Series> = samples.series.iter().filter(|series| series.kind == kind).collect();
        let max = shown
            .iter()
            .flat_map(|series| &series.values)
            .fold(1.0, |max: f64, value| max.max(value / scale));
        let mut chart = ChartBuilder::on(panel)
            .caption(kind.title(), ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..end, 0.0..max * 1.1)?;
        chart.configure_mesh().x_desc("minutes").light_line_style(WHITE).draw()?;
        for (series, color) in shown.iter().zip(COLORS.iter().cycle()) {
            let step = series.values.len().div_ceil(POINTS).max(1);
            let points = minutes.iter().zip(&series.values).step_by(step);
            let line = LineSeries::new(points.map(|(minute, value)| (*minute, value / scale)), *color);
            let (name, color) = (series.name, *color);
            let key = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color);
            chart.draw_series(line)?.label(name).legend(key);
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_in_the_chart() {
        let mut samples = Samples::default();
        for second in 0..5_000 {
            let value = f64::from(second);
            samples.push(value, &[("memory of it", Kind::Memory, value), ("its tasks", Kind::Tasks, 3.0)]);
        }
        let path = std::env::temp_dir().join(format!("endure-chart-{}.svg", std::process::id()));
        write(&samples, &path).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        for text in ["memory of it", "its tasks", "lengths of queues", "minutes"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.len() < 300_000, "{}", svg.len());
    }
}
