//! A Rust file as the rules see it: its code without comments and strings, and which of its lines are tests. A rule
//! that searched the plain text would find every word in every comment.

use std::ops::Range;

/// A Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path from the workspace root.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with the inside of comments, strings and characters blank; same lines.
    pub(crate) code: String,
    /// `code` without the items under `#[cfg(test)]`; same lines.
    pub(crate) product: String,
    /// Byte ranges of the items under `#[cfg(test)]`.
    test_items: Vec<Range<usize>>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_strings(text);
        let test_items = test_items(&code);
        let mut product = code.clone().into_bytes();
        for byte in test_items.iter().cloned().flatten() {
            blank(&mut product, byte);
        }
        let product = String::from_utf8_lossy(&product).into_owned();
        Self { path: path.to_owned(), text: text.to_owned(), code, product, test_items }
    }

    /// How many lines are not of tests.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let lines_in =
            |range: &Range<usize>| self.code.get(range.clone()).map_or(0, |item| item.lines().count());
        self.text.lines().count().saturating_sub(self.test_items.iter().map(lines_in).sum())
    }

    /// `code` inside `#[cfg(test)]` items only; same lines.
    pub(crate) fn tests(&self) -> String {
        let mut tests = self.code.clone().into_bytes();
        for byte in 0..tests.len() {
            if !self.test_items.iter().any(|range| range.contains(&byte)) {
                blank(&mut tests, byte);
            }
        }
        String::from_utf8_lossy(&tests).into_owned()
    }

    /// The modules that are tests as a whole: the names in `#[cfg(test)] mod name;`.
    pub(crate) fn test_modules(&self) -> impl Iterator<Item = &str> {
        let items = self.test_items.iter().filter_map(|range| self.code.get(range.clone()));
        items.filter_map(|item| item.strip_suffix(';')?.split_once("mod ").map(|(_, name)| name.trim()))
    }
}

/// Where `word` stands in `code` as a whole word, as line (from 1) and column (from 0).
pub(crate) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    code.lines().enumerate().flat_map(move |(index, line)| {
        line.match_indices(word).filter_map(move |(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
            let apart = !before.is_some_and(in_word) && !after.is_some_and(in_word);
            apart.then_some((index + 1, at))
        })
    })
}

fn blank(text: &mut [u8], at: usize) {
    if let Some(byte) = text.get_mut(at).filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Works on bytes, since all that it looks for is ASCII, and blanks whole characters byte by byte.
fn blank_comments_and_strings(text: &str) -> String {
    let mut code = text.as_bytes().to_vec();
    let mut at = 0;
    while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let previous = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        let length = if in_identifier(previous) { None } else { raw_string(rest) };
        let (length, is_token) = match length.or_else(|| token(rest)) {
            Some(length) => (length.min(rest.len()), true),
            None => (1, false),
        };
        for byte in (at..at + length).filter(|_| is_token) {
            blank(&mut code, byte);
        }
        at += length;
    }
    String::from_utf8_lossy(&code).into_owned()
}

fn in_identifier(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// How long the comment, string or character at the start of `rest` is, when there is one.
fn token(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'/', b'/', ..] => Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(quoted(rest, b'"')),
        // A character has its quote after one character or after an escape; else it is a lifetime.
        [b'\'', b'\\', ..] => Some(quoted(rest, b'\'')),
        [b'\'', first, ..] => {
            let width = match first {
                0..=0x7f => 1,
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
        }
        _ => None,
    }
}

/// Block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte == quote {
            return at;
        }
    }
    rest.len()
}

/// `r"..."`, `r#"..."#` and so on, also with `b` or `c` before the `r`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = if matches!(rest, [b'b' | b'c', ..]) { 1 } else { 0 };
    let after = rest.get(prefix..)?.strip_prefix(b"r")?;
    let hashes = after.iter().take_while(|byte| **byte == b'#').count();
    let body = after.get(hashes..)?.strip_prefix(b"\"")?;
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let length = body.windows(end.len()).position(|window| window == end).unwrap_or(body.len());
    Some(prefix + 1 + hashes + 1 + length + end.len())
}

