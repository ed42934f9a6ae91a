//! Files that are as they should be.

use std::fs;

use crate::made_files::{gzip, idx, put};
use crate::mnist_files::{GOOD, put_good};
use narrows_datasets::{Dataset, Preparation, TrainTest, open};

fn assert_good(both: TrainTest) {
    for (dataset, (_, sizes, values), (_, _, labels)) in
        [(&both.train, GOOD[0], GOOD[1]), (&both.test, GOOD[2], GOOD[3])]
    {
        assert_eq!(dataset.len(), sizes[0] as usize);
        assert_eq!(dataset.sample_len(), 6);
        assert_eq!(dataset.image_shape(), Some((2, 3, 1)));
        let labels: Vec<u16> = labels.iter().map(|&label| u16::from(label)).collect();
        assert_eq!(dataset.labels().unwrap(), Some(&labels[..]));
        assert_eq!(dataset.classes(), 3);
        assert_eq!(dataset.preparation(), &Preparation::Bytes { max: 255 });
        let samples: Vec<Vec<u8>> =
            (0..dataset.len()).map(|row| dataset.stored_bytes(row).unwrap()).collect();
        assert_eq!(samples.concat(), values);
    }
}

#[test]
fn plain_compressed_and_dotted_names_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    assert_good(open(folder.path()).unwrap());
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(open(folder.path()).unwrap().test.name(), name);

    for (old, new) in [("-idx", ".idx"), ("", ".gz")] {
        let folder = tempfile::tempdir().unwrap();
        for (name, sizes, values) in GOOD {
            let bytes = idx(0x08, sizes, values);
            if new == ".gz" {
                put(folder.path(), &format!("{name}.gz"), &gzip(&bytes));
            } else {
                put(folder.path(), &name.replace(old, new), &bytes);
            }
        }
        assert_good(open(folder.path()).unwrap());
    }
}

#[test]
fn the_content_says_whether_a_file_is_compressed_and_not_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (_, sizes, values) = GOOD[0];
    let whole = idx(0x08, sizes, values);
    for path in
        [put(folder.path(), "compressed", &gzip(&whole)), put(folder.path(), "plain.gz", &whole)]
    {
        let dataset = Dataset::from_idx("named wrongly", &path, None).unwrap();
        assert_eq!((dataset.len(), dataset.stored_bytes(4).unwrap()), (5, values[24..].to_vec()));
    }
}

#[test]
fn a_plain_file_is_preferred_to_a_compressed_one() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    put(folder.path(), "train-images-idx3-ubyte.gz", b"not looked at");
    assert_good(open(folder.path()).unwrap());
}

#[test]
fn gzip_of_several_members_and_of_many_pieces_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    // Above the piece in which memory grows, and no multiple of it.
    let values: Vec<u8> =
        (0..3_000_003_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let whole = idx(0x08, &[3, 1, 1_000_001], &values);
    let members: Vec<u8> = whole.chunks(1_234_567).flat_map(gzip).collect();
    let path = put(folder.path(), "images.gz", &members);
    let dataset = Dataset::from_idx("members", &path, None).unwrap();
    assert_eq!(dataset.len(), 3);
    let written = |row| &values[row * 1_000_001..][..1_000_001];
    assert!((0..3).all(|row| dataset.stored_bytes(row).unwrap() == written(row)));
}

#[test]
fn a_fourth_dimension_is_the_channels() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = idx(0x08, &[2, 1, 2, 3], b"abcdefghijkl");
    for path in
        [put(folder.path(), "images", &bytes), put(folder.path(), "images.gz", &gzip(&bytes))]
    {
        let dataset = Dataset::from_idx("colour", &path, None).unwrap();
        assert_eq!((dataset.len(), dataset.image_shape()), (2, Some((1, 2, 3))));
        assert_eq!(
            [dataset.stored_bytes(0).unwrap(), dataset.stored_bytes(1).unwrap()],
            [b"abcdef", b"ghijkl"]
        );
    }
}

#[test]
fn without_labels_there_are_no_classes() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    let dataset =
        Dataset::from_idx("images alone", &folder.path().join("train-images-idx3-ubyte"), None)
            .unwrap();
    assert_eq!((dataset.labels().unwrap(), dataset.classes(), dataset.len()), (None, 0, 5));
}

#[test]
fn a_file_may_be_replaced_by_a_rename_while_it_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    put_good(folder.path());
    let both = open(folder.path()).unwrap();
    let new = put(folder.path(), "new", b"short");
    fs::rename(new, folder.path().join("train-images-idx3-ubyte")).unwrap();
    assert_good(both);
}

#[test]
fn gather_divides_the_chosen_rows_and_writes_nothing_else() {
    let (len, sample_len) = (23, 37);
    let values: Vec<u8> = (0..len * sample_len).map(|i| (i * 31 % 16) as u8).collect();
    let labels: Vec<u16> = (0..len).map(|row| (row % 4) as u16).collect();
    let dataset =
        Dataset::from_values("made up", values.clone(), &[sample_len], 15, Some(labels)).unwrap();
    let rows = [22, 0, 7, 7, 13];

    let mut x = vec![f32::NAN; rows.len() * sample_len + 2];
    let end = x.len() - 1;
    dataset.gather(&rows, &mut x[1..end]).unwrap();
    assert!(x[0].is_nan() && x[end].is_nan());
    let expected: Vec<f32> = rows
        .iter()
        .flat_map(|&row| &values[row as usize * sample_len..][..sample_len])
        .map(|&value| f32::from(value) / 15.0)
        .collect();
    assert_eq!(x[1..end], expected);

    let mut y = [99; 5];
    dataset.gather_labels(&rows, &mut y).unwrap();
    assert_eq!(y, [2, 0, 3, 3, 1]);
}

#[test]
fn a_subset_has_its_rows_and_keeps_the_classes() {
    let dataset =
        Dataset::from_values("six", (0..12).collect(), &[1, 2], 11, Some(vec![0, 1, 2, 3, 4, 5]))
            .unwrap();
    let subset = dataset.subset(&[4, 1]).unwrap();
    assert_eq!(
        (subset.len(), subset.stored_bytes(0).unwrap(), subset.stored_bytes(1).unwrap()),
        (2, vec![8, 9], vec![2, 3])
    );
    assert_eq!((subset.labels().unwrap(), subset.classes()), (Some(&[4, 1][..]), 6));
    assert_eq!(
        (subset.image_shape(), subset.preparation()),
        (Some((1, 2, 1)), &Preparation::Bytes { max: 11 })
    );
    assert!(dataset.subset(&[]).unwrap().is_empty());
}

#[test]
fn shapes_are_images_or_plain_features() {
    let shape_of = |shape: &[usize]| {
        Dataset::from_values("zeros", vec![0; 60], shape, 1, None).unwrap().image_shape()
    };
    assert_eq!(shape_of(&[60]), None);
    assert_eq!(shape_of(&[5, 6]), Some((5, 6, 1)));
    assert_eq!(shape_of(&[2, 5, 3]), Some((2, 5, 3)));
}
