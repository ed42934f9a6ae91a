//! Pictures of samples: above their reconstructions, or class by class.
//!
//! ```text
//! +--+ +--+ +--+      inputs
//! +--+ +--+ +--+      reconstructions      one strip
//!
//! +--+ +--+ +--+
//! +--+ +--+ +--+      the next strip
//! ```

use crate::error::Error;

/// The samples of a strip.
pub const COLUMNS: usize = 16;
/// The strips.
pub const STRIPS: usize = 2;
/// Pixels between neighbours, and between a sample and its reconstruction.
const GAP: usize = 3;
/// Pixels between strips.
const STRIP_GAP: usize = 12;
/// Small images are magnified to at least this size, to be seen.
const SEEN_AT: usize = 48;
/// Images with a longer side are drawn on a sheet by part of their pixels.
const LARGEST: usize = 256;
const BACKGROUND: u8 = 255;

/// Draws the grid as a PNG. `inputs` and `outputs`: (samples, height, width, channels), values in
/// [0, 1]; values outside are cut off. `None` without a sample, or if the channels are neither 1
/// nor 3.
pub fn png(
    inputs: &[f32],
    outputs: &[f32],
    shape: (usize, usize, usize),
) -> Result<Option<Vec<u8>>, Error> {
    let (height, width, channels) = shape;
    let sample = (height * width * channels).max(1);
    let strip = COLUMNS * sample;
    let mut lines = Vec::new();
    for (inputs, outputs) in inputs.chunks(strip).zip(outputs.chunks(strip)) {
        lines.extend([inputs, outputs].map(|values| values.chunks_exact(sample).collect()));
    }
    draw(&lines, |line| if line % 2 == 0 { GAP } else { STRIP_GAP }, 1, shape)
}

/// Draws lines of images, at most `columns` in each, as a PNG. An image: (height, width, channels),
/// values in [0, 1]. Small images are magnified; large ones are drawn by every second pixel, or
/// third and so on. `None` without an image, or if the channels are neither 1 nor 3.
pub fn sheet(
    lines: &[Vec<Vec<f32>>],
    columns: usize,
    shape: (usize, usize, usize),
) -> Result<Option<Vec<u8>>, Error> {
    let images = lines.iter().map(|images| images.iter().take(columns).map(|image| &image[..]));
    let lines: Vec<Vec<&[f32]>> = images.map(Iterator::collect).collect();
    draw(&lines, |_| GAP, shape.0.max(shape.1).div_ceil(LARGEST), shape)
}

/// Draws lines of images by every `step`th pixel; `gap` gives the pixels below a line.
fn draw(
    lines: &[Vec<&[f32]>],
    gap: impl Fn(usize) -> usize,
    step: usize,
    (height, width, channels): (usize, usize, usize),
) -> Result<Option<Vec<u8>>, Error> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let color = match channels {
        _ if columns == 0 => return Ok(None),
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => return Ok(None),
    };
    let scale = SEEN_AT.div_ceil(height.max(width));
    let (cell_height, cell_width) = (height.div_ceil(step) * scale, width.div_ceil(step) * scale);
    let total_width = columns * (cell_width + GAP) + GAP;
    let between: usize = (1..lines.len()).map(|line| gap(line - 1)).sum();
    let total_height = lines.len() * cell_height + between + 2 * GAP;
    let mut pixels = vec![BACKGROUND; total_width * total_height * channels];
    let mut top = GAP;
    for (line, images) in lines.iter().enumerate() {
        for (column, image) in images.iter().enumerate() {
            let left = GAP + column * (cell_width + GAP);
            for (y, x) in (0..cell_height).flat_map(|y| (0..cell_width).map(move |x| (y, x))) {
                let from = (y / scale * step * width + x / scale * step) * channels;
                let to = ((top + y) * total_width + left + x) * channels;
                let values = &image[from..][..channels];
                for (pixel, value) in pixels[to..].iter_mut().zip(values) {
                    *pixel = (value.clamp(0.0, 1.0) * 255.0).round() as u8;
                }
            }
        }
        top += cell_height + gap(line);
    }
    encode(&pixels, total_width, total_height, color).map(Some)
}

