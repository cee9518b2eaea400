//! A rate limit that the programs of one machine share: the slots of the latest requests in a locked file.
//!
//! The lock belongs to the open file, so the operating system releases it when a program ends in any way. The file is written
//! with one call at fixed positions, so a program that is killed leaves whole lines.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fs4::{FileExt, TryLockError};
use service_core::{Clock, NoSlot, RateLimiter};

use crate::rate_limit::Slots;
use crate::{Error, ErrorKind, Result};

/// The first line. A file that begins with anything else belongs to somebody else and is not overwritten.
const HEADER: &str = "hulft-webconnect rate limit 1\n";

/// The length of the line of a slot: its milliseconds since 1970 in 15 digits.
const LINE: usize = 16;

/// The maximum size of a file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The pause before a locked file is opened again. A program holds the lock for much less than this.
const PAUSE: Duration = Duration::from_millis(10);

/// A slot further in the future was written before the clock was set back.
const MAX_AHEAD: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(crate) struct SharedWindow {
    path: PathBuf,
    /// The limit, without slots: these are in the file.
    empty: Slots,
    clock: Arc<dyn Clock>,
}

impl SharedWindow {
    /// Creates the file if it does not exist.
    pub(crate) fn new(path: &Path, empty: Slots, clock: Arc<dyn Clock>) -> Result<Self> {
        let window = Self { path: path.to_owned(), empty, clock };
        window.open().map_err(|error| window.failed("opened", error))?;
        Ok(window)
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        let text = format!("the rate limit file {:?} could not be {what}: {error}", self.path);
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    }

    /// The slots that still count.
    fn read(&self, file: &mut File, now: Duration) -> io::Result<Slots> {
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text)?;
        let mut slots = self.empty.clone();
        if text.is_empty() {
            return Ok(slots);
        }
        let foreign = || io::Error::new(io::ErrorKind::InvalidData, "it is not a file of this library");
        let lines = text.strip_prefix(HEADER).ok_or_else(foreign)?;
        for line in lines.as_bytes().chunks_exact(LINE) {
            let number = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\n'));
            let number = number.and_then(|number| number.parse().ok()).ok_or_else(foreign)?;
            slots.taken.push_back(Duration::from_millis(number));
        }
        let (window, latest) = (slots.window, now.saturating_add(MAX_AHEAD));
        slots.taken.retain(|slot| slot.saturating_add(window) > now && *slot <= latest);
        slots.taken.make_contiguous().sort_unstable();
        Ok(slots)
    }

    fn write(file: &mut File, slots: &Slots) -> io::Result<()> {
        let mut text = HEADER.to_owned();
        for slot in &slots.taken {
            text.push_str(&format!("{:015}\n", slot.as_millis()));
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
        file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))
    }

    fn take_locked(&self, file: &mut File, longest: Duration) -> std::result::Result<Duration, NoSlot> {
        // Programs share the time of day, not the time since their start. Whole milliseconds, as in the file.
        let now = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        let mut slots = self.read(file, now).map_err(|error| NoSlot::Failed(self.failed("read", error)))?;
        let slot = slots.next(now);
        let wait = slot - now;
        if wait > longest {
            return Err(NoSlot::TooLate(wait));
        }
        slots.taken.push_back(slot);
        Self::write(file, &slots).map_err(|error| NoSlot::Failed(self.failed("written", error)))?;
        Ok(wait)
    }
}

impl RateLimiter for SharedWindow {
    fn take(&self, _now: Duration, longest: Duration) -> std::result::Result<Duration, NoSlot> {
        let failed = |what, error| NoSlot::Failed(self.failed(what, error));
        let mut file = self.open().map_err(|error| failed("opened", error))?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NoSlot::Busy(PAUSE)),
            Err(TryLockError::Error(error)) => return Err(failed("locked", error)),
        }
        let outcome = self.take_locked(&mut file, longest);
        FileExt::unlock(&file).map_err(|error| failed("unlocked", error))?;
        outcome
    }
}
