//! Text for a terminal: aligned columns, and no control characters of others.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

/// Replaces control characters, so that a message of someone else cannot move the cursor or change the terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_control = |c: char| c.is_control() && c != '\t';
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_control(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Renders a table. Without rows, only the headings are rendered.
pub(crate) fn render<const N: usize>(headings: [&str; N], rows: &[[String; N]], bold: bool) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| in_cell(cell))).collect();
    let mut widths = headings.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut out = String::new();
    let first = line(headings.iter().copied(), widths);
    let _ = if bold { writeln!(out, "\u{1b}[1m{first}\u{1b}[0m") } else { writeln!(out, "{first}") };
    for row in &rows {
        let _ = writeln!(out, "{}", line(row.iter().map(String::as_str), widths));
    }
    out
}

fn in_cell(text: &str) -> String {
    printable(text).replace('\t', " ")
}

fn line<'a, const N: usize>(cells: impl Iterator<Item = &'a str>, widths: [usize; N]) -> String {
    let mut out = String::new();
    for (cell, width) in cells.zip(widths) {
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_even_with_wide_characters() {
        let rows = [["東京".to_owned(), "a".to_owned()], ["xy".to_owned(), String::new()]];
        assert_eq!(render(["CITY", "B"], &rows, false), "CITY  B\n東京  a\nxy\n");
    }

    #[test]
    fn control_characters_are_shown_and_not_executed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(render(["A"], &[["x\ty\u{7}".to_owned()]], false), "A\nx y\\u{7}\n");
    }

    #[test]
    fn headings_are_bold_only_on_request() {
        assert_eq!(render(["A"], &[], true), "\u{1b}[1mA\u{1b}[0m\n");
    }
}
