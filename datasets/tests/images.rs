//! Folders of images that are as they should be.

mod image_files;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use image_files::{
    gradient, grey_png, interlaced_png, jpeg_of, noise, png_of, put, put_good, raw_png, rgb_jpeg, rgb_png,
};
use jpeg_encoder::{ColorType, SamplingFactor};
use narrows_datasets::{Channels, Dataset, ImageOptions, Opened, TrainTest, open, open_with};
use png::BitDepth;

/// Opens `dir`, and counts the images that were decoded for it.
fn opened(dir: &Path, options: &ImageOptions) -> (Opened, usize) {
    let decoded = AtomicUsize::new(0);
    let opened = open_with(dir, options, &|done, total| {
        decoded.fetch_add(1, Ordering::Relaxed);
        assert!((1..=total).contains(&done));
    });
    (opened.unwrap(), decoded.into_inner())
}

/// The one training image of a folder that holds `bytes` as that.
fn read_alone(bytes: &[u8], options: &ImageOptions) -> Dataset {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("train/a/image.png"), bytes);
    put(dir.path().join("test/a/image.png"), bytes);
    let (opened, _) = opened(dir.path(), options);
    assert_eq!((opened.data.train.len(), opened.data.test.len()), (1, 1));
    assert_eq!(opened.data.train.sample(0), opened.data.test.sample(0));
    opened.data.train
}

fn samples(dataset: &Dataset) -> Vec<&[u8]> {
    (0..dataset.len()).map(|row| dataset.sample(row)).collect()
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
    let eight_bits =
        |pair: &[u8]| (f64::from(u16::from_be_bytes([pair[0], pair[1]])) * 255.0 / 65535.0).round() as u8;
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
    let scaled =
        |bits: usize| unpacked(bits).iter().map(|&v| v * (255 / ((1_u16 << bits) - 1) as u8)).collect();
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
        ("rgba 16", png_of(size, Rgba, BitDepth::Sixteen, &wide_rgba, None), 3, blend(&wide_rgba_8)),
        ("palette 2", png_of(size, Indexed, BitDepth::Two, &packed(2), palette), 3, looked_up(2)),
        ("palette 4", png_of(size, Indexed, BitDepth::Four, &packed(4), palette), 3, looked_up(4)),
        ("interlaced", interlaced_png(size, &rgb), 3, rgb.clone()),
    ];
    for (name, bytes, channels, expected) in cases {
        let dataset = read_alone(&bytes, &ImageOptions::default());
        assert_eq!(dataset.image_shape(), Some((9, 13, channels)), "{name}");
        assert!(dataset.sample(0) == expected, "{name}\n{:?}\n{expected:?}", dataset.sample(0));
        assert_eq!(dataset.max_value(), 255);
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
        ("grey, progressive", jpeg_of(size, ColorType::Luma, &grey, |e| e.set_progressive(true)), 1, &grey),
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
        let off = dataset.sample(0).iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(6), "{name}: a value is off by {off:?}\n{:?}\n{expected:?}", dataset.sample(0));
    }
}

#[test]
fn folders_are_classes_in_the_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let image = |seed| rgb_png((3, 2), &noise(18, seed));
    for (name, seed) in [
        ("train/Zebra/b.PNG", 0),
        ("train/Zebra/a.png", 1),
        ("train/ape/10.Jpg", 2),
        ("train/ape/9.jpeg", 3),
        ("train/äffin/1.JPEG", 4),
        ("test/äffin/1.png", 5),
        ("test/Zebra/1.png", 6),
        // None of these counts.
        ("train/.hidden/1.png", 7),
        ("train/ape/.hidden.png", 8),
        ("val/other/1.png", 9),
    ] {
        // Whatever the name says, what it holds decides.
        put(dir.join(name), &image(seed));
    }
    for name in ["Thumbs.db", "train/readme.txt", "train/ape/Thumbs.db", "train/ape/png", "test/labels.csv"] {
        put(dir.join(name), b"no image");
    }
    let TrainTest { train, test } = open(dir).unwrap();
    assert_eq!(train.name(), dir.file_name().unwrap().to_str().unwrap());
    for half in [&train, &test] {
        assert_eq!(half.class_names(), ["Zebra", "ape", "äffin"]);
        assert_eq!((half.classes(), half.image_shape()), (3, Some((3, 2, 3))));
    }
    assert_eq!(train.labels(), Some(&[0, 0, 1, 1, 2][..]));
    assert_eq!(test.labels(), Some(&[0, 2][..]));
    let expected = [1, 0, 2, 3, 4, 6, 5].map(|seed| noise(18, seed));
    assert_eq!([samples(&train), samples(&test)].concat(), expected.each_ref().map(|values| &values[..]));
}

