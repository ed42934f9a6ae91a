//! The whole job as a library: pretrain on everything, transfer the encoder, fine-tune on 100
//! labels.

use narrows_models::datasets::builtin;
use narrows_models::engine::Context;
use narrows_models::experiments::label_draw;
use narrows_models::methods::Given;
use narrows_models::{Architecture, Method, Model, Pretraining, Training, Transfer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cx = Context::new(0)?; // the best instruction set, all cores
    let data = builtin(500, 0); // or narrows_datasets::open(folder)
    let architecture = Architecture::new(Model::Dense, &data.train); // images: Model::Conv

    // An autoencoder learns from all samples, without their labels.
    let training = Training { seed: 1, ..Training::autoencoder() };
    let pretraining = Pretraining::new(&data, &architecture, &training);
    let pretrained = pretraining.check()?.run(&cx, &())?;

    // Its encoder goes into a classifier, which learns from 100 labels and is validated on another
    // 100.
    let labels = label_draw(&data, 100, 100, 1, 0)?;
    let finetuning = Training::classifier();
    let given = Given::new(&data.train, &architecture, Some(&pretrained.params), &finetuning);
    for transfer in [Transfer::Scratch, Transfer::Gradual] {
        let method = Method::Transfer(transfer);
        let trained = method.train_one(&cx, &given, &labels, 1, transfer.name(), &())?;
        let accuracy = trained.test(&cx, &data.test)?.accuracy.unwrap_or(0.0);
        println!("{}: test accuracy {:.1} %", transfer.name(), 100.0 * accuracy);
    }
    Ok(())
}
