//! Many clients that lose the server at once: their attempts to connect are spread out.

use service_core::ClientOptions;

use super::*;

const CLIENTS: u64 = 500;
const WINDOW: Duration = Duration::from_millis(100);

/// Responds to an attempt this long after the server was lost.
type Server = fn(&mut Rig, Attempt, Duration);

/// Returns when a client attempts to connect within a minute after the loss of the server.
fn attempts(seed: u64, protocol: Protocol, server: Server) -> Vec<Duration> {
    let mut rig = rig(|settings| settings.protocol = protocol);
    let mut options = ClientOptions::default();
    options.set_seed(seed);
    rig.session.lifecycle = Lifecycle::new(&rig.session.settings, Box::new(options.jitter()), rig.now);
    rig.connect("c1");
    let (lost_at, mut attempts) = (rig.now, Vec::new());
    rig.drop_with(None);
    while rig.session.deadline().is_some_and(|at| at < lost_at + secs(60.0)) {
        rig.wait();
        if let Action::Connect(attempt) = rig.session.action() {
            let after = rig.now - lost_at;
            attempts.push(after);
            server(&mut rig, attempt, after);
        }
    }
    attempts
}

/// Returns the maximum number of attempts within a window, wherever it starts.
fn busiest_window(sorted: &[Duration]) -> usize {
    let within = |start: usize| sorted[start..].partition_point(|at| *at < sorted[start] + WINDOW);
    (0..sorted.len()).map(within).max().unwrap_or(0)
}

fn accept(rig: &mut Rig, attempt: Attempt, _: Duration) {
    if attempt == Attempt::New { rig.connect("c2") } else { rig.recover() }
}

fn reject(rig: &mut Rig, _: Attempt, _: Duration) {
    rig.session.failed(unreachable_service(), rig.now);
}

/// Another server, which does not know the connections.
fn accept_new_connections(rig: &mut Rig, attempt: Attempt, after: Duration) {
    match attempt {
        Attempt::New => accept(rig, attempt, after),
        Attempt::Recovery => rig.session.failed(rejected(404), rig.now),
    }
}

fn reject_for_5_s(rig: &mut Rig, attempt: Attempt, after: Duration) {
    if after < secs(5.0) { reject(rig, attempt, after) } else { accept(rig, attempt, after) }
}

fn throttle_for_10_s(rig: &mut Rig, attempt: Attempt, after: Duration) {
    if after >= secs(10.0) {
        return accept(rig, attempt, after);
    }
    rig.session.lifecycle.hold_off(Some(secs(3.0)), rig.now);
    rig.session.failed(rejected(503), rig.now);
}

/// `Retry-After` with a date, which is the same moment for all clients.
fn throttle_until_20_s(rig: &mut Rig, attempt: Attempt, after: Duration) {
    if after >= secs(20.0) {
        return accept(rig, attempt, after);
    }
    rig.session.lifecycle.hold_off(Some(secs(20.0) - after), rig.now);
    rig.session.failed(rejected(503), rig.now);
}

/// The server accepts everything and closes it at once.
fn accept_and_close(rig: &mut Rig, attempt: Attempt, after: Duration) {
    accept(rig, attempt, after);
    rig.drop_with(Some(1001));
}

/// Attempts to recover end after 5 s without a response, and new ones after 10 s.
fn hang(rig: &mut Rig, attempt: Attempt, _: Duration) {
    if attempt == Attempt::New {
        rig.now += secs(10.0);
        rig.session.failed(unreachable_service(), rig.now);
    }
}

#[test]
fn clients_that_lose_the_server_at_once_spread_their_attempts() {
    let servers: [(&str, Server); 8] = [
        ("back at once", accept),
        ("back at once without the connections", accept_new_connections),
        ("back after 5 s", reject_for_5_s),
        ("gone", reject),
        ("hangs", hang),
        ("throttles for 3 s at a time", throttle_for_10_s),
        ("throttles until a date", throttle_until_20_s),
        ("closes each connection", accept_and_close),
    ];
    let mut report = Vec::new();
    for (name, server) in servers {
        for protocol in [Protocol::JsonReliable, Protocol::Json] {
            let all = (0..CLIENTS).map(|seed| attempts(seed, protocol, server));
            let mut all: Vec<_> = all.flatten().collect();
            all.sort_unstable();
            let share = 100.0 * busiest_window(&all) as f64 / all.len() as f64;
            report
                .push((share, format!("{name}, {protocol:?}: {} attempts, {share:.1}% at once", all.len())));
            assert!(all.len() as u64 >= CLIENTS, "{name}");
        }
    }
    let lines: Vec<_> = report.iter().map(|(_, line)| line.as_str()).collect();
    println!("{}", lines.join("\n"));
    assert!(report.iter().all(|(share, _)| *share <= 15.0), "{lines:#?}");
}
