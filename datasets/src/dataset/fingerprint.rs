//! A fingerprint of a data set: lines that differ where the data differ.

use crate::dataset::{Dataset, View};
use crate::error::Error;

/// The labels that are hashed at once.
const AT_A_TIME: usize = 1 << 15;

impl Dataset {
    /// A few lines that tell these data from others: what they look like, and checksums of values,
    /// labels, and preparation. The name and the place of the data are not among them: files may
    /// be moved.
    ///
    /// Up to 64 MiB of values are looked at as a whole. Beyond, a part of them is, or the
    /// checksums that a store has of its blocks.
    ///
    /// # Errors
    /// If the data cannot be read, or are damaged.
    pub fn fingerprint(&self) -> Result<String, Error> {
        let rows = match &self.view {
            View::Range(range) => format!("{} to {}", range.start, range.end),
            View::Listed(rows) => {
                let mut hasher = crc32fast::Hasher::new();
                rows.iter().for_each(|row| hasher.update(&row.to_le_bytes()));
                format!("{} of checksum {:08x}", rows.len(), hasher.finalize())
            }
        };
        let preparation = format!("{:?}", self.preparation);
        let names = self.class_names.join("\n");
        let crc = |text: &str| crc32fast::hash(text.as_bytes());
        Ok(format!(
            "samples: {}\nvalidation samples: {}\nshape: {:?}\ntype: {:?}\nrows: {rows}\n\
             checksum of the values: {:08x}\nclasses: {}\nchecksum of the labels: {}\n\
             checksum of the class names: {:08x}\nchecksum of the preparation: {:08x}\n",
            self.len(),
            self.validation,
            self.stored_shape,
            self.values.dtype,
            self.values.checksum()?,
            self.classes(),
            self.checksum_of_labels()?,
            crc(&names),
            crc(&preparation),
        ))
    }

    fn checksum_of_labels(&self) -> Result<String, Error> {
        if self.labels.is_none() {
            return Ok("none".to_owned());
        }
        let (mut hasher, mut bytes) = (crc32fast::Hasher::new(), Vec::new());
        self.for_each_label(|_, label| {
            bytes.extend(label.to_le_bytes());
            if bytes.len() >= AT_A_TIME {
                hasher.update(&bytes);
                bytes.clear();
            }
            Ok(())
        })?;
        hasher.update(&bytes);
        Ok(format!("{:08x}", hasher.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preparation;

    fn data(values: &[f32], shape: &[usize], labels: Option<Vec<u16>>) -> Dataset {
        Dataset::from_floats("one", values.to_vec(), shape, labels).unwrap()
    }

    #[test]
    fn each_difference_of_the_data_is_seen_and_the_name_is_none() {
        let labels = || Some(vec![0, 1, 1]);
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let same = data(&values, &[2], labels());
        let mut fingerprints = vec![same.fingerprint().unwrap()];
        let renamed = Dataset::from_floats("two", values.to_vec(), &[2], labels()).unwrap();
        assert_eq!(renamed.fingerprint().unwrap(), fingerprints[0]);
        let mut other_value = values;
        other_value[5] = f32::from_bits(6.0_f32.to_bits() + 1);
        for other in [
            data(&other_value, &[2], labels()),
            data(&values, &[2], Some(vec![0, 1, 0])),
            data(&values, &[2], None),
            data(&values, &[2, 1], labels()),
            same.clone().with_validation(1),
            same.subset(&[0, 2]).unwrap(),
            same.subset(&[2, 0]).unwrap(),
        ] {
            fingerprints.push(other.fingerprint().unwrap());
        }
        let bytes = Dataset::digits();
        fingerprints.push(bytes.fingerprint().unwrap());
        let halved = bytes.with_preparation(Preparation::Bytes { max: 32 }).unwrap();
        fingerprints.push(halved.fingerprint().unwrap());
        let all = fingerprints.len();
        fingerprints.sort();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), all);
    }

    /// A subset has other rows; its values are looked at as a whole all the same, once.
    #[test]
    fn values_beyond_the_first_blocks_count() {
        let mut bytes = vec![7.0_f32; 200_000];
        let fingerprint = |values: &[f32]| data(values, &[1], None).fingerprint().unwrap();
        let before = fingerprint(&bytes);
        bytes[199_999] = 8.0;
        assert_ne!(before, fingerprint(&bytes));
    }
}
