//! Writes the images that the tests read, and reads them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::{Compression, Crc, write::ZlibEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use narrows_datasets::{Dataset, ImageOptions, Opened, open_with};

/// `len` bytes that follow no pattern.
pub fn noise(len: usize, seed: u32) -> Vec<u8> {
    (0..len as u32)
        .map(|i| {
            ((i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(97)) >> 23) as u8
        })
        .collect()
}

/// `(height, width, channels)`, without edges: JPEG keeps it well.
pub fn gradient(height: usize, width: usize, channels: usize) -> Vec<u8> {
    let value = |i: usize| {
        let (y, x, channel) = (i / channels / width, i / channels % width, i % channels);
        (40 + 3 * y + 2 * x + 30 * channel) as u8
    };
    (0..height * width * channels).map(value).collect()
}

/// Writes `bytes`, and the folders that `path` lies in.
pub fn put(path: PathBuf, bytes: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

pub fn png_of(
    (height, width): (usize, usize),
    color: png::ColorType,
    depth: png::BitDepth,
    values: &[u8],
    palette: Option<(&[u8], &[u8])>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if let Some((colors, alpha)) = palette {
        encoder.set_palette(colors.to_vec());
        encoder.set_trns(alpha.to_vec());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(values).unwrap();
    writer.finish().unwrap();
    bytes
}

pub fn grey_png(size: (usize, usize), values: &[u8]) -> Vec<u8> {
    png_of(size, png::ColorType::Grayscale, png::BitDepth::Eight, values, None)
}

pub fn rgb_png(size: (usize, usize), values: &[u8]) -> Vec<u8> {
    png_of(size, png::ColorType::Rgb, png::BitDepth::Eight, values, None)
}

/// A PNG from its parts: `IHDR`'s fields, and `IDAT`'s content before compression.
pub fn raw_png(
    [width, height]: [u32; 2],
    [depth, color, interlace]: [u8; 3],
    rows: &[u8],
) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(content);
        for part in
            [&(content.len() as u32).to_be_bytes()[..], name, content, &crc.sum().to_be_bytes()]
        {
            bytes.extend(part);
        }
    };
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, interlace]);
    chunk(b"IHDR", &header);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(rows).unwrap();
    chunk(b"IDAT", &encoder.finish().unwrap());
    chunk(b"IEND", &[]);
    bytes
}

/// An interlaced PNG of RGB values: seven passes (Adam7), each `(first row, first column, rows
/// apart, columns apart)`.
pub fn interlaced_png((height, width): (usize, usize), values: &[u8]) -> Vec<u8> {
    let passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ];
    let mut rows = Vec::new();
    for (top, left, down, right) in passes {
        if left >= width {
            continue;
        }
        for y in (top..height).step_by(down) {
            rows.push(0);
            for x in (left..width).step_by(right) {
                rows.extend(&values[(y * width + x) * 3..][..3]);
            }
        }
    }
    raw_png([width as u32, height as u32], [8, 2, 1], &rows)
}

/// A JPEG of quality 95, `configure`d further.
pub fn jpeg_of(
    (height, width): (usize, usize),
    color: ColorType,
    values: &[u8],
    configure: impl Fn(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    configure(&mut encoder);
    encoder.encode(values, width as u16, height as u16, color).unwrap();
    bytes
}

pub fn rgb_jpeg(size: (usize, usize), values: &[u8]) -> Vec<u8> {
    jpeg_of(size, ColorType::Rgb, values, |_| {})
}

/// Two classes, `a` of three training images and `b` of two, and one of each for the test, all 4x5
/// and grey.
pub fn put_good(dir: &Path) -> Vec<PathBuf> {
    let names =
        ["train/a/1.png", "train/a/2.png", "train/a/3.png", "train/b/4.png", "train/b/5.png"];
    let names = names.iter().chain(&["test/a/6.png", "test/b/7.png"]);
    names
        .enumerate()
        .map(|(i, name)| put(dir.join(name), &grey_png((4, 5), &noise(20, i as u32))))
        .collect()
}

/// Opens `dir`, and counts the images that were decoded for it.
pub fn opened(dir: &Path, options: &ImageOptions) -> (Opened, usize) {
    let decoded = AtomicUsize::new(0);
    let opened = open_with(dir, &options.clone().into(), &|done, total| {
        decoded.fetch_add(1, Ordering::Relaxed);
        assert!((1..=total).contains(&done));
    });
    (opened.unwrap(), decoded.into_inner())
}

pub fn samples(dataset: &Dataset) -> Vec<Vec<u8>> {
    (0..dataset.len()).map(|row| dataset.stored_bytes(row).unwrap()).collect()
}
