//! Grid search: all combinations, once each.
//!
//! The combinations are counted through, the last parameter fastest. Trials step through that
//! count in strides of about its golden section, which has no factor in common with it: so the
//! first trials, all that a small budget tries, already lie apart in every parameter.

use super::draws::Draws;
use super::scale::Kind;
use crate::tuning::space::{Domain, Parameter, Space};
use crate::tuning::value::{Value, Values};

/// The values of trial `number`; none if there are no more.
pub(super) fn sample(space: &Space, points: usize, number: usize, seed: u64) -> Option<Values> {
    let grid = Grid::new(space, points);
    let size = grid.size(0, &mut Values::new());
    if number as u64 >= size {
        return None;
    }
    let golden = (size as f64 * 0.618_033_988_749_894_9) as u64;
    let stride = (golden.max(1)..).find(|&stride| common_factor(stride, size) == 1)?;
    let start = (Draws::new(seed, 0, 0).uniform() * size as f64) as u64 % size;
    let at = (u128::from(start) + number as u128 * u128::from(stride)) % u128::from(size);
    Some(grid.combination(at as u64))
}

/// The number of combinations; `u64::MAX` if it is larger.
pub(super) fn size(space: &Space, points: usize) -> u64 {
    Grid::new(space, points).size(0, &mut Values::new())
}

fn common_factor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_factor(b, a % b) }
}

struct Grid<'a> {
    parameters: &'a [Parameter],
    /// The points of each parameter.
    points: Vec<Vec<Value>>,
    /// True of each parameter that a condition names.
    decides: Vec<bool>,
}

impl Grid<'_> {
    fn new(space: &Space, points: usize) -> Grid<'_> {
        let named = |parameter: &Parameter| -> Vec<Value> {
            let conditions = space.parameters.iter().flat_map(|other| &other.conditions);
            conditions
                .filter(|on| on.parameter == parameter.name)
                .flat_map(|on| on.is.clone())
                .collect()
        };
        Grid {
            parameters: &space.parameters,
            points: space.parameters.iter().map(|p| self::points(p, points, named(p))).collect(),
            decides: space.parameters.iter().map(|p| !named(p).is_empty()).collect(),
        }
    }

    /// The number of combinations of the parameters from `place` on, beside `values`, which are
    /// those that conditions name.
    fn size(&self, place: usize, values: &mut Values) -> u64 {
        let Some(parameter) = self.parameters.get(place) else { return 1 };
        if !parameter.is_active(values) {
            return self.size(place + 1, values);
        }
        if !self.decides[place] {
            let rest = self.size(place + 1, values);
            return rest.saturating_mul(self.points[place].len() as u64);
        }
        let mut size = 0_u64;
        for value in &self.points[place] {
            values.insert(parameter.name.clone(), value.clone());
            size = size.saturating_add(self.size(place + 1, values));
        }
        values.remove(&parameter.name);
        size
    }

    /// The combination of that number.
    fn combination(&self, mut number: u64) -> Values {
        let mut values = Values::new();
        for (place, parameter) in self.parameters.iter().enumerate() {
            if !parameter.is_active(&values) {
                continue;
            }
            for value in &self.points[place] {
                values.insert(parameter.name.clone(), value.clone());
                let rest = self.size(place + 1, &mut values);
                if number < rest {
                    break;
                }
                number -= rest;
            }
        }
        values
    }
}

/// The points of a parameter: all choices, and of a range `points` that are evenly apart on its
/// scale. Whole numbers that conditions name are always among them.
fn points(parameter: &Parameter, points: usize, named: Vec<Value>) -> Vec<Value> {
    let points = points.max(1);
    let (least, most) = match parameter.domain {
        Domain::Choice(ref values) => return values.clone(),
        Domain::Integer { low, high, .. } if high.abs_diff(low) < points as u64 => {
            return (low..=high).map(Value::Integer).collect();
        }
        Domain::Integer { low, high, .. } => (low as f64, high as f64),
        Domain::Float { low, high, .. } => (low, high),
    };
    let Kind::Range(scale) = Kind::of(&parameter.domain) else { return named };
    let (low, high) = (scale.place(least), scale.place(most));
    let mut numbers: Vec<f64> = (0..points)
        .map(|i| match (i, points) {
            (_, 1) => scale.number((low + high) / 2.0),
            (0, _) => least,
            _ if i + 1 == points => most,
            _ => scale.number(low + (high - low) * i as f64 / (points - 1) as f64),
        })
        .chain(named.iter().filter_map(Value::number))
        .collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    numbers.into_iter().map(|x| scale.value(x)).collect()
}
