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
/// Of images with a longer side, not all pixels are drawn on a sheet.
const LARGEST: usize = 256;
const BACKGROUND: u8 = 255;

/// Draws the grid as a PNG. `inputs` and `outputs`: (samples, height, width, channels), values in
/// [0, 1]; what lies outside is cut off. `None` if the channels are those of no picture, or there
/// is no sample.
pub fn png(
    inputs: &[f32],
    outputs: &[f32],
    (height, width, channels): (usize, usize, usize),
) -> Result<Option<Vec<u8>>, Error> {
    let color = match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => return Ok(None),
    };
    let sample = height * width * channels;
    let samples = inputs.len() / sample.max(1);
    if samples == 0 {
        return Ok(None);
    }
    let scale = SEEN_AT.div_ceil(height.max(width));
    let (cell_width, cell_height) = (width * scale, height * scale);
    let columns = samples.min(COLUMNS);
    let strip_height = 2 * cell_height + GAP;
    let total_width = columns * (cell_width + GAP) + GAP;
    let total_height = samples.div_ceil(columns) * (strip_height + STRIP_GAP) - STRIP_GAP + 2 * GAP;
    let mut pixels = vec![BACKGROUND; total_width * total_height * channels];
    for i in 0..samples {
        let left = GAP + i % columns * (cell_width + GAP);
        let top = GAP + i / columns * (strip_height + STRIP_GAP);
        for (values, top) in [(inputs, top), (outputs, top + cell_height + GAP)] {
            let values = &values[i * sample..][..sample];
            let place = (top * total_width + left) * channels;
            let from = |y: usize, x: usize| (y / scale * width + x / scale) * channels;
            draw(
                values,
                channels,
                from,
                (cell_height, cell_width),
                &mut pixels[place..],
                total_width,
            );
        }
    }
    encode(&pixels, total_width, total_height, color).map(Some)
}

/// Draws lines of images, at most `columns` in each, as a PNG. An image: (height, width, channels),
/// values in [0, 1]; small ones are magnified, and of large ones every so manyth pixel is drawn.
/// `None` if the channels are those of no picture, or there is no image.
pub fn sheet(
    lines: &[Vec<Vec<f32>>],
    columns: usize,
    (height, width, channels): (usize, usize, usize),
) -> Result<Option<Vec<u8>>, Error> {
    let color = match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => return Ok(None),
    };
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0).min(columns);
    if columns == 0 {
        return Ok(None);
    }
    let longest = height.max(width);
    let (scale, step) = (SEEN_AT.div_ceil(longest), longest.div_ceil(LARGEST));
    let (cell_height, cell_width) = (height.div_ceil(step) * scale, width.div_ceil(step) * scale);
    let total_width = columns * (cell_width + GAP) + GAP;
    let total_height = lines.len() * (cell_height + GAP) + GAP;
    let mut pixels = vec![BACKGROUND; total_width * total_height * channels];
    for (line, images) in lines.iter().enumerate() {
        for (column, image) in images.iter().take(columns).enumerate() {
            let (left, top) = (GAP + column * (cell_width + GAP), GAP + line * (cell_height + GAP));
            let place = (top * total_width + left) * channels;
            let from =
                |y: usize, x: usize| (y / scale * step * width + x / scale * step) * channels;
            draw(
                image,
                channels,
                from,
                (cell_height, cell_width),
                &mut pixels[place..],
                total_width,
            );
        }
    }
    encode(&pixels, total_width, total_height, color).map(Some)
}

/// Draws an image into `pixels`, lines of `total_width`, from their first on; `from` says where its
/// pixels are.
fn draw(
    values: &[f32],
    channels: usize,
    from: impl Fn(usize, usize) -> usize,
    (height, width): (usize, usize),
    pixels: &mut [u8],
    total_width: usize,
) {
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let (from, to) = (from(y, x), (y * total_width + x) * channels);
        for channel in 0..channels {
            pixels[to + channel] = (values[from + channel].clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
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
    fn what_is_no_picture_is_not_drawn() {
        assert!(png(&[0.0; 8], &[0.0; 8], (2, 2, 2)).unwrap().is_none());
        assert!(png(&[], &[], (2, 2, 1)).unwrap().is_none());
    }
}
