//! The values of a step: numbers, pictures, histograms, and the settings of a run.
//!
//! The fields are those of TensorFlow's `summary.proto` and TensorBoard's `plugin_data.proto` of
//! hyperparameters.

use super::message::Message;
use toml::{Table, Value};

/// The bins of a histogram.
const BINS: usize = 64;

/// A summary of one value.
fn value(tag: &str, rest: impl FnOnce(Message) -> Message) -> Message {
    Message::default().message(1, &rest(Message::default().bytes(1, tag)))
}

/// A number.
pub fn scalar(tag: &str, number: f64) -> Message {
    value(tag, |message| message.float(2, number as f32))
}

/// A picture as PNG.
pub fn image(tag: &str, png: &[u8]) -> Message {
    // The size is in the header of a PNG: 8 bytes of signature, 8 of the first chunk's.
    let side = |at: usize| {
        let bytes = png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        i64::from(bytes.map_or(0, u32::from_be_bytes))
    };
    let picture = Message::default().int(1, side(20)).int(2, side(16)).int(3, 3).bytes(4, png);
    value(tag, |message| message.message(4, &picture))
}

/// A histogram of finite values in bins of equal width.
pub fn histogram(tag: &str, values: &[f32]) -> Message {
    let all = || values.iter().map(|x| f64::from(*x)).filter(|x| x.is_finite());
    let count = all().count();
    let (low, high) =
        all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let (low, high) = if count == 0 { (0.0, 0.0) } else { (low, high) };
    let width = (high - low) / BINS as f64;
    let mut bins = [0.0; BINS];
    for x in all() {
        bins[(((x - low) / width) as usize).min(BINS - 1)] += 1.0;
    }
    let ends: Vec<f64> =
        (1..=BINS).map(|i| if i == BINS { high } else { low + i as f64 * width }).collect();
    let histogram = Message::default()
        .double(1, low)
        .double(2, high)
        .double(3, count as f64)
        .double(4, all().sum())
        .double(5, all().map(|x| x * x).sum())
        .doubles(6, &ends)
        .doubles(7, &bins);
    value(tag, |message| message.message(5, &histogram))
}

/// The settings of a run, as TensorBoard's page of hyperparameters shows them.
pub fn settings(options: &Table, seconds: f64) -> Message {
    let mut start = Message::default();
    for (name, option) in options {
        let shown = match option {
            Value::Boolean(yes) => Message::default().int(4, i64::from(*yes)),
            Value::Integer(number) => Message::default().double(2, *number as f64),
            Value::Float(number) => Message::default().double(2, *number),
            Value::String(text) => Message::default().bytes(3, text),
            other => Message::default().bytes(3, other.to_string()),
        };
        start = start.message(1, &Message::default().bytes(1, name).message(2, &shown));
    }
    of_settings("_hparams_/session_start_info", 3, &start.double(5, seconds))
}

/// The end of the run that has those settings.
pub fn end_of_settings(succeeded: bool, seconds: f64) -> Message {
    let end = Message::default().int(1, if succeeded { 1 } else { 2 }).double(2, seconds);
    of_settings("_hparams_/session_end_info", 4, &end)
}

fn of_settings(tag: &str, field: u64, content: &Message) -> Message {
    let content = Message::default().int(1, 0).message(field, content);
    let plugin = Message::default().bytes(1, "hparams").bytes(2, content.as_bytes());
    value(tag, |message| message.message(9, &Message::default().message(1, &plugin)))
}
