//! Pictures of what an autoencoder makes of test samples: of some spread over the test set, and of
//! those that it makes least of.

use crate::error::Error;
use crate::output::picture;
use crate::run::folder::{PICTURE, RunFolder, WORST};
use narrows_datasets::Dataset;
use narrows_engine::{Context, Network, Params, Pass, PassMemory};

/// The test samples among which the worst are looked for, at most.
const SEARCHED: usize = 2_000;
/// The samples of a pass.
const BATCH: usize = 100;

/// Draws them into `folder`, unless the samples are no images; says whether it did.
pub fn draw(
    cx: &Context,
    network: &Network,
    params: &Params,
    test: &Dataset,
    folder: &RunFolder,
) -> Result<bool, Error> {
    let Some(shape) = test.image_shape() else { return Ok(false) };
    let shown = picture::COLUMNS * picture::STRIPS;
    let mut passes = Passes { cx, network, params, test };
    let some = spread(test.len(), shown);
    let Some(bytes) = passes.picture(&some, shape)? else { return Ok(false) };
    folder.write(PICTURE, &bytes)?;
    let worst = passes.worst(&spread(test.len(), SEARCHED), shown)?;
    if let Some(bytes) = passes.picture(&worst, shape)? {
        folder.write(WORST, &bytes)?;
    }
    Ok(true)
}

/// At most `most` of `len` rows, spread over them: their order may be that of the classes.
fn spread(len: usize, most: usize) -> Vec<u32> {
    let count = len.min(most);
    (0..count).map(|i| (i * len / count) as u32).collect()
}

/// Passes of test samples through an autoencoder.
struct Passes<'a> {
    cx: &'a Context,
    network: &'a Network,
    params: &'a Params,
    test: &'a Dataset,
}

impl Passes<'_> {
    /// The samples of these rows, and their reconstructions.
    fn reconstruct(&mut self, rows: &[u32]) -> Result<[Vec<f32>; 2], Error> {
        let Passes { cx, network, params, test } = *self;
        let mut x = vec![0.0; rows.len() * test.sample_len()];
        test.gather(rows, &mut x)?;
        let mut memory = PassMemory::new(network, rows.len())?;
        let y = network.forward(cx, params, &mut memory, &x, Pass::evaluate())?.to_vec();
        Ok([x, y])
    }

    /// The picture of these rows, if there can be one.
    fn picture(
        &mut self,
        rows: &[u32],
        shape: (usize, usize, usize),
    ) -> Result<Option<Vec<u8>>, Error> {
        if rows.is_empty() {
            return Ok(None);
        }
        let [x, y] = self.reconstruct(rows)?;
        picture::png(&x, &y, shape)
    }

    /// The `most` of these rows with the largest squared errors, the largest first.
    fn worst(&mut self, rows: &[u32], most: usize) -> Result<Vec<u32>, Error> {
        let len = self.test.sample_len();
        let mut errors = Vec::with_capacity(rows.len());
        for rows in rows.chunks(BATCH) {
            let [x, y] = self.reconstruct(rows)?;
            let samples = x.chunks_exact(len).zip(y.chunks_exact(len));
            errors.extend(samples.zip(rows).map(|((x, y), row)| {
                let squares = x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2));
                (squares.sum::<f64>(), *row)
            }));
        }
        errors.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(errors.into_iter().take(most).map(|(_, row)| row).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_models::{Architecture, Model};

    #[test]
    fn the_worst_are_those_of_a_search_one_by_one() {
        let test = narrows_datasets::builtin(500, 1).test;
        let architecture = Architecture::new(Model::Dense, [8, 8, 1]);
        let network = architecture.autoencoder().unwrap();
        let params = Params::new(&network, 3);
        let cx = Context::new(2).unwrap();
        let mut passes = Passes { cx: &cx, network: &network, params: &params, test: &test };
        let rows = spread(test.len(), 150);
        assert_eq!((rows.len(), rows[1]), (150, test.len() as u32 / 150));
        let found = passes.worst(&rows, 40).unwrap();
        let mut error = |row: u32| {
            let [x, y] = passes.reconstruct(&[row]).unwrap();
            x.iter().zip(&y).map(|(x, y)| f64::from(x - y) * f64::from(x - y)).sum::<f64>()
        };
        let errors: Vec<f64> = found.iter().map(|row| error(*row)).collect();
        assert_eq!(found.len(), 40);
        assert!(errors.is_sorted_by(|a, b| a >= b), "{errors:?}");
        let others = rows.iter().filter(|row| !found.contains(row));
        assert!(others.map(|row| error(*row)).all(|error| error <= errors[39]));
    }
}
