//! Progress as bars, for a terminal.

use super::{Display, say, told};
use crate::output::numbers::{duration, thousands};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use narrows_models::Event;
use std::fmt::Write;

#[derive(Debug, Default)]
pub struct Bars {
    bar: Option<ProgressBar>,
    epochs: usize,
    /// True if several runs go on side by side, and the bar counts those.
    several: bool,
    /// The file whose bytes the bar counts.
    bytes_of: String,
}

impl Display for Bars {
    fn notice(&mut self, event: &Event<'_>) {
        if let Some(line) = told(event) {
            match &self.bar {
                Some(bar) => bar.println(line),
                None => say(&line),
            }
        }
        match event {
            Event::Stage(what) => {
                self.end();
                say(what);
            }
            Event::Runs { what, count } => {
                self.begin(what, *count as u64, "{pos}/{len} runs, {left} left");
                self.several = true;
            }
            Event::RunDone => self.advance(1),
            _ if self.several => {}
            Event::Started { run, epochs, samples } => {
                self.epochs = *epochs;
                self.begin(run, (epochs * samples) as u64, "{msg}, {rate}/s, {left} left");
                self.show(format!("1/{epochs}"));
            }
            Event::Resumed { history, .. } => {
                if let Some(bar) = &self.bar {
                    // What was trained before took no time in this process.
                    bar.set_position(history.iter().map(|record| record.samples as u64).sum());
                    bar.reset_eta();
                }
            }
            Event::Step { samples, .. } => self.advance(*samples as u64),
            Event::Epoch { record, .. } => {
                let mut text =
                    format!("{}/{}, loss {:.4}", record.epoch, self.epochs, record.train_loss);
                if let Some(loss) = record.validation_loss {
                    text += &format!(", held out {loss:.4}");
                }
                self.show(text);
            }
            Event::Finished { .. } => self.end(),
            _ => {}
        }
    }

    fn count(&mut self, what: &str, _: usize, total: usize) {
        if self.bar.is_none() {
            self.begin(what, total as u64, "{pos}/{len}, {rate}/s, {left} left");
        }
        self.advance(1);
    }

    fn bytes(&mut self, what: &str, done: u64, total: u64) {
        if self.bar.is_none() || self.bytes_of != what {
            let rest = "{bytes}/{total_bytes}, {bytes_per_sec}, {left} left";
            self.begin(what, total, rest);
            self.bytes_of = what.to_string();
            if let Some(bar) = &self.bar {
                // Bytes of an earlier attempt took no time in this one.
                bar.set_position(done);
                bar.reset_eta();
            }
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn end(&mut self) {
        self.several = false;
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}

impl Bars {
    fn begin(&mut self, what: &str, length: u64, rest: &str) {
        self.end();
        // All of it is to fit into 80 columns; the bar takes what the text leaves.
        let style = ProgressStyle::with_template(&format!("{what} [{{wide_bar}}] {rest}"));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
        let style = style
            .with_key("rate", |state: &ProgressState, w: &mut dyn Write| {
                // A number that cannot be written is a number not shown.
                let _ = w.write_str(&thousands(state.per_sec() as usize));
            })
            .with_key("left", |state: &ProgressState, w: &mut dyn Write| {
                let _ = w.write_str(&duration(state.eta().as_secs_f64()));
            });
        self.bar = Some(ProgressBar::new(length).with_style(style));
    }

    fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
    }

    fn show(&self, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(text);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}
