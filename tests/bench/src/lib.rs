//! The place for benchmarks, each beside its baseline, in a package of its own so that their dependencies stay out of the
//! tests'. There are none yet.
