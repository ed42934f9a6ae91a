//! The rows of a table as they are stored.

use rayon::ThreadPool;

use super::dates::Date;
use super::decide;
use super::layout::{Field, Layout};
use super::marks;
use super::names::Names;
use super::parallel::for_each_part;
use super::source::{Cell, Part, TableSource, is_empty, is_missing_word};
use super::unknown::{AllUnknown, Unknown};
use crate::error::{Error, Problem, Remedy, Short};
use crate::sample::column::{Column, Dates};
use crate::sample::label::UNLABELLED;

/// Takes a row's values and its class.
pub(crate) type Sink<'a> = dyn FnMut(&[f32], u16) -> Result<(), Error> + Send + 'a;

/// Rows as they are stored.
struct Stored {
    /// (rows, columns)
    values: Vec<f32>,
    labels: Vec<u16>,
    /// The categories in them that a model does not know, by their column.
    unknown: Vec<Unknown>,
    /// The error of the row behind them.
    ended: Result<(), Error>,
}

impl Layout {
    /// Hands each row to `sink`: a value for each of [`Layout::columns`], and its class, or
    /// [`UNLABELLED`]. A number is the nearest `f32`, a category its place among the names, a
    /// missing value NaN. A category that a model does not know has a place behind those that it
    /// does. Empty rows are left out, unless a model's rows keep their numbers. Returns the columns
    /// with the names of the categories that the model does not know.
    ///
    /// # Errors
    /// The errors of `sink`; if `source` cannot be read, or is not the table that the layout is
    /// for.
    pub(crate) fn pack(
        &self,
        source: &mut dyn TableSource,
        pool: &ThreadPool,
        sink: &mut Sink<'_>,
    ) -> Result<Vec<Column>, Error> {
        let names = source.column_names().to_vec();
        if names.len() != self.fields.len() {
            return Err(self.changed());
        }
        source.read_as_text(&self.texts, self.label_at);
        let work = |part: &dyn Part| {
            let (mut values, mut labels) = (Vec::new(), Vec::new());
            let mut unknown = vec![Unknown::default(); self.columns.len()];
            let ended = part.for_each_row(&mut |row, cells| {
                if is_empty(cells) && !self.keeps_empty {
                    return Ok(());
                }
                let before = values.len();
                let label =
                    self.row(&names, row, cells, &mut values, &mut unknown).inspect_err(|_| {
                        values.truncate(before);
                    })?;
                labels.push(label);
                Ok(())
            });
            Stored { values, labels, unknown, ended }
        };
        let (mut rows, mut all_unknown) = (0, AllUnknown::of(self));
        let mut merge = |_: &dyn Part, stored: Stored| {
            let Stored { mut values, labels, unknown, ended } = stored;
            rows += labels.len() as u64;
            all_unknown.renumber(&mut values, &unknown);
            let values = values.chunks_exact(self.columns.len());
            values.zip(labels).try_for_each(|(values, label)| sink(values, label))?;
            ended
        };
        for_each_part(source, pool, &work, &mut merge)?;
        match rows == self.rows {
            true => Ok(all_unknown.into_columns(&self.columns)),
            false => Err(self.changed()),
        }
    }

