//! Default event ids: random UUIDs that do not require a system call each.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use service_core::{Clock, SystemClock};
use uuid::Uuid;

/// A pseudo-random function: std's SipHash with a random key from the operating system. For inputs that never repeat, its values
/// look random to anyone who does not know the key.
struct Source {
    key: RandomState,
    clock: SystemClock,
    made: AtomicU64,
}

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source { key: RandomState::new(), clock: SystemClock::new(), made: AtomicU64::new(0) });

/// Returns the text of a UUID of version 4.
pub(super) fn random() -> String {
    random_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

/// Returns a UUID of version 4.
pub(super) fn random_uuid() -> Uuid {
    let number = SOURCE.made.fetch_add(1, Ordering::Relaxed);
    numbered(number, SOURCE.clock.now())
}

/// A forked process or a restored snapshot starts with the key and the counter of another process. The time keeps their ids
/// distinct.
fn numbered(number: u64, time: SystemTime) -> Uuid {
    let mut hasher = SOURCE.key.build_hasher();
    (number, time).hash(&mut hasher);
    let first = u128::from(hasher.finish());
    hasher.write_u8(0);
    let bits = first << 64 | u128::from(hasher.finish());
    uuid::Builder::from_random_bytes(bits.to_ne_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn no_id_comes_twice_in_any_thread() {
        let many = || (0..1000).map(|_| random()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(many)).collect();
        let ids: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 4000);
    }

    #[test]
    fn neither_the_count_alone_nor_the_time_alone_makes_an_id() {
        let times = [UNIX_EPOCH, UNIX_EPOCH + Duration::from_nanos(1)];
        let ids: HashSet<_> =
            times.iter().flat_map(|time| [0, 1].map(|number| numbered(number, *time))).collect();
        assert_eq!(ids.len(), 4);
        assert_eq!(numbered(0, UNIX_EPOCH), numbered(0, UNIX_EPOCH));
    }

    #[test]
    fn an_id_is_a_random_uuid_of_which_every_free_bit_varies() {
        let ids: Vec<_> = (0..256).map(|_| Uuid::parse_str(&random()).unwrap()).collect();
        assert!(ids.iter().all(|id| (id.get_version_num(), id.get_variant()) == (4, uuid::Variant::RFC4122)));
        let set = ids.iter().fold(0, |bits, id| bits | id.as_u128());
        let clear = ids.iter().fold(0, |bits, id| bits | !id.as_u128());
        assert_eq!((set & clear).count_ones(), 122);
    }
}
