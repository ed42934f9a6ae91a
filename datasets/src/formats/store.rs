//! The store: samples of one shape and their labels in a file that is mapped.
//!
//! ```text
//! offset  bytes
//!      0      8  "narrowsD"
//!      8      4  version, 1                  all numbers little-endian and unsigned
//!     12      4  type of the values: 1 unsigned bytes, 2 32-bit floats
//!     16      8  samples to learn from: a
//!     24      8  samples for the test: b; 0 if the file does not say which are which
//!     32      8  values of a sample
//!     40      8  samples of a block
//!     48      4  1 if there are labels, else 0
//!     52      4  CRC-32 of the checksums of the blocks
//!     56      8  bytes of the metadata
//!     64      4  CRC-32 of the metadata
//!     68     56  zero
//!    124      4  CRC-32 of the header up to here
//!    128   3968  zero, so that values begin with a page
//!   4096         values: (a + b, values of a sample)
//!                zero, up to a multiple of 64
//!                if there are labels, 2 bytes for each sample: its class, 65535 if it has none
//!                for each block the CRC-32 of its values, 4 bytes, and of its labels, 4 (or 0)
//!                metadata: JSON in UTF-8
//! ```
//!
//! A block is as many samples as fit into 128 KiB, at least one; the last may be shorter. (Larger
//! ones would be read no faster, and mixed less well where data are larger than memory: see
//! [`Loader`](crate::Loader).) Samples are compared with their checksum block by block when blocks
//! are read, and by [`verify`] in the whole file. Opening a file reads the header and the metadata.
//! So it takes as long for a billion samples as for ten. The metadata are at most 64 MiB.
//!
//! CRC-32 is that of gzip and PNG. It finds damage, not malice. A store from somebody who means
//! harm can hold wrong values, but it cannot make this crate panic, or allocate more than the
//! file's size, a few times the size of the metadata, and a few MB.
//!
//! `write` makes the file under another name, and renames it when it is complete. `read` opens it.

pub(crate) mod join;
pub(crate) mod kept;
pub(crate) mod layout;
pub(crate) mod metadata;
pub(crate) mod read;
pub(crate) mod write;
