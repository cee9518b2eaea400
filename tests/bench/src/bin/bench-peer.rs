//! Our clients as `cargo xtask bench --peers` compares them with those in other languages.

fn main() -> workspace_bench::Result<()> {
    let origin = std::env::var("BENCH_ORIGIN").map_err(|_| "BENCH_ORIGIN says where `bench-server` is")?;
    workspace_bench::peer::run(&origin)
}
