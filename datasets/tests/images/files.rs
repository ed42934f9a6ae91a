//! Single files: formats beside PNG and JPEG, orientations, damage, and a file by itself.

use std::io::Cursor;

use crate::image_files::{gradient, grey_png, noise, put, rgb_jpeg, rgb_png};
use image::codecs::{gif::GifEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder};
use narrows_datasets::{
    Channels, Dataset, ImageOptions, OpenOptions, Parts, open, open_whole, open_with,
};

const H: usize = 3;
const W: usize = 5;

/// The file `name` by itself.
fn alone(name: &str, bytes: &[u8], options: &ImageOptions) -> Result<Dataset, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path().join(name), bytes);
    let options = OpenOptions::from(options.clone());
    match open_whole(&path, &options, &|_, _| {}) {
        Ok(opened) => match opened.data {
            Parts::Whole(data) => Ok(data),
            Parts::Halves(..) => panic!("one image"),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// A BMP of 24 bits: rows from the bottom, blue first, padded to 4 bytes.
fn bmp(rgb: &[u8]) -> Vec<u8> {
    let stride = (W * 3).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    bytes.extend((54 + stride * H).to_le_bytes()[..4].iter());
    bytes.extend([0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, W as u8, 0, 0, 0, H as u8, 0, 0, 0]);
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    for row in rgb.chunks(W * 3).rev() {
        let mut row: Vec<u8> = row.chunks(3).flat_map(|p| [p[2], p[1], p[0]]).collect();
        row.resize(stride, 0);
        bytes.extend(row);
    }
    bytes
}

/// A TIFF in one strip, without compression; `bits` a value, little-endian.
fn tiff(values: &[u8], bits: u16, channels: u16, orientation: u16) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let at = 8 + 2 + 11 * 12 + 4;
    // The bits of each of three values have no room in their entry.
    let bits_at = at + values.len() as u32;
    let entries: [(u16, u16, u32, u32); 11] = [
        (256, 4, 1, W as u32),
        (257, 4, 1, H as u32),
        (258, 3, channels.into(), if channels == 1 { bits.into() } else { bits_at }),
        (259, 3, 1, 1),
        (262, 3, 1, if channels == 1 { 1 } else { 2 }),
        (273, 4, 1, at),
        (274, 3, 1, orientation.into()),
        (277, 3, 1, channels.into()),
        (278, 4, 1, H as u32),
        (279, 4, 1, values.len() as u32),
        (284, 3, 1, 1),
    ];
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(values);
    bytes.extend(bits.to_le_bytes().repeat(channels.into()));
    bytes
}

/// A GIF of one frame, whose codes are never longer than they begin: a clear code before each.
fn gif(indices: &[u8], palette: &[[u8; 3]; 4]) -> Vec<u8> {
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([W as u8, 0, H as u8, 0, 0b1000_0001, 0, 0]);
    bytes.extend(palette.as_flattened());
    bytes.extend([b',', 0, 0, 0, 0, W as u8, 0, H as u8, 0, 0, 2]);
    // Three bits a code: 0 to 3 are colours, 4 clears, 5 ends.
    let codes = indices.iter().flat_map(|&index| [4, index]).chain([5]);
    let (mut bits, mut packed) = (0_usize, vec![0_u8; (indices.len() * 6 + 3).div_ceil(8)]);
    for code in codes {
        for bit in 0..3 {
            packed[bits / 8] |= (code >> bit & 1) << (bits % 8);
            bits += 1;
        }
    }
    bytes.push(packed.len() as u8);
    bytes.extend(packed);
    bytes.extend([0, b';']);
    bytes
}

fn webp(rgb: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(Cursor::new(&mut bytes));
    encoder.write_image(rgb, W as u32, H as u32, ExtendedColorType::Rgb8).unwrap();
    bytes
}

#[test]
fn other_formats_are_read_to_the_pixel() {
    let rgb = noise(H * W * 3, 1);
    let grey = noise(H * W, 2);
    let indices: Vec<u8> = grey.iter().map(|value| value % 4).collect();
    let palette = [[1, 2, 3], [200, 100, 0], [9, 9, 9], [255, 0, 255]];
    let coloured: Vec<u8> = indices.iter().flat_map(|&i| palette[usize::from(i)]).collect();
    let wide: Vec<u8> = grey.iter().flat_map(|&value| [0x12, value]).collect();
    let rounded: Vec<u8> = wide
        .chunks(2)
        .map(|pair| (f64::from(u16::from_le_bytes([pair[0], pair[1]])) / 257.0).round() as u8)
        .collect();
    for (name, bytes, channels, expected) in [
        ("a.bmp", bmp(&rgb), 3, &rgb),
        ("a.tif", tiff(&rgb, 8, 3, 1), 3, &rgb),
        ("a.tiff", tiff(&grey, 8, 1, 1), 1, &grey),
        ("16 bits.tiff", tiff(&wide, 16, 1, 1), 1, &rounded),
        ("a.gif", gif(&indices, &palette), 3, &coloured),
        ("a.webp", webp(&rgb), 3, &rgb),
        ("a.png", rgb_png((H, W), &rgb), 3, &rgb),
    ] {
        let data = alone(name, &bytes, &ImageOptions::default()).unwrap();
        assert_eq!((data.len(), data.image_shape()), (1, Some((H, W, channels))), "{name}");
        assert_eq!(&data.stored_bytes(0).unwrap(), expected, "{name}");
        // In a folder, whatever its name says.
        let dir = tempfile::tempdir().unwrap();
        put(dir.path().join("train/x/1.jpg"), &bytes);
        put(dir.path().join("test/x/1.bmp"), &bytes);
        assert_eq!(&open(dir.path()).unwrap().train.stored_bytes(0).unwrap(), expected, "{name}");
    }
}

#[test]
fn an_animation_is_its_first_frame() {
    let frames = [10, 200].map(|value| vec![value; H * W * 3]);
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for frame in &frames {
        encoder.encode(frame, W as u32, H as u32, ExtendedColorType::Rgb8).unwrap();
    }
    drop(encoder);
    let data = alone("a.gif", &bytes, &ImageOptions::default()).unwrap();
    assert_eq!(data.stored_bytes(0).unwrap(), vec![10; H * W]);
}

/// A block of EXIF, big-endian, with that orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    bytes.extend([orientation, 0, 0, 0, 0, 0, 0]);
    bytes
}

