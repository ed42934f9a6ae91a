//! The trials that a picture shows, from poor to good.

use super::colour::{BEHIND, BEST, graded};
use super::page::Measure;
use crate::output::numbers::thousands;
use narrows_models::tuning::{State, Study, Trial};
use plotters::style::{Color, ShapeStyle};

/// The lines of a kind that a picture has at most: more are not told apart, and fill the file.
const MOST: usize = 300;

/// The trials of a picture.
pub struct Trials<'a> {
    /// The best complete ones, the best last, with their colour's share: 0 for the poorest of
    /// these, 1 for the best.
    pub graded: Vec<(&'a Trial, f64)>,
    /// The latest of those that were paused or pruned.
    pub behind: Vec<&'a Trial>,
    /// The numbers of trials, those that are left out among them.
    pub notes: String,
}

impl<'a> Trials<'a> {
    /// Those for which `shows` is true: the others have nothing to draw.
    pub fn new(study: &'a Study, nothing: &str, shows: impl Fn(&Trial) -> bool) -> Trials<'a> {
        let finite = |trial: &&Trial| trial.value.is_some_and(f64::is_finite);
        let (mut complete, odd): (Vec<&Trial>, Vec<&Trial>) =
            in_state(study, &[State::Complete]).partition(finite);
        let better = |a: &Trial, b: &Trial| match (a.value, b.value) {
            (Some(a), Some(b)) => study.direction.better(a, b),
            _ => false,
        };
        // Sorting is stable: the first of equal ones is the best, as the study has it.
        complete.sort_by(|a, b| better(b, a).cmp(&better(a, b)));
        let count = complete.len();
        let mut best: Vec<&Trial> = complete.into_iter().filter(|trial| shows(trial)).collect();
        let shown = best.len();
        best.truncate(MOST);
        let poorer =
            |trial: &Trial| best.len() - best.partition_point(|other| !better(trial, other));
        let most = best.first().map_or(0, |best| poorer(best));
        let share = |trial: &Trial| match most {
            0 => 1.0,
            _ => poorer(trial) as f64 / most as f64,
        };
        let graded = best.iter().rev().map(|&trial| (trial, share(trial))).collect();
        let ended: Vec<&Trial> = in_state(study, &[State::Running, State::Pruned]).collect();
        let mut behind: Vec<&Trial> = ended.iter().copied().filter(|trial| shows(trial)).collect();
        let shown_behind = behind.len();
        behind.drain(..shown_behind.saturating_sub(MOST));

        let mut notes = vec![part(count, "complete", "best", shown)];
        if !ended.is_empty() {
            notes.push(part(ended.len(), "paused or pruned", "latest", shown_behind));
        }
        for (count, what) in [
            (count - shown + ended.len() - shown_behind, nothing),
            (odd.len(), "without a number for a value"),
            (in_state(study, &[State::Failed]).count(), "failed"),
            (in_state(study, &[State::Waiting]).count(), "waiting"),
        ] {
            if count > 0 {
                notes.push(format!("{} {what}, not drawn", thousands(count)));
            }
        }
        Trials { graded, behind, notes: format!("Trials: {}.", notes.join("; ")) }
    }

    /// All lines in the order of drawing, each in its colour: the best one thick, those of paused
    /// and pruned trials grey.
    pub fn lines(&self) -> impl Iterator<Item = (&'a Trial, ShapeStyle)> {
        let behind = self.behind.iter().map(|&trial| (trial, BEHIND.stroke_width(1)));
        behind.chain(self.graded.iter().map(|&(trial, share)| match self.is_best(trial) {
            true => (trial, BEST.stroke_width(4)),
            false => (trial, graded(share).stroke_width(1)),
        }))
    }

    /// The best one, if it is drawn.
    pub fn best(&self) -> Option<&'a Trial> {
        self.graded.last().map(|&(trial, _)| trial)
    }

