//! Batches of rows from Arrow's IPC formats: the stream, and the file (also called Feather, version
//! 2), which is a stream with a table of contents at its end.
//!
//! ```text
//! message:  ff ff ff ff   length    metadata (a flatbuffer)   body
//!           4 bytes       4 bytes   length bytes              as long as the metadata says
//! file:     "ARROW1" 00 00   messages   footer (a flatbuffer)   its length   "ARROW1"
//! ```
//!
//! The messages are found and measured here, since the library's own readers allocate the promised
//! memory before they look. A message's body is compared with the file's length, and a compressed
//! buffer with the largest length that its bytes can expand to.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, CompressionType, Message, MessageHeader, MetadataVersion};
use arrow_schema::{ArrowError, SchemaRef};

use crate::error::{At as _, Error};
use crate::files::zstd;
use crate::formats::tables::parquet::arrow_unpack::unpack;
use crate::formats::tables::parquet::{damaged, find_footer, read_exact_at};

const MAGIC: &[u8; 6] = b"ARROW1";
/// Before a message's metadata: the mark and the length. Files of before 2019 have the length
/// alone.
const PREFIX: u64 = 8;
/// LZ4 spends a byte on 255 at best.
const LARGEST_EXPANSION: u64 = 255;
/// A row has one bit at least, so that a batch cannot promise more rows than this for a byte of the
/// file.
const ROWS_PER_BYTE: u64 = zstd::LARGEST_EXPANSION * 8;

/// A file or a stream, by its schema and the places of its messages.
pub(crate) struct ArrowFile {
    schema: SchemaRef,
    version: MetadataVersion,
    /// The file's length.
    length: u64,
    contents: Contents,
}

enum Contents {
    /// A stream: one after another, from this byte on.
    Stream(u64),
    /// A file: dictionaries and batches at these bytes, in this order.
    File { dictionaries: Vec<u64>, batches: Vec<u64> },
}

/// A message: its metadata with the prefix, and its body, in one.
struct Piece {
    metadata: u64,
    bytes: Buffer,
}

impl Piece {
    fn message(&self) -> Result<Message<'_>, ArrowError> {
        arrow_ipc::root_as_message(&self.bytes[PREFIX as usize..self.metadata as usize])
            .map_err(|error| ArrowError::ParseError(error.to_string()))
    }

    fn block(&self) -> Block {
        Block::new(0, self.metadata as i32, self.bytes.len() as i64 - self.metadata as i64)
    }
}

impl ArrowFile {
    /// Opens a stream; `length` is the file's.
    pub(crate) fn open_stream(path: &Path, file: &File, length: u64) -> Result<Self, Error> {
        let broken = |error: ArrowError| damaged(path, &error.to_string());
        let Some(piece) = read_piece(path, file, 0, length)? else {
            return Err(damaged(path, "it has no schema"));
        };
        let message = piece.message().map_err(broken)?;
        let Some(schema) = message.header_as_schema() else {
            return Err(damaged(path, "it does not begin with a schema"));
        };
        if !schema.endianness().equals_to_target_endianness() {
            return Err(foreign(path));
        }
        let schema = Arc::new(try_fb_to_schema(schema).map_err(broken)?);
        let contents = Contents::Stream(piece.bytes.len() as u64);
        Ok(ArrowFile { schema, version: message.version(), length, contents })
    }