#[test]
fn without_halves_one_image_in_six_of_each_class_is_for_the_test() {
    let dir = tempfile::tempdir().unwrap();
    for (class, count) in [("a", 2), ("b", 11), ("c", 12), ("train", 60)] {
        for i in 0..count {
            put(dir.path().join(format!("{class}/{i}.png")), &grey_png((1, 2), &[class.as_bytes()[0], i]));
        }
    }
    let TrainTest { train, test } = open(dir.path()).unwrap();
    let counts = |half: &Dataset| {
        let mut counts = [0; 4];
        half.labels().unwrap().iter().for_each(|&label| counts[usize::from(label)] += 1);
        counts
    };
    assert_eq!((counts(&train), counts(&test)), ([1, 10, 10, 50], [1, 1, 2, 10]));
    let mut all = [samples(&train), samples(&test)].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 85, "no image is in both");
    for half in [&train, &test] {
        for (row, &label) in half.labels().unwrap().iter().enumerate() {
            assert_eq!(half.sample(row)[0], [b'a', b'b', b'c', b't'][usize::from(label)]);
        }
    }
    // Of the 60, not just the first or the last.
    let held: Vec<u8> = (0..10).map(|i| test.sample(4 + i)[1]).collect();
    assert!(held.iter().any(|i| *i < 30) && held.iter().any(|i| *i >= 30), "{held:?}");
}

#[test]
fn images_in_no_class_have_no_labels() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..12 {
        put(dir.path().join(format!("{i:02}.png")), &grey_png((1, 1), &[i]));
    }
    let TrainTest { train, test } = open(dir.path()).unwrap();
    assert_eq!((train.len(), test.len(), train.labels(), test.classes()), (10, 2, None, 0));
    assert!(train.class_names().is_empty());

    let halves = tempfile::tempdir().unwrap();
    for (name, value) in [("train/2.png", 2), ("train/1.png", 1), ("test/3.png", 3)] {
        put(halves.path().join(name), &grey_png((1, 1), &[value]));
    }
    let TrainTest { train, test } = open(halves.path()).unwrap();
    assert_eq!((samples(&train), samples(&test)), (vec![&[1][..], &[2]], vec![&[3][..]]));
    assert_eq!((train.labels(), test.labels()), (None, None));
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
        (data.train.image_shape().unwrap().2, data.train.sample(0).to_vec(), data.test.sample(0).to_vec())
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

/// The centre of `values`, (h, w, c), at `height` x `width`: the sum over the whole image, for each value.
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
                let bytes = if c == 1 { grey_png((h, w), &values) } else { rgb_png((h, w), &values) };
                let channels = if c == 1 { Channels::Grey } else { Channels::Rgb };
                let options =
                    ImageOptions { size: Some((height, width)), channels, ..ImageOptions::default() };
                let dataset = read_alone(&bytes, &options);
                assert_eq!(dataset.image_shape(), Some((height, width, c)));
                let expected = scaled(&values, [h, w, c], [height, width]);
                let unscaled = h == height && w >= width || w == width && h >= height;
                if unscaled {
                    continue;
                }
                for (value, exact) in dataset.sample(0).iter().zip(expected) {
                    let off = (f64::from(*value) - exact).abs();
                    assert!(off < 0.501, "{h}x{w} to {height}x{width}: {value} where it should be {exact}");
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
            assert_eq!(&dataset.sample(0)[y * 24..][..24], row, "{h}x{w}, row {y}");
        }
    }
}