fn jpeg_with(exif: &[u8], rgb: &[u8]) -> Vec<u8> {
    let jpeg = rgb_jpeg((H, W), rgb);
    let length = (2 + 6 + exif.len()) as u16;
    let segment = [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", exif].concat();
    [&jpeg[..2], &segment, &jpeg[2..]].concat()
}

fn png_with(exif: &[u8], grey: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, W as u32, H as u32);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), exif).unwrap();
    writer.write_image_data(grey).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Where the pixel of row r and column c of the file is shown, by the table of the standard: the
/// side that the first row is, and the side that the first column is.
fn shown(orientation: u8, r: usize, c: usize) -> (usize, usize) {
    let (bottom, right) = (H - 1 - r, W - 1 - c);
    match orientation {
        2 => (r, right),
        3 => (bottom, right),
        4 => (bottom, c),
        5 => (c, r),
        6 => (c, bottom),
        7 => (right, bottom),
        8 => (right, r),
        _ => (r, c),
    }
}

#[test]
fn pictures_stand_upright_as_exif_says() {
    let (grey, smooth) = (noise(H * W, 3), gradient(H, W, 3));
    for orientation in 0..=9 {
        let lies = (5..=8).contains(&orientation);
        let (height, width) = if lies { (W, H) } else { (H, W) };
        let turned = |values: &[u8], channels: usize| {
            let mut out = vec![0; values.len()];
            for (at, pixel) in values.chunks(channels).enumerate() {
                let (y, x) = shown(orientation, at / W, at % W);
                out[(y * width + x) * channels..][..channels].copy_from_slice(pixel);
            }
            out
        };
        let png = alone("a.png", &png_with(&exif(orientation), &grey), &ImageOptions::default());
        let png = png.unwrap();
        assert_eq!(png.image_shape(), Some((height, width, 1)), "{orientation}");
        assert_eq!(png.stored_bytes(0).unwrap(), turned(&grey, 1), "{orientation}");
        let tiff = alone("a.tif", &tiff(&grey, 8, 1, orientation.into()), &ImageOptions::default());
        assert_eq!(tiff.unwrap().stored_bytes(0).unwrap(), turned(&grey, 1), "{orientation}");
        let rgb = ImageOptions { channels: Channels::Rgb, ..ImageOptions::default() };
        let jpeg = alone("a.jpg", &jpeg_with(&exif(orientation), &smooth), &rgb).unwrap();
        let off = jpeg
            .stored_bytes(0)
            .unwrap()
            .iter()
            .zip(turned(&smooth, 3))
            .map(|(a, b)| a.abs_diff(b))
            .max();
        assert!(off <= Some(8), "{orientation}: {off:?}");
    }
    // A damaged block loses no picture.
    for cut in 0..exif(6).len() {
        let data = alone("a.jpg", &jpeg_with(&exif(6)[..cut], &smooth), &ImageOptions::default());
        assert!(data.is_ok(), "{cut}");
    }
}

