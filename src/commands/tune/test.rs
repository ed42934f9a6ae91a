//! The final test: the best trial and the defaults of its method, both trained anew on other label
//! draws, meet the test samples once.

use super::configuration::Configuration;
use crate::error::Error;
use narrows_engine::{Context, Params};
use narrows_models::experiments::candidate::Encoder;
use narrows_models::statistics::{Accuracies, Gain};
use narrows_models::{Metric, Observer};
use serde::Serialize;

/// The best trials of the search, which are trained anew to choose one.
pub const FINALISTS: usize = 3;

/// What a configuration reaches on the draws of the final test.
#[derive(Clone, Debug, Serialize)]
pub struct Tested {
    /// On the validation labels of these draws.
    pub validation: Accuracies,
    /// On all test samples that have a label, by the metric.
    pub test: Accuracies,
    /// The learning rate that most draws chose.
    pub lr: f32,
}

impl Tested {
    /// Trains it on `draws` draws, and tests it.
    pub fn of(
        configuration: &Configuration<'_>,
        draws: usize,
        cx: &Context,
        observer: &dyn Observer,
    ) -> Result<Tested, Error> {
        let pretrained: Option<Params>;
        let encoder = configuration.encoder()?;
        let params = match &encoder {
            Encoder::None => None,
            Encoder::Given(params) => Some(*params),
            Encoder::Pretrained(pretraining) => {
                pretrained = Some(pretraining.check()?.train(cx, observer)?);
                pretrained.as_ref()
            }
        };
        let curve = configuration.curve(draws);
        let metric = configuration.options.metric.metric;
        let results = curve.check()?.run(cx, params, &[], observer, &|_| Ok(()))?;
        let validation = results.iter().map(|r| r.validation_accuracy.unwrap_or(f64::NAN));
        let test = results.iter().map(|result| result.test_by(metric));
        let chosen = |rate: f32| results.iter().filter(|result| result.lr == rate).count();
        let rates = results.iter().map(|result| result.lr);
        let lr = rates.max_by_key(|rate| chosen(*rate)).unwrap_or(f32::NAN);
        Ok(Tested {
            lr,
            validation: Accuracies::of(validation.collect()),
            test: Accuracies::of(test.collect()),
        })
    }

    /// The mean of the differences to `other`, draw by draw.
    pub fn gain_over(&self, other: &Tested) -> Gain {
        let pairs = self.test.per_draw.iter().zip(&other.test.per_draw);
        Gain::of(&pairs.map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
    }
}

/// The name of the metric in a table.
pub fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Accuracy => "accuracy",
        Metric::Balanced => "balanced accuracy",
    }
}
