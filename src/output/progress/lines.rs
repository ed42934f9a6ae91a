//! Progress in plain lines, for logs and pipes: one an epoch, but no more than one a second.

use super::{Display, say, told};
use crate::output::numbers::{duration, thousands};
use narrows_models::Event;
use narrows_models::event::EpochRecord;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(1);

/// The work in progress.
#[derive(Debug)]
enum Work {
    /// Nothing that has an end in sight.
    None,
    /// Things that are counted.
    Count,
    /// One run.
    Run { epochs: usize },
    /// Several runs, side by side.
    Runs { what: String, count: usize, done: usize },
}

#[derive(Debug)]
pub struct Lines {
    work: Work,
    start: Instant,
    said: Option<Instant>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { work: Work::None, start: Instant::now(), said: None }
    }
}

impl Display for Lines {
    fn notice(&mut self, event: &Event<'_>) {
        if let Some(line) = self.line(event) {
            say(&line);
        }
    }

    fn count(&mut self, what: &str, done: usize, total: usize) {
        if let Some(line) = self.counted(what, done, total) {
            say(&line);
        }
    }

    /// At most a line a second, and the last.
    fn bytes(&mut self, what: &str, done: u64, total: u64) {
        self.said.get_or_insert(self.start);
        if self.is_due(done == total) {
            let [done, total] = [done, total].map(|bytes| bytes as f64 / 1e6);
            say(&format!("{what}: {done:.1} of {total:.1} MB"));
        }
    }
}

impl Lines {
    /// The line for `event`, if any.
    fn line(&mut self, event: &Event<'_>) -> Option<String> {
        match (event, &mut self.work) {
            (Event::Stage(what), _) => Some(what.to_string()),
            (Event::Runs { what, count }, _) => {
                self.begin(Work::Runs { what: what.to_string(), count: *count, done: 0 });
                Some(format!("{what}: {count} runs"))
            }
            (Event::RunDone, Work::Runs { what, count, done }) => {
                *done += 1;
                let (done, count, what) = (*done, *count, what.clone());
                let left = self.left(done, count);
                let line = || format!("{what}: {done}/{count} runs done, {left}");
                self.is_due(done == count).then(line)
            }
            (event, _) if told(event).is_some() => told(event),
            // Within several runs, each alone is too much to say.
            (_, Work::Runs { .. }) => None,
            (Event::Started { run, epochs, samples }, _) => {
                self.begin(Work::Run { epochs: *epochs });
                Some(format!("{run}: {epochs} epochs of {} samples", thousands(*samples)))
            }
            (Event::Resumed { run, step, history, .. }, Work::Run { epochs }) => {
                let (epochs, done) = (*epochs, history.len());
                Some(format!(
                    "{run}: goes on after step {step}, with epoch {} of {epochs}",
                    done + 1
                ))
            }
            (Event::Epoch { run, record }, Work::Run { epochs }) => {
                let epochs = *epochs;
                let left = self.left(record.epoch, epochs);
                let line = || {
                    format!("{run}: epoch {}/{epochs}, {}, {left}", record.epoch, losses(record))
                };
                self.is_due(record.epoch == epochs).then(line)
            }
            (Event::Finished { run, best_epoch, .. }, _) => {
                let seconds = self.start.elapsed().as_secs_f64();
                self.work = Work::None;
                Some(format!("{run}: done in {}, weights of epoch {best_epoch}", duration(seconds)))
            }
            _ => None,
        }
    }

    /// At most a line a second, and none in the first: by then it is known how long one takes. The
    /// time before, in which the files were listed, says nothing about that.
    fn counted(&mut self, what: &str, done: usize, total: usize) -> Option<String> {
        if !matches!(self.work, Work::Count) {
            self.begin(Work::Count);
        }
        let left = self.left(done, total);
        let line = || format!("{what}: {}/{} read, {left}", thousands(done), thousands(total));
        self.is_due(false).then(line)
    }

    fn begin(&mut self, work: Work) {
        *self = Lines { work, start: Instant::now(), said: Some(Instant::now()) };
    }

    /// True if it is time for a line again; the last one is always due.
    fn is_due(&mut self, last: bool) -> bool {
        let due = last || self.said.is_none_or(|said| said.elapsed() >= INTERVAL);
        if due {
            self.said = Some(Instant::now());
        }
        due
    }

    fn left(&self, done: usize, of: usize) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        format!("{} left", duration(elapsed / done as f64 * (of.saturating_sub(done)) as f64))
    }
}

/// The losses of an epoch.
fn losses(record: &EpochRecord) -> String {
    let mut text = format!("loss {:.5}", record.train_loss);
    if let Some(loss) = record.validation_loss {
        text += &format!(", validation {loss:.5}");
    }
    if let Some(accuracy) = record.validation_accuracy {
        text += &format!(" ({:.1} % correct)", 100.0 * accuracy);
    }
    let rate = record.samples as f64 / record.seconds.max(1e-9);
    text + &format!(", {} samples/s", thousands(rate as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            lr: 0.1,
            train_loss: 0.5,
            validation_loss: Some(0.25),
            validation_accuracy: Some(0.75),
            seconds: 0.5,
            samples: 1000,
        }
    }

    #[test]
    fn short_epochs_are_not_all_said_but_the_last_is() {
        let mut lines = Lines::default();
        let started = lines.line(&Event::Started { run: "a", epochs: 3, samples: 1000 });
        assert_eq!(started.as_deref(), Some("a: 3 epochs of 1,000 samples"));
        for epoch in [1, 2] {
            assert_eq!(lines.line(&Event::Epoch { run: "a", record: &record(epoch) }), None);
        }
        let last = lines.line(&Event::Epoch { run: "a", record: &record(3) }).unwrap();
        assert_eq!(
            last,
            "a: epoch 3/3, loss 0.50000, validation 0.25000 (75.0 % correct), 2,000 samples/s, 0.0 \
             s left"
        );
    }

    #[test]
    fn a_count_is_estimated_by_its_own_time() {
        let earlier = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let mut lines = Lines { start: earlier(60), ..Lines::default() };
        assert_eq!(lines.counted("images", 1, 60_000), None);
        (lines.start, lines.said) = (earlier(2), Some(earlier(2)));
        let line = lines.counted("images", 15_000, 60_000).unwrap();
        assert_eq!(line, "images: 15,000/60,000 read, 6.0 s left");
        assert_eq!(lines.counted("images", 15_001, 60_000), None);
    }

    #[test]
    fn runs_side_by_side_are_counted_and_not_told() {
        let mut lines = Lines::default();
        lines.line(&Event::Runs { what: "classifiers", count: 2 });
        assert_eq!(lines.line(&Event::Started { run: "a", epochs: 1, samples: 1 }), None);
        assert_eq!(lines.line(&Event::Epoch { run: "a", record: &record(1) }), None);
        assert_eq!(lines.line(&Event::RunDone), None);
        let last = lines.line(&Event::RunDone).unwrap();
        assert_eq!(last, "classifiers: 2/2 runs done, 0.0 s left");
    }
}
