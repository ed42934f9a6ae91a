//! The training rows that a row's distance is measured to.

use super::super::inputs::Chosen;
use crate::cli::options::row_output::Part;
use crate::error::Error;
use narrows_datasets::{Dataset, Parts, Rows, UNLABELLED};
use narrows_models::novelty::Normal;

/// The samples to learn from in some data, some of their rows alone.
pub struct Training {
    from: Chosen,
    /// True if the rows to score are of the same data.
    same: bool,
}

impl Training {
    /// Those of `parts`, where `part` of it is scored. With `all`, they are all rows of undivided
    /// data, unless a part of these is asked for.
    pub fn of(parts: &Parts, part: Option<Part>, all: bool) -> Result<Training, Error> {
        let is_whole = matches!(parts, Parts::Whole(_));
        let from = match is_whole && all && part.is_none_or(|part| part == Part::All) {
            true => Chosen::from(parts.clone(), None)?,
            false => Chosen::from(parts.clone(), Some(Part::Train))?,
        };
        let same = match part {
            None | Some(Part::All) => is_whole,
            Some(part) => part == Part::Train,
        };
        Ok(Training { from, same })
    }

    /// Leaves out the rows whose class is none of `normal`, unless no row has a label.
    pub fn restrict(&mut self, normal: &[String]) -> Result<(), Error> {
        let data = &self.from.data;
        let Some(labels) = data.labels()? else { return Ok(()) };
        let is_normal = |row: u32| match labels[row as usize] {
            UNLABELLED => false,
            label => normal.contains(&data.class_names()[usize::from(label)]),
        };
        let rows = self.from.rows();
        let rows = (0..rows.len()).map(|at| rows.get(at)).filter(|row| is_normal(*row));
        self.from.rows = Some(rows.collect());
        Ok(())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.from.rows().len()
    }

    /// The samples that count as normal.
    pub fn normal(&self) -> Normal<'_> {
        let data: &Dataset = &self.from.data;
        let rows: Rows<'_> = self.from.rows();
        Normal { data, rows, same: self.same }
    }
}
