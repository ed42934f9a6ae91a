//! A head that is fitted to the end as a logistic regression, instead of by steps.

use super::super::codes::FrozenCodes;
use super::Run;
use crate::error::{Error, bail, error};
use crate::event::{Event, Observer};
use crate::logistic::{Logistic, STRENGTHS};
use crate::sections::HEAD;
use narrows_engine::Context;
use std::ops::Range;

/// The strength where no validation samples choose it.
const USUAL: [f64; 1] = [1.0];

impl Run<'_> {
    /// Fits the last layer to what the layers below it make of the samples, everything else being
    /// as it is: once for each strength of the pull towards 0, from the strongest on, each from
    /// where the last one ended. They count as epochs, and the strength as the learning rate. The
    /// validation samples choose among them; then the best weights are in `trainer.params`.
    ///
    /// # Errors
    /// If the codes take too much memory, something is not finite, or a stop was asked for.
    pub fn fit_head(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        cx.install(|| self.fit(cx, observer)).map_err(|e| e.during(&self.progress.run))
    }

    fn fit(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        // There are no steps to average over.
        self.ema = None;
        let [weight, bias] = self.free_the_last_layer()?;
        let model = (self.trainer.network(), &self.trainer.params);
        let codes = FrozenCodes::of(cx, model, &self.task, observer)?.ok_or_else(|| {
            error!("the codes of {} samples take too much memory", self.task.train.len())
        })?;
        let (values, labels) = codes.train();
        let classes = self.trainer.network().output().len();
        let (scaling, labels) = (Scaling::of(values, codes.len), labels.to_vec());
        let (x, samples) = (scaling.apply(values), labels.len());
        let mut fitted = Logistic::new(codes.len, classes);
        self.codes = Some(codes);
        let strengths = if self.task.validation.is_empty() { &USUAL[..] } else { &STRENGTHS };
        let (run, epochs) = (&self.progress.run, strengths.len());
        observer.notice(&Event::Started { run, epochs, samples });
        for &strength in strengths {
            observer.go_on()?;
            self.progress.steps.begin();
            fitted.fit(&x, &labels, strength);
            scaling.undo(&fitted, self.trainer.params.values_mut(), &weight, &bias);
            let loss = fitted.loss(&x, &labels);
            let run = &self.progress.run;
            self.progress.steps.count(run, observer, samples, loss, strength as f32);
            let ended = self.end(cx, observer);
            self.progress.steps.end(&ended);
            ended?;
        }
        self.restore_best();
        let (run, best_epoch) = (&self.progress.run, self.best_epoch());
        observer.notice(&Event::Finished { run, best_epoch, params: &self.trainer.params });
        Ok(())
    }

    /// Freezes all of the head but its last layer, and returns the places of its weight and bias.
    fn free_the_last_layer(&mut self) -> Result<[Range<usize>; 2], Error> {
        let params = &mut self.trainer.params;
        let names: Vec<String> = params.entries().iter().map(|entry| entry.name.clone()).collect();
        let [below @ .., weight, bias] = &names[..] else { bail!("the head has no weight") };
        let of_head = |name: &&String| name.starts_with(HEAD);
        for name in below.iter().filter(of_head) {
            params.set_trainable(name, false)?;
        }
        let place = |name: &String| {
            let entry = params.entries().iter().find(|entry| entry.name == *name);
            entry.map_or(0..0, |entry| entry.range.clone())
        };
        Ok([place(weight), place(bias)])
    }
}

/// Values about 0 and of a size of about 1: each by its own mean, and all by the same factor, so
/// that those that hardly ever differ stay small.
struct Scaling {
    means: Vec<f64>,
    factor: f64,
}

impl Scaling {
    /// That of `values`: (samples, len).
    fn of(values: &[f32], len: usize) -> Scaling {
        let samples = (values.len() / len) as f64;
        let mut means = vec![0.0; len];
        for row in values.chunks_exact(len) {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += f64::from(*x) / samples);
        }
        let rows = values.chunks_exact(len).flat_map(|row| row.iter().zip(&means));
        let squares: f64 = rows.map(|(x, mean)| (f64::from(*x) - mean).powi(2)).sum();
        let size = (squares / values.len() as f64).sqrt();
        Scaling { means, factor: if size > 0.0 { 1.0 / size } else { 1.0 } }
    }

    fn apply(&self, values: &[f32]) -> Vec<f64> {
        let rows =
            values.chunks_exact(self.means.len()).flat_map(|row| row.iter().zip(&self.means));
        rows.map(|(x, mean)| (f64::from(*x) - mean) * self.factor).collect()
    }

    /// Writes the layer that makes of values as they are what `fitted` makes of scaled ones.
    fn undo(
        &self,
        fitted: &Logistic,
        params: &mut [f32],
        weight: &Range<usize>,
        bias: &Range<usize>,
    ) {
        let len = self.means.len();
        for (class, row) in fitted.weights.chunks_exact(len + 1).enumerate() {
            let mut constant = row[len];
            let place = &mut params[weight.start + class * len..][..len];
            for ((to, w), mean) in place.iter_mut().zip(row).zip(&self.means) {
                *to = (w * self.factor) as f32;
                constant -= w * self.factor * mean;
            }
            params[bias.start + class] = constant as f32;
        }
    }
}
