//! The whole job as a library: pretrain on everything, transfer the encoder, fine-tune on 100
//! labels.

use narrows_datasets::{Rows, builtin, draw_labels};
use narrows_engine::{Context, Loss, Optimizer, Params, Schedule};
use narrows_models::{
    Architecture, Evaluation, Goal, Method, Model, Run, SampleShape, Task, Training,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cx = Context::new(0)?; // the best instruction set, all cores
    let data = builtin(500, 0); // or narrows_datasets::open(folder)
    // Model::Conv learns from images by convolutions.
    let architecture = Architecture {
        latent: 20,
        ..Architecture::new(Model::Dense, SampleShape::of(&data.train))
    };

    // An autoencoder learns from all samples, without their labels.
    let pretraining = Training {
        epochs: 30,
        batch: 64,
        lr: 2e-3,
        schedule: Schedule::one_cycle(),
        optimizer: Optimizer::adam(),
        loss: Loss::L2,
        seed: 1,
        ..Training::default()
    };
    let rows: Vec<u32> = (0..data.train.len() as u32).collect();
    let task = Task {
        data: &data.train,
        train: Rows::Listed(&rows),
        validation: Rows::Listed(&[]),
        goal: Goal::Reconstruct,
    };
    let autoencoder = architecture.autoencoder()?;
    let mut run =
        Run::new("autoencoder", &autoencoder, Params::new(&autoencoder, 1), task, &pretraining)?;
    run.train(&cx, &(), |_, _| {})?;
    let pretrained = run.trainer.params;

    // Its encoder goes into a classifier, which learns from 100 labels and is validated on another
    // 100.
    let labels = data.train.labels()?.ok_or("no labels")?;
    let draw = draw_labels(labels, data.train.classes(), 100, 100, 1, 0)?;
    let task = Task {
        data: &data.train,
        train: Rows::Listed(&draw.train),
        validation: Rows::Listed(&draw.validation),
        goal: Goal::Classify,
    };
    let classifier = architecture.classifier(data.train.classes())?;
    let finetuning =
        Training { epochs: 50, batch: 25, lr: 1e-2, loss: Loss::cross_entropy(), ..pretraining };
    let tests: Vec<u32> = (0..data.test.len() as u32).collect();
    for method in [Method::Scratch, Method::Gradual] {
        let mut params = Params::new(&classifier, 1);
        method.prepare(&mut params, &pretrained)?;
        let mut run = Run::new(method.name(), &classifier, params, task, &finetuning)?;
        method.train(&mut run, &cx, &())?;
        let (params, loss) = (&run.trainer.params, &finetuning.loss);
        let test = Evaluation::of(
            &cx,
            &classifier,
            params,
            loss,
            &data.test,
            Rows::Listed(&tests),
            Goal::Classify,
        )?;
        println!("{}: test accuracy {:.1} %", method.name(), 100.0 * test.accuracy.unwrap_or(0.0));
    }
    Ok(())
}
