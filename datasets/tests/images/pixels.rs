//! Pixels of PNG and JPEG files, as they are stored and scaled.

use crate::image_files::{
    gradient, grey_png, interlaced_png, jpeg_of, noise, opened, png_of, put, rgb_png,
};
use jpeg_encoder::{ColorType, SamplingFactor};
use narrows_datasets::{Channels, Dataset, ImageOptions, Opened, Preparation};
use png::BitDepth;

/// The one training image of a folder that holds `bytes` as that.
fn read_alone(bytes: &[u8], options: &ImageOptions) -> Dataset {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("train/a/image.png"), bytes);
    put(dir.path().join("test/a/image.png"), bytes);
    let (opened, _) = opened(dir.path(), options);
    assert_eq!((opened.data.train.len(), opened.data.test.len()), (1, 1));
    assert_eq!(
        opened.data.train.stored_bytes(0).unwrap(),
        opened.data.test.stored_bytes(0).unwrap()
    );
    opened.data.train
}

#[test]
fn a_png_of_any_kind_is_read_to_the_pixel() {
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let size = (9, 13);
    let n = 9 * 13;
    let over_white = |value: u8, alpha: u8| {
        let alpha = f64::from(alpha) / 255.0;
        (alpha * f64::from(value) + (1.0 - alpha) * 255.0).round() as u8
    };
    let eight_bits = |pair: &[u8]| {
        (f64::from(u16::from_be_bytes([pair[0], pair[1]])) * 255.0 / 65535.0).round() as u8
    };
    let packed = |bits: usize| noise(9 * (13 * bits).div_ceil(8), 3);
    let unpacked = |bits: usize| -> Vec<u8> {
        let rows = packed(bits);
        let value = |i: usize| {
            let (y, bit) = (i / 13, i % 13 * bits);
            let byte = rows[y * (13 * bits).div_ceil(8) + bit / 8];
            byte >> (8 - bits - bit % 8) & ((1 << bits) - 1)
        };
        (0..n).map(value).collect()
    };
    let scaled = |bits: usize| {
        unpacked(bits).iter().map(|&v| v * (255 / ((1_u16 << bits) - 1) as u8)).collect()
    };
    let (grey, rgb) = (noise(n, 1), noise(n * 3, 2));
    let (grey_alpha, rgba, wide) = (noise(n * 2, 4), noise(n * 4, 5), noise(n * 2, 6));
    let (wide_rgb, wide_rgba) = (noise(n * 6, 7), noise(n * 8, 8));
    let (colors, alphas) = (noise(16 * 3, 9), noise(16, 10));
    let wide_rgba_8: Vec<u8> = wide_rgba.chunks(2).map(eight_bits).collect();
    let blend = |values: &[u8]| -> Vec<u8> {
        values
            .chunks(4)
            .flat_map(|p| [over_white(p[0], p[3]), over_white(p[1], p[3]), over_white(p[2], p[3])])
            .collect()
    };
    let looked_up = |bits| -> Vec<u8> {
        let pixel = |&i: &u8| {
            let i = usize::from(i);
            [0, 1, 2].map(|channel| over_white(colors[i * 3 + channel], alphas[i]))
        };
        unpacked(bits).iter().flat_map(pixel).collect()
    };
    let palette = Some((&colors[..], &alphas[..]));
    let cases: Vec<(&str, Vec<u8>, usize, Vec<u8>)> = vec![
        ("grey", grey_png(size, &grey), 1, grey.clone()),
        ("grey 1", png_of(size, Grayscale, BitDepth::One, &packed(1), None), 1, scaled(1)),
        ("grey 2", png_of(size, Grayscale, BitDepth::Two, &packed(2), None), 1, scaled(2)),
        ("grey 4", png_of(size, Grayscale, BitDepth::Four, &packed(4), None), 1, scaled(4)),
        (
            "grey 16",
            png_of(size, Grayscale, BitDepth::Sixteen, &wide, None),
            1,
            wide.chunks(2).map(eight_bits).collect(),
        ),
        (
            "grey and alpha",
            png_of(size, GrayscaleAlpha, BitDepth::Eight, &grey_alpha, None),
            1,
            grey_alpha.chunks(2).map(|p| over_white(p[0], p[1])).collect(),
        ),
        ("rgb", rgb_png(size, &rgb), 3, rgb.clone()),
        (
            "rgb 16",
            png_of(size, Rgb, BitDepth::Sixteen, &wide_rgb, None),
            3,
            wide_rgb.chunks(2).map(eight_bits).collect(),
        ),
        ("rgba", png_of(size, Rgba, BitDepth::Eight, &rgba, None), 3, blend(&rgba)),
        (
            "rgba 16",
            png_of(size, Rgba, BitDepth::Sixteen, &wide_rgba, None),
            3,
            blend(&wide_rgba_8),
        ),
        ("palette 2", png_of(size, Indexed, BitDepth::Two, &packed(2), palette), 3, looked_up(2)),
        ("palette 4", png_of(size, Indexed, BitDepth::Four, &packed(4), palette), 3, looked_up(4)),
        ("interlaced", interlaced_png(size, &rgb), 3, rgb.clone()),
    ];
    for (name, bytes, channels, expected) in cases {
        let dataset = read_alone(&bytes, &ImageOptions::default());
        assert_eq!(dataset.image_shape(), Some((9, 13, channels)), "{name}");
        assert!(
            dataset.stored_bytes(0).unwrap() == expected,
            "{name}\n{:?}\n{expected:?}",
            dataset.stored_bytes(0).unwrap()
        );
        assert_eq!(dataset.preparation(), &Preparation::Bytes { max: 255 });
    }
}

