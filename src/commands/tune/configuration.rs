//! The configuration of a trial: the options that all trials share, with its values in their place.

use crate::cli::options::architecture::{ArchitectureOptions, check_batch};
use crate::cli::options::compare::Compare;
use crate::cli::options::methods::MethodName;
use crate::cli::options::values::{Auto, List};
use crate::cli::{config, parse};
use crate::error::{Error, ensure};
use narrows_datasets::TrainTest;
use narrows_engine::Params;
use narrows_models::curve::Point;
use narrows_models::experiments::candidate::{Candidate, Encoder};
use narrows_models::tuning::Values;
use narrows_models::{Architecture, Curve, Method, Pretraining, Training};
use std::ops::Range;
use toml::{Table, Value};

/// The parameter that chooses the method.
pub const METHOD: &str = "method";

/// What all trials share.
pub struct Shared<'a> {
    pub data: &'a TrainTest,
    /// The encoder of `--encoder`: its architecture and weights.
    pub encoder: Option<(Architecture, Params)>,
    /// The options of a comparison, as a file has them.
    pub base: Table,
    /// The method, where no parameter chooses it.
    pub method: String,
}

/// The settings of one trial.
pub struct Configuration<'a> {
    shared: &'a Shared<'a>,
    /// As a file has them, so far as they are not `auto`.
    pub options: Compare,
    architecture: Architecture,
    training: Training,
    method: Method,
    point: Point,
    rates: Vec<f32>,
}

impl Shared<'_> {
    /// The options of a comparison of that trial.
    pub fn table(&self, values: &Values) -> Result<Table, Error> {
        let mut table = self.base.clone();
        table.insert("methods".into(), Value::String(self.method.clone()));
        for (name, value) in values {
            let key = if name == METHOD { "methods" } else { name };
            table.insert(key.to_string(), Value::String(value.to_string()));
        }
        Ok(table)
    }
}

impl<'a> Configuration<'a> {
    /// The configuration with `values`.
    ///
    /// # Errors
    /// If they do not go together.
    pub fn new(shared: &'a Shared<'a>, values: &Values) -> Result<Configuration<'a>, Error> {
        let mut options = parse::compare(&shared.table(values)?)?;
        let train = &shared.data.train;
        let architecture = match &shared.encoder {
            Some((architecture, _)) => {
                options.architecture = ArchitectureOptions::from(architecture);
                architecture.clone()
            }
            None => options.pretraining.architecture(&mut options.architecture, train),
        };
        let training = options.pretraining.resolve(train, &architecture, options.running.seed);
        let Auto::Given(List(names)) = options.methods.clone() else {
            return Err(Error::new("a trial needs a method"));
        };
        let wanted = names.first().copied().map(MethodName::name).unwrap_or_default();
        let curve = options.curve(shared.data, architecture.clone())?;
        let Curve { methods, points, learning_rates: rates, .. } = curve;
        ensure!(points.len() == 1, "--labels: narrows tune takes one number of labels");
        let method = methods.into_iter().find(|method| method.name() == wanted);
        let method = method.ok_or_else(|| Error::new(format!("no method is called {wanted}")))?;
        let point = points.into_iter().next().expect("there is one");
        check_batch(&architecture, "--finetune-batch", point.finetuning.batch)?;
        Ok(Configuration { shared, options, architecture, training, method, point, rates })
    }

    /// The method that it trains by.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The pretraining of its encoder, if it has one of its own.
    pub fn pretraining(&self) -> Result<Pretraining<'_>, Error> {
        let Configuration { shared, architecture, training, options, .. } = self;
        options.pretraining.of(shared.data, architecture, training)
    }

    /// Its methods on that many draws, from draw 0 on.
    pub fn curve(&self, draws: usize) -> Curve<'_> {
        Curve {
            data: self.shared.data,
            architecture: self.architecture.clone(),
            learning_rates: self.rates.clone(),
            methods: vec![self.method.clone()],
            points: vec![self.point.clone()],
            draws,
            ensemble: 1,
            seed: self.options.running.seed,
        }
    }

    /// The epochs of an encoder of its own, and those of all its classifiers on `draws` draws.
    pub fn epochs(&self, draws: usize) -> (usize, usize) {
        let classifier = match &self.method {
            Method::Transfer(_) | Method::Reference(_) => {
                self.point.finetuning.epochs * self.rates.len()
            }
            Method::Semi(semi) => semi.training.epochs,
        };
        (self.training.epochs, classifier * draws)
    }

    /// The encoder that its classifiers start from.
    pub fn encoder(&self) -> Result<Encoder<'_>, Error> {
        Ok(match (&self.shared.encoder, self.method.needs_encoder()) {
            (_, false) => Encoder::None,
            (Some((_, params)), true) => Encoder::Given(params),
            (None, true) => Encoder::Pretrained(self.pretraining()?),
        })
    }

    /// True if its encoder is pretrained with it.
    pub fn pretrains(&self) -> bool {
        self.shared.encoder.is_none() && self.method.needs_encoder()
    }

    /// The candidate on those label draws.
    pub fn candidate(&self, draws: Range<usize>) -> Result<Candidate<'_>, Error> {
        let candidate = Candidate { curve: self.curve(1), encoder: self.encoder()?, draws };
        candidate.check()?;
        Ok(candidate)
    }

    /// The options that lead to it, as a file has them: `auto` is what it came to.
    pub fn table(&self) -> Result<Table, Error> {
        config::table(&self.options)
    }
}
