//! The best weights of a run so far, by the validation samples.

use crate::event::EpochRecord;
use narrows_engine::Params;
use std::cmp::Ordering;

/// How good weights are on the validation samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    pub accuracy: Option<f64>,
    pub loss: f64,
}

impl Score {
    /// The score of an epoch, if it was validated.
    pub fn of(record: &EpochRecord) -> Option<Score> {
        record.validation_loss.map(|loss| Score { accuracy: record.validation_accuracy, loss })
    }

    /// More accurate, or as accurate at a smaller loss: among 100 samples many epochs tie.
    pub fn beats(&self, other: &Score) -> bool {
        match self.accuracy.partial_cmp(&other.accuracy) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => self.loss < other.loss,
            _ => false,
        }
    }
}

/// The weights of the best epoch.
#[derive(Clone, Debug)]
pub(crate) struct Best {
    pub score: Score,
    /// From 1 on.
    pub epoch: usize,
    pub params: Params,
}

impl Best {
    /// Keeps `params` if `record` beats what was kept. An epoch that was not validated changes nothing.
    pub fn keep(best: &mut Option<Best>, record: &EpochRecord, params: &Params) {
        let (Some(score), epoch) = (Score::of(record), record.epoch) else { return };
        match best {
            Some(best) if score.beats(&best.score) => {
                (best.score, best.epoch) = (score, epoch);
                best.params.values_mut().copy_from_slice(params.values());
            }
            Some(_) => {}
            None => *best = Some(Best { score, epoch, params: params.clone() }),
        }
    }
}
