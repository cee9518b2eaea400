//! The report in Markdown: a table and a chart for each sweep, the ratios in one table, the memory, and the judgment of the growth.

use std::fmt::Write as _;
use std::path::Path;

use super::chart;
use super::memory::Memory;
use super::peers::{self, Task};
use super::sweep::Sweep;
use crate::Result;
use crate::calls::{HYPER, OFFICIAL, RAW};
use crate::spread::Spread;
use crate::{eventgrid, webpubsub};

/// From this number of calls in flight to the highest one, our cost may grow no faster than that of raw hyper.
const FROM: &str = "32";

/// All that was measured.
#[derive(Debug)]
pub struct Growth {
    pub(super) runs: u32,
    pub(super) concurrency: Sweep,
    pub(super) body: Sweep,
    pub(super) batch: Sweep,
    pub(super) message: Sweep,
    pub(super) send: Sweep,
    pub(super) receive: Sweep,
    pub(super) acknowledged: Sweep,
    pub(super) memory: Memory,
    pub(super) peers: Option<Vec<Task>>,
}

/// A row of the table of ratios: what was measured, our time, and our cost relative to that of each column.
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) ours: Spread,
    pub(super) ratios: [Option<Spread>; 5],
}

/// The columns of the table of ratios.
pub(super) const COLUMNS: [&str; 5] =
    ["raw hyper", "raw reqwest", "`azure_core`", "JavaScript SDK", "Python SDK"];

impl Growth {
    fn sweeps(&self) -> [&Sweep; 4] {
        [&self.concurrency, &self.body, &self.batch, &self.message]
    }

    /// How much faster our cost per call grows than that of raw hyper, from 32 calls in flight to the highest number: at most 1 if it
    /// grows no faster.
    ///
    /// # Errors
    ///
    /// Returns an error if these numbers were not measured.
    pub fn relative_growth(&self) -> Result<Spread> {
        let (from, last) = (self.concurrency.point(FROM)?, self.concurrency.labels.len() - 1);
        self.concurrency.growth(HYPER, from, last)
    }

    /// The highest number of calls in flight.
    pub(super) fn most_lanes(&self) -> &str {
        self.concurrency.labels.last().map_or("", String::as_str)
    }

    /// The table of ratios.
    pub(super) fn rows(&self) -> Result<Vec<Row>> {
        let row = |what, sweep: &Sweep, label: &str, columns: [Option<&str>; 3], task: Option<&str>| {
            let point = sweep.point(label)?;
            let mut ratios = [None; 5];
            for (ratio, name) in ratios.iter_mut().zip(columns) {
                *ratio = name.map(|name| sweep.ratio(name, point)).transpose()?;
            }
            let task = self.peers.iter().flatten().find(|known| Some(known.name) == task);
            ratios[3] = task.and_then(|task| task.ratio(1));
            ratios[4] = task.and_then(|task| task.ratio(2));
            Ok(Row { what, ours: sweep.cpu(sweep.axis.ours, point)?, ratios })
        };
        let reqwest = [None, Some(eventgrid::RAW), None];
        let all = [Some(HYPER), Some(RAW), Some(OFFICIAL)];
        let rows: Vec<Result<Row>> = vec![
            row("one call of the core, 1 KiB", &self.concurrency, "32", all, None),
            row(
                "Web PubSub, send to all",
                &self.send,
                "1 KiB",
                [None, Some(webpubsub::RAW), None],
                Some("send"),
            ),
            row("Event Grid, publish 1 event", &self.batch, "1", reqwest, None),
            row("Event Grid, publish 100 events", &self.batch, "100", reqwest, Some("publish")),
            row(
                "Event Grid, receive and acknowledge 100 events",
                &self.receive,
                "100 events",
                reqwest,
                Some("receive"),
            ),
        ];
        rows.into_iter().collect()
    }

    /// Writes `report.md` and the charts into a directory.
    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        for sweep in self.sweeps() {
            chart::write(sweep, directory)?;
        }
        let path = directory.join("growth.md");
        std::fs::write(&path, self.text()?).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// The whole report.
    ///
    /// # Errors
    ///
    /// Returns an error if a point was not measured.
    pub fn text(&self) -> Result<String> {
        let mut text = format!(
            "CPU time of the client per request in µs, medians of {} runs; in brackets the best and the worst run.\n",
            self.runs
        );
        text += "\n### Ratios\n\nOur cost divided by that of the column, 32 in flight: median, and the worst run in brackets.\n\n";
        text += &self.ratios()?;
        text += &self.growth_line()?;
        for sweep in self.sweeps() {
            text += &table(sweep)?;
        }
        text += &self.of_memory();
        Ok(text)
    }

    fn ratios(&self) -> Result<String> {
        let mut text =
            format!("| | ours, µs | {} |\n|---|---:|---:|---:|---:|---:|---:|\n", COLUMNS.join(" | "));
        for row in self.rows()? {
            let cells = row.ratios.map(|ratio| ratio.map_or_else(|| "-".to_owned(), worst));
            writeln!(text, "| {} | {:.1} | {} |", row.what, row.ours.median, cells.join(" | "))?;
        }
        if let Some(tasks) = &self.peers {
            let names = [peers::OURS, peers::JAVASCRIPT, peers::PYTHON];
            write!(
                text,
                "\nEach in a process of its own, in µs:\n\n| | {} |\n|---|---:|---:|---:|\n",
                names.join(" | ")
            )?;
            for task in tasks {
                let cells = [0, 1, 2].map(|contender| task.cpu(contender).map_or_else(String::new, spread));
                writeln!(text, "| {} | {} |", task.about, cells.join(" | "))?;
            }
        }
        Ok(text)
    }

