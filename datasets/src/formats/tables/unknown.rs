//! Categories that a model does not know. They keep their names, behind those that it does.
//!
//! Each part of the rows numbers its own. They are numbered anew in the order of the rows, so that
//! the parts' threads change nothing.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::layout::{Field, Layout};
use super::names::Names;
use crate::sample::column::{Column, ColumnKind};

/// The most names that a column keeps. The place behind them is that of all others.
const MOST: usize = 1_000;
/// The bytes of the longest name that is kept.
const LONGEST: usize = 256;

/// The categories of one column that the model does not know.
#[derive(Clone, Default)]
pub(super) struct Unknown {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, usize, FixedState>,
}

impl Unknown {
    /// The place of `name` among them; [`MOST`] if there is no room for it.
    pub(super) fn place(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        if self.names.len() == MOST || name.len() > LONGEST {
            return MOST;
        }
        self.names.push(name.into());
        self.places.insert(name.into(), self.names.len() - 1);
        self.names.len() - 1
    }
}

/// Those of all columns, as the rows tell them.
pub(super) struct AllUnknown {
    /// For each stored column, the number of categories that are known, and the others. `None`
    /// for other columns.
    columns: Vec<Option<(usize, Unknown)>>,
}

impl AllUnknown {
    pub(super) fn of(layout: &Layout) -> Self {
        let column = |field: &Field| match field {
            Field::Ignored | Field::Label(_) => None,
            Field::Category(Names::Known(places)) => Some(Some((places.len(), Unknown::default()))),
            Field::Number { .. } | Field::Category(_) => Some(None),
        };
        AllUnknown { columns: layout.fields.iter().filter_map(column).collect() }
    }

    /// Numbers the categories anew in the `values` of some rows, which numbered them as `found`
    /// has them, column by column.
    pub(super) fn renumber(&mut self, values: &mut [f32], found: &[Unknown]) {
        let width = self.columns.len();
        for (at, (column, found)) in self.columns.iter_mut().zip(found).enumerate() {
            let Some((known, unknown)) = column else { continue };
            // Without any, no value is behind those known.
            if found.names.is_empty() {
                continue;
            }
            let places: Vec<usize> = found.names.iter().map(|name| unknown.place(name)).collect();
            for value in values.iter_mut().skip(at).step_by(width) {
                if *value >= *known as f32 {
                    let place = places.get(*value as usize - *known).copied().unwrap_or(MOST);
                    *value = (*known + place) as f32;
                }
            }
        }
    }

    /// The columns of the layout with the names found.
    pub(super) fn into_columns(self, columns: &[Column]) -> Vec<Column> {
        let mut columns = columns.to_vec();
        for (column, found) in columns.iter_mut().zip(self.columns) {
            if let (ColumnKind::Category { names, .. }, Some((_, unknown))) =
                (&mut column.kind, found)
            {
                names.extend(unknown.names.into_iter().map(String::from));
            }
        }
        columns
    }
}