#[test]
fn a_jpeg_of_any_kind_is_read_closely() {
    let size = (19, 21);
    let (grey, rgb, cmyk) = (gradient(19, 21, 1), gradient(19, 21, 3), gradient(19, 21, 4));
    // Ink on white paper: the black ink darkens all.
    let printed: Vec<u8> = cmyk
        .chunks(4)
        .flat_map(|p| {
            [0, 1, 2].map(|i| (f64::from(255 - p[i]) * f64::from(255 - p[3]) / 255.0).round() as u8)
        })
        .collect();
    let rgb_as = |configure: fn(&mut jpeg_encoder::Encoder<&mut Vec<u8>>)| {
        jpeg_of(size, ColorType::Rgb, &rgb, configure)
    };
    let cases: Vec<(&str, Vec<u8>, usize, &[u8])> = vec![
        ("grey", jpeg_of(size, ColorType::Luma, &grey, |_| {}), 1, &grey),
        (
            "grey, progressive",
            jpeg_of(size, ColorType::Luma, &grey, |e| e.set_progressive(true)),
            1,
            &grey,
        ),
        ("rgb", rgb_as(|_| {}), 3, &rgb),
        ("4:2:0", rgb_as(|e| e.set_sampling_factor(SamplingFactor::F_2_2)), 3, &rgb),
        ("4:2:2", rgb_as(|e| e.set_sampling_factor(SamplingFactor::F_2_1)), 3, &rgb),
        ("progressive", rgb_as(|e| e.set_progressive(true)), 3, &rgb),
        ("restarts", rgb_as(|e| e.set_restart_interval(2)), 3, &rgb),
        ("own Huffman tables", rgb_as(|e| e.set_optimized_huffman_tables(true)), 3, &rgb),
        ("cmyk", jpeg_of(size, ColorType::Cmyk, &cmyk, |_| {}), 3, &printed),
        ("ycck", jpeg_of(size, ColorType::CmykAsYcck, &cmyk, |_| {}), 3, &printed),
    ];
    for (name, bytes, channels, expected) in cases {
        let dataset = read_alone(&bytes, &ImageOptions::default());
        assert_eq!(dataset.image_shape(), Some((19, 21, channels)), "{name}");
        let off = dataset
            .stored_bytes(0)
            .unwrap()
            .iter()
            .zip(expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(
            off <= Some(6),
            "{name}: a value is off by {off:?}\n{:?}\n{expected:?}",
            dataset.stored_bytes(0).unwrap()
        );
    }
}

#[test]
fn channels_are_as_asked_for_or_as_few_as_do() {
    let (grey, rgb) = (noise(20, 1), noise(60, 2));
    let spread: Vec<u8> = grey.iter().flat_map(|&value| [value; 3]).collect();
    let luma: Vec<f64> = rgb
        .chunks(3)
        .map(|p| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]))
        .collect();
    let both = |first: &[u8], channels| {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path().join("train/a/1.png"), first);
        put(dir.path().join("test/a/1.png"), &grey_png((4, 5), &grey));
        let (Opened { data, .. }, _) =
            opened(dir.path(), &ImageOptions { channels, ..ImageOptions::default() });
        assert_eq!(data.train.image_shape(), data.test.image_shape());
        (
            data.train.image_shape().unwrap().2,
            data.train.stored_bytes(0).unwrap().to_vec(),
            data.test.stored_bytes(0).unwrap().to_vec(),
        )
    };
    let color = rgb_png((4, 5), &rgb);
    assert_eq!(both(&color, Channels::Auto), (3, rgb.clone(), spread.clone()));
    assert_eq!(both(&color, Channels::Rgb), (3, rgb.clone(), spread.clone()));
    // Grey, although it is stored as colour.
    assert_eq!(both(&rgb_png((4, 5), &spread), Channels::Auto), (1, grey.clone(), grey.clone()));
    assert_eq!(both(&grey_png((4, 5), &grey), Channels::Rgb), (3, spread.clone(), spread.clone()));
    let (channels, made_grey, already) = both(&color, Channels::Grey);
    assert_eq!((channels, &already), (1, &grey));
    for (value, exact) in made_grey.iter().zip(luma) {
        assert!((f64::from(*value) - exact).abs() < 0.51, "{value} {exact}");
    }
}

