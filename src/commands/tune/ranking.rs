//! The order of trials, from the best on.

use narrows_models::tuning::{Space, State, Study, Trial};

/// The trials that are through, the best one first. Those of another program may have parameters
/// that are not in the space: nothing can be made of them.
pub fn ranking<'s>(study: &'s Study, space: &Space) -> Vec<&'s Trial> {
    let is_known = |name: &String| space.parameters.iter().any(|of| of.name == *name);
    let through = |trial: &&Trial| {
        let finite = trial.value.is_some_and(f64::is_finite);
        trial.state == State::Complete && finite && trial.values.keys().all(is_known)
    };
    let mut trials: Vec<&Trial> = study.trials.iter().filter(through).collect();
    let value = |trial: &Trial| trial.value.unwrap_or(f64::NAN);
    // Stable: of equal trials the first one comes first.
    trials.sort_by(|a, b| {
        let (a, b) = (value(a), value(b));
        study.direction.better(b, a).cmp(&study.direction.better(a, b))
    });
    trials
}
