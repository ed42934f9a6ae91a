//! What training tells, shown on stderr: bars on a terminal, lines elsewhere, nothing when quiet.

mod bars;
mod lines;

use bars::Bars;
use lines::Lines;
use narrows_models::{Event, Observer};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

/// One way of showing.
enum Style {
    Quiet,
    Lines(Mutex<Lines>),
    Bars(Mutex<Bars>),
}

/// Shows what happens. Events come from several threads.
pub struct Progress(Style);

impl Progress {
    pub fn new(quiet: bool) -> Progress {
        Progress(match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Style::Quiet,
            (false, true) => Style::Bars(Mutex::default()),
            (false, false) => Style::Lines(Mutex::default()),
        })
    }
}

impl Progress {
    /// Says that `done` of `total` things are read; by any thread.
    pub fn count(&self, what: &str, done: usize, total: usize) {
        match &self.0 {
            Style::Quiet => {}
            Style::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(|e| e.into_inner()).count(what, done, total);
                line.into_iter().for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
            }
            Style::Bars(bars) => bars.lock().unwrap_or_else(|e| e.into_inner()).count(what, total),
        }
    }

    /// Says that `done` of the `total` bytes of `what` have come.
    pub fn bytes(&self, what: &str, done: u64, total: u64) {
        match &self.0 {
            Style::Quiet => {}
            Style::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(|e| e.into_inner()).bytes(what, done, total);
                line.into_iter().for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
            }
            Style::Bars(bars) => {
                bars.lock().unwrap_or_else(|e| e.into_inner()).bytes(what, done, total)
            }
        }
    }

    /// Says `text` on a line of its own.
    pub fn say(&self, text: &str) {
        if matches!(self.0, Style::Quiet) {
            return;
        }
        self.end_count();
        // Where nobody listens, the work goes on all the same.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Says that all are counted.
    pub fn end_count(&self) {
        if let Style::Bars(bars) = &self.0 {
            bars.lock().unwrap_or_else(|e| e.into_inner()).end();
        }
    }
}

impl Observer for Progress {
    fn notice(&self, event: &Event<'_>) {
        // A thread that panicked while it held the lock left at worst a line unsaid.
        match &self.0 {
            Style::Quiet => {}
            Style::Lines(lines) => {
                let line = lines.lock().unwrap_or_else(|e| e.into_inner()).line(event);
                // Where nobody listens, training goes on all the same.
                line.into_iter().for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
            }
            Style::Bars(bars) => bars.lock().unwrap_or_else(|e| e.into_inner()).notice(event),
        }
    }
}
