//! The program that libFuzzer runs. A variable selects the target.
#![no_main]

use std::sync::LazyLock;

use workspace_tests::fuzz::{self, program::VARIABLE};

static TARGET: LazyLock<String> = LazyLock::new(|| std::env::var(VARIABLE).unwrap_or_default());

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::run(&TARGET, data));
