//! Our clients as `cargo xtask bench --peers` has them beside those of other languages.

fn main() -> workspace_bench::Result<()> {
    let origin = std::env::var("BENCH_ORIGIN").map_err(|_| "BENCH_ORIGIN says where `bench-server` is")?;
    workspace_bench::peer::run(&origin)
}
