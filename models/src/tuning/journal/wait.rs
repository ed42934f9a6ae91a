//! The wait for a lock that another process holds.

use std::io;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Asked again and again, with the time that it waited for a lock so far: false gives it up.
pub type Waits = Arc<dyn Fn(Duration) -> bool + Send + Sync>;

/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// A wait, which may be given up.
pub(super) struct Wait<'w> {
    waits: Option<&'w Waits>,
    begun: Instant,
    pause: Duration,
}

impl<'w> Wait<'w> {
    pub(super) fn new(waits: Option<&'w Waits>) -> Wait<'w> {
        Wait { waits, begun: Instant::now(), pause: Duration::from_millis(1) }
    }

    /// A moment, longer each time; or an error that says that nobody waits any more.
    pub(super) fn pause(&mut self) -> io::Result<()> {
        if self.waits.is_some_and(|waits| !waits(self.begun.elapsed())) {
            let problem = "stopped while another process held its lock";
            return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
        }
        sleep(self.pause);
        self.pause = (2 * self.pause).min(PAUSE);
        Ok(())
    }
}
