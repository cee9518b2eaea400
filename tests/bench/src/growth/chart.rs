//! The charts of the report, as SVG files: the same points in equal steps, the cost on a scale that starts at 0 or is logarithmic.

use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::sweep::Sweep;
use crate::Result;

const SIZE: (u32, u32) = (720, 420);
const COLORS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(255, 127, 14), RGBColor(44, 160, 44), RGBColor(214, 39, 40)];
/// A chart whose largest value is more than this many times the smallest has a logarithmic scale.
const LINEAR: f64 = 20.0;

/// One line of a chart: a value at each point.
struct Line<'a> {
    name: &'a str,
    values: Vec<f64>,
}

/// Writes the chart of a sweep into a directory.
pub(super) fn write(sweep: &Sweep, directory: &Path) -> Result<()> {
    let mut lines = Vec::new();
    for line in &sweep.lines {
        // The scale may be logarithmic, which has no zero.
        let values = (0..sweep.labels.len()).map(|point| Ok(sweep.cpu(line.name, point)?.median.max(0.01)));
        lines.push(Line { name: line.name, values: values.collect::<Result<_>>()? });
    }
    let all = || lines.iter().flat_map(|line| line.values.iter().copied());
    let (min, max) = (all().fold(f64::INFINITY, f64::min), all().fold(0.02, f64::max));
    let mut svg = String::new();
    if max / min > LINEAR {
        draw(&mut svg, sweep, &lines, (min / 1.5..max * 1.5).log_scale())?;
    } else {
        draw(&mut svg, sweep, &lines, 0.0..max * 1.1)?;
    }
    let path = directory.join(sweep.axis.file);
    std::fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn draw<Y>(svg: &mut String, sweep: &Sweep, lines: &[Line<'_>], scale: Y) -> Result<()>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let last = sweep.labels.len().saturating_sub(1) as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(sweep.axis.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(-0.2..last + 0.2, scale)?;
    let label = |x: &f64| {
        let is_point = (x - x.round()).abs() < 1e-6 && *x >= 0.0;
        is_point.then(|| sweep.labels.get(x.round() as usize).cloned()).flatten().unwrap_or_default()
    };
    chart
        .configure_mesh()
        .x_labels(sweep.labels.len())
        .x_label_formatter(&label)
        .x_desc(sweep.axis.label)
        .y_desc("CPU time in µs")
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (line, color) in lines.iter().zip(COLORS) {
        let points = || line.values.iter().enumerate().map(|(point, value)| (point as f64, *value));
        chart
            .draw_series(LineSeries::new(points(), color.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], color.stroke_width(2)));
        chart.draw_series(points().map(|point| Circle::new(point, 3, color.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sweep::tests::sweep;
    use super::*;

    fn chart(highest: f64) -> String {
        let directory = std::env::temp_dir().join(format!("chart-{highest}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        write(&sweep([[10.0, highest]; 3]), &directory).unwrap();
        let svg = std::fs::read_to_string(directory.join("chart.svg")).unwrap();
        std::fs::remove_dir_all(directory).unwrap();
        svg
    }

    #[test]
    fn a_chart_names_its_contenders_its_points_and_its_axes() {
        for highest in [20.0, 2000.0] {
            let svg = chart(highest);
            assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
            for text in ["Title", "ours", "theirs", "calls", "CPU time in µs", "\n32\n", "\n2048\n"] {
                assert!(svg.contains(text), "{text}: {svg}");
            }
            assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
        }
    }
}
