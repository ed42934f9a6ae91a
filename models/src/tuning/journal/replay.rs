//! The studies that the operations of a journal make, by the rules of Optuna's `JournalStorage`:
//! numbers count all trials of the file, and an operation that comes too late is passed over.

use super::distribution::Distribution;
use super::json;
use super::line::{self, Line, need};
use crate::tuning::{Direction, State, Study, Trial, Value};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, HashMap};

/// All studies of a journal.
#[derive(Default)]
pub(super) struct Replay {
    /// Each by its number in the file; none where it was deleted.
    studies: Vec<Option<Record>>,
    /// The study of each trial of the file, and the trial's number in it.
    trials: Vec<(usize, usize)>,
    /// The distributions by their text, most of which stand in many lines.
    distributions: HashMap<String, Result<Distribution, String>>,
    /// The lines so far.
    lines: usize,
}

/// A study, with the numbers of its trials in the file.
pub(super) struct Record {
    pub(super) id: usize,
    pub(super) study: Study,
    pub(super) trials: Vec<usize>,
    /// Each parameter's distribution in the first trial that has it, with that trial's number.
    first: HashMap<String, (usize, Distribution)>,
    /// The reason why it cannot be used here.
    refusal: Option<String>,
}

/// An operation was passed over, for this reason.
pub(super) type Passed = Option<String>;

impl Replay {
    /// The studies that were not deleted.
    pub(super) fn studies(&self) -> impl Iterator<Item = &Record> {
        self.studies.iter().flatten()
    }

    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// Applies a line; an error says that there is no such operation.
    pub(super) fn apply(&mut self, line: Line) -> Result<Passed, String> {
        let passed = match line.op_code {
            line::CREATE_STUDY => self.create_study(line)?,
            line::CREATE_TRIAL => self.create_trial(line)?,
            line::DELETE_STUDY | line::SET_STUDY_USER_ATTR | line::SET_STUDY_SYSTEM_ATTR => {
                self.change_study(line)?
            }
            line::SET_TRIAL_PARAM => self.set_parameter(&line)?,
            line::SET_TRIAL_STATE_VALUES
            | line::SET_TRIAL_INTERMEDIATE_VALUE
            | line::SET_TRIAL_USER_ATTR
            | line::SET_TRIAL_SYSTEM_ATTR => self.change_trial(line)?,
            // Only Rustuna writes it, and Optuna passes over it.
            line::DISCARD_TRIALS => None,
            code => return Err(format!("the operation {code} is not known")),
        };
        self.lines += 1;
        Ok(passed)
    }

    fn create_study(&mut self, line: Line) -> Result<Passed, String> {
        let name = need(line.study_name, "study_name")?;
        let directions = need(line.directions, "directions")?;
        if self.studies().any(|record| record.study.name == name) {
            return Ok(Some(format!("there is a study {name:?} already")));
        }
        let (direction, refusal) = match directions[..] {
            [1] => (Direction::Minimize, None),
            [2] => (Direction::Maximize, None),
            [_] => (Direction::Minimize, Some("its direction is not set".into())),
            _ => (
                Direction::Minimize,
                Some(format!("it has {} objectives, and only one can be", directions.len())),
            ),
        };
        let study = Study { name, direction, attributes: BTreeMap::new(), trials: Vec::new() };
        let id = self.studies.len();
        let (trials, first) = (Vec::new(), HashMap::new());
        self.studies.push(Some(Record { id, study, trials, first, refusal }));
        Ok(None)
    }

    fn change_study(&mut self, line: Line) -> Result<Passed, String> {
        let id = need(line.study_id, "study_id")?;
        let Some(place) = self.studies.get_mut(id) else { return Ok(no_study()) };
        let Some(record) = place else { return Ok(no_study()) };
        match line.op_code {
            line::DELETE_STUDY => *place = None,
            line::SET_STUDY_USER_ATTR => {
                record.study.attributes.extend(need(line.user_attr, "user_attr")?);
            }
            // Notes of Optuna to itself, which stay in the file.
            _ => drop(need(line.system_attr, "system_attr")?),
        }
        Ok(None)
    }

    fn create_trial(&mut self, line: Line) -> Result<Passed, String> {
        let id = need(line.study_id, "study_id")?;
        let state = line.state.map_or(Ok(State::Running), state)?;
        let value = match (line.value, line.values.as_deref()) {
            (Some(value), _) => Some(number(&value)?),
            (None, Some([value])) => Some(number(value)?),
            _ => None,
        };
        let mut intermediate = BTreeMap::new();
        for (step, value) in line.intermediate_values.unwrap_or_default() {
            intermediate.insert(step, number(&value)?);
        }
        let mut parameters = Vec::new();
        let mut texts = line.distributions.unwrap_or_default();
        for (name, internal) in line.params.unwrap_or_default() {
            let text = need(texts.remove(&name), "the distribution of a parameter")?;
            parameters.push((name, self.distribution(&text), internal));
        }
        let Some(Some(record)) = self.studies.get_mut(id) else { return Ok(no_study()) };
        let trial = Trial {
            number: record.study.trials.len(),
            state,
            values: BTreeMap::new(),
            domains: BTreeMap::new(),
            value,
            intermediate,
            attributes: map(line.user_attrs),
            system: map(line.system_attrs),
            started: time(line.datetime_start),
            ended: time(line.datetime_complete),
        };
        let number = trial.number;
        record.study.trials.push(trial);
        record.trials.push(self.trials.len());
        self.trials.push((id, number));
        for (name, distribution, internal) in parameters {
            record.set(number, name, distribution, &internal, self.lines + 1);
        }
        Ok(None)
    }