    /// Opens a file; `length` is the file's.
    pub(crate) fn open_file(path: &Path, file: &File, length: u64) -> Result<Self, Error> {
        let (footer_at, footer_length) = find_footer(path, file, length, 8, |magic| {
            if magic == *MAGIC {
                return Ok(());
            }
            Err(damaged(path, "it does not end as an Arrow file does"))
        })?;
        let mut footer = vec![0; footer_length];
        read_exact_at(file, footer_at, &mut footer).at(path)?;
        let broken = |error: ArrowError| damaged(path, &error.to_string());
        let footer = arrow_ipc::root_as_footer(&footer)
            .map_err(|error| damaged(path, &error.to_string()))?;
        let Some(schema) = footer.schema() else {
            return Err(damaged(path, "its footer has no schema"));
        };
        if !schema.endianness().equals_to_target_endianness() {
            return Err(foreign(path));
        }
        let schema = Arc::new(try_fb_to_schema(schema).map_err(broken)?);
        let places = |offsets: &mut dyn Iterator<Item = i64>| {
            let inside = |offset| u64::try_from(offset).ok().filter(|&place| place < length);
            let places = offsets.map(|offset| {
                inside(offset).ok_or_else(|| damaged(path, "a batch is beyond its end"))
            });
            places.collect::<Result<Vec<u64>, Error>>()
        };
        let contents = Contents::File {
            dictionaries: places(&mut footer.dictionaries().iter().flatten().map(Block::offset))?,
            batches: places(&mut footer.recordBatches().iter().flatten().map(Block::offset))?,
        };
        Ok(ArrowFile { schema, version: footer.version(), length, contents })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Batches of these columns.
    pub(crate) fn batches(
        &self,
        path: &Path,
        file: File,
        columns: &[usize],
    ) -> Result<Batches<'_>, Error> {
        let decoder =
            FileDecoder::new(self.schema.clone(), self.version).with_projection(columns.to_vec());
        let next = match self.contents {
            Contents::Stream(start) => start,
            Contents::File { .. } => 0,
        };
        let mut batches = Batches { of: self, file, decoder, next };
        if let Contents::File { dictionaries, .. } = &self.contents {
            for &place in dictionaries {
                if let Some(piece) = read_piece(path, &batches.file, place, self.length)? {
                    batches.take(path, &piece)?;
                }
            }
        }
        Ok(batches)
    }
}

pub(crate) struct Batches<'a> {
    of: &'a ArrowFile,
    file: File,
    decoder: FileDecoder,
    /// The next byte of a stream, or the next batch of a file.
    next: u64,
}

impl Batches<'_> {
    /// None at the end.
    pub(crate) fn next(&mut self, path: &Path) -> Result<Option<RecordBatch>, Error> {
        loop {
            let place = match &self.of.contents {
                Contents::Stream(_) => self.next,
                Contents::File { batches, .. } => match batches.get(self.next as usize) {
                    Some(&place) => place,
                    None => return Ok(None),
                },
            };
            let Some(piece) = read_piece(path, &self.file, place, self.of.length)? else {
                return Ok(None);
            };
            self.next += match self.of.contents {
                Contents::Stream(_) => piece.bytes.len() as u64,
                Contents::File { .. } => 1,
            };
            if let Some(batch) = self.take(path, &piece)? {
                return Ok(Some(batch));
            }
        }
    }

    /// Decodes a batch, or keeps a dictionary for the batches to come.
    fn take(&mut self, path: &Path, piece: &Piece) -> Result<Option<RecordBatch>, Error> {
        let batch = batch_of(path, piece)?;
        let (metadata, body) = piece.bytes.split_at(piece.metadata as usize);
        match unpack(&batch, metadata, body) {
            None => self.decode(path, piece),
            Some(unpacked) => {
                let bytes = unpacked.map_err(|problem| damaged(path, &problem))?;
                let bytes = Buffer::from_vec(bytes);
                self.decode(path, &Piece { metadata: piece.metadata, bytes })
            }
        }
    }

    fn decode(&mut self, path: &Path, piece: &Piece) -> Result<Option<RecordBatch>, Error> {
        let broken = |error: ArrowError| damaged(path, &error.to_string());
        let batch = batch_of(path, piece)?;
        check_buffers(path, &batch, &piece.bytes[piece.metadata as usize..])?;
        let rows_possible = self.of.length.saturating_mul(ROWS_PER_BYTE);
        if !u64::try_from(batch.length()).is_ok_and(|rows| rows <= rows_possible) {
            return Err(damaged(path, &format!("a batch promises {} rows", batch.length())));
        }
        if piece.message().map_err(broken)?.header_type() == MessageHeader::DictionaryBatch {
            self.decoder.read_dictionary(&piece.block(), &piece.bytes).map_err(broken)?;
            Ok(None)
        } else {
            self.decoder.read_record_batch(&piece.block(), &piece.bytes).map_err(broken)
        }
    }
}

