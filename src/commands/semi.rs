//! `narrows semi`: a classifier from a few labels and all other samples at once.

use super::classifier_command::{Labels, RUN, Start, Trained};
use super::{begin, refuse};
use crate::cli::options::Semi;
use crate::cli::options::semi::SemiOptions;
use crate::cli::options::values::{ids, variant_name};
use crate::error::Error;
use crate::output::progress::Progress;
use crate::run::recorder::Recorder;
use narrows_datasets::{LabelDraw, Rows};
use narrows_engine::{Loss, Params};
use narrows_models::architecture::ENCODER;
use narrows_models::checkpoint::Description;
use narrows_models::semi::{SemiRun, SemiTask};
use std::time::Instant;

const NAME: &str = "semi";

pub fn run(mut options: Semi, explicit: &[String]) -> Result<String, Error> {
    let start = Instant::now();
    let method = options.semi.method;
    let name = variant_name(&method);
    let mut foreign = ids::<SemiOptions>();
    foreign.retain(|id| !method.takes(id));
    refuse(explicit, &foreign, &format!("the method {name} has no use for it"))?;
    let Semi { encoder, data, architecture, running, .. } = &mut options;
    let Start { data, architecture, pretrained, data_words } =
        Start::open(encoder, data, architecture, explicit, running, |architecture, input| {
            architecture.be_for(method, input);
        })?;
    let train = &data.train;
    let labels = Labels::draw(train, &options.labelling, options.running.seed)?;
    let training = options.semi.resolve(train, labels.seed);
    options.semi.check(train)?;
    training.check_for(&architecture)?;
    let network = architecture.classifier(train.classes())?;
    let mut params = Params::new(&network, labels.seed);
    if let Some(pretrained) = &pretrained {
        params.copy_from(pretrained, ENCODER)?;
    }
    let LabelDraw { train: rows, validation: held } = &labels.draw;
    let task = SemiTask {
        data: train,
        labelled: Rows::Listed(rows),
        unlabelled: Rows::all(train.len()),
        validation: Rows::Listed(held),
    };
    let mut run = SemiRun::new(RUN, &network, params, task, &training)?;
    let cx = options.running.machine.context()?;
    let folder = begin(NAME, &options, &options.running, &cx)?;

    let progress = Progress::new(options.running.quiet);
    let description = Description::classifier(architecture.clone(), train);
    let recorder = Recorder::new(&progress, RUN, &description, &folder);
    let result = run.train(&cx, &recorder);
    recorder.close(result, &folder)?;
    let trained = Trained {
        command: NAME,
        method: &name,
        train,
        data_words: &data_words,
        labels: &labels,
        network: &network,
        params: &run.params,
        loss: &Loss::cross_entropy(),
        metric: training.metric,
        history: &run.history,
        best_epoch: run.best_epoch(),
        description,
    };
    trained.finish(&options.labelling, &options.running, &cx, &folder, start)
}