    /// Appends a row's values to `values`. Returns its class. Categories that a model does not know
    /// are added to `unknown`.
    fn row(
        &self,
        names: &[String],
        row: u64,
        cells: &[Cell<'_>],
        values: &mut Vec<f32>,
        unknown: &mut [Unknown],
    ) -> Result<u16, Error> {
        let (mut label, before) = (UNLABELLED, values.len());
        for (column, (field, &cell)) in self.fields.iter().zip(cells).enumerate() {
            match (field, cell) {
                // A number among dates that are texts is another thing.
                (&Field::Number { origin, dates, .. }, Cell::Number(number))
                    if (dates.is_none() || self.decimal.is_none())
                        && ((number - origin) as f32).is_finite() =>
                {
                    values.push((number - origin) as f32);
                }
                (Field::Ignored, _) | (Field::Label(_), Cell::Missing) => {}
                (Field::Label(_), Cell::Text(text)) if self.is_missing_label(text) => {}
                (Field::Label(classes), cell) => {
                    let cell = self.label(classes, cell);
                    let class = classes.find(cell).ok_or_else(|| self.changed())?;
                    label = u16::try_from(class).map_err(|_| self.changed())?;
                }
                (Field::Number { .. } | Field::Category(_), Cell::Missing) => values.push(f32::NAN),
                (Field::Category(names @ Names::Known(places)), cell) => {
                    let place = names.find(cell).unwrap_or_else(|| {
                        let unknown = &mut unknown[values.len() - before];
                        places.len()
                            + match cell {
                                Cell::Text(text) => unknown.place(text),
                                Cell::Number(number) => unknown.place(&(number + 0.0).to_string()),
                                Cell::Missing => unknown.place(""),
                            }
                    });
                    values.push(place as f32);
                }
                (Field::Category(names), cell) => {
                    values.push(names.find(cell).ok_or_else(|| self.changed())? as f32);
                }
                (Field::Number { origin, dates, unit }, cell) => {
                    let number = self.number(cell, *dates, unit).and_then(|number| {
                        let stored = (number - origin) as f32;
                        stored.is_finite().then_some(stored).ok_or_else(|| too_large(number))
                    });
                    values.push(number.map_err(|problem| {
                        let (word, name) = (self.row_word, Short(&names[column]));
                        let place = format_args!("{word} {row}, column {name}: ");
                        Error::file(&self.path, problem.at(place))
                    })?);
                }
            }
        }
        Ok(label)
    }

    /// The number in a cell: the seconds of a date of a column of dates, or the number with marks
    /// of another, which has the column's unit or none.
    fn number(&self, cell: Cell<'_>, dates: Option<Dates>, unit: &str) -> Result<f64, Problem> {
        let text = match cell {
            Cell::Text(text) => text,
            // A number among dates that are texts is another thing.
            Cell::Number(number) if dates.is_some() && self.decimal.is_some() => {
                return Err(no_date(&format!("{number}")));
            }
            Cell::Number(number) => return Ok(number),
            Cell::Missing => return Ok(f64::NAN),
        };
        let shown = Short(text);
        if let Some(dates) = dates {
            let seconds = Date::read(text).and_then(|date| date.seconds(dates));
            return seconds.ok_or_else(|| no_date(&shown.to_string()));
        }
        let decimal = self.decimal.ok_or_else(|| no_number(text))?;
        let Some(number) = marks::number(text, decimal).or_else(|| marks::quantity(text, decimal))
        else {
            if marks::has_other_decimal(text, decimal) {
                let problem = decide::other_decimal(&shown.to_string(), decimal);
                return Err(Problem::with(problem, Remedy::DecimalMark));
            }
            return Err(no_number(text));
        };
        if number.unit.is_empty() || number.unit == unit {
            return Ok(number.value);
        }
        let had = if unit.is_empty() { "none".to_owned() } else { Short(unit).to_string() };
        Err(format!(
            "{shown} has the unit {}, where the column that was learnt from has {had}: write it as \
             there",
            Short(number.unit)
        )
        .into())
    }

    /// Tells whether a label stands for a missing value, as words in files of text do.
    fn is_missing_label(&self, text: &str) -> bool {
        self.decimal.is_some() && is_missing_word(text)
    }

    /// The cell of a label: a number where all labels are numbers.
    fn label<'a>(&self, classes: &Names, cell: Cell<'a>) -> Cell<'a> {
        match (classes, cell, self.decimal) {
            (Names::Numbers(_), Cell::Text(text), Some(decimal)) => {
                marks::plain_number(text, decimal).map_or(cell, Cell::Number)
            }
            _ => cell,
        }
    }

    fn changed(&self) -> Error {
        Error::file(&self.path, "changed while it was being read: start again")
    }
}

fn no_number(text: &str) -> Problem {
    let problem = format!(
        "{} is not a number, which the column holds: mend it, or name it as missing",
        Short(text)
    );
    Problem::with(problem, Remedy::Missing)
}

fn no_date(found: &str) -> Problem {
    let problem = format!(
        "{found} is not a date or time of the form that the column holds: write it as there, or \
         name it as missing"
    );
    Problem::with(problem, Remedy::Missing)
}

fn too_large(number: f64) -> Problem {
    format!("{number:e} is beyond the range of 32-bit floats: mend it, or leave it empty").into()
}
