//! A layer of one's own: the sine as an activation (Sitzmann and others, 2020). It learns a wave.

use narrows_engine::layer::{Backward, Forward};
use narrows_engine::layers::Linear;
use narrows_engine::{Context, Error, Layer, Loss, Network, Op, Params, Planned, Shape, Target};
use narrows_engine::{Trainer, TrainerSettings};

/// The description: what a user writes.
#[derive(Debug)]
struct Sine;

/// The planned layer, which does the work.
#[derive(Debug)]
struct SineOp;

impl Layer for Sine {
    fn name(&self) -> &'static str {
        "sine"
    }
    /// The output has the shape of the input.
    fn plan(&self, input: &Shape) -> Result<Planned, Error> {
        Ok(Planned::new(input.clone(), SineOp))
    }
}

impl Op for SineOp {
    /// Returns the penalty that is added to the loss: none.
    fn forward(&self, _: &Context, io: Forward<'_>) -> f64 {
        io.y.iter_mut().zip(io.x).for_each(|(y, x)| *y = x.sin());
        0.0
    }
    fn backward(&self, _: &Context, io: Backward<'_>) {
        let Some(dx) = io.dx else { return };
        for ((dx, dy), x) in dx.iter_mut().zip(io.dy).zip(io.x) {
            *dx = dy * x.cos();
        }
    }
}

fn main() -> Result<(), Error> {
    let cx = Context::new(1)?;
    let network = Network::builder(1).layer(Linear::new(32)).layer(Sine).layer(Linear::new(1));
    let network = network.build()?;
    let params = Params::new(&network, 1);
    let mut trainer = Trainer::new(&network, params, TrainerSettings::new(Loss::L2, 64))?;

    let x: Vec<f32> = (0..64).map(|i| i as f32 / 16.0 - 2.0).collect();
    let wave: Vec<f32> = x.iter().map(|x| (3.0 * x).cos()).collect();
    let mut loss = f64::INFINITY;
    for _ in 0..2000 {
        loss = trainer.step(&cx, &x, Target::Values(&wave), 0.01)?;
    }
    println!("mean squared error {loss:.6}");
    assert!(loss < 1e-3, "the wave is learnt");
    Ok(())
}