#[test]
fn decoded_images_are_used_again_until_something_changes() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    let default = ImageOptions::default();
    let again = |options: &ImageOptions| {
        let (first, decoded) = opened(dir.path(), options);
        let (second, none) = opened(dir.path(), options);
        assert_eq!(none, 0, "the second opening decodes nothing");
        for (a, b) in [(&first.data.train, &second.data.train), (&first.data.test, &second.data.test)] {
            assert!(samples(a) == samples(b) && a.labels() == b.labels());
            assert_eq!(a.class_names(), b.class_names());
        }
        decoded
    };
    assert_eq!(again(&default), 7);
    assert_eq!(again(&ImageOptions { threads: 2, skip_bad: true, ..default.clone() }), 0);
    for (options, decoded) in [
        (ImageOptions { size: Some((4, 5)), ..default.clone() }, 7),
        (ImageOptions { size: Some((5, 4)), ..default.clone() }, 7),
        (ImageOptions { channels: Channels::Grey, ..default.clone() }, 7),
        (ImageOptions { channels: Channels::Rgb, ..default.clone() }, 7),
        // Each has a file of its own.
        (ImageOptions { size: Some((4, 5)), ..default.clone() }, 0),
        (default.clone(), 0),
    ] {
        assert_eq!(again(&options), decoded, "{options:?}");
    }
    // The same length, at another time.
    put(files[1].clone(), &grey_png((4, 5), &noise(20, 1)));
    assert_eq!(again(&default), 7);
    // The same time, another length.
    let time = fs::metadata(&files[1]).unwrap().modified().unwrap();
    let trailing = [grey_png((4, 5), &noise(20, 1)), vec![0; 3]].concat();
    put(files[1].clone(), &trailing);
    fs::File::options().append(true).open(&files[1]).unwrap().set_modified(time).unwrap();
    assert_eq!(again(&default), 7);
    fs::rename(&files[1], files[1].with_file_name("other.png")).unwrap();
    assert_eq!(again(&default), 7);
    put(dir.path().join("train/a/new.png"), &grey_png((4, 5), &noise(20, 9)));
    assert_eq!(again(&default), 8);
    fs::remove_file(dir.path().join("train/a/new.png")).unwrap();
    assert_eq!(again(&default), 7);
    fs::rename(dir.path().join("train/a/3.png"), dir.path().join("train/b/3.png")).unwrap();
    assert_eq!(again(&default), 7);
    for half in ["train", "test"] {
        fs::rename(dir.path().join(half).join("a"), dir.path().join(half).join("c")).unwrap();
    }
    assert_eq!(again(&default), 7);
    assert_eq!(open(dir.path()).unwrap().train.class_names(), ["b", "c"]);
    // A file that is no image changes nothing.
    put(dir.path().join("train/b/notes.txt"), b"!");
    assert_eq!(again(&default), 0);
    // In a folder of its own.
    let cache = tempfile::tempdir().unwrap();
    let elsewhere = ImageOptions { cache: Some(cache.path().join("made/when/needed")), ..default };
    assert_eq!(again(&elsewhere), 7);
}

#[test]
fn a_data_folder_that_was_moved_keeps_its_decoded_images() {
    let dir = tempfile::tempdir().unwrap();
    put_good(&dir.path().join("before"));
    open(&dir.path().join("before")).unwrap();
    fs::rename(dir.path().join("before"), dir.path().join("after")).unwrap();
    let (opened, decoded) = opened(&dir.path().join("after"), &ImageOptions::default());
    assert_eq!((decoded, opened.data.train.name()), (0, "after"));
}

/// The only file of decoded images beside the data in `dir`.
fn stored(dir: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(dir.join(".narrows")).unwrap().map(|entry| entry.unwrap().path());
    let images: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e != "lock")).collect();
    assert_eq!(images.len(), 1, "nothing else is left there: {images:?}");
    images[0].clone()
}

#[test]
fn a_stored_file_that_was_damaged_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    put_good(dir.path());
    let options = ImageOptions::default();
    let expected: Vec<Vec<u8>> =
        samples(&open(dir.path()).unwrap().train).iter().map(|s| s.to_vec()).collect();
    let path = stored(dir.path());
    let whole = fs::read(&path).unwrap();
    let (start, values) = (64, 7 * 20);
    // Two classes of a letter each, seven labels, none skipped.
    assert_eq!(whole.len(), start + values + 4 + 2 * 5 + 7 + 4);
    let check = |bytes: &[u8], what: &str| {
        // A rename, as the file is mapped.
        let other = put(dir.path().join("damaged"), bytes);
        fs::rename(other, &path).unwrap();
        let (opened, decoded) = opened(dir.path(), &options);
        assert_eq!(decoded, 7, "{what}");
        assert_eq!(samples(&opened.data.train), expected, "{what}");
        assert_eq!(fs::read(&path).unwrap(), whole, "{what}");
    };
    for at in (0..start).chain(start + values..whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        check(&bytes, &format!("byte {at} was changed"));
    }
    for length in [0, 1, 63, 64, 65, start + values, whole.len() - 1] {
        check(&whole[..length], &format!("cut off after {length} bytes"));
    }
    check(&[&whole[..], &[0]].concat(), "one byte more");
}

