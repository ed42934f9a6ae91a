//! Progress on stderr: bars on a terminal, lines elsewhere, warnings alone when quiet.

mod bars;
mod lines;

use bars::Bars;
use lines::Lines;
use narrows_models::{Event, Observer};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

/// A way to show progress.
trait Display: Send {
    /// Shows what happens in training.
    fn notice(&mut self, event: &Event<'_>);

    /// Shows that `done` of `total` things were read.
    fn count(&mut self, what: &str, done: usize, total: usize);

    /// Shows that `done` of `total` bytes of `what` were read. `done` can fall.
    fn bytes(&mut self, what: &str, done: u64, total: u64);

    /// Leaves what is shown as it is.
    fn end(&mut self) {}
}

/// Shows what happens, or warnings alone. Events come from several threads.
pub struct Progress(Option<Mutex<Box<dyn Display>>>);

impl Progress {
    pub fn new(quiet: bool) -> Progress {
        let display = || -> Box<dyn Display> {
            match std::io::stderr().is_terminal() {
                true => Box::new(Bars::default()),
                false => Box::new(Lines::default()),
            }
        };
        Progress((!quiet).then(|| Mutex::new(display())))
    }

    fn show(&self, show: impl FnOnce(&mut dyn Display)) {
        if let Some(display) = &self.0 {
            // A thread that panicked while it held the lock left at worst a line unwritten.
            show(&mut **display.lock().unwrap_or_else(|e| e.into_inner()));
        }
    }

    /// Shows that `done` of `total` things were read; from any thread.
    pub fn count(&self, what: &str, done: usize, total: usize) {
        self.show(|display| display.count(what, done, total));
    }

    /// Shows that `done` of `total` bytes of `what` were read.
    pub fn bytes(&self, what: &str, done: u64, total: u64) {
        self.show(|display| display.bytes(what, done, total));
    }

    /// Writes `text` on a line of its own.
    pub fn say(&self, text: &str) {
        self.show(|display| {
            display.end();
            say(text);
        });
    }

    /// Ends a count.
    pub fn end_count(&self) {
        self.show(|display| display.end());
    }
}

impl Observer for Progress {
    fn notice(&self, event: &Event<'_>) {
        match &self.0 {
            Some(_) => self.show(|display| display.notice(event)),
            None => told(event).iter().for_each(|line| say(line)),
        }
    }
}

/// The line for what is said whatever else is going on.
fn told(event: &Event<'_>) -> Option<String> {
    match event {
        Event::NotSaved { run, error } => Some(format!(
            "{run}: no checkpoint could be saved: {error}: the training goes on, and tries again"
        )),
        Event::Damaged { run, error } => {
            Some(format!("{run}: {error}: the training goes on from the checkpoint before it"))
        }
        Event::Resumed { run, other_isa: Some(isa), .. } => Some(format!(
            "{run}: its first steps were computed with --isa {isa}: the last bits may be others \
             than of a run in one go"
        )),
        _ => None,
    }
}

/// Writes a line to stderr. If stderr is closed, the work goes on.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
