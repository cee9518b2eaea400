//! What the pages show is what the tests run, and what they name exists. To copy changed programs into the pages, run these
//! tests with `UPDATE_PAGES=1`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use service_core::{Instrument, InstrumentKind};

/// The Markdown files with links and programs, relative to the repository.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut directories =
        vec![root(), root().join("docs"), root().join("docs/cookbook"), root().join("tests")];
    directories.extend(files(&root().join("crates")));
    let paths = directories.iter().flat_map(|directory| files(directory));
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A page with the contents of the files that it includes, and these files.
fn with_inclusions(page: &Path, text: &str) -> (String, Vec<PathBuf>) {
    let (mut output, mut included) = (Vec::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        output.push(line.to_owned());
        let Some(path) = line.strip_prefix("<!-- file: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let path = page.parent().unwrap().join(path);
        let language = lines.find(|line| line.starts_with("```")).expect("a code block follows");
        assert!(lines.any(|line| line == "```"), "{}: the block ends", page.display());
        let contents =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        output.extend([language.to_owned(), contents.trim_end().to_owned(), "```".to_owned()]);
        included.push(path.canonicalize().unwrap());
    }
    (output.join("\n") + "\n", included)
}

#[test]
fn the_programs_in_the_pages_are_those_that_the_tests_run() {
    let update = std::env::var_os("UPDATE_PAGES").is_some();
    let mut shown = BTreeSet::new();
    for (path, text) in pages() {
        let (expected, included) = with_inclusions(&path, &text);
        shown.extend(included);
        if update && expected != text {
            fs::write(&path, expected).unwrap();
        } else {
            assert!(expected == text, "{}: run this test with UPDATE_PAGES=1", path.display());
        }
    }
    let recipes: BTreeSet<_> =
        files(&root().join("docs/recipes")).into_iter().filter(|path| path.is_file()).collect();
    let missing: Vec<_> = recipes.iter().filter(|recipe| !shown.contains(*recipe)).collect();
    assert!(missing.is_empty(), "no page shows {missing:?}");
}

/// The targets of the links in a text, without those in code blocks.
fn links(text: &str) -> Vec<String> {
    let mut in_code = false;
    let prose = text.lines().filter(|line| {
        in_code ^= line.starts_with("```");
        !in_code && !line.starts_with("```")
    });
    let prose = prose.collect::<Vec<_>>().join("\n");
    let ends = prose.match_indices("](").map(|(at, _)| at + 2);
    let target = |at: usize| prose[at..].split(')').next().unwrap().to_owned();
    ends.map(target).collect()
}

/// The name by which a link can refer to a heading.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    headings
        .map(|line| line.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    for (page, text) in pages() {
        for link in links(&text) {
            // `Type::method` and such are links of rustdoc.
            if link.contains("://") || link.contains("::") || link.contains('`') {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link} does not exist", page.display());
            if !anchor.is_empty() {
                let target = fs::read_to_string(target).unwrap();
                assert!(anchors(&target).contains(anchor), "{}: no heading for {link}", page.display());
            }
        }
    }
}

/// The names of all files below a directory.
fn file_names(directory: &Path, names: &mut BTreeSet<String>) {
    for path in files(directory) {
        if path.is_dir() {
            file_names(&path, names);
        } else {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
}

#[test]
fn every_path_that_the_pages_for_contributors_name_exists() {
    let mut names = BTreeSet::new();
    for directory in ["crates", "docs", "tests/src", "tests/tests", "tests/bench", "xtask"] {
        file_names(&root().join(directory), &mut names);
    }
    // A path is relative to the repository, to a crate, or to the sources of the emulator.
    let mut bases = vec![root(), root().join("crates/emulator/src")];
    bases.extend(files(&root().join("crates")));
    let mut checked = 0;
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "RELIABILITY.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for path in text.split('`').skip(1).step_by(2) {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            let is_file = [".rs", ".md", ".toml"].iter().any(|end| path.ends_with(end));
            if !path.chars().all(is_name) || path.contains("NAME") || !(path.contains('/') || is_file) {
                continue;
            }
            let exists = if path.contains('/') {
                bases.iter().any(|base| base.join(path).exists())
            } else {
                names.contains(path) || root().join(path).exists()
            };
            assert!(exists, "{page}: {path} does not exist");
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked}");
}

/// The table of `eventgrid-namespaces` has its own test, which also checks the attributes.
#[test]
fn the_tables_of_metrics_list_the_instruments_in_their_order() {
    let kind = |instrument: &Instrument| match instrument.kind {
        InstrumentKind::Counter => "counter",
        InstrumentKind::UpDownCounter => "up-down counter",
        InstrumentKind::Histogram => "histogram",
    };
    for (name, instruments) in
        [("webpubsub", webpubsub::INSTRUMENTS), ("hulft-webconnect", hulft_webconnect::INSTRUMENTS)]
    {
        let text = fs::read_to_string(root().join(format!("crates/{name}/README.md"))).unwrap();
        let (_, table) = text.split_once("\n| Metric | Kind | Unit |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let listed: Vec<Vec<_>> =
            rows.map(|row| row.split('`').skip(1).step_by(2).take(3).collect()).collect();
        let expected: Vec<_> = instruments
            .iter()
            .map(|&instrument| vec![instrument.name, kind(instrument), instrument.unit])
            .collect();
        assert_eq!(listed, expected, "{name}");
    }
}

/// The words of a code span that name something: what is called, what is qualified, and types.
fn names(code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(is_word) {
        let end = rest[start..].find(|c| !is_word(c)).map_or(rest.len(), |length| start + length);
        let (word, before, after) = (&rest[start..end], &rest[..start], &rest[end..]);
        let is_type = word.len() > 1 && word.starts_with(char::is_uppercase);
        if is_type || after.starts_with('(') || before.ends_with("::") || before.ends_with('.') {
            names.push(word.to_owned());
        }
        rest = after;
    }
    names
}

#[test]
fn the_names_in_the_tables_for_users_of_other_libraries_exist() {
    let others = ["Err", "Router", "route_service"];
    let api: String = ["webpubsub", "eventgrid-namespaces", "core"]
        .map(|name| fs::read_to_string(root().join(format!("crates/{name}/api.txt"))).unwrap())
        .concat();
    let known: BTreeSet<_> = api.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let mut checked = 0;
    for page in ["from-web-pubsub-sdks.md", "from-event-grid-sdks.md"] {
        let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
        let mut ours = None;
        for line in text.lines() {
            let cells: Vec<_> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
            match cells.iter().position(|cell| *cell == "This crate") {
                Some(column) => ours = Some(column),
                None if !line.starts_with('|') => ours = None,
                None => {}
            }
            let Some(cell) = ours.and_then(|column| cells.get(column)) else { continue };
            // Text in quotation marks is data.
            let code: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            let code = code.join(" ").split('"').step_by(2).collect::<Vec<_>>().join(" ");
            for name in names(&code).iter().filter(|name| !others.contains(&name.as_str())) {
                assert!(known.contains(name.as_str()), "{page}: `{name}` does not exist: {line}");
                checked += 1;
            }
        }
    }
    assert!(checked > 150, "{checked}");
}
