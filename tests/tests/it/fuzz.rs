//! The corpora of the fuzz targets, replayed without a fuzzer: what it found once does not come back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use workspace_tests::fuzz::{self, TARGETS};

/// The bounds that keep a checkout small.
const MAX_FILES: usize = 30;
const MAX_BYTES: usize = 100_000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// The files of a directory and their contents.
fn inputs(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Says which input a panic is about.
struct Current(PathBuf);

impl Drop for Current {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is {}", self.0.display());
        }
    }
}

fn replay(target: &str) {
    let inputs = inputs(&corpora().join(target));
    assert!(!inputs.is_empty());
    for (path, input) in inputs {
        let _current = Current(path);
        fuzz::run(target, &input);
        // A cut input is never a reason to panic, either.
        fuzz::run(target, &input[..input.len() / 2]);
    }
}

macro_rules! replayed {
    ($($target:ident)*) => {
        const REPLAYED: &[&str] = &[$(stringify!($target)),*];

        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*
    };
}

replayed! {
    addresses client_json client_json_reader client_protobuf cloudevents_batch cloudevents_binary cloudevents_structured
    emulator_control emulator_frames emulator_http emulator_settings filters hulft_dates hulft_pages next_links push receive
    retry_after settle webhook
}

#[test]
fn each_target_has_a_small_corpus_and_is_replayed() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(REPLAYED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
    let directories =
        fs::read_dir(corpora()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(directories.collect::<BTreeSet<_>>(), targets);
    for target in targets {
        let inputs = inputs(&corpora().join(&target));
        let bytes: usize = inputs.iter().map(|(_, input)| input.len()).sum();
        assert!(
            inputs.len() <= MAX_FILES && bytes <= MAX_BYTES,
            "{target}: {} files, {bytes} bytes",
            inputs.len()
        );
    }
}

#[test]
#[should_panic(expected = "there is no target `reciever`")]
fn an_unknown_target_is_an_error() {
    fuzz::run("reciever", b"");
}
