//! The running statistics of batch norm, estimated anew.
//!
//! Training leaves a moving average over weights that moved, and over the few labelled
//! samples. Wu and Johnson (arXiv:2105.07576, section 3) average over passes of the final weights
//! instead; Li et al. (AdaBN, arXiv:1603.04779) do so on samples of the domain that is to be
//! classified, whose labels nobody needs.

use crate::error::{Error, ensure};
use narrows_datasets::{Dataset, Loader, Rows};
use narrows_engine::params::Role;
use narrows_engine::{Context, Network, Params, Pass, PassMemory};

/// The samples of a pass: a batch's statistics are those of few samples otherwise.
const BATCH: usize = 256;

/// The passes that are enough: of more samples, so many batches are drawn at random.
const PASSES: usize = 64;

/// Puts the mean of the statistics of `rows`, in batches of up to 256 in a random order, into
/// `params`, those of frozen layers included. No other value changes, and labels are not looked at.
/// If there are more than 16,384 rows, that number is drawn.
///
/// Each layer gets its input from the layers below as they normalise that batch, nothing being
/// dropped. A batch's variance is the unbiased one, and batches count by their samples. Without
/// batch norm nothing happens.
///
/// # Errors
/// If the data do not fit the network, or there are too few rows for a variance.
pub fn reestimate_statistics(
    cx: &Context,
    network: &Network,
    params: &mut Params,
    data: &Dataset,
    rows: Rows<'_>,
) -> Result<(), Error> {
    if params.entries().iter().all(|entry| entry.spec.role != Role::Statistic) {
        return Ok(());
    }
    ensure!(!rows.is_empty(), Data, "there are no samples to estimate statistics on");
    // A frozen layer would keep its own.
    let mut free = params.clone();
    let names: Vec<String> = free.entries().iter().map(|entry| entry.name.clone()).collect();
    for name in &names {
        free.set_trainable(name, true)?;
    }

    let batch = BATCH.min(rows.len());
    let mut memory = PassMemory::new(network, batch)?;
    let mut x = vec![0.0; batch * data.sample_len()];
    let mut loader = Loader::new(data, rows, batch, 0);
    let mut batches = loader.epoch(0);
    let (mut passes, mut samples) = (0, 0);
    while passes < PASSES && batches.advance()? {
        let n = batches.rows().len();
        let x = &mut x[..n * data.sample_len()];
        batches.gather(x)?;
        network.forward(cx, &free, &mut memory, x, Pass::estimate())?;
        passes += 1;
        samples += n;
        network.average_statistics(&mut free, &memory, (n as f64 / samples as f64) as f32);
    }
    params.values_mut().copy_from_slice(free.values());
    Ok(())
}
