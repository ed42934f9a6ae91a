//! An adversarial pair (Goodfellow et al., NeurIPS 2014): a generator learns to draw from a normal
//! distribution of mean 3, by what a discriminator takes for real.

use narrows_engine::layers::{LeakyRelu, Linear, Relu};
use narrows_engine::random::Random;
use narrows_engine::{
    Context, Error, Gradients, Loss, Network, Params, Pass, PassMemory, Target, Trainer,
    TrainerSettings,
};

const BATCH: usize = 128;

fn main() -> Result<(), Error> {
    let cx = Context::new(1)?;
    let generator =
        Network::builder(2).layer(Linear::new(16)).layer(Relu).layer(Linear::new(1)).build()?;
    let discriminator = Network::builder(1)
        .layer(Linear::new(16))
        .layer(LeakyRelu { slope: 0.2 })
        .layer(Linear::new(1))
        .build()?;
    let new = |network: &Network, batch| {
        let settings = TrainerSettings::new(Loss::BceWithLogits, batch);
        Trainer::new(network, Params::new(network, 1), settings)
    };
    let (mut draws, mut judge) = (new(&generator, BATCH)?, new(&discriminator, 2 * BATCH)?);

    // The memory of the passes that carry the generator's gradient through the discriminator.
    let mut memory = PassMemory::new(&discriminator, BATCH)?;
    let random = Random::new(1, 1);
    let (mut z, mut real) = (vec![0.0; 2 * BATCH], vec![0.0; BATCH]);
    let labels: Vec<f32> = (0..2 * BATCH).map(|i| if i < BATCH { 1.0 } else { 0.0 }).collect();
    let mut means = Vec::new();
    for step in 0..2000 {
        random.fill_normal(step, 0, &mut z);
        random.fill_normal(step, 1 << 20, &mut real);
        real.iter_mut().for_each(|x| *x = 3.0 + 0.5 * *x);

        let fake = draws.predict(&cx, &z)?;
        means.push(fake.iter().sum::<f32>() / BATCH as f32);
        let both = [&real, fake].concat();
        judge.step(&cx, &both, Target::Values(&labels), 2e-3)?;

        let (pass, params) = (Pass::evaluate(), &judge.params);
        draws.step_with(&cx, &z, 2e-3, |fake, gradient| {
            let mut run = || -> Result<f64, Error> {
                discriminator.forward(&cx, params, &mut memory, fake, pass)?;
                let (y, dy) = memory.output_and_gradient();
                let real = Target::Values(&labels[..BATCH]);
                let loss = Loss::BceWithLogits.evaluate(&cx, BATCH, y, real, Some(dy))?;
                let gradients = Gradients::of_input(gradient);
                discriminator.backward(&cx, params, &mut memory, fake, gradients)?;
                Ok(loss)
            };
            run().unwrap_or(f64::NAN)
        })?;
    }
    let mean = means[1000..].iter().sum::<f32>() / 1000.0;
    println!("the mean of what is drawn went from {:.2} to {mean:.2}", means[0]);
    assert!((mean - 3.0).abs() < 0.3);
    Ok(())
}
