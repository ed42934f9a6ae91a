//! Makes the checksums of a changed file fit its content again, where that still has the form of
//! its format.

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn put(bytes: &mut [u8], at: usize, crc: u32) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = crc.to_le_bytes();
    }
}

/// A store's: of the metadata, of its blocks, of those, and of the header.
pub(crate) fn store(bytes: &mut [u8]) {
    let _ = store_blocks(bytes);
    if let Some(header) = bytes.get(..124) {
        let crc = crc32fast::hash(header);
        put(bytes, 124, crc);
    }
}

fn store_blocks(bytes: &mut [u8]) -> Option<()> {
    let eight = |at| number(bytes, at).and_then(|n| usize::try_from(u64::from_le_bytes(n)).ok());
    let four = |at| number(bytes, at).map(u32::from_le_bytes);
    let rows = eight(16)?.checked_add(eight(24)?)?;
    let value_bytes = if four(12)? == 2 { 4 } else { 1 };
    let row_bytes = eight(32)?.checked_mul(value_bytes)?;
    let (block_rows, labelled, metadata) = (eight(40)?, four(48)? == 1, eight(56)?);
    let metadata_at = bytes.len().checked_sub(metadata)?;
    let crc = crc32fast::hash(&bytes[metadata_at..]);
    put(bytes, 64, crc);
    let labels_at = rows.checked_mul(row_bytes)?.checked_add(4096)?.checked_next_multiple_of(64)?;
    let checksums_at = labels_at.checked_add(if labelled { rows.checked_mul(2)? } else { 0 })?;
    let mut block = 0;
    while block * block_rows < rows && checksums_at + 8 * block + 8 <= metadata_at {
        let (from, to) =
            (block * block_rows, rows.min((block * block_rows).checked_add(block_rows)?));
        let values = crc32fast::hash(bytes.get(4096 + from * row_bytes..4096 + to * row_bytes)?);
        put(bytes, checksums_at + 8 * block, values);
        let labels = labelled.then(|| bytes.get(labels_at + 2 * from..labels_at + 2 * to));
        let labels = labels.map_or(Some(0), |labels| labels.map(crc32fast::hash))?;
        put(bytes, checksums_at + 8 * block + 4, labels);
        block += 1;
    }
    let crc = crc32fast::hash(bytes.get(checksums_at..metadata_at)?);
    put(bytes, 52, crc);
    Some(())
}

/// A checkpoint's: of its manifest, a text in the JSON at the file's head.
pub(crate) fn checkpoint(bytes: &mut [u8]) {
    let _ = manifest(bytes);
}

fn manifest(bytes: &mut [u8]) -> Option<()> {
    let length = usize::try_from(u64::from_le_bytes(number(bytes, 0)?)).ok()?;
    let header = bytes.get_mut(8..)?.get_mut(..length)?;
    let json: serde_json::Value = serde_json::from_slice(header).ok()?;
    let crc = crc32fast::hash(json["__metadata__"]["manifest"].as_str()?.as_bytes());
    let key = b"\"manifest.crc32\":\"";
    let at = header.windows(key.len()).position(|bytes| bytes == key)? + key.len();
    header.get_mut(at..at + 8)?.copy_from_slice(format!("{crc:08x}").as_bytes());
    Some(())
}

/// The members' of a zip file, of those that are not compressed.
pub(crate) fn zip(bytes: &mut [u8]) {
    let entry_at = |bytes: &[u8], from: usize| {
        let found = bytes.get(from..)?.windows(4).position(|four| four == b"PK\x01\x02")?;
        Some(from + found)
    };
    let crc_of = |bytes: &[u8], entry: usize| {
        let length = u32::from_le_bytes(number(bytes, entry + 20)?) as usize;
        let local = u32::from_le_bytes(number(bytes, entry + 42)?) as usize;
        let two = |at| number(bytes, at).map(|n| usize::from(u16::from_le_bytes(n)));
        let at = local.checked_add(30)? + two(local + 26)? + two(local + 28)?;
        (two(entry + 10)? == 0)
            .then(|| bytes.get(at..at.checked_add(length)?).map(crc32fast::hash))?
    };
    let mut from = 0;
    while let Some(entry) = entry_at(bytes, from) {
        if let Some(crc) = crc_of(bytes, entry) {
            put(bytes, entry + 16, crc);
        }
        from = entry + 4;
    }
}

/// The chunks' of a PNG.
pub(crate) fn png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = number(bytes, at).map(|n| u32::from_be_bytes(n) as usize) {
        let end = at + 8 + length;
        let Some(chunk) = bytes.get(at + 4..end) else { return };
        // Big-endian, as everything in PNG.
        let crc = crc32fast::hash(chunk).swap_bytes();
        put(bytes, end, crc);
        at = end + 4;
    }
}