/// The layout that `src/images/stored.rs` documents, byte by byte.
#[test]
fn the_stored_file_is_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path().join("train/cat/1.png"), &rgb_png((1, 2), b"abcdef"));
    put(dir.path().join("train/dog/2.png"), &rgb_png((1, 2), b"ghijkl"));
    put(dir.path().join("test/dog/3.png"), &rgb_png((1, 2), b"mnopqr"));
    put(dir.path().join("test/dog/4.png"), b"");
    let (opened, _) = opened(dir.path(), &ImageOptions { skip_bad: true, ..ImageOptions::default() });
    assert_eq!(opened.skipped.len(), 1);
    let bytes = fs::read(stored(dir.path())).unwrap();
    let rest =
        b"\x02\0\0\0\x03\0\0\0cat\x03\0\0\0dog\x00\x01\x01\x01\0\0\0\x03\0\0\0\0\0\0\0\x08\0\0\0is empty";
    assert_eq!(
        bytes[..40],
        *b"narrowsI\x01\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0"
    );
    assert_eq!(bytes[48..56], (rest.len() as u64).to_le_bytes());
    assert_eq!(bytes[64..82], *b"abcdefghijklmnopqr");
    assert_eq!(bytes[82..], *rest);
    let mut checksum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes[..56].iter().chain(rest) {
        checksum = (checksum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    assert_eq!(bytes[56..64], checksum.to_le_bytes());
}

#[test]
fn any_number_of_threads_decodes_the_same() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..200 {
        let name = format!("{}/{i}.jpg", ["a", "b", "c"][i % 3]);
        let size = (9 + i % 7, 8 + i % 5);
        put(dir.path().join(name), &rgb_jpeg(size, &noise(size.0 * size.1 * 3, i as u32)));
    }
    let read = |threads| {
        let cache = tempfile::tempdir().unwrap();
        let (size, cache) = (Some((10, 9)), Some(cache.path().to_owned()));
        let options = ImageOptions { size, threads, cache, ..ImageOptions::default() };
        let (Opened { data, .. }, decoded) = opened(dir.path(), &options);
        assert_eq!(decoded, 200);
        (samples(&data.train).concat(), samples(&data.test).concat(), data.train.labels().unwrap().to_vec())
    };
    let one = read(1);
    assert_eq!(one.2.len(), 200 - 3 * 11);
    assert!(one == read(2) && one == read(7));
}

#[test]
fn images_that_cannot_be_read_are_skipped_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    put(files[1].clone(), b"");
    put(files[6].clone(), &raw_png([5, 4], [8, 0, 0], &[0; 7]));
    put(dir.path().join("test/b/8.png"), &grey_png((4, 5), &noise(20, 7)));
    let skip = ImageOptions { skip_bad: true, ..ImageOptions::default() };
    for decoded in [8, 0] {
        let error = if decoded > 0 { None } else { Some(open(dir.path()).unwrap_err().to_string()) };
        let (Opened { data, skipped }, found) = opened(dir.path(), &skip);
        assert_eq!(found, decoded, "the second time it is known what could not be read");
        assert_eq!((data.train.labels(), data.test.labels()), (Some(&[0, 0, 1, 1][..]), Some(&[0, 1][..])));
        let expected = [0, 2, 3, 4, 5, 7].map(|seed| noise(20, seed));
        assert_eq!([samples(&data.train), samples(&data.test)].concat(), expected.each_ref().map(|v| &v[..]));
        let messages: Vec<String> = skipped.iter().map(ToString::to_string).collect();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0], format!("{}: is empty", files[1].display()));
        assert!(messages[1].starts_with(&format!("{}: is damaged", files[6].display())), "{}", messages[1]);
        if let Some(error) = error {
            assert!(error.contains("is empty; 2 of 8 images cannot be read"), "{error}");
        }
    }
}

#[test]
fn a_class_against_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let files = put_good(dir.path());
    for (i, name) in ["train/c/8.png", "test/c/9.png"].iter().enumerate() {
        put(dir.path().join(name), &grey_png((4, 5), &noise(20, 20 + i as u32)));
    }
    let data = open(dir.path()).unwrap();
    let one = data.one_against_rest("b").unwrap();
    assert_eq!(one.train.class_names(), ["rest", "b"]);
    assert_eq!((one.train.classes(), one.test.classes()), (2, 2));
    assert_eq!(one.train.labels(), Some(&[0, 0, 0, 1, 1, 0][..]));
    assert_eq!(one.test.labels(), Some(&[0, 1, 0][..]));
    assert_eq!(samples(&one.train), samples(&data.train));
    assert_eq!(one.train.subset(&[4]).class_names(), ["rest", "b"]);
    let error = data.one_against_rest("d").unwrap_err().to_string();
    assert!(error.contains("no class \"d\": it has a, b, c") && !error.contains('\n'), "{error}");
    drop(files);

    let digits = narrows_datasets::builtin(500, 0);
    let three = digits.one_against_rest("3").unwrap();
    let expected: Vec<u8> = digits.test.labels().unwrap().iter().map(|&label| u8::from(label == 3)).collect();
    assert_eq!(three.test.labels(), Some(&expected[..]));
    let unlabelled = Dataset::from_values("plain", vec![0; 4], &[2], 1, None).unwrap();
    assert!(unlabelled.one_against_rest("0").unwrap_err().to_string().contains("no labels"));
    let alone = Dataset::from_values("alone", vec![0; 4], &[2], 1, Some(vec![0, 0])).unwrap();
    assert!(alone.one_against_rest("0").unwrap_err().to_string().contains("only class"));
}
