//! The rows of a table as they are stored.

use rayon::ThreadPool;

use super::dates::Date;
use super::layout::{Field, Layout};
use super::marks;
use super::names::Names;
use super::parallel::for_each_part;
use super::source::{Cell, Part, TableSource, is_empty};
use crate::error::{Error, Short, bail};
use crate::sample::column::Dates;
use crate::sample::label::UNLABELLED;

/// Takes a row's values and its class.
pub(crate) type Sink<'a> = dyn FnMut(&[f32], u16) -> Result<(), Error> + Send + 'a;

/// Rows as they are stored.
struct Stored {
    /// (rows, columns)
    values: Vec<f32>,
    labels: Vec<u16>,
    /// The error of the row behind them.
    ended: Result<(), Error>,
}

impl Layout {
    /// Hands each row to `sink`: a value for each of [`Layout::columns`], and its class, or
    /// [`UNLABELLED`]. A number is the nearest `f32`, a category its place among the names, a
    /// missing value NaN. A category that a model does not know has the place behind all others.
    /// Empty rows are left out, unless a model's rows keep their numbers.
    ///
    /// # Errors
    /// The errors of `sink`; if `source` cannot be read, or is not the table that the layout is
    /// for.
    pub(crate) fn pack(
        &self,
        source: &mut dyn TableSource,
        pool: &ThreadPool,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        let names = source.column_names().to_vec();
        if names.len() != self.fields.len() {
            return Err(self.changed());
        }
        source.read_as_text(&self.texts);
        let work = |part: &dyn Part| {
            let (mut values, mut labels) = (Vec::new(), Vec::new());
            let ended = part.for_each_row(&mut |row, cells| {
                if is_empty(cells) && !self.keeps_empty {
                    return Ok(());
                }
                let before = values.len();
                let label = self.row(&names, row, cells, &mut values).inspect_err(|_| {
                    values.truncate(before);
                })?;
                labels.push(label);
                Ok(())
            });
            Stored { values, labels, ended }
        };
        let mut rows = 0;
        let mut merge = |_: &dyn Part, Stored { values, labels, ended }: Stored| {
            rows += labels.len() as u64;
            let values = values.chunks_exact(self.columns.len());
            values.zip(labels).try_for_each(|(values, label)| sink(values, label))?;
            ended
        };
        for_each_part(source, pool, &work, &mut merge)?;
        if rows == self.rows { Ok(()) } else { Err(self.changed()) }
    }

    /// Appends a row's values to `values`. Returns its class.
    fn row(
        &self,
        names: &[String],
        row: u64,
        cells: &[Cell<'_>],
        values: &mut Vec<f32>,
    ) -> Result<u16, Error> {
        let mut label = UNLABELLED;
        for (column, (field, &cell)) in self.fields.iter().zip(cells).enumerate() {
            match (field, cell) {
                // A number among dates that are texts is another thing.
                (&Field::Number { origin, dates }, Cell::Number(number))
                    if (dates.is_none() || self.decimal.is_none())
                        && ((number - origin) as f32).is_finite() =>
                {
                    values.push((number - origin) as f32);
                }
                (Field::Ignored, _) | (Field::Label(_), Cell::Missing) => {}
                (Field::Label(classes), cell) => {
                    let class = classes.find(cell).ok_or_else(|| self.changed())?;
                    label = u16::try_from(class).map_err(|_| self.changed())?;
                }
                (Field::Number { .. } | Field::Category(_), Cell::Missing) => values.push(f32::NAN),
                // A place behind all others is that of a category that the model does not know.
                (Field::Category(names @ Names::Known(places)), cell) => {
                    values.push(names.find(cell).unwrap_or(places.len()) as f32);
                }
                (Field::Category(names), cell) => {
                    values.push(names.find(cell).ok_or_else(|| self.changed())? as f32);
                }
                (&Field::Number { origin, dates }, cell) => {
                    if let Cell::Text(text) = cell
                        && let Some(number) = self.written_number(text, dates)
                        && ((number - origin) as f32).is_finite()
                    {
                        values.push((number - origin) as f32);
                        continue;
                    }
                    let found = match cell {
                        Cell::Text(text) => Short(text).to_string(),
                        Cell::Number(number) => format!("{number:e}"),
                        Cell::Missing => String::new(),
                    };
                    let (word, name) = (self.row_word, Short(&names[column]));
                    bail!(
                        &self.path,
                        "{word} {row}, column {name}: {found} is not a number within the range of \
                         32-bit floats, which the column holds"
                    );
                }
            }
        }
        Ok(label)
    }

    /// The number that a text is: a date of a column of dates, or a number with marks of another.
    fn written_number(&self, text: &str, dates: Option<Dates>) -> Option<f64> {
        match dates {
            Some(dates) => Date::read(text)?.seconds(dates),
            None => marks::number(text, self.decimal?).map(|number| number.value),
        }
    }

    fn changed(&self) -> Error {
        Error::file(&self.path, "changed while it was being read: start again")
    }
}
