//! A manifest as rules about its lines see it: every `key = value` with its table and its line.

use toml_edit::{Document, Item, Table};

/// One `key = value` of a TOML file.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// Counted from 1.
    pub(crate) line: usize,
    /// The table it is in, its keys joined by dots; empty at the top of the file.
    pub(crate) table: String,
    /// Its keys joined by dots, as in `serde.workspace`.
    pub(crate) key: String,
    /// As written.
    pub(crate) value: String,
}

/// The entries of a file, in the order of their lines; none for invalid TOML, which cargo reports.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    if let Ok(document) = Document::parse(text) {
        walk(text, document.as_table(), "", "", &mut entries);
    }
    entries.sort_by_key(|entry| entry.line);
    entries
}

/// Adds the entries of a table; `dotted` is the beginning of their keys, where that stands before a dot.
fn walk(text: &str, inside: &Table, table: &str, dotted: &str, entries: &mut Vec<Entry>) {
    for (name, item) in inside {
        match item {
            Item::Value(value) => {
                let at = inside.key(name).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
                let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
                let (table, key) = (table.to_owned(), below(dotted, name));
                entries.push(Entry { line, table, key, value: value.to_string().trim().to_owned() });
            }
            Item::Table(one) if one.is_dotted() => walk(text, one, table, &below(dotted, name), entries),
            Item::Table(one) => walk(text, one, &below(table, name), "", entries),
            Item::ArrayOfTables(all) => {
                all.iter().for_each(|one| walk(text, one, &below(table, name), "", entries));
            }
            Item::None => {}
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_with_its_line_and_its_table() {
        let text = "top = 1\n[a.b] # table\nlist = [ # open\n  \"x#]\",\n]\nlast.workspace = true\n\
                    [[bin]]\nname = \"p\"\n[target.'cfg(unix)'.dependencies]\nc = { workspace = true }\n";
        let told: Vec<_> =
            entries(text).into_iter().map(|e| format!("{} [{}] {}", e.line, e.table, e.key)).collect();
        let expected = [
            "1 [] top",
            "3 [a.b] list",
            "6 [a.b] last.workspace",
            "8 [bin] name",
            "10 [target.cfg(unix).dependencies] c",
        ];
        assert_eq!(told, expected);
        assert_eq!(entries(text)[4].value, "{ workspace = true }");
    }
}
