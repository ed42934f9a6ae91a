//! Samples as a model sees them that learnt from others, or as images.

use std::ops::Range;

use super::Dataset;
use super::gather::AT_A_TIME;
use crate::error::{Error, Short};
use crate::files::data_file::Access;
use crate::preparation::Preparation;
use crate::sample::column::{Column, ColumnKind};
use crate::sample::dtype::Dtype;

/// A stored number as a user wrote it, or close to that.
pub(crate) fn written(number: f64) -> String {
    let number = number as f32;
    if number == 0.0 || (1e-4..1e7).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

impl Dataset {
    /// The same samples as images of `[height, width, channels]`, whose values lie row by row and
    /// pixel by pixel. Columns of a table are no columns any more.
    ///
    /// # Errors
    /// If a sample has another number of values, or a column holds categories.
    pub(crate) fn into_images(
        self,
        [height, width, channels]: [usize; 3],
    ) -> Result<Dataset, Error> {
        let (values, expected) = (self.values.width, height * width * channels);
        if values != expected {
            let advice = "ignore columns that are no pixels, or give another shape";
            return Err(self.error(format!(
                "a sample has {values} values, where an image of {height}x{width}x{channels} has \
                 {expected}: {advice}"
            )));
        }
        let no_pixels =
            |column: &&Column| !matches!(column.kind, ColumnKind::Number { origin: 0, .. });
        if let Some(column) = self.columns().unwrap_or_default().iter().find(no_pixels) {
            let name = Short(&column.name);
            return Err(self.error(format!("the column {name} holds no pixels: ignore it")));
        }
        let shape = [height, width, channels];
        let stored_shape = if channels == 1 { shape[..2].to_vec() } else { shape.to_vec() };
        Ok(Dataset { stored_shape, columns: None, ..self })
    }

    /// These samples as a model sees them that learnt from others with the preparation
    /// `preparation`. Columns and categories of a table are found by their names, in any order.
    /// Bytes keep their own maximum.
    ///
    /// # Errors
    /// If a column is not there, values are of another type or another number, a number is far
    /// beyond those learnt from, or a value of an array is not finite.
    pub fn prepared_like(self, preparation: &Preparation) -> Result<Self, Error> {
        let adapted = match (preparation, &self.columns) {
            (Preparation::Bytes { .. }, _) if self.dtype() == Dtype::U8 => return Ok(self),
            (Preparation::Table(_), Some(columns)) => {
                preparation.adapted(columns).map_err(|e| self.error(e))?
            }
            _ => preparation.clone(),
        };
        let data = self.with_preparation(adapted)?;
        data.check_learnt_from(0..data.len())?;
        Ok(data)
    }

    /// Refuses numbers of `rows` that are far beyond those that its preparation learnt from, and
    /// those of an array that are not finite.
    pub(crate) fn check_learnt_from(&self, rows: Range<usize>) -> Result<(), Error> {
        if self.dtype() != Dtype::F32 || rows.is_empty() {
            return Ok(());
        }
        self.for_each_stored_floats(rows, AT_A_TIME, |row, sample| {
            self.check_finite(row, sample)?;
            let Some(at) = self.preparation.far_off(sample) else { return Ok(()) };
            let place = self.cell(row as u32, at, sample[at]);
            let remedy = self.remedy("mend it, or leave it empty as missing");
            let problem = "far beyond the numbers learnt from";
            Err(self.error(format!("{place} is {problem}: {remedy}")))
        })
    }

    /// Refuses the sample `row` of an array if a value is infinite or NaN. In a table, NaN is a
    /// missing value.
    pub(crate) fn check_finite(&self, row: usize, sample: &[f32]) -> Result<(), Error> {
        match sample.iter().position(|value| !value.is_finite()) {
            Some(at) if self.columns.is_none() => Err(self.error(format!(
                "sample {} holds {} at its value {at}: mend or remove it",
                self.stored_row(row as u32),
                sample[at]
            ))),
            _ => Ok(()),
        }
    }

    /// The error of the stored `number`, the value `at` of the sample `row`, beside which the
    /// others do not count.
    pub(crate) fn too_large(&self, row: u32, at: usize, number: f32) -> Error {
        let place = self.cell(row, at, number);
        let remedy = self.remedy("mend it, leave it empty as missing, or ignore the column");
        let problem = "so large that the other numbers do not count beside it";
        self.error(format!("{place} is {problem}: {remedy}"))
    }

    /// A stored number and its place, as a user finds them.
    fn cell(&self, row: u32, at: usize, number: f32) -> String {
        let number = f64::from(number);
        match self.columns.as_ref().and_then(|columns| columns.get(at)) {
            Some(Column { name, kind }) => {
                let number = written(number + kind.origin() as f64);
                format!("{}, column {}: {number}", self.place(row), Short(name))
            }
            None => format!("sample {}, value {at}: {}", self.stored_row(row), written(number)),
        }
    }

    fn remedy(&self, of_table: &'static str) -> &'static str {
        match self.columns {
            Some(_) => of_table,
            None => "mend it, or remove the sample",
        }
    }

    /// For each of `rows` of a table, the feature of a number that is more than 8 standard
    /// deviations from the mean learnt from; or, of a category that was never seen, the number of
    /// features plus the place of its column among [`columns`](Dataset::columns). `None` where
    /// there is neither, and for all data but tables.
    ///
    /// # Errors
    /// If samples cannot be read.
    ///
    /// # Panics
    /// If a row is not there.
    pub fn out_of_range(&self, rows: &[u32]) -> Result<Vec<Option<usize>>, Error> {
        let Preparation::Table(table) = &*self.preparation else {
            return Ok(vec![None; rows.len()]);
        };
        let width = self.values.width;
        let mut stored = vec![0.0_f32; rows.len() * width];
        self.gather_stored_by(Access::Read, rows, bytemuck::cast_slice_mut(&mut stored))?;
        Ok(stored.chunks_exact(width).map(|row| table.out_of_range(row)).collect())
    }
}