    /// By its number: a trial with a value that is not a number is not equal to itself.
    pub fn is_best(&self, trial: &Trial) -> bool {
        self.best().is_some_and(|best| best.number == trial.number)
    }

    /// The best one in words: `trial 17, 93.21 %`.
    pub fn best_text(&self, measure: &Measure<'_>) -> Option<String> {
        let best = self.best()?;
        Some(format!("trial {}, {}", thousands(best.number), measure.text(best.value?)))
    }
}

fn in_state<'a>(study: &'a Study, states: &'a [State]) -> impl Iterator<Item = &'a Trial> {
    study.trials.iter().filter(|trial| states.contains(&trial.state))
}

/// `1,200 complete, of which the best 300 are drawn`.
fn part(count: usize, what: &str, which: &str, shown: usize) -> String {
    let all = format!("{} {what}", thousands(count));
    if shown <= MOST { all } else { format!("{all}, of which the {which} {MOST} are drawn") }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use narrows_models::tuning::{Direction, Value};

    pub fn trial(number: usize, state: State, value: f64) -> Trial {
        Trial {
            number,
            state,
            values: [("lr".to_owned(), Value::Float(0.01))].into(),
            domains: Default::default(),
            value: (state == State::Complete).then_some(value),
            intermediate: Default::default(),
            attributes: Default::default(),
            system: Default::default(),
            started: None,
            ended: None,
        }
    }

    pub fn study(direction: Direction, trials: Vec<Trial>) -> Study {
        Study { name: "study".to_owned(), direction, attributes: Default::default(), trials }
    }

    #[test]
    fn the_best_is_last_and_the_first_of_equal_ones() {
        let values = [0.5, 0.9, 0.1, 0.9, f64::NAN];
        for (direction, best, shares) in [
            (Direction::Maximize, 1, vec![0.0, 1.0 / 2.0, 1.0, 1.0]),
            (Direction::Minimize, 2, vec![0.0, 0.0, 2.0 / 3.0, 1.0]),
        ] {
            let trials = values.iter().enumerate();
            let trials = trials.map(|(i, &value)| trial(i, State::Complete, value)).collect();
            let study = study(direction, trials);
            let trials = Trials::new(&study, "without values", |_| true);
            assert_eq!(trials.best().unwrap().number, best);
            assert_eq!(trials.best(), study.best());
            assert_eq!(trials.graded.iter().map(|&(_, share)| share).collect::<Vec<_>>(), shares);
            assert_eq!(
                trials.notes,
                "Trials: 4 complete; 1 without a number for a value, not drawn."
            );
        }
    }

    #[test]
    fn equal_trials_are_all_the_best() {
        let trials = (0..3).map(|i| trial(i, State::Complete, 0.5)).collect();
        let study = study(Direction::Minimize, trials);
        let trials = Trials::new(&study, "", |_| true);
        assert!(trials.graded.iter().all(|&(_, share)| share == 1.0));
        assert_eq!(trials.best().unwrap().number, 0);
    }

    #[test]
    fn all_that_is_left_out_is_said() {
        let state = |i: usize| match i {
            0..400 => State::Complete,
            400..410 => State::Running,
            410..800 => State::Pruned,
            800..1900 => State::Failed,
            _ => State::Waiting,
        };
        let trials = (0..2000).map(|i| trial(i, state(i), i as f64)).collect();
        let study = study(Direction::Maximize, trials);
        let trials = Trials::new(&study, "without steps", |trial| trial.number % 10 != 0);
        assert_eq!((trials.graded.len(), trials.behind.len()), (300, 300));
        assert_eq!(trials.best().unwrap().number, 399);
        assert_eq!(trials.behind[299].number, 799);
        assert_eq!(
            trials.notes,
            "Trials: 400 complete, of which the best 300 are drawn; 400 paused or pruned, of which \
             the latest 300 are drawn; 80 without steps, not drawn; 1,100 failed, not drawn; 100 \
             waiting, not drawn."
        );
        assert_eq!(Trials::new(&study, "", |_| false).best(), None);
    }
}
