//! The result of each operation with each SDK.

use std::collections::BTreeMap;
use std::fmt;

use crate::failure::{Failure, Result};

/// Operations in rows, SDKs in columns.
#[derive(Default)]
pub(super) struct Table {
    sdks: Vec<&'static str>,
    results: BTreeMap<String, BTreeMap<&'static str, String>>,
    failures: Vec<String>,
}

impl Table {
    /// Adds a column from a script's lines: operation, result and detail with tabs between.
    pub(super) fn add(&mut self, sdk: &'static str, lines: &str) {
        self.sdks.push(sdk);
        for line in lines.lines() {
            let mut parts = line.splitn(3, '\t');
            let (Some(operation), Some(result)) = (parts.next(), parts.next()) else { continue };
            self.results.entry(operation.to_owned()).or_default().insert(sdk, result.to_owned());
            if !matches!(result, "ok" | "not offered") {
                self.failures.push(format!("{operation}, {sdk}: {}", parts.next().unwrap_or_default()));
            }
        }
    }

    /// Fails if any operation failed, or if an SDK is missing one that another has: its script ended early.
    pub(super) fn check(&self) -> Result<()> {
        let mut failures = self.failures.clone();
        for (operation, results) in &self.results {
            let silent = self.sdks.iter().filter(|sdk| !results.contains_key(*sdk));
            failures.extend(silent.map(|sdk| format!("{operation}, {sdk}: not reported")));
        }
        if self.results.is_empty() {
            failures.push("no operation was run".to_owned());
        }
        Failure::all("", &failures)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.results.keys().map(String::len).max().unwrap_or_default().max("operation".len());
        write!(f, "{:width$}", "operation")?;
        self.sdks.iter().try_for_each(|sdk| write!(f, "  {sdk:11}"))?;
        writeln!(f)?;
        for (operation, results) in &self.results {
            write!(f, "{operation:width$}")?;
            for sdk in &self.sdks {
                write!(f, "  {:11}", results.get(sdk).map_or("-", String::as_str))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(one: &str, two: &str) -> Table {
        let mut table = Table::default();
        table.add("One", one);
        table.add("Two", two);
        table
    }

    #[test]
    fn operations_are_rows_and_sdks_are_columns() {
        let table = table("Send\tok\t\nList\tnot offered\t\n", "List\tok\t\nSend\tok\t\n");
        let lines: Vec<_> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(lines[0], "operation  One          Two");
        assert_eq!(lines[1], "List       not offered  ok");
        assert_eq!(lines[2], "Send       ok           ok");
        assert!(table.check().is_ok());
    }

    #[test]
    fn a_failed_or_a_missing_operation_fails_the_run_and_is_named() {
        let failure = table("Send\tfailed\tno frame came\n", "Send\tok\t\nList\tok\t\n").check().unwrap_err();
        assert_eq!(failure.text(), "Send, One: no frame came\nList, One: not reported");
        assert!(table("", "").check().is_err());
    }
}
