//! One predictor, shared by threads: each has its own workspace, and all get the same bits.

use narrows_engine::layers::{BatchNorm, Linear, Relu};
use narrows_engine::predictor::Workspace;
use narrows_engine::{Context, Error, Network, Params, Predictor};
use std::thread;

const ROWS: usize = 1000;
const THREADS: usize = 4;

fn main() -> Result<(), Error> {
    let network = Network::builder(20)
        .layer(Linear::new(64))
        .layer(BatchNorm::default())
        .layer(Relu)
        .layer(Linear::new(3))
        .build()?;
    let predictor = Predictor::new(&network, &Params::new(&network, 1))?;
    let x: Vec<f32> = (0..ROWS * 20).map(|i| (i % 37) as f32 / 37.0 - 0.5).collect();

    // Each thread computes on its own: a context of one thread is the caller's.
    let cx = Context::new(1)?;
    let mut shared = vec![0.0; ROWS * 3];
    let part = ROWS / THREADS;
    thread::scope(|scope| {
        let work: Vec<_> = (x.chunks(part * 20).zip(shared.chunks_mut(part * 3)))
            .map(|(x, y)| {
                let (predictor, cx) = (&predictor, &cx);
                scope.spawn(move || predictor.predict(cx, &mut Workspace::default(), x, y))
            })
            .collect();
        work.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })?;

    let mut alone = vec![0.0; ROWS * 3];
    predictor.predict(&cx, &mut Workspace::default(), &x, &mut alone)?;
    let bits = |y: &[f32]| -> Vec<u32> { y.iter().map(|y| y.to_bits()).collect() };
    assert_eq!(bits(&shared), bits(&alone));
    println!("{THREADS} threads gave {ROWS} rows with the bits of one");
    Ok(())
}
