//! What a page takes from `metrics.csv`.

use std::collections::HashMap;

/// What was measured along the epochs of a training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Training {
    pub name: String,
    pub epochs: Vec<Epoch>,
}

/// An epoch. What was not measured is not a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    pub epoch: f64,
    pub train_loss: f64,
    pub validation_loss: f64,
    pub validation_accuracy: f64,
    pub seconds: f64,
}

const HEADER: &str = "run,epoch,lr,train_loss,validation_loss,validation_accuracy,seconds";

/// Reads the text of the file; an error says what is wrong with which line.
pub fn read(text: &str) -> Result<Vec<Training>, String> {
    let mut lines = text.lines().enumerate();
    if !lines.next().is_some_and(|(_, header)| header.starts_with(HEADER)) {
        return Err(format!("its first line is not that of a run, {HEADER},..."));
    }
    let mut trainings: Vec<Training> = Vec::new();
    let mut places = HashMap::new();
    for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
        // From the right: a name may hold commas.
        let cells: Vec<&str> = line.rsplitn(8, ',').collect();
        let [_, seconds, accuracy, validation, train, _, epoch, name] = cells[..] else {
            return Err(format!("line {} has fewer than 8 cells", at + 1));
        };
        let number = |cell: &str| match cell {
            "" => Ok(f64::NAN),
            cell => cell.parse().map_err(|_| {
                let cell: String = cell.chars().take(40).collect();
                format!("line {}: {cell:?} is not a number", at + 1)
            }),
        };
        let epoch = Epoch {
            epoch: number(epoch)?,
            train_loss: number(train)?,
            validation_loss: number(validation)?,
            validation_accuracy: number(accuracy)?,
            seconds: number(seconds)?,
        };
        // Trainings side by side write in turns while a run goes on.
        let at = *places.entry(name).or_insert(trainings.len());
        match trainings.get_mut(at) {
            Some(training) => training.epochs.push(epoch),
            None => trainings.push(Training { name: name.to_string(), epochs: vec![epoch] }),
        }
    }
    Ok(trainings)
}

/// At most `most` of the points, among them the least and the greatest of each stretch, so that no
/// peak is lost. What is not finite is left out.
pub fn thinned(points: impl Iterator<Item = (f64, f64)>, most: usize) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() <= most {
        return points;
    }
    let stretch = points.len().div_ceil((most / 2).max(1));
    let mut kept = Vec::with_capacity(most);
    for part in points.chunks(stretch) {
        let by = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (Some(low), Some(high)) = (part.iter().min_by(by), part.iter().max_by(by)) else {
            continue;
        };
        let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        kept.push(*first);
        if first != second {
            kept.push(*second);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_training_by_training() {
        let text = format!(
            "{HEADER},samples_per_second\na, b,1,0.1,2,,0.5,0.1,9\nc,1,0,1,1,1,1,1\n\
             a, b,2,0.1,1,3,,0.1,9\n"
        );
        let trainings = read(&text).unwrap();
        let names: Vec<&str> = trainings.iter().map(|training| &training.name[..]).collect();
        assert_eq!(names, ["a, b", "c"]);
        let [first, second] = trainings[0].epochs[..] else { panic!("{trainings:?}") };
        assert!(first.validation_loss.is_nan() && first.validation_accuracy == 0.5);
        assert_eq!((second.epoch, second.train_loss, second.validation_loss), (2.0, 1.0, 3.0));
        assert!(read("a,b\n").unwrap_err().contains("first line"));
        assert!(read(&format!("{HEADER}\nx,1\n")).unwrap_err().contains("line 2"));
        let wrong = format!("{HEADER}\nx,1,0,no,1,1,1,1\n");
        assert_eq!(read(&wrong).unwrap_err(), "line 2: \"no\" is not a number");
    }

    #[test]
    fn peaks_survive_thinning() {
        let value = |i: usize| match i {
            70_123 => 9.0,
            70_124 => -9.0,
            i => (i as f64 * 0.01).sin(),
        };
        let points = || (0..100_000).map(|i| (i as f64, value(i)));
        let thin = thinned(points(), 200);
        assert!(thin.len() <= 200, "{}", thin.len());
        assert!(thin.contains(&(70_123.0, 9.0)) && thin.contains(&(70_124.0, -9.0)));
        assert!(thin.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(thinned(points().take(3), 200), points().take(3).collect::<Vec<_>>());
    }
}
