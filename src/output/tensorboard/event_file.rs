//! An event file: records of one message each, each with checksums.
//!
//! ```text
//! length   u64, little-endian
//! checksum u32 of the length
//! message
//! checksum u32 of the message
//! ```
//!
//! A checksum is the CRC-32C, masked: `rotate_right(crc, 15) + 0xa282ead8`, as of TFRecord files.

use super::message::Message;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An event file that grows.
#[derive(Debug)]
pub struct EventFile(File);

impl EventFile {
    /// A new file in `folder`, which is made if it is not there. Files of earlier runs stay.
    pub fn create(folder: &Path) -> io::Result<EventFile> {
        fs::create_dir_all(folder)?;
        let (seconds, process) = (now().as_secs(), std::process::id());
        // TensorBoard reads files in the order of their names, and takes those with `tfevents`.
        let mut number = 0;
        let file = loop {
            let name = format!("events.out.tfevents.{seconds:010}.narrows.{process}.{number}");
            match File::options().append(true).create_new(true).open(folder.join(name)) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
                file => break file?,
            }
        };
        let mut file = EventFile(file);
        file.write(&Message::default().bytes(3, "brain.Event:2"), 0)?;
        Ok(file)
    }

    /// Adds the values of a step: an event with a summary.
    pub fn add(&mut self, step: u64, summary: &Message) -> io::Result<()> {
        self.write(&Message::default().message(5, summary), step)
    }

    /// Adds an event, with its time and step.
    fn write(&mut self, event: &Message, step: u64) -> io::Result<()> {
        let head = Message::default().double(1, now().as_secs_f64()).int(2, step as i64);
        let bytes = [head.as_bytes(), event.as_bytes()].concat();
        // One call: a reader sees whole records, unless the machine dies.
        self.0.write_all(&record(&bytes))
    }
}

/// The time since 1970.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let checksum = |bytes: &[u8]| {
        crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    [&length[..], &checksum(&length), message, &checksum(message)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_framed_as_tensorflow_does() {
        // Of b"abc", by a bitwise CRC-32C in Python.
        let expected = [
            3, 0, 0, 0, 0, 0, 0, 0, 0xb0, 0x99, 0x49, 0x0e, b'a', b'b', b'c', 0x6e, 0x57, 0xf1,
            0x21,
        ];
        assert_eq!(record(b"abc"), expected);
        // The check value of CRC-32C (iSCSI), masked.
        let check = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        let found = record(b"123456789");
        assert_eq!(found[found.len() - 4..], check.to_le_bytes());
    }
}
