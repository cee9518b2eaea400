//! The figures of the top page, which are those of the report.

use std::fmt::Write as _;
use std::path::Path;

use super::peers;
use super::report::{COLUMNS, Growth, worst};
use crate::spread::Spread;
use crate::{Result, webpubsub_client};

const BEGIN: &str = "<!-- figures: begin";
const END: &str = "<!-- figures: end";

/// Replaces the figures in a file: what is between its two comments `figures: begin` and `figures: end`.
///
/// # Errors
///
/// Returns an error if the file has no such comments, or if the official SDKs did not take part.
pub fn update(file: &Path, growth: &Growth) -> Result<()> {
    let at = |error: std::io::Error| format!("{}: {error}", file.display());
    let text = std::fs::read_to_string(file).map_err(at)?;
    let replaced =
        replace(&text, &figures(growth)?).ok_or_else(|| format!("{}: no figures", file.display()))?;
    Ok(std::fs::write(file, replaced).map_err(at)?)
}

fn replace(text: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (comment, old) = rest.split_once("-->\n")?;
    let (_, after) = old.split_once(END)?;
    Some(format!("{before}{BEGIN}{comment}-->\n{figures}{END}{after}"))
}

fn figures(growth: &Growth) -> Result<String> {
    let tasks = growth.peers.as_ref().ok_or("the official SDKs did not take part")?;
    let mut text = format!(
        "These figures were measured over loopback with `cargo xtask bench --readme`, whose report also contains charts. Times are the\n\
         client's CPU time per request. Each figure is the median of {} runs, followed by the worst run in parentheses.\n\n\
         The first table compares each client with a baseline, which is other code that does the same work, in the same process. Each\n\
         run consists of rounds, and each ratio is the median of the ratios of its rounds. It can therefore differ from the quotient of\n\
         two times.\n\n| | Ours | Baseline | Ratio |\n|---|---:|---|---:|\n",
        growth.runs
    );
    for row in growth.rows()? {
        for (baseline, ratio) in COLUMNS.iter().zip(row.ratios).take(3) {
            if let Some(ratio) = ratio {
                line(&mut text, row.what, row.ours, baseline, ratio)?;
            }
        }
    }
    for (what, sweep, label) in [
        ("Web PubSub, receive 1 KiB over the WebSocket client", &growth.message, "1"),
        ("Web PubSub, send 1 KiB and receive its acknowledgment", &growth.acknowledged, "1 KiB"),
    ] {
        let point = sweep.point(label)?;
        let (ours, ratio) = (sweep.cpu(sweep.axis.ours, point)?, sweep.ratio(webpubsub_client::RAW, point)?);
        line(&mut text, what, ours, "raw tokio-tungstenite", ratio)?;
    }
    let Spread { median, min, max } = growth.relative_growth()?;
    write!(
        text,
        "\nFrom 32 to {} calls in flight, the cost of a call of the core grows {median:.2} times as fast as that of raw hyper ({min:.2} to\n\
         {max:.2} in the runs).\n",
        growth.most_lanes()
    )?;
    write!(
        text,
        "\nThe second table compares our clients with the official SDKs. Each client runs in its own process, with 32 requests in flight. Do\n\
         not compare times across the two tables.\n\n| | {}, µs | {}, µs | {}, µs |\n|---|---:|---:|---:|\n",
        peers::OURS,
        peers::JAVASCRIPT,
        peers::PYTHON
    )?;
    for task in tasks {
        let cells = [0, 1, 2].map(|contender| task.cpu(contender).map_or_else(String::new, whole));
        writeln!(text, "| {} | {} |", task.about, cells.join(" | "))?;
    }
    let memory = growth.memory.rows.iter().map(|(what, kibibytes)| format!("{what}: {kibibytes:.1} KiB"));
    write!(text, "\nAllocated memory, without the system's for sockets:\n\n")?;
    for line in memory {
        writeln!(text, "* {line}")?;
    }
    Ok(text)
}

fn line(text: &mut String, what: &str, ours: Spread, baseline: &str, ratio: Spread) -> Result<()> {
    let Spread { median, max, .. } = ours;
    Ok(writeln!(text, "| {what} | {median:.1} µs ({max:.1}) | {baseline} | {} |", worst(ratio))?)
}

/// A time with its worst run.
fn whole(time: Spread) -> String {
    format!("{:.0} ({:.0})", time.median, time.max)
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::growth;
    use super::*;

    #[test]
    fn only_what_is_between_the_comments_is_replaced() {
        let text = "a\n<!-- figures: begin; by hand -->\nold\n<!-- figures: end -->\nb\n";
        let replaced = replace(text, "new\n").unwrap();
        assert_eq!(replaced, "a\n<!-- figures: begin; by hand -->\nnew\n<!-- figures: end -->\nb\n");
        assert_eq!(replace("a\n<!-- figures: end -->", "new"), None);
    }

    #[test]
    fn each_figure_is_followed_by_that_of_the_worst_run() {
        let text = figures(&growth()).unwrap();
        for line in [
            "| one call of the core, 1 KiB | 20.0 µs (40.0) | raw hyper | 2.00 (4.00) |",
            "| Web PubSub, receive 1 KiB over the WebSocket client | 40.0 µs (80.0) | raw tokio-tungstenite | 4.00 (8.00) |",
            "| Web PubSub, send to all | 20 (50) | 500 (500) | 1000 (1000) |",
            "* one client: 40.0 KiB",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        let alone = Growth { peers: None, ..growth() };
        assert!(figures(&alone).is_err());
    }

    #[test]
    fn the_top_page_has_figures_to_replace() {
        assert!(replace(include_str!("../../../../README.md"), "new").is_some());
    }
}
