//! The picture of what an autoencoder makes of some test samples.

use crate::error::Error;
use crate::output::picture;
use crate::run::folder::{PICTURE, RunFolder};
use narrows_datasets::Dataset;
use narrows_engine::{Context, Network, Params, Pass, PassMemory};

/// Draws it into `folder`, unless the samples are no images; says whether it did.
pub fn draw(
    cx: &Context,
    network: &Network,
    params: &Params,
    test: &Dataset,
    folder: &RunFolder,
) -> Result<bool, Error> {
    let Some(shape) = test.image_shape() else { return Ok(false) };
    let count = test.len().min(picture::COLUMNS * picture::STRIPS);
    // Spread over the test set: its order may be that of the classes.
    let rows: Vec<u32> = (0..count).map(|i| (i * test.len() / count) as u32).collect();
    let mut x = vec![0.0; count * test.sample_len()];
    test.gather(&rows, &mut x)?;
    let mut memory = PassMemory::new(network, count)?;
    let y = network.forward(cx, params, &mut memory, &x, Pass::evaluate())?;
    match picture::png(&x, y, shape)? {
        Some(bytes) => folder.write(PICTURE, &bytes).map(|()| true),
        None => Ok(false),
    }
}
