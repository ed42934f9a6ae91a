//! The different values of a column of categories, or of labels.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use super::marks;
use super::source::Cell;
use crate::formats::options::Decimal;

/// The bytes of memory that the values of all columns may take.
const MOST_MEMORY: usize = 8 << 20;
/// The bytes that a value takes beside its text.
const EACH: usize = 64;
/// Below it, all whole numbers are exact, and no other is read as one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The bytes of memory that are left for all columns.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Budget(MOST_MEMORY)
    }
}

impl Budget {
    /// Takes `bytes` off; `false` if there are not as many.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// The values that have been met.
#[derive(Default)]
pub(super) struct Seen {
    /// Each with its count.
    texts: HashMap<Box<str>, u64, FixedState>,
    /// By their bits, none of them -0.
    numbers: HashSet<u64, FixedState>,
}

impl Seen {
    pub(super) fn len(&self) -> usize {
        self.texts.len() + self.numbers.len()
    }

    /// The texts, each with its count, in no order.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.texts.iter().map(|(text, count)| (&**text, *count))
    }

    /// Adds a text; `false` if there is no memory for it.
    pub(super) fn add_text(&mut self, text: &str, budget: &mut Budget) -> bool {
        if let Some(count) = self.texts.get_mut(text) {
            *count += 1;
            return true;
        }
        budget.spend(EACH + text.len()) && self.texts.insert(text.into(), 1).is_none()
    }

    /// Adds a number; `false` if there is no memory for it.
    pub(super) fn add_number(&mut self, number: f64, budget: &mut Budget) -> bool {
        let bits = (number + 0.0).to_bits();
        self.numbers.contains(&bits) || budget.spend(EACH) && self.numbers.insert(bits)
    }

    /// The number of values that `others` has beside these, and the memory for them.
    pub(super) fn growth(&self, others: &Seen) -> (usize, usize) {
        let texts = others.texts.keys().filter(|text| !self.texts.contains_key(*text));
        let numbers = others.numbers.iter().filter(|bits| !self.numbers.contains(*bits));
        let (count, bytes) =
            texts.fold((0, 0), |(count, bytes), text| (count + 1, bytes + EACH + text.len()));
        let numbers = numbers.count();
        (count + numbers, bytes + EACH * numbers)
    }

    /// Adds the values of `others`, for which there is memory.
    pub(super) fn add_all(&mut self, others: Seen) {
        for (text, count) in others.texts {
            *self.texts.entry(text).or_default() += count;
        }
        self.numbers.extend(others.numbers);
    }

    /// The values as numbers, if these are what they are: without zeros before them, as codes have
    /// them, and with no more digits than an `f64` holds. Else by their texts.
    pub(super) fn into_numbers(mut self, decimal: Decimal) -> Names {
        let plain = |text: &str| {
            let digits = text.trim_start_matches(['-', '+']);
            let coded = digits.len() > 1
                && digits.starts_with('0')
                && digits.as_bytes()[1].is_ascii_digit();
            let number = marks::plain_number(text, decimal)?;
            (!coded && number.abs() < EXACT).then_some(number + 0.0)
        };
        let numbers: Option<Vec<f64>> = self.texts.keys().map(|text| plain(text)).collect();
        if let Some(numbers) = numbers {
            self.texts.clear();
            self.numbers.extend(numbers.into_iter().map(f64::to_bits));
        }
        self.into_names()
    }

    pub(super) fn into_names(self) -> Names {
        let mut numbers: Vec<f64> = self.numbers.into_iter().map(f64::from_bits).collect();
        if self.texts.is_empty() {
            numbers.sort_by(f64::total_cmp);
            return Names::Numbers(numbers);
        }
        let mut texts: Vec<String> = self.texts.into_keys().map(String::from).collect();
        texts.extend(numbers.into_iter().map(|number| number.to_string()));
        // Numbers come in their order, if all are.
        let number = |text: &String| text.parse::<f64>().ok().filter(|number| number.is_finite());
        match texts.iter().map(number).collect::<Option<Vec<f64>>>() {
            Some(_) => texts.sort_unstable_by(|one, other| {
                let by_number = number(one).partial_cmp(&number(other));
                by_number.unwrap_or(std::cmp::Ordering::Equal).then_with(|| one.cmp(other))
            }),
            None => texts.sort_unstable(),
        }
        texts.dedup();
        let places = places(&texts);
        Names::Texts(texts, places)
    }
}

/// The number of each value.
type Places = HashMap<String, usize, FixedState>;

/// The values, numbered in their order.
#[derive(Debug)]
pub(super) enum Names {
    /// All are numbers: ascending.
    Numbers(Vec<f64>),
    /// In the order of their bytes, or of the numbers that all of them are.
    Texts(Vec<String>, Places),
    /// The values of a table read before, with their numbers there.
    Known(Places),
}

impl Names {
    pub(super) fn known(names: &[String]) -> Self {
        Names::Known(places(names))
    }

    /// The names, unless they are known: these have been handed in.
    pub(super) fn to_strings(&self) -> Vec<String> {
        match self {
            Names::Numbers(numbers) => numbers.iter().map(f64::to_string).collect(),
            Names::Texts(texts, _) => texts.clone(),
            Names::Known(_) => Vec::new(),
        }
    }

    /// The number of the value in a cell that is not missing.
    pub(super) fn find(&self, cell: Cell<'_>) -> Option<usize> {
        match (self, cell) {
            (Names::Numbers(numbers), Cell::Number(number)) => {
                numbers.binary_search_by(|other| other.total_cmp(&(number + 0.0))).ok()
            }
            (Names::Texts(_, places), Cell::Text(text)) => places.get(text).copied(),
            // Categories of a typed column are called by their numbers.
            (Names::Known(places), Cell::Text(text)) => places.get(text).copied().or_else(|| {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
                places.get(&(number + 0.0).to_string()).copied()
            }),
            (Names::Texts(_, places) | Names::Known(places), Cell::Number(number)) => {
                places.get(&(number + 0.0).to_string()).copied()
            }
            (Names::Numbers(_), Cell::Text(_)) | (_, Cell::Missing) => None,
        }
    }
}

fn places(names: &[String]) -> Places {
    names.iter().cloned().enumerate().map(|(number, name)| (name, number)).collect()
}