    fn set_parameter(&mut self, line: &Line) -> Result<Passed, String> {
        let name = need(line.param_name.clone(), "param_name")?;
        let internal = need(line.param_value_internal.as_ref(), "param_value_internal")?;
        let text = need(line.distribution.as_deref(), "distribution")?;
        let distribution = self.distribution(text);
        let lines = self.lines + 1;
        let (record, number) = match self.trial(line)? {
            Ok(found) => found,
            Err(passed) => return Ok(Some(passed)),
        };
        if let (Some((_, first)), Ok(later)) = (record.first.get(&name), &distribution)
            && !first.is_compatible(later)
        {
            return Ok(Some(format!(
                "{name} has another kind of domain in the trials before: begin a study for this"
            )));
        }
        record.set(number, name, distribution, internal, lines);
        Ok(None)
    }

    fn change_trial(&mut self, line: Line) -> Result<Passed, String> {
        let (record, number) = match self.trial(&line)? {
            Ok(found) => found,
            Err(passed) => return Ok(Some(passed)),
        };
        let trial = &mut record.study.trials[number];
        match line.op_code {
            line::SET_TRIAL_INTERMEDIATE_VALUE => {
                let value = need(line.intermediate_value, "intermediate_value")?;
                trial.intermediate.insert(need(line.step, "step")?, self::number(&value)?);
            }
            line::SET_TRIAL_USER_ATTR => {
                trial.attributes.extend(need(line.user_attr, "user_attr")?);
            }
            line::SET_TRIAL_SYSTEM_ATTR => {
                trial.system.extend(need(line.system_attr, "system_attr")?);
            }
            _ => {
                let state = state(need(line.state, "state")?)?;
                let value = match line.values.as_deref() {
                    Some([value]) => Some(self::number(value)?),
                    _ => None,
                };
                match state {
                    State::Running if trial.state == State::Running => {
                        return Ok(Some(format!("trial {number} runs already")));
                    }
                    State::Running => trial.started = time(line.datetime_start),
                    State::Waiting => {}
                    _ => trial.ended = time(line.datetime_complete),
                }
                trial.state = state;
                trial.value = value.or(trial.value);
            }
        }
        Ok(None)
    }

    /// The study and the number of a trial that may change; or the reason why it may not.
    fn trial(&mut self, line: &Line) -> Result<Result<(&mut Record, usize), String>, String> {
        let id = need(line.trial_id, "trial_id")?;
        let Some(&(study, number)) = self.trials.get(id) else {
            return Ok(Err("there is no such trial".into()));
        };
        let Some(record) = &mut self.studies[study] else {
            return Ok(Err("the study was deleted".into()));
        };
        Ok(match record.study.trials[number].state {
            State::Running | State::Waiting => Ok((record, number)),
            _ => Err(format!("trial {number} has ended already")),
        })
    }

    fn distribution(&mut self, text: &str) -> Result<Distribution, String> {
        if !self.distributions.contains_key(text) {
            self.distributions.insert(text.into(), Distribution::read(text));
        }
        self.distributions[text].clone()
    }
}

impl Record {
    /// The study, or the reason why it cannot be used here.
    pub(super) fn usable(&self) -> Result<&Study, String> {
        match &self.refusal {
            None => Ok(&self.study),
            Some(why) => Err(format!("the study {:?} cannot be used here: {why}", self.study.name)),
        }
    }

    /// Sets a parameter; the study cannot be used where the value has no meaning here.
    fn set(
        &mut self,
        number: usize,
        name: String,
        distribution: Result<Distribution, String>,
        internal: &Json,
        line: usize,
    ) {
        let value =
            |distribution: &Distribution| -> Result<Value, String> { distribution.value(internal) };
        match distribution.and_then(|distribution| Ok((value(&distribution)?, distribution))) {
            Ok((value, distribution)) => {
                let trial = &mut self.study.trials[number];
                trial.values.insert(name.clone(), value);
                trial.domains.insert(name.clone(), distribution.domain.clone());
                if self.first.get(&name).is_none_or(|&(first, _)| number <= first) {
                    self.first.insert(name, (number, distribution));
                }
            }
            Err(why) => _ = self.refusal.get_or_insert(format!("line {line}, {name:?}: {why}")),
        }
    }
}

fn no_study() -> Passed {
    Some("there is no such study".into())
}

fn state(code: u32) -> Result<State, String> {
    Ok(match code {
        0 => State::Running,
        1 => State::Complete,
        2 => State::Pruned,
        3 => State::Failed,
        4 => State::Waiting,
        _ => return Err(format!("the state {code} is not known")),
    })
}

/// Optuna's number of a state.
pub(super) fn state_code(state: State) -> u32 {
    match state {
        State::Running => 0,
        State::Complete => 1,
        State::Pruned => 2,
        State::Failed => 3,
        State::Waiting => 4,
    }
}

fn number(json: &Json) -> Result<f64, String> {
    json::number(json).ok_or_else(|| format!("{json} is not a number"))
}

fn map(json: Option<Map<String, Json>>) -> BTreeMap<String, Json> {
    json.unwrap_or_default().into_iter().collect()
}

/// Without the zone, which is UTC in all that Optuna writes since its version 4.
fn time(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim_end_matches("+00:00").into())
}