#[test]
fn damage_is_an_error_or_another_picture_and_never_a_panic() {
    let rgb = noise(H * W * 3, 1);
    let indices: Vec<u8> = noise(H * W, 2).iter().map(|value| value % 4).collect();
    let palette = [[1, 2, 3], [200, 100, 0], [9, 9, 9], [255, 0, 255]];
    for (name, whole) in [
        ("a.bmp", bmp(&rgb)),
        ("a.gif", gif(&indices, &palette)),
        ("a.tif", tiff(&rgb, 8, 3, 6)),
        ("a.webp", webp(&rgb)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        let read = |bytes: &[u8]| {
            put(path.clone(), bytes);
            let error = open_whole(&path, &OpenOptions::default(), &|_, _| {}).err()?.to_string();
            assert!(!error.contains('\n') && error.contains(name), "{error}");
            // A panic is caught, and would be told so.
            assert!(!error.contains("its decoder cannot take"), "{error}");
            Some(error)
        };
        assert_eq!(read(&whole), None);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            for value in [0, 0xff, whole[at] ^ 0x40] {
                bytes[at] = value;
                read(&bytes);
            }
            read(&whole[..at]);
        }
        let half = read(&whole[..whole.len() / 2]);
        assert!(half.is_some(), "{name}: half a file is none");
    }
}

/// A file of a few hundred bytes once took 193 MB.
#[test]
fn a_tag_that_promises_more_than_the_file_holds_is_refused() {
    let whole = tiff(&noise(H * W, 1), 8, 1, 1);
    // The third byte of the count of each tag.
    for entry in 0..11 {
        let mut bytes = whole.clone();
        bytes[8 + 2 + 12 * entry + 6] = 0x5c;
        let error = alone("a.tif", &bytes, &ImageOptions::default()).unwrap_err();
        assert!(error.contains("a tag of the TIFF file promises more"), "{entry}: {error}");
    }
}

#[test]
fn one_image_is_one_sample() {
    let dir = tempfile::tempdir().unwrap();
    let path = put(dir.path().join("photo.png"), &grey_png((4, 6), &noise(24, 1)));
    let options =
        ImageOptions { size: Some((2, 2)), channels: Channels::Rgb, ..ImageOptions::default() };
    let opened = open_whole(&path, &options.into(), &|_, _| {}).unwrap();
    assert_eq!((&*opened.name, &*opened.format), ("photo.png", "image"));
    let Parts::Whole(data) = opened.data else { panic!("one sample") };
    assert_eq!((data.len(), data.image_shape(), data.has_labels()), (1, Some((2, 2, 3)), false));
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("too few to take some out for the test"), "{error}");
    let labels = Some(path.clone());
    let options = OpenOptions { labels, ..OpenOptions::default() };
    let error = open_with(&path, &options, &|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("name the folder that it lies in"), "{error}");
    // Text that begins like a BMP is a table.
    let table = put(dir.path().join("t.csv"), b"BMI,age\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12\n");
    assert_eq!(open(&table).unwrap().train.columns().unwrap()[0].name, "BMI");
}

#[test]
fn images_become_as_a_model_knows_them_unless_something_else_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let photo = put(dir.path().join("photo.png"), &rgb_png((4, 6), &noise(72, 1)));
    put(dir.path().join("other.png"), &grey_png((9, 5), &noise(45, 2)));
    let known = |shape| ImageOptions { known: Some(shape), ..ImageOptions::default() };
    let shape_of = |path: &std::path::Path, options: ImageOptions| {
        let opened = open_whole(path, &options.into(), &|_, _| {}).unwrap();
        let Parts::Whole(data) = opened.data else { panic!("undivided") };
        (data.image_shape().unwrap(), opened.notes)
    };
    for path in [&photo, dir.path()] {
        assert_eq!(shape_of(path, known([3, 2, 1])).0, (3, 2, 1));
        assert_eq!(shape_of(path, known([3, 2, 3])).0, (3, 2, 3));
        let asked =
            ImageOptions { size: Some((2, 2)), channels: Channels::Rgb, ..known([3, 2, 1]) };
        assert_eq!(shape_of(path, asked).0, (2, 2, 3));
    }
    let notes = shape_of(dir.path(), known([3, 2, 1])).1;
    assert_eq!(notes, ["images are brought to the size that the model takes, 3x2"]);
    // Of a table it asks nothing.
    let table = put(dir.path().join("t.csv"), b"a,b\n1,2\n3,4\n");
    assert!(open_whole(&table, &known([3, 2, 1]).into(), &|_, _| {}).is_ok());
}