/// The PNG, with fewer pixels if it has more than `most` bytes: each the mean of a square. `None`
/// if it cannot be read or made small enough.
pub fn smaller(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size().filter(|&size| size < 1 << 28)?];
    let info = reader.next_frame(&mut pixels).ok()?;
    if bytes.len() <= most {
        return Some(bytes.to_vec());
    }
    let (width, height) = (info.width as usize, info.height as usize);
    let channels = info.color_type.samples();
    (2..=32).find_map(|step| {
        let (less_width, less_height) = (width / step, height / step);
        if less_width == 0 || less_height == 0 {
            return None;
        }
        let mut less = Vec::with_capacity(less_width * less_height * channels);
        for y in 0..less_height {
            for x in 0..less_width {
                for channel in 0..channels {
                    let at = |i: usize, j: usize| {
                        ((y * step + i) * width + x * step + j) * channels + channel
                    };
                    let square = (0..step).flat_map(|i| (0..step).map(move |j| (i, j)));
                    let sum: usize = square.map(|(i, j)| usize::from(pixels[at(i, j)])).sum();
                    less.push((sum / (step * step)) as u8);
                }
            }
        }
        encode(&less, less_width, less_height, info.color_type)
            .ok()
            .filter(|bytes| bytes.len() <= most)
    })
}

fn encode(
    pixels: &[u8],
    width: usize,
    height: usize,
    color: png::ColorType,
) -> Result<Vec<u8>, Error> {
    let failed = |e: png::EncodingError| Error::new(format!("the picture cannot be encoded: {e}"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_stands_above_its_reconstruction() {
        // A white and a black image of 48x48, so that nothing is magnified; reconstructed the other
        // way round.
        let (white, black) = ([1.0f32; 48 * 48], [0.0f32; 48 * 48]);
        let bytes =
            png(&[white, black].concat(), &[black, white].concat(), (48, 48, 1)).unwrap().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (2 * 48 + 3 * 3, 2 * 48 + 3 * 3));
        let at = |x: usize, y: usize| pixels[y * info.width as usize + x];
        let (first, second, above, below) = (3, 3 + 48 + 3, 3, 3 + 48 + 3);
        assert_eq!([at(first, above), at(second, above)], [255, 0]);
        assert_eq!([at(first, below), at(second, below)], [0, 255]);
        assert_eq!(at(second + 48, below), BACKGROUND);
    }

    #[test]
    fn a_sheet_has_a_line_for_each_class() {
        // Grey images of 48x48 and 512x512: the latter is drawn at half its size.
        for (side, drawn) in [(48, 48), (512, 256), (16, 48)] {
            let image = |value: f32| vec![value; side * side];
            let lines = [vec![image(0.0)], vec![], vec![image(0.2), image(0.4)]];
            let bytes = sheet(&lines, 10, (side, side, 1)).unwrap().unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (2 * drawn + 3 * 3, 3 * drawn + 4 * 3));
            let at = |line: u32, column: u32| {
                let (y, x) =
                    (3 + line * (drawn + 3) + drawn / 2, 3 + column * (drawn + 3) + drawn / 2);
                pixels[(y * info.width + x) as usize]
            };
            assert_eq!([at(0, 0), at(0, 1), at(1, 0), at(2, 0), at(2, 1)], [0, 255, 255, 51, 102]);
        }
        assert!(sheet(&[vec![], vec![]], 10, (2, 2, 1)).unwrap().is_none());
        assert!(sheet(&[vec![vec![0.0; 8]]], 10, (2, 2, 2)).unwrap().is_none());
    }

    #[test]
    fn a_picture_of_too_many_bytes_gets_fewer_pixels() {
        // Noise, which does not compress: 96x64 pixels of three bytes.
        let mut state = 1u32;
        let noise = (0..96 * 64 * 3).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let bytes = encode(&noise.collect::<Vec<_>>(), 96, 64, png::ColorType::Rgb).unwrap();
        assert_eq!(smaller(&bytes, bytes.len()).unwrap(), bytes);
        let less = smaller(&bytes, bytes.len() / 2).unwrap();
        assert!(less.len() <= bytes.len() / 2);
        let reader = png::Decoder::new(std::io::Cursor::new(less)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (48, 32));
        assert!(smaller(&bytes[..100], 1 << 20).is_none() && smaller(b"no", 9).is_none());
    }

    #[test]
    fn what_is_no_picture_is_not_drawn() {
        assert!(png(&[0.0; 8], &[0.0; 8], (2, 2, 2)).unwrap().is_none());
        assert!(png(&[], &[], (2, 2, 1)).unwrap().is_none());
    }
}
