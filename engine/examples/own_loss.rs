//! A loss of one's own: quantile regression. Of all targets, nine tenths should lie below the
//! output.

use narrows_engine::layers::{Linear, Relu};
use narrows_engine::random::Random;
use narrows_engine::{Context, Error, Loss, Network, Params, Trainer, TrainerSettings};

const QUANTILE: f32 = 0.9;
const SAMPLES: usize = 500;

/// The pinball loss (Koenker and Bassett 1978), and its gradient into `dy`.
fn pinball(y: &[f32], targets: &[f32], dy: &mut [f32]) -> f64 {
    let mut sum = 0.0;
    for ((y, t), dy) in y.iter().zip(targets).zip(dy) {
        let slope = if y < t { -QUANTILE } else { 1.0 - QUANTILE };
        sum += f64::from(slope * (y - t));
        *dy = slope / targets.len() as f32;
    }
    sum / targets.len() as f64
}

fn main() -> Result<(), Error> {
    let cx = Context::new(1)?;
    let network =
        Network::builder(1).layer(Linear::new(16)).layer(Relu).layer(Linear::new(1)).build()?;

    // Noise that grows with x.
    let random = Random::new(1, 1);
    let (mut x, mut noise) = (vec![0.0; SAMPLES], vec![0.0; SAMPLES]);
    random.fill_uniform(0, 0, &mut x);
    random.fill_normal(1, 0, &mut noise);
    let targets: Vec<f32> = x.iter().zip(&noise).map(|(x, noise)| x * (1.0 + noise)).collect();

    // The loss of the settings is not asked.
    let settings = TrainerSettings::new(Loss::L1, SAMPLES);
    let mut trainer = Trainer::new(&network, Params::new(&network, 1), settings)?;
    for _ in 0..1000 {
        trainer.step_with(&cx, &x, 0.01, |y, dy| pinball(y, &targets, dy))?;
    }

    let y = trainer.predict(&cx, &x)?;
    let below = y.iter().zip(&targets).filter(|(y, t)| t < y).count() as f32 / SAMPLES as f32;
    println!("{:.1} % of the targets lie below the output", 100.0 * below);
    assert!((below - QUANTILE).abs() < 0.03);
    Ok(())
}
