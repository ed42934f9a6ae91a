//! Codes of many samples, in memory.

use crate::architecture::Architecture;
use crate::error::{Error, error};
use crate::inference;
use narrows_datasets::{Dataset, Rows};
use narrows_engine::{Context, Params};

/// The most values of all codes: 8 GB.
const MAX_VALUES: usize = 1 << 31;

/// The samples of a pass.
const BATCH: usize = 256;

/// Where samples lie: one code each.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// (samples, len)
    pub values: Vec<f32>,
    /// The values of a code.
    pub len: usize,
}

impl Codes {
    /// The latent codes of `rows` of `data` by an encoder; without one, the samples themselves.
    ///
    /// # Errors
    /// If the samples do not fit the model or cannot be read, or there are too many values to be
    /// held in memory.
    pub fn of(
        cx: &Context,
        encoder: Option<(&Architecture, &Params)>,
        data: &Dataset,
        rows: Rows<'_>,
    ) -> Result<Codes, Error> {
        let len = encoder.map_or(data.sample_len(), |(architecture, _)| architecture.latent);
        let all = rows.len().checked_mul(len).filter(|all| *all <= MAX_VALUES);
        let all = all.ok_or_else(|| {
            error!("{}: the codes of {} samples take too much memory", data.name(), rows.len())
        })?;
        let mut values = Vec::with_capacity(all);
        match encoder {
            Some((architecture, params)) => {
                inference::embed(cx, architecture, params, data, rows, |_, codes| {
                    values.extend_from_slice(codes);
                    Ok(())
                })?;
            }
            None => {
                values.resize(all, 0.0);
                let mut listed = vec![0; BATCH];
                for (i, x) in values.chunks_mut(BATCH * len).enumerate() {
                    let listed = &mut listed[..x.len() / len];
                    rows.copy_to(i * BATCH, listed);
                    data.gather(listed, x)?;
                }
            }
        }
        Ok(Codes { values, len })
    }

    /// The number of codes.
    pub fn samples(&self) -> usize {
        self.values.len() / self.len
    }

    /// That of sample `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.len..][..self.len]
    }

    /// The codes of `rows`, in that order.
    pub fn subset(&self, rows: &[u32]) -> Codes {
        let values = rows.iter().flat_map(|&row| self.row(row as usize)).copied().collect();
        Codes { values, len: self.len }
    }

    /// These and `others` behind them.
    pub fn with(&self, others: &Codes) -> Codes {
        Codes { values: [&self.values[..], &others.values].concat(), len: self.len }
    }

    /// The mean of each value over the codes.
    pub fn mean(&self) -> Vec<f64> {
        let mut mean = vec![0.0; self.len];
        for row in self.values.chunks_exact(self.len) {
            mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x));
        }
        mean.iter_mut().for_each(|mean| *mean /= self.samples() as f64);
        mean
    }
}
