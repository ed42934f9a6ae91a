//! The different values of a column of categories, or of labels.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::source::Cell;

/// The bytes of memory that the values of all columns may take.
const MOST_MEMORY: usize = 8 << 20;
/// The bytes that a value takes beside its text.
const EACH: usize = 64;

/// The bytes of memory that are left for all columns.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Budget(MOST_MEMORY)
    }
}

impl Budget {
    /// Takes `bytes` off; `false` if there are not as many.
    fn spend(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// The values that have been met.
#[derive(Default)]
pub(super) struct Seen {
    texts: BTreeSet<Box<str>>,
    /// By their bits, none of them -0.
    numbers: HashSet<u64>,
}

impl Seen {
    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.numbers.len()
    }

    /// Adds a text; `false` if there is no memory for it.
    pub(super) fn add_text(&mut self, text: &str, budget: &mut Budget) -> bool {
        self.texts.contains(text)
            || budget.spend(EACH + text.len()) && self.texts.insert(text.into())
    }

    /// Adds a number; `false` if there is no memory for it.
    pub(super) fn add_number(&mut self, number: f64, budget: &mut Budget) -> bool {
        let bits = (number + 0.0).to_bits();
        self.numbers.contains(&bits) || budget.spend(EACH) && self.numbers.insert(bits)
    }

    pub(super) fn into_names(self) -> Names {
        let mut numbers: Vec<f64> = self.numbers.into_iter().map(f64::from_bits).collect();
        if self.texts.is_empty() {
            numbers.sort_by(f64::total_cmp);
            return Names::Numbers(numbers);
        }
        let mut texts = self.texts;
        texts.extend(numbers.into_iter().map(|number| number.to_string().into_boxed_str()));
        Names::Texts(texts.into_iter().map(String::from).collect())
    }
}

/// The values, numbered in their order.
#[derive(Debug)]
pub(super) enum Names {
    /// All are numbers: ascending.
    Numbers(Vec<f64>),
    /// In the order of their bytes.
    Texts(Vec<String>),
    /// The values of a table read before, with their numbers there.
    Known(HashMap<String, usize>),
}

impl Names {
    pub(super) fn known(names: &[String]) -> Self {
        Names::Known(
            names.iter().cloned().enumerate().map(|(number, name)| (name, number)).collect(),
        )
    }

    /// The names, unless they are known: these have been handed in.
    pub(super) fn to_strings(&self) -> Vec<String> {
        match self {
            Names::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
            Names::Texts(texts) => texts.clone(),
            Names::Known(_) => Vec::new(),
        }
    }

    /// The number of the value in a cell that is not missing.
    pub(super) fn find(&self, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Names::Numbers(numbers), Cell::Number(number)) => {
                numbers.binary_search_by(|other| other.total_cmp(&(number + 0.0))).ok()
            }
            (Names::Texts(texts), Cell::Text(text)) => {
                texts.binary_search_by(|other| other.as_str().cmp(text)).ok()
            }
            (Names::Texts(texts), Cell::Number(number)) => {
                texts.binary_search(&(number + 0.0).to_string()).ok()
            }
            (Names::Known(names), Cell::Text(text)) => names.get(text).copied(),
            (Names::Known(names), Cell::Number(number)) => {
                names.get(&(number + 0.0).to_string()).copied()
            }
            (Names::Numbers(_), Cell::Text(_)) | (_, Cell::Missing) => None,
        }
    }
}