    fn growth_line(&self) -> Result<String> {
        let Spread { median, min, max } = self.relative_growth()?;
        let (outcome, most) = (if median <= 1.0 { "yes" } else { "NO" }, self.most_lanes());
        Ok(format!(
            "\nGrowth: our cost per call from {FROM} to {most} in flight grows no faster than raw hyper's in the same run: {outcome}, \
             {median:.2} times as fast ({min:.2} to {max:.2}).\n"
        ))
    }

    fn of_memory(&self) -> String {
        let mut text = "\n### Memory\n\nAllocated by this process, without the system's memory for sockets.\n\n| | KiB |\n|---|---:|\n".to_owned();
        for (what, kibibytes) in &self.memory.rows {
            text += &format!("| {what} | {kibibytes:.1} |\n");
        }
        text
    }
}

fn table(sweep: &Sweep) -> Result<String> {
    let axis = &sweep.axis;
    let columns = "---:|".repeat(sweep.labels.len());
    let mut text = format!("\n### {}\n\n![{}]({})\n\n", axis.title, axis.title, axis.file);
    write!(text, "| {} | {} |\n|---|{columns}\n", axis.label, sweep.labels.join(" | "))?;
    for line in &sweep.lines {
        let cells = (0..sweep.labels.len()).map(|point| sweep.cpu(line.name, point).map(spread));
        writeln!(text, "| {} | {} |", line.name, cells.collect::<Result<Vec<_>>>()?.join(" | "))?;
    }
    for line in sweep.lines.iter().filter(|line| line.name != axis.ours) {
        let cells = (0..sweep.labels.len()).map(|point| sweep.ratio(line.name, point).map(worst));
        writeln!(text, "| ours / {} | {} |", line.name, cells.collect::<Result<Vec<_>>>()?.join(" | "))?;
    }
    Ok(text)
}

/// A time with its best and its worst run.
fn spread(Spread { median, min, max }: Spread) -> String {
    format!("{median:.1} ({min:.1} to {max:.1})")
}

/// A ratio with its worst run.
pub(super) fn worst(Spread { median, max, .. }: Spread) -> String {
    format!("{median:.2} ({max:.2})")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::sweep::Axis;
    use super::*;
    use crate::calls::CORE;
    use crate::webpubsub_client;

    /// Ours costs 20 in two runs and 40 in the third, and twice as much at the last point; the others cost 10 everywhere.
    fn filled(ours: &'static str, others: &[&'static str], labels: &[&str]) -> Sweep {
        let axis = Axis { title: "Title", file: "chart.svg", label: "points", ours };
        let mut sweep = Sweep::new(axis, labels.iter().map(|label| (*label).to_owned()).collect());
        for cpu in [20.0, 20.0, 40.0] {
            for point in 0..labels.len() {
                let cpu = if point > 0 && point + 1 == labels.len() { 2.0 * cpu } else { cpu };
                sweep.record(point, ours, cpu, 1.0);
                others.iter().for_each(|name| sweep.record(point, name, 10.0, cpu / 10.0));
            }
        }
        sweep
    }

    pub(in super::super) fn growth() -> Growth {
        let core = |labels: &[&str]| filled(CORE, &[HYPER, RAW, OFFICIAL], labels);
        let eventgrid = |labels: &[&str]| filled(eventgrid::OURS, &[eventgrid::RAW], labels);
        let client = |labels: &[&str]| filled(webpubsub_client::OURS, &[webpubsub_client::RAW], labels);
        Growth {
            runs: 3,
            concurrency: core(&["1", "32", "2048"]),
            body: core(&["0.1", "256"]),
            batch: eventgrid(&["1", "100", "1000"]),
            message: client(&["0.1", "1"]),
            send: filled(webpubsub::OURS, &[webpubsub::RAW], &["1 KiB"]),
            receive: eventgrid(&["100 events"]),
            acknowledged: client(&["1 KiB"]),
            memory: Memory { rows: vec![("one client", 40.04)] },
            peers: Some(vec![peers::tests::task(50.0)]),
        }
    }

    #[test]
    fn one_table_has_our_ratio_to_each_baseline_with_its_worst_run() {
        let text = growth().text().unwrap();
        for line in [
            "| | ours, µs | raw hyper | raw reqwest | `azure_core` | JavaScript SDK | Python SDK |",
            "| one call of the core, 1 KiB | 20.0 | 2.00 (4.00) | 2.00 (4.00) | 2.00 (4.00) | - | - |",
            "| Web PubSub, send to all | 20.0 | - | 2.00 (4.00) | - | 0.04 (0.10) | 0.02 (0.05) |",
            "| one client | 40.0 |",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn each_sweep_has_a_chart_and_a_row_for_each_contender() {
        let text = growth().text().unwrap();
        assert_eq!(text.matches("![Title](chart.svg)").count(), 4);
        assert!(
            text.contains(
                "| service-core | 20.0 (20.0 to 40.0) | 20.0 (20.0 to 40.0) | 40.0 (40.0 to 80.0) |"
            ),
            "{text}"
        );
        assert!(text.contains("| ours / raw hyper | 2.00 (4.00) | 2.00 (4.00) | 4.00 (8.00) |"), "{text}");
    }

    #[test]
    fn growth_that_is_faster_than_that_of_raw_hyper_is_marked() {
        let mut growth = growth();
        assert!(growth.text().unwrap().contains(
            "from 32 to 2048 in flight grows no faster than raw hyper's in the same run: NO, 2.00"
        ));
        growth.concurrency = filled(CORE, &[HYPER, RAW, OFFICIAL], &["32"]);
        assert!(growth.text().unwrap().contains("in the same run: yes, 1.00"));
    }
}
