//! Just enough of TOML for the manifests and `deny.toml` of this workspace: tables, keys, and values on one line or in
//! brackets over several. A parser crate would be the largest dependency of this program.

/// One `key = value` of a TOML file.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// Counted from 1.
    pub(crate) line: usize,
    /// The table it is in, as its header writes it; empty at the top of the file.
    pub(crate) table: String,
    pub(crate) key: String,
    /// As written, the lines of a list joined by spaces.
    pub(crate) value: String,
}

/// The entries of a file, in order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut table = String::new();
    let mut open = false;
    for (index, raw) in text.lines().enumerate() {
        let line = without_comment(raw).trim();
        if open {
            if let Some(last) = entries.last_mut() {
                last.value.push(' ');
                last.value.push_str(line);
                open = is_open(&last.value);
            }
        } else if let Some(header) = line.strip_prefix('[') {
            table = header.trim_matches(['[', ']', ' ']).to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            open = is_open(&value);
            entries.push(Entry { line: index + 1, table: table.clone(), key, value });
        }
    }
    entries
}

/// The strings of a list of strings.
pub(crate) fn strings(value: &str) -> Vec<&str> {
    value.split('"').skip(1).step_by(2).collect()
}

/// The line up to a `#` outside a string.
fn without_comment(line: &str) -> &str {
    let quotes_before = |at: usize| line.get(..at).unwrap_or_default().matches('"').count();
    let comment = line.match_indices('#').find(|(at, _)| quotes_before(*at) % 2 == 0);
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

/// Whether more brackets open than close, outside strings.
fn is_open(value: &str) -> bool {
    let plain: String = value.split('"').step_by(2).collect();
    plain.matches(['[', '{']).count() > plain.matches([']', '}']).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_go_over_several_lines_and_carry_comments() {
        let text =
            "top = 1\n[a.b] # table\nlist = [ # open\n  \"x#]\", # one\n  \"y\",\n]\nlast.workspace = true\n";
        let entries = entries(text);
        let told: Vec<_> =
            entries.iter().map(|e| (e.line, e.table.as_str(), e.key.as_str(), e.value.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, "", "top", "1"),
                (3, "a.b", "list", "[ \"x#]\", \"y\", ]"),
                (7, "a.b", "last.workspace", "true")
            ]
        );
        assert_eq!(strings(&entries[1].value), ["x#]", "y"]);
    }
}
