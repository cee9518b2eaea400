//! What a piece of work cost this process: CPU time from `getrusage`, allocations from an allocator that counts. CPU time
//! and not time on the wall: other programs on the machine add to the latter.

use std::time::Duration;

use crate::Result;

/// The CPU time that this process has used so far, its own and the kernel's on its behalf.
///
/// # Errors
///
/// A system that has no `getrusage`.
#[cfg(unix)]
pub fn cpu_time() -> Result<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike};

    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: TimeVal| Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0));
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}

/// There is no `getrusage` to ask.
///
/// # Errors
///
/// Always.
#[cfg(not(unix))]
pub fn cpu_time() -> Result<Duration> {
    Err("benchmarks need `getrusage`, which this system does not have".into())
}

/// Raises the limit of open files of this process, and of those that it starts, to this many, if the system allows it.
///
/// # Errors
///
/// A system that has no such limit to read.
#[cfg(unix)]
pub fn allow_descriptors(count: u64) -> Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < count {
        setrlimit(Resource::RLIMIT_NOFILE, count.min(hard), hard)?;
    }
    Ok(())
}

/// There is no limit to raise.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn allow_descriptors(_: u64) -> Result<()> {
    Ok(())
}

/// The CPU time that `work` takes. Its allocations are not counted meanwhile, since counting takes time as well.
///
/// # Errors
///
/// Those of `work`, and those of [`cpu_time`].
pub fn cpu_of(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let started = cpu_time()?;
    let mut outcome = Ok(());
    allocation_counter::opt_out(|| outcome = work());
    outcome?;
    Ok(cpu_time()?.saturating_sub(started))
}

/// How many allocations `work` makes on this thread; to grow one counts as one more.
///
/// # Errors
///
/// Those of `work`.
pub fn allocations_of(work: impl FnOnce() -> Result<()>) -> Result<u64> {
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| outcome = work());
    outcome?;
    Ok(counted.count_total)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    #[test]
    fn every_allocation_is_counted_and_growth_too() {
        let counted = allocations_of(|| {
            let mut list = black_box(Vec::<u64>::with_capacity(1));
            list.reserve_exact(64);
            black_box(Box::new(7));
            black_box(list);
            Ok(())
        });
        assert_eq!(counted.unwrap(), 3);
    }

    #[test]
    fn work_costs_cpu_time_and_its_error_comes_out() {
        let until_it_shows = || {
            let started = cpu_time()?;
            while cpu_time()? == started {}
            Ok(())
        };
        assert!(cpu_of(until_it_shows).unwrap() > Duration::ZERO);
        assert_eq!(cpu_of(|| Err("broken".into())).unwrap_err().to_string(), "broken");
        assert_eq!(allocations_of(|| Err("broken".into())).unwrap_err().to_string(), "broken");
    }
}
