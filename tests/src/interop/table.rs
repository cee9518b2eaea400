//! The result of each scenario of each package, from the lines that the scripts print.

use std::fmt;

/// Scenarios in rows, in the order in which the scripts run them.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    documented: Vec<Documented>,
    failures: Vec<String>,
}

#[derive(Debug)]
struct Row {
    /// The name and version of a package.
    package: String,
    scenario: String,
    outcome: Outcome,
    /// Why it failed or was left out.
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    LeftOut,
}

/// A section with code in the README of a package.
#[derive(Debug)]
struct Documented {
    package: String,
    heading: String,
}

impl Outcome {
    fn parse(word: &str) -> Option<Self> {
        [Self::Passed, Self::Failed, Self::LeftOut].into_iter().find(|outcome| outcome.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::LeftOut => "left out",
        }
    }
}

impl Table {
    /// Adds the lines of a script, whose parts are separated by tabs (see `tests/interop/report.mjs`).
    pub(super) fn add(&mut self, lines: &str) {
        for line in lines.lines() {
            let parts: Vec<_> = line.split('\t').collect();
            match *parts {
                ["documented", name, version, heading] => {
                    let (package, heading) = (format!("{name} {version}"), heading.to_owned());
                    self.documented.push(Documented { package, heading });
                }
                ["result", name, version, scenario, word, detail] => {
                    self.result(format!("{name} {version}"), scenario, word, detail);
                }
                _ => self.fail(format!("not a line of a report: {line}")),
            }
        }
    }

    fn result(&mut self, package: String, scenario: &str, word: &str, detail: &str) {
        let (outcome, detail) = match Outcome::parse(word) {
            Some(Outcome::LeftOut) if detail.is_empty() => (Outcome::Failed, "left out without a reason"),
            Some(outcome) => (outcome, detail),
            None => (Outcome::Failed, word),
        };
        let (scenario, detail) = (scenario.to_owned(), detail.to_owned());
        if outcome == Outcome::Failed {
            self.fail(format!("{package}, {scenario}: {detail}"));
        }
        self.rows.push(Row { package, scenario, outcome, detail });
    }

    /// Adds a failure that is not one of a scenario.
    pub(super) fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// Adds a failed row for each documented section that no row names: a new version of a package may document more.
    pub(super) fn require_all_documented(&mut self) {
        for Documented { package, heading } in std::mem::take(&mut self.documented) {
            let name = format!("README: {heading}");
            // A variant of a scenario has a longer name: `NAME, with Entra ID`.
            let names_it = |scenario: &str| {
                scenario
                    .strip_prefix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
            };
            if !self.rows.iter().any(|row| row.package == package && names_it(&row.scenario)) {
                self.result(package, &name, Outcome::Failed.word(), "documented, but not in any script");
            }
        }
        if self.rows.is_empty() {
            self.fail("no scenario was run".to_owned());
        }
    }

    /// Everything that failed.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    /// The packages in the order in which they appear first.
    fn packages(&self) -> Vec<&str> {
        let mut packages = Vec::new();
        for row in &self.rows {
            if !packages.contains(&row.package.as_str()) {
                packages.push(&row.package);
            }
        }
        packages
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| Package | Scenario | Result | Reason |\n|---|---|---|---|\n")?;
        for package in self.packages() {
            for row in self.rows.iter().filter(|row| row.package == package) {
                let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
                let (scenario, detail) = (cell(&row.scenario), cell(&row.detail));
                writeln!(f, "| {package} | {scenario} | {} | {detail} |", row.outcome.word())?;
            }
        }
        let [passed, failed, left_out] =
            [Outcome::Passed, Outcome::Failed, Outcome::LeftOut].map(|outcome| self.count(outcome));
        writeln!(f, "\n{passed} passed, {failed} failed, {left_out} left out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(lines: &str) -> Table {
        let mut table = Table::default();
        table.add(lines);
        table.require_all_documented();
        table
    }

    #[test]
    fn each_scenario_is_a_row_and_the_rows_of_a_package_are_together() {
        let table = table(
            "result\tone\t1.0\tSend\tpassed\t\nresult\ttwo\t2.0\tList\tleft out\tno such thing\n\
             result\tone\t1.0\tREADME: <id> or a|b\tpassed\t\n",
        );
        let text = table.to_string();
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(rows[0], "| one 1.0 | Send | passed |  |");
        assert_eq!(rows[1], "| one 1.0 | README: &lt;id> or a\\|b | passed |  |");
        assert_eq!(rows[2], "| two 2.0 | List | left out | no such thing |");
        assert_eq!(rows.last(), Some(&"2 passed, 0 failed, 1 left out"));
        assert!(table.failures().is_empty());
    }

    #[test]
    fn a_failed_scenario_is_named_with_its_package_and_its_reason() {
        let table = table("result\tone\t1.0\tSend\tfailed\tno frame came\n");
        assert_eq!(table.failures(), ["one 1.0, Send: no frame came"]);
    }

    #[test]
    fn what_is_left_out_needs_a_reason() {
        let table = table("result\tone\t1.0\tSend\tleft out\t\n");
        assert_eq!(table.failures(), ["one 1.0, Send: left out without a reason"]);
    }

    #[test]
    fn a_documented_section_without_a_row_is_a_failure() {
        let documented = "documented\tone\t1.0\tSend\ndocumented\tone\t1.0\tSend two\n";
        let table = table(&format!(
            "{documented}result\tone\t1.0\tREADME: Send two, with Entra ID\tpassed\t\n\
             result\tone\t2.0\tREADME: Send\tpassed\t\n"
        ));
        assert_eq!(table.failures(), ["one 1.0, README: Send: documented, but not in any script"]);
        assert!(table.to_string().contains("| README: Send | failed | documented"), "{table}");
    }

    #[test]
    fn another_line_or_result_is_a_failure_and_so_is_no_result() {
        assert_eq!(table("result\tone\t1.0\tSend\tmaybe\t\n").failures(), ["one 1.0, Send: maybe"]);
        assert_eq!(table("oops\n").failures(), ["not a line of a report: oops", "no scenario was run"]);
    }
}
