//! A head that is fitted to the end as a logistic regression, instead of by steps.

use super::super::codes::FrozenCodes;
use super::super::ema::Ema;
use super::Run;
use crate::error::{Error, bail, error};
use crate::event::{Event, Observer, Silent};
use crate::logistic::{Logistic, STRENGTHS, Scaling};
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

    /// Sets the last layer to what [`Run::fit_head`] makes of it, before the first epoch, and tells
    /// nobody.
    ///
    /// # Errors
    /// Those of [`Run::fit_head`].
    pub fn begin_at_probe(&mut self, cx: &Context, observer: &dyn Observer) -> Result<(), Error> {
        let mut probe = self.clone();
        probe.fit_head(cx, &Silent(observer))?;
        let params = &mut self.trainer.params;
        params.values_mut().copy_from_slice(probe.trainer.params.values());
        self.ema = (self.training.ema > 0.0).then(|| Ema::new(params, self.training.ema));
        Ok(())
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
        let len = codes.len;
        let (scaling, labels) = (Scaling::of(values, len), labels.to_vec());
        let (x, samples) = (scaling.apply(values), labels.len());
        let mut fitted = Logistic::new(len, classes);
        self.codes = Some(codes);
        let strengths = if self.task.validation.is_empty() { &USUAL[..] } else { &STRENGTHS };
        let (run, epochs) = (&self.progress.run, strengths.len());
        observer.notice(&Event::Started { run, epochs, samples });
        for &strength in strengths {
            observer.go_on()?;
            self.progress.steps.begin();
            fitted.fit(&x, &labels, strength);
            for (class, (weights, constant)) in scaling.undo(&fitted).enumerate() {
                let values = self.trainer.params.values_mut();
                values[weight.start + class * len..][..len].copy_from_slice(&weights);
                values[bias.start + class] = constant;
            }
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
