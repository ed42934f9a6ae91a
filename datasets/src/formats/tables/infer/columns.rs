//! The columns of a layout, as the findings on them decide.

use super::Inference;
use super::alike::alike;
use crate::error::{Error, RefusedColumn, Short, bail};
use crate::formats::options::Decimal;
use crate::formats::tables::counts::{Counted, Counts, FEW_CATEGORIES};
use crate::formats::tables::decide::{Kind, Wrong, categories, classes, kind};
use crate::formats::tables::layout::{Field, Layout};
use crate::formats::tables::names::Names;
use crate::formats::tables::roles::Role;
use crate::formats::tables::source::Cell;
use crate::sample::column::{Column, ColumnKind, Dates, Encoding};

/// Up to so many inputs of one column need no note.
const MANY_INPUTS: usize = 20;

impl Inference<'_> {
    /// The layout of `rows` rows.
    pub(super) fn decide(mut self, rows: u64) -> Result<Layout, Error> {
        let mut layout = Layout {
            path: self.path.to_owned(),
            row_word: self.row_word,
            decimal: self.decimal,
            texts: std::mem::take(&mut self.texts),
            label_at: self.label_at(),
            keeps_empty: self.keeps_empty(),
            notes: Vec::new(),
            fields: Vec::new(),
            columns: Vec::new(),
            label: None,
            class_names: None,
            rows,
            labelled: 0,
            missing: Vec::new(),
            rounded: 0,
        };
        if self.empty_rows > 0 {
            let (rows, are) = if self.empty_rows == 1 { ("row", "is") } else { ("rows", "are") };
            layout.notes.push(match layout.keeps_empty {
                true => format!(
                    "{} empty {rows} {are} kept, so that all keep their numbers: each value is \
                     taken as missing",
                    self.empty_rows
                ),
                false => format!("{} empty {rows} {are} left out", self.empty_rows),
            });
        }
        let mut refused: Vec<RefusedColumn> = Vec::new();
        for (at, counts) in std::mem::take(&mut self.counts).into_iter().enumerate() {
            let name = &self.names[at];
            let known = self.known.as_ref().and_then(|known| known.get(name.as_str()));
            let field = match (self.roles[at], known) {
                (Role::Ignored, _) => Field::Ignored,
                (Role::Label, _) => {
                    layout.label = Some(name.clone());
                    layout.labelled = counts.numbers + counts.texts;
                    if let Some((_, word)) = &counts.first_missing_word
                        && counts.texts > 0
                    {
                        let (count, name) = (counts.missing_words, Short(name));
                        let (labels, are) =
                            if count == 1 { ("label", "is") } else { ("labels", "are") };
                        layout.notes.push(format!(
                            "{count} {labels} of the column {name}, such as {word}, {are} taken as \
                             missing: give such a class another name if it is one"
                        ));
                    }
                    let classes = classes(counts, self.decimal)
                        .map_err(|(row, problem)| self.wrong_label(row, at, problem))?;
                    let names = classes.to_strings();
                    layout.notes.extend(alike(name, &names));
                    layout.class_names = (layout.labelled > 0).then_some(names);
                    Field::Label(classes)
                }
                (Role::Feature { .. }, Some(&column)) => {
                    layout.missing.push(0);
                    layout.columns.push(column.clone());
                    match &column.kind {
                        ColumnKind::Number { origin, dates, unit, .. } => {
                            if counts.has_no_unit() {
                                let (name, unit) = (Short(name), Short(unit));
                                layout.notes.push(format!(
                                    "the column {name} has numbers without the unit {unit}, which \
                                     those that were learnt from had: they are taken to be in it"
                                ));
                            }
                            let (origin, unit) = (*origin as f64, unit.clone());
                            Field::Number { origin, dates: *dates, unit }
                        }
                        ColumnKind::Category { names, encoding } => {
                            let mut names = names.clone();
                            let known = Names::known(&names);
                            let seen = counts.seen.unwrap_or_default().into_names().to_strings();
                            names.extend(
                                seen.into_iter()
                                    .filter(|name| known.find(Cell::Text(name)).is_none()),
                            );
                            let field = Field::Category(Names::known(&names));
                            let kind = ColumnKind::Category { names, encoding: *encoding };
                            if let Some(stored) = layout.columns.last_mut() {
                                stored.kind = kind;
                            }
                            field
                        }
                    }
                }
                (role @ Role::Feature { .. }, None) => {
                    match self.feature(name, role, counts, &mut layout) {
                        Ok(field) => {
                            let row = self.leading_zeros[at];
                            if let (Some(row), Field::Number { dates: None, .. }) = (row, &field) {
                                let (name, word) = (Short(name), self.row_word);
                                layout.notes.push(format!(
                                    "the column {name} is read as numbers, and that in {word} \
                                     {row} has a zero before it, as codes have: have it \
                                     categorical to keep the zeros, or ignore it"
                                ));
                            }
                            field
                        }
                        // Others may have a problem, too: all are found.
                        Err((row, problem)) => {
                            refused.push(self.refused(row, at, problem));
                            Field::Ignored
                        }
                    }
                }
            };
            layout.fields.push(field);
        }
        if !refused.is_empty() {
            return Err(Error::Columns { path: self.path.to_owned(), refused });
        }
        if layout.columns.is_empty() {
            bail!(self.path, "has no column with a value to learn from");
        }
        Ok(layout)
    }

    /// Decides on a column of features. It is added to `layout`, unless it is empty.
    fn feature(
        &self,
        name: &str,
        role: Role,
        counts: Counts,
        layout: &mut Layout,
    ) -> Result<Field, Wrong> {
        let rows = layout.rows;
        let measured = counts.measured();
        let (origin, rounded, missing) = (measured.origin(), measured.rounded(), counts.missing);
        let shown = Short(name);
        let comma = self.decimal == Some(Decimal::Comma);
        let (field, kind) = match kind(&counts, role, rows, self.row_word, self.decimal)? {
            Kind::Empty => {
                layout.notes.push(format!("the column {shown} is missing in every row: left out"));
                return Ok(Field::Ignored);
            }
            Kind::Number => {
                let quantities = counts.quantities.as_deref().map(|found| &found.unit);
                let unit = quantities.or(counts.sign.as_deref());
                let first = unit.map(|unit| &unit.first).or(counts.first_marked.as_ref());
                if let Some((_, text)) = first {
                    layout
                        .notes
                        .push(format!("the column {shown} is read as numbers, as in {text}"));
                }
                if counts.numbers > 1 && counts.measured().compact_dates == counts.numbers {
                    layout.notes.push(format!(
                        "the column {shown} looks like dates such as 20210304, and is read as \
                         plain numbers: write them as 2021-03-04 if they are dates"
                    ));
                }
                layout.rounded += rounded;
                let unit = unit.map_or(String::new(), |unit| unit.unit.clone());
                let number = ColumnKind::Number { origin, dates: None, comma, unit: unit.clone() };
                (Field::Number { origin: origin as f64, dates: None, unit }, number)
            }
            Kind::Date(dates) => {
                let form = match dates {
                    Dates::HoursFirst => "times, in seconds: hours and minutes come first",
                    Dates::MinutesFirst => "times, in seconds: minutes come before seconds",
                    _ if counts.short_years => {
                        "dates, in seconds since 1970: years of two digits are 1969 to 2068"
                    }
                    _ => "dates, in seconds since 1970",
                };
                layout.notes.push(format!("the column {shown} is read as {form}"));
                let (dates, unit) = (Some(dates), String::new());
                (
                    Field::Number { origin: origin as f64, dates, unit: unit.clone() },
                    ColumnKind::Number { origin, dates, comma, unit },
                )
            }
            Kind::Categories => {
                if counts.look_like_dates()
                    && let Some((_, text)) = &counts.first_text
                {
                    layout.notes.push(format!(
                        "the column {shown} looks like dates in a form that is not read, as in \
                         {text}, and is read as categories: write them as 2021-12-31 if they are \
                         dates"
                    ));
                }
                if counts.numbers > 0 && counts.kind == Counted::Features {
                    layout.notes.push(format!(
                        "the column {shown} has numbers among its texts, and is read as categories"
                    ));
                }
                let Role::Feature { ordinal, .. } = role else { return Ok(Field::Ignored) };
                let names = categories(counts, rows, self.row_word)?;
                let inputs = names.to_strings().len();
                if !ordinal && inputs > FEW_CATEGORIES.min(MANY_INPUTS.max(rows as usize / 10)) {
                    layout.notes.push(format!(
                        "the column {shown} has {inputs} different values, and each becomes an \
                         input: ignore the column if they are free text"
                    ));
                }
                let encoding = if ordinal { Encoding::Ordinal } else { Encoding::OneHot };
                let category = ColumnKind::Category { names: names.to_strings(), encoding };
                (Field::Category(names), category)
            }
        };
        layout.missing.push(missing);
        layout.columns.push(Column { name: name.to_owned(), kind });
        Ok(field)
    }
}
