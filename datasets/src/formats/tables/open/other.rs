//! A table whose rows come behind those of another.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::ThreadPool;

use crate::error::{Error, Short, bail, listed};
use crate::formats::options::{LabelColumn, TableOptions};
use crate::formats::tables::layout::Layout;
use crate::formats::tables::rows::Sink;
use crate::formats::tables::source::{OpenSource, TableSource};
use crate::sample::column::Column;
use crate::sample::label::UNLABELLED;

/// A table of the same columns, whose rows are learnt from without a label, or validate.
pub(crate) struct OtherTable {
    pub(super) path: PathBuf,
    source: Box<dyn TableSource>,
    options: TableOptions,
    pub(super) validates: bool,
}

impl OtherTable {
    /// With the column `label`, its rows are for validation.
    pub(super) fn open(
        path: &Path,
        options: &TableOptions,
        source: OpenSource,
        label: Option<&str>,
    ) -> Result<Self, Error> {
        // Lists of columns may name one that this table does not have, and columns are known. What
        // is ignored may hold anything.
        let ignore = options.ignore.clone();
        let options = TableOptions {
            label: label.map_or(LabelColumn::Absent, |name| LabelColumn::Named(name.to_owned())),
            delimiter: options.delimiter,
            header: options.header,
            decimal: options.decimal,
            missing: options.all_missing(),
            ..TableOptions::default()
        };
        let source = source(path, &TableOptions { ignore, ..options.clone() })?;
        Ok(OtherTable { path: path.to_owned(), source, options, validates: label.is_some() })
    }

    /// Hands on its rows, their values in the order of the columns of `layout`, their labels as
    /// those of the same class there. Returns their number, and what is to be said of the table.
    pub(super) fn pack(
        &mut self,
        layout: &Layout,
        pool: &ThreadPool,
        sink: &mut Sink<'_>,
    ) -> Result<(u64, Vec<String>), Error> {
        let options = TableOptions {
            known: Some(layout.columns.clone()),
            new_categories: true,
            ..self.options.clone()
        };
        let own = Layout::infer(&mut *self.source, &self.path, &options, pool)?;
        let names = own.columns.iter().map(|column| &column.name);
        let of_own: HashMap<&String, usize> = names.zip(0..).collect();
        let place = |column: &Column| of_own.get(&column.name).copied();
        let places: Vec<usize> = layout.columns.iter().filter_map(place).collect();
        let classes = layout.class_names.as_deref().unwrap_or_default();
        let of_class: HashMap<&String, u16> = classes.iter().zip(0..).collect();
        let mut labels = Vec::new();
        for name in own.class_names.iter().flatten() {
            let Some(&label) = of_class.get(name) else {
                let (name, classes) = (Short(name), listed(classes));
                bail!(
                    &self.path,
                    "has the label {name}, which is none of the classes to learn, {classes}: give \
                     a sample to learn from that label, or leave out the rows that have it"
                )
            };
            labels.push(label);
        }
        let mut ordered = vec![0.0; places.len()];
        own.pack(&mut *self.source, pool, &mut |values, label| {
            for (to, &from) in ordered.iter_mut().zip(&places) {
                *to = values[from];
            }
            sink(&ordered, labels.get(usize::from(label)).copied().unwrap_or(UNLABELLED))
        })?;
        Ok((own.rows, own.notes))
    }
}