/// The batch of a message, which is that of a dictionary or of rows.
fn batch_of<'a>(path: &Path, piece: &'a Piece) -> Result<arrow_ipc::RecordBatch<'a>, Error> {
    let message = piece.message().map_err(|error| damaged(path, &error.to_string()))?;
    let batch = match message.header_as_dictionary_batch() {
        Some(dictionary) => dictionary.data(),
        None => message.header_as_record_batch(),
    };
    batch.ok_or_else(|| damaged(path, "a message is neither a batch nor a dictionary"))
}

/// Checks that all buffers of a batch are in its body, and can expand to the length they promise.
fn check_buffers(
    path: &Path,
    batch: &arrow_ipc::RecordBatch<'_>,
    body: &[u8],
) -> Result<(), Error> {
    let compressed = match batch.compression() {
        None => false,
        Some(compression) if compression.codec() == CompressionType::LZ4_FRAME => true,
        Some(_) => return Err(damaged(path, "it is compressed in an unknown way")),
    };
    for buffer in batch.buffers().iter().flatten() {
        let inside = || {
            let start = usize::try_from(buffer.offset()).ok()?;
            let end = start.checked_add(usize::try_from(buffer.length()).ok()?)?;
            body.get(start..end)
        };
        let Some(bytes) = inside() else {
            return Err(damaged(path, "a column's values are beyond their batch's end"));
        };
        let Some((promised, bytes)) = bytes.split_first_chunk().filter(|_| compressed) else {
            continue;
        };
        // -1 means: not compressed after all.
        let promised = i64::from_le_bytes(*promised);
        let possible = (bytes.len() as u64).saturating_mul(LARGEST_EXPANSION);
        if promised != -1 && !u64::try_from(promised).is_ok_and(|promised| promised <= possible) {
            let problem = format!("{} bytes of a column promise {promised}", bytes.len());
            return Err(damaged(path, &problem));
        }
    }
    Ok(())
}

/// The message at `place`; `None` at the end of the stream.
fn read_piece(path: &Path, file: &File, place: u64, length: u64) -> Result<Option<Piece>, Error> {
    let cut_off = || damaged(path, "it ends before its end is marked");
    let left = length.saturating_sub(place);
    let mut prefix = [0; PREFIX as usize];
    if left < PREFIX {
        // A stream may end without its mark, but that cannot be told from one that was cut off.
        return Err(cut_off());
    }
    read_exact_at(file, place, &mut prefix).at(path)?;
    let [mark @ .., a, b, c, d] = prefix;
    if mark != [0xff; 4] {
        return Err(damaged(path, "a message does not begin with its mark"));
    }
    let metadata = i32::from_le_bytes([a, b, c, d]);
    if metadata == 0 {
        return Ok(None);
    }
    let Some(metadata) =
        u64::try_from(metadata).ok().map(|bytes| bytes + PREFIX).filter(|&bytes| bytes <= left)
    else {
        return Err(cut_off());
    };
    let mut bytes = vec![0; metadata as usize];
    read_exact_at(file, place, &mut bytes).at(path)?;
    let message = arrow_ipc::root_as_message(&bytes[PREFIX as usize..])
        .map_err(|error| damaged(path, &error.to_string()))?;
    let body = u64::try_from(message.bodyLength()).ok().filter(|&body| body <= left - metadata);
    let Some(body) = body else { return Err(cut_off()) };
    bytes.resize((metadata + body) as usize, 0);
    read_exact_at(file, place + metadata, &mut bytes[metadata as usize..]).at(path)?;
    Ok(Some(Piece { metadata, bytes: Buffer::from_vec(bytes) }))
}

fn foreign(path: &Path) -> Error {
    Error::file(
        path,
        "was written on a machine of the other byte order: convert it there to Parquet or CSV",
    )
}