/// The items behind `#[cfg(test)]` and `#[cfg(all(test, ..))]`, attribute included. Not behind `any(test, ..)`: that
/// is product code of the other condition.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for attribute in ["#[cfg(test)]", "#[cfg(all(test,"] {
        for (start, _) in code.match_indices(attribute) {
            if !items.iter().any(|item| item.contains(&start)) {
                items.push(start..start + item_length(code.get(start..).unwrap_or_default()));
            }
        }
    }
    items
}

/// How long the item is whose attributes `code` starts with: up to its `;`, or to the bracket that closes its first.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && byte == b'}' {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            b',' if depth == 0 && is_field(code.get(..at).unwrap_or_default()) => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether this is a field, a variant or a match arm, which ends with a comma; an item may have commas before its body.
fn is_field(start: &str) -> bool {
    ["fn", "impl", "struct", "enum", "trait", "type", "use"]
        .iter()
        .all(|keyword| find_word(start, keyword).next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_blank_and_lifetimes_are_not() {
        let text = "a // x\n/* y /* x */ z */b \"q\\\"x\" c r#\"x\"x\"# d 'x' '\\'' &'a str br\"x\" é'é'e";
        let code = blank_comments_and_strings(text);
        assert_eq!(code.len(), text.len());
        assert!(!code.contains('x') && !code.contains('y') && !code.contains('"'), "{code}");
        assert!(code.contains("&'a str") && code.contains("é"), "{code}");
        let words: Vec<_> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "c", "d", "&'a", "str", "é", "e"]);
    }

    #[test]
    fn an_identifier_that_ends_in_r_opens_no_raw_string() {
        assert_eq!(blank_comments_and_strings("for\"x\"y"), "for   y");
    }

    #[test]
    fn code_after_a_test_item_is_product_code_again() {
        let text = "//! doc\n#[cfg(test)]\nuse a;\nfn one() {}\n#[cfg(test)]\nmod tests {\n  fn x() { y[0]; }\n}\nfn two() {}\n";
        let source = Source::new("a.rs", text);
        assert!(source.product.contains("fn one") && source.product.contains("fn two"));
        assert!(!source.product.contains("fn x") && !source.product.contains("use a"));
        assert_eq!(source.lines_without_tests(), 3);
        assert!(source.tests().contains("fn x") && !source.tests().contains("fn two"));
    }

    #[test]
    fn a_test_field_ends_with_its_comma_and_a_test_function_with_its_body() {
        let text = "struct A {\n#[cfg(test)]\nx: u8,\ny: u8,\n}\n#[cfg(test)]\nfn a<A, B>() where A: C, B: D {\nz\n}\nw\n";
        let source = Source::new("a.rs", text);
        assert!(source.product.contains("y: u8") && source.product.contains('w'));
        assert!(!source.product.contains("x: u8") && !source.product.contains('z'));
    }

    #[test]
    fn what_also_another_condition_brings_is_product_code() {
        let source = Source::new("a.rs", "#[cfg(any(test, feature = \"testing\"))]\nfn kit() {}\n");
        assert!(source.product.contains("fn kit"));
        let source = Source::new("a.rs", "#[cfg(all(test, feature = \"client\"))]\nfn only() {}\n");
        assert!(!source.product.contains("fn only"));
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_is_named() {
        let source =
            Source::new("a.rs", "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inner {}\nmod product;\n");
        assert_eq!(source.test_modules().collect::<Vec<_>>(), ["tests"]);
    }

    #[test]
    fn a_word_is_found_whole_only() {
        let found: Vec<_> = find_word("unsafe_code\n  unsafe {", "unsafe").collect();
        assert_eq!(found, [(2, 2)]);
    }
}
