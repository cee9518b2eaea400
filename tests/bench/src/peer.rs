//! Our clients as one contender among processes: controlled by lines on standard input like the scripts in `peers/`, so that clients
//! in other languages can take turns with them.

use std::io::{BufRead as _, Write as _};

use crate::eventgrid::ours::Clients;
use crate::webpubsub::ours;
use crate::{Result, eventgrid, load, measure};

/// Reads lines `TASK REQUESTS` to the end of its standard input, and prints for each the CPU time of a request in
/// microseconds.
///
/// # Errors
///
/// A line that is not of this kind, a request that fails.
pub fn run(origin: &str) -> Result<()> {
    let runtime = load::runtime()?;
    let mut send = load::turn(&runtime, (ours::client(origin)?, ours::message()), ours::send);
    let clients = Clients::new(origin, eventgrid::KEY)?;
    let mut publish = load::turn(&runtime, clients.clone(), Clients::publish);
    let mut receive = load::turn(&runtime, clients, Clients::receive);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (task, requests) = line.split_once(' ').ok_or("a line is `TASK REQUESTS`")?;
        let requests: u32 = requests.parse()?;
        let took = match task {
            "send" => measure::cpu_of(|| send(requests)),
            "publish" => measure::cpu_of(|| publish(requests)),
            "receive" => measure::cpu_of(|| receive(requests)),
            other => Err(format!("no task is called `{other}`").into()),
        }?;
        println!("{:.2}", took.as_secs_f64() * 1e6 / f64::from(requests));
        std::io::stdout().flush()?;
    }
    Ok(())
}
