//! Reduces what the fuzzer found to the few inputs that are committed. Files with a name of their own are kept: people wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use service_core::BoxError;

/// The bounds of a committed corpus.
pub(super) const MAX_FILES: usize = 30;
pub(super) const MAX_BYTES: u64 = 100_000;

/// An input, its size, and what it covers.
#[derive(Debug, Default)]
struct Input {
    path: PathBuf,
    bytes: u64,
    covered: BTreeSet<u64>,
}

/// Replaces the generated files of a committed corpus. The fuzzer reports what each input covers.
pub(super) fn minimize(fuzzer: &mut Command, committed: &Path, found: &Path) -> Result<(), BoxError> {
    let (control, merged) = (found.with_extension("control"), found.with_extension("merged"));
    let _ = fs::remove_file(&control);
    fs::create_dir_all(&merged)?;
    fuzzer.arg("-merge=1").arg(format!("-merge_control_file={}", control.display()));
    let status =
        fuzzer.args([&merged, committed, found]).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    fs::remove_dir_all(&merged)?;
    if !status.success() {
        return Err(format!("the inputs in {} could not be merged: {status}", found.display()).into());
    }
    let (kept, others) =
        read(&fs::read_to_string(&control)?)?.into_iter().partition::<Vec<_>, _>(is_by_people);
    let chosen = choose(&kept, others);
    let contents = chosen.iter().map(|input| Ok((name(&input.path), fs::read(&input.path)?)));
    let contents = contents.collect::<Result<Vec<_>, std::io::Error>>()?;
    for entry in fs::read_dir(committed)?.filter_map(Result::ok).filter(|entry| is_generated(&entry.path())) {
        fs::remove_file(entry.path())?;
    }
    for (name, bytes) in contents {
        fs::write(committed.join(name), bytes)?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The fuzzer names a file by its hash.
fn is_generated(path: &Path) -> bool {
    let name = name(path);
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_by_people(input: &Input) -> bool {
    !is_generated(&input.path)
}

/// Reads the fuzzer's notes: the number of the inputs, of those in the first corpus, their paths, and what each covers.
fn read(notes: &str) -> Result<Vec<Input>, BoxError> {
    let mut lines = notes.lines();
    let count: usize = lines.next().unwrap_or_default().trim().parse()?;
    let mut inputs = BTreeMap::new();
    for (number, path) in lines.by_ref().skip(1).take(count).enumerate() {
        let bytes = fs::metadata(path).map_or(u64::MAX, |file| file.len());
        inputs.insert(number, Input { path: path.into(), bytes, covered: BTreeSet::new() });
    }
    for line in lines {
        let mut words = line.split(' ');
        if words.next() == Some("FT")
            && let Some(input) = words.next().and_then(|number| inputs.get_mut(&number.parse().ok()?))
        {
            input.covered.extend(words.filter_map(|word| word.parse::<u64>().ok()));
        }
    }
    Ok(inputs.into_values().collect())
}

/// Chooses the input that adds most, again and again, until the corpus is full.
fn choose(kept: &[Input], mut others: Vec<Input>) -> Vec<Input> {
    let mut covered: BTreeSet<u64> = kept.iter().flat_map(|input| input.covered.iter().copied()).collect();
    let (mut files, mut bytes) = (kept.len(), kept.iter().map(|input| input.bytes).sum::<u64>());
    let mut chosen = Vec::new();
    while files < MAX_FILES {
        others.retain(|input| bytes.saturating_add(input.bytes) <= MAX_BYTES);
        let added = |input: &Input| input.covered.difference(&covered).count();
        // Of those that add as much, the smallest.
        let best = others.iter().enumerate().max_by_key(|(_, input)| (added(input), u64::MAX - input.bytes));
        let Some(best) = best.filter(|(_, input)| added(input) > 0).map(|(at, _)| at) else { break };
        let best = others.swap_remove(best);
        covered.extend(&best.covered);
        files += 1;
        bytes += best.bytes;
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(path: &str, bytes: u64, covered: &[u64]) -> Input {
        Input { path: path.into(), bytes, covered: covered.iter().copied().collect() }
    }

    fn chosen(kept: &[Input], others: Vec<Input>) -> Vec<String> {
        choose(kept, others).iter().map(|input| name(&input.path)).collect()
    }

    #[test]
    fn inputs_that_add_most_are_chosen_first_and_those_that_add_nothing_never() {
        let kept = [input("by-hand", 10, &[1, 2])];
        let others = vec![
            input("a", 5, &[1, 2]),
            input("b", 5, &[2, 3]),
            input("c", 9, &[3, 4, 5]),
            input("d", 4, &[3, 4, 5]),
            input("e", 5, &[6]),
        ];
        assert_eq!(chosen(&kept, others), ["d", "e"]);
        let too_large = vec![input("a", MAX_BYTES + 1, &[1, 2, 3]), input("b", 1, &[1])];
        assert_eq!(chosen(&[], too_large), ["b"]);
        let many = (0..100).map(|number| input(&number.to_string(), 1, &[number])).collect();
        assert_eq!(chosen(&kept, many).len(), MAX_FILES - 1);
    }

    #[test]
    fn the_notes_of_the_fuzzer_are_read() {
        let inputs =
            read("2\n0\nx/one\nx/two\nSTARTED 0 12\nFT 0 7 8\nCOV 0 3\nSTARTED 1 3\nFT 1 9\nDONE\n").unwrap();
        let covered: Vec<_> =
            inputs.iter().map(|input| input.covered.iter().copied().collect::<Vec<_>>()).collect();
        assert_eq!(covered, [vec![7, 8], vec![9]]);
        assert_eq!(inputs[1].path, Path::new("x/two"));
    }

    #[test]
    fn only_files_named_by_their_hash_are_generated() {
        assert!(is_generated(Path::new("x/da39a3ee5e6b4b0d3255bfef95601890afd80709")));
        assert!(!is_generated(Path::new("x/a-recovered-connection")));
    }
}