/// The centre of `values`, (h, w, c), at `height` x `width`: the sum over the whole image, for each
/// value.
fn scaled(values: &[u8], [h, w, c]: [usize; 3], [height, width]: [usize; 2]) -> Vec<f64> {
    let s = f64::min(h as f64 / height as f64, w as f64 / width as f64);
    let tent = |j: usize, n: usize, i: usize, m: usize| {
        let centre = n as f64 / 2.0 + (i as f64 + 0.5 - m as f64 / 2.0) * s;
        f64::max(0.0, 1.0 - (j as f64 + 0.5 - centre).abs() / f64::max(s, 1.0))
    };
    let mut scaled = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..c {
                let (mut sum, mut weights) = (0.0, 0.0);
                for j in 0..h {
                    for k in 0..w {
                        let weight = tent(j, h, y, height) * tent(k, w, x, width);
                        sum += weight * f64::from(values[(j * w + k) * c + channel]);
                        weights += weight;
                    }
                }
                scaled.push(sum / weights);
            }
        }
    }
    scaled
}

#[test]
fn images_are_scaled_to_cover_a_size_and_cropped_to_its_centre() {
    for (h, w) in [(20, 30), (31, 17), (8, 8), (5, 3), (1, 1), (1, 40), (64, 64)] {
        for [height, width] in [[8, 8], [16, 16], [7, 12], [12, 5], [1, 1], [20, 20]] {
            for c in [1, 3] {
                let values = noise(h * w * c, (h + w) as u32);
                let bytes =
                    if c == 1 { grey_png((h, w), &values) } else { rgb_png((h, w), &values) };
                let channels = if c == 1 { Channels::Grey } else { Channels::Rgb };
                let options = ImageOptions {
                    size: Some((height, width)),
                    channels,
                    ..ImageOptions::default()
                };
                let dataset = read_alone(&bytes, &options);
                assert_eq!(dataset.image_shape(), Some((height, width, c)));
                let expected = scaled(&values, [h, w, c], [height, width]);
                let unscaled = h == height && w >= width || w == width && h >= height;
                if unscaled {
                    continue;
                }
                for (value, exact) in dataset.stored_bytes(0).unwrap().iter().zip(expected) {
                    let off = (f64::from(*value) - exact).abs();
                    assert!(
                        off < 0.501,
                        "{h}x{w} to {height}x{width}: {value} where it should be {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn images_of_the_right_height_or_width_keep_their_pixels() {
    for ((h, w), top, left) in [((8, 13), 0, 2), ((11, 8), 1, 0), ((8, 8), 0, 0)] {
        let values = noise(h * w * 3, 5);
        let options = ImageOptions { size: Some((8, 8)), ..ImageOptions::default() };
        let dataset = read_alone(&rgb_png((h, w), &values), &options);
        for y in 0..8 {
            let row = &values[((top + y) * w + left) * 3..][..24];
            assert_eq!(&dataset.stored_bytes(0).unwrap()[y * 24..][..24], row, "{h}x{w}, row {y}");
        }
    }
}
