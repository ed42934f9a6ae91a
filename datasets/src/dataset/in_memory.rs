//! Data sets of values that the caller has in memory.

use crate::dataset::Dataset;
use crate::dataset::values::Values;
use crate::error::Error;
use crate::preparation::Preparation;
use crate::sample::dtype::Dtype;
use crate::sample::label::UNLABELLED;

impl Dataset {
    /// Wraps unsigned bytes, sample after sample, each of the shape `sample_shape`: `[features]`,
    /// `[height, width]` or `[height, width, channels]`. Values run from 0 to `max_value`.
    ///
    /// There is one label for each sample, or none at all. A sample without a label has
    /// [`UNLABELLED`](crate::UNLABELLED). The number of classes is the largest label plus one.
    ///
    /// # Errors
    /// If there is no sample, a part of one, or more than `u32::MAX`; if a size or `max_value` is
    /// zero; if a value lies above `max_value`; if there are not as many labels as samples.
    pub fn from_values(
        name: impl Into<String>,
        values: Vec<u8>,
        sample_shape: &[usize],
        max_value: u8,
        labels: Option<Vec<u16>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::data_set(&name, problem);
        if max_value == 0 {
            let problem = "the largest value is given as 0, where it has to be 1 to 255";
            return Err(wrong(problem.to_owned()));
        }
        if let Some(at) = values.iter().position(|&value| value > max_value) {
            let value = values[at];
            return Err(wrong(format!(
                "value {at} is {value}, above the given maximum of {max_value}"
            )));
        }
        let width = width(sample_shape, values.len()).map_err(wrong)?;
        let preparation = Preparation::Bytes { max: max_value };
        Self::in_memory(&name, Values::bytes(values, width), sample_shape, preparation, labels)
    }

    /// Wraps floats, as [`Dataset::from_values`] wraps bytes. A model sees them as they are.
    ///
    /// # Errors
    /// The same, and if a value is not finite.
    pub fn from_floats(
        name: impl Into<String>,
        values: Vec<f32>,
        sample_shape: &[usize],
        labels: Option<Vec<u16>>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let wrong = |problem: String| Error::data_set(&name, problem);
        let width = width(sample_shape, values.len()).map_err(wrong)?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, place) = (at / width, at % width);
            return Err(wrong(format!("sample {row} holds {} at its value {place}", values[at])));
        }
        let values = Values::floats(values, width);
        Self::in_memory(&name, values, sample_shape, Preparation::Floats, labels)
    }

    /// These samples, and behind them those of `validation`, which are of the same kind, for
    /// validation; all in memory. There, a class that is not known here is no label.
    pub(crate) fn joined_with_validation(self, validation: Dataset) -> Result<Dataset, Error> {
        let count = validation.len();
        let validation = validation.with_known_classes(&self.class_names)?;
        let (mut bytes, mut floats, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for half in [&self, &validation] {
            half.for_each_stored(|_, sample, label| {
                match self.values.dtype {
                    Dtype::U8 => bytes.extend_from_slice(sample),
                    Dtype::F32 => {
                        let values = sample.as_chunks().0.iter();
                        floats.extend(values.map(|&value| f32::from_le_bytes(value)));
                    }
                }
                let known = usize::from(label) < self.class_names.len();
                labels.push(if known { label } else { UNLABELLED });
                Ok(())
            })?;
        }
        let values = match self.values.dtype {
            Dtype::U8 => Values::bytes(bytes, self.values.width),
            Dtype::F32 => Values::floats(floats, self.values.width),
        };
        let preparation = Preparation::clone(&self.preparation);
        let all = Dataset::new(self.name.clone(), values, &self.stored_shape, preparation)
            .map_err(|problem| self.error(problem))?
            .with_provenance(self.provenance().clone());
        let all = match self.has_labels() {
            true => all.with_labels(labels.into()).with_class_names(self.class_names),
            false => all,
        };
        Ok(all.with_validation(count))
    }

    fn in_memory(
        name: &str,
        values: Values,
        sample_shape: &[usize],
        preparation: Preparation,
        labels: Option<Vec<u16>>,
    ) -> Result<Self, Error> {
        let dataset = Self::new(name.to_owned(), values, sample_shape, preparation)
            .map_err(|problem| Error::data_set(name, problem))?;
        match labels {
            None => Ok(dataset),
            Some(labels) if labels.len() == dataset.len() => Ok(dataset.with_labels(labels.into())),
            Some(labels) => {
                let (samples, labels) = (dataset.len(), labels.len());
                Err(dataset.error(format!("{samples} samples come with {labels} labels")))
            }
        }
    }
}

/// The number of values in a sample of the shape `sample_shape`, if `count` values are whole
/// samples, and at least one.
pub(crate) fn width(sample_shape: &[usize], count: usize) -> Result<usize, String> {
    let width = sample_width(sample_shape)?;
    if count == 0 || !count.is_multiple_of(width) {
        return Err(format!(
            "{count} values do not divide into samples of {width} (shape {sample_shape:?})"
        ));
    }
    Ok(width)
}

/// The number of values in a sample of the shape `sample_shape`.
pub(crate) fn sample_width(sample_shape: &[usize]) -> Result<usize, String> {
    let width = sample_shape.iter().try_fold(1_usize, |width, &size| width.checked_mul(size));
    width
        .filter(|&width| width > 0 && !sample_shape.is_empty())
        .ok_or_else(|| format!("no sample can have the shape {sample_shape:?}"))
}
