//! The rows of a table as they are stored.

use super::layout::Field;
use super::layout::Layout;
use super::names::Names;
use super::source::{Cell, TableSource};
use crate::error::{Error, Short, bail};
use crate::sample::label::UNLABELLED;

impl Layout {
    /// Hands each row to `sink`: a value for each of [`Layout::columns`], and its class, or
    /// [`UNLABELLED`]. A number is the nearest `f32`, a category its place among the names, a
    /// missing value NaN.
    ///
    /// # Errors
    /// The errors of `sink`; if `source` cannot be read, or is not the table that the layout is
    /// for.
    #[allow(clippy::type_complexity)]
    pub(crate) fn pack(
        &self,
        source: &mut dyn TableSource,
        sink: &mut dyn FnMut(&[f32], u16) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let names = source.column_names().to_vec();
        if names.len() != self.fields.len() {
            return Err(self.changed());
        }
        let mut values = Vec::with_capacity(self.columns.len());
        let mut rows = 0;
        source.for_each_row(&mut |row, cells| {
            values.clear();
            let mut label = UNLABELLED;
            for (column, (field, &cell)) in self.fields.iter().zip(cells).enumerate() {
                match (field, cell) {
                    (Field::Ignored, _) | (Field::Label(_), Cell::Missing) => {}
                    (Field::Label(classes), cell) => {
                        let class = classes.find(cell).ok_or_else(|| self.changed())?;
                        label = u16::try_from(class).map_err(|_| self.changed())?;
                    }
                    (Field::Number | Field::Category(_), Cell::Missing) => values.push(f32::NAN),
                    (Field::Number, Cell::Number(number)) if (number as f32).is_finite() => {
                        values.push(number as f32);
                    }
                    (Field::Category(names @ Names::Known(_)), cell) => {
                        values.push(names.find(cell).map_or(f32::NAN, |place| place as f32));
                    }
                    (Field::Category(names), cell) => {
                        values.push(names.find(cell).ok_or_else(|| self.changed())? as f32);
                    }
                    (Field::Number, cell) => {
                        let found = match cell {
                            Cell::Text(text) => Short(text).to_string(),
                            Cell::Number(number) => format!("{number:e}"),
                            Cell::Missing => String::new(),
                        };
                        let (word, name) = (self.row_word, Short(&names[column]));
                        bail!(
                            &self.path,
                            "{word} {row}, column {name}: {found} is not a number within the \
                             range of 32-bit floats, which the column holds"
                        );
                    }
                }
            }
            rows += 1;
            sink(&values, label)
        })?;
        if rows == self.rows { Ok(()) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Error {
        Error::file(&self.path, "changed while it was being read: start again")
    }
}
