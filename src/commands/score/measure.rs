//! The measures of how unusual a row is, and the columns that each of them has.

use super::training::Training;
use crate::cli::options::rows::ScoreKind;
use crate::commands::inputs::Loaded;
use crate::error::{Error, bail, ensure};
use crate::output::numbers::thousands;
use narrows_datasets::{Dataset, FieldKind, Rows, TableCell};
use narrows_engine::Context;
use narrows_models::inference::{self, Scored};
use narrows_models::novelty::{self, Detector, Rated};

/// Takes rows, the score of each, and the words beside it, if there are some.
pub type Take<'a> =
    dyn FnMut(&[u32], &[f32], &dyn Fn(usize) -> [u32; 2]) -> Result<(), narrows_models::Error> + 'a;

/// A measure, ready to be taken.
pub enum Measure<'a> {
    /// By a detector; names of the features that can be the most unlike ones.
    Rarity(Box<Detector>, Vec<String>),
    /// By an autoencoder; names of the features that can be the worst.
    Reconstruction(&'a Loaded, Vec<String>),
    /// By so many neighbours of the codes of an encoder.
    Knn(&'a Loaded, Training, usize),
}

impl Measure<'_> {
    /// Hands `take` the scores of `rows` of `data`.
    pub fn scores(
        &self,
        cx: &Context,
        data: &Dataset,
        rows: Rows<'_>,
        take: &mut Take<'_>,
    ) -> Result<(), Error> {
        match self {
            Measure::Rarity(detector, _) => {
                detector.score(cx, (data, rows), |Rated { rows, scores, unlike, sizes }| {
                    take(rows, scores, &|at| [unlike[at], sizes[at].to_bits()])
                })?;
            }
            Measure::Reconstruction(loaded, _) => {
                let Loaded { description, params, .. } = loaded;
                let take = |Scored { rows, scores, worst }: Scored<'_>| {
                    take(rows, scores, &|at| [worst[at], 0])
                };
                inference::score(cx, &description.architecture, params, data, rows, take)?;
            }
            Measure::Knn(loaded, training, k) => {
                let Loaded { description, params, .. } = loaded;
                let take = |rows: &[u32], scores: &[f32]| take(rows, scores, &|_| [0; 2]);
                let encoder = (&description.architecture, params);
                novelty::score(cx, encoder, training.normal(), *k, (data, rows), take)?;
            }
        }
        Ok(())
    }

    /// The words beside each score.
    pub fn words(&self) -> usize {
        match self {
            Measure::Rarity(_, names) if !names.is_empty() => 2,
            Measure::Reconstruction(_, names) if !names.is_empty() => 1,
            _ => 0,
        }
    }

    fn names(&self) -> &[String] {
        match self {
            Measure::Rarity(_, names) | Measure::Reconstruction(_, names) => names,
            Measure::Knn(..) => &[],
        }
    }

    /// The columns of the words.
    pub fn columns(&self) -> &'static [(&'static str, FieldKind)] {
        match self.words() {
            2 => &[("unlike", FieldKind::Text), ("size", FieldKind::Number)],
            1 => &[("worst", FieldKind::Text)],
            _ => &[],
        }
    }

    /// The cells of the words.
    pub fn cells(&self, [place, size]: [u32; 2]) -> impl Iterator<Item = TableCell<'_>> {
        let name = self.names().get(place as usize).map(|name| TableCell::Text(name));
        let size = (self.words() == 2).then_some(TableCell::Number(f32::from_bits(size)));
        name.into_iter().chain(size)
    }

    /// The words as the report shows them, below [`Measure::heading`].
    pub fn shown(&self, [place, size]: [u32; 2]) -> String {
        let size = match self.words() {
            2 => format!(" {:>14.1}", f32::from_bits(size)),
            _ => String::new(),
        };
        // A table may call its columns anything.
        let name = self.names().get(place as usize);
        size + &name.map_or(String::new(), |name| format!("    {}", name.escape_debug()))
    }

    pub fn heading(&self) -> String {
        match self.words() {
            2 => format!(" {:>14}    most unlike feature", "deviations"),
            1 => "    worst feature".to_owned(),
            _ => String::new(),
        }
    }

    /// What the score is.
    pub fn says(&self) -> String {
        match self {
            Measure::Rarity(detector, _) => format!(
                "the rarity beside {} training rows; 3: one in 1,000 of them is as unusual",
                thousands(detector.samples())
            ),
            Measure::Reconstruction(..) => {
                "the error of the reconstruction, mean squared per value".to_owned()
            }
            Measure::Knn(_, training, k) => format!(
                "the mean distance of the code to the {k} nearest of {} training rows",
                thousands(training.len())
            ),
        }
    }

    /// The number of neighbours and of the training rows that they are found among.
    pub fn neighbours(&self) -> Option<(usize, usize)> {
        match self {
            Measure::Rarity(detector, _) => Some((detector.neighbours(), detector.samples())),
            Measure::Reconstruction(..) => None,
            Measure::Knn(_, training, k) => Some((*k, training.len())),
        }
    }
}

/// The names of the features of `data` that can be the most unlike or the worst ones. Pixels of
/// images have none.
pub fn names(data: &Dataset, numbered: bool) -> Vec<String> {
    let mut names = data.preparation().feature_names();
    if names.is_empty() && numbered && data.image_shape().is_none() {
        names = (0..data.sample_len()).map(|at| at.to_string()).collect();
    }
    let columns = data.columns().into_iter().flatten();
    names.extend(columns.map(|column| format!("{}: a category never seen", column.name)));
    names
}

/// The score that was `given`, or that which suits the model, if there is one.
pub fn kind(model: Option<&Loaded>, given: Option<ScoreKind>) -> Result<ScoreKind, Error> {
    let Some(Loaded { path, description, .. }) = model else {
        let kind = given.unwrap_or(ScoreKind::Rarity);
        if kind != ScoreKind::Rarity {
            bail!("--score rarity alone needs no model: give a run before DATA for other scores");
        }
        return Ok(kind);
    };
    let is_foreign = description.architecture.backbone.is_some();
    let usual = match is_foreign && description.classes.is_none() {
        true => ScoreKind::Knn,
        false => ScoreKind::Rarity,
    };
    let kind = given.unwrap_or(usual);
    if kind == ScoreKind::Reconstruction {
        ensure!(
            description.classes.is_none(),
            path,
            "the model is a classifier, which reconstructs nothing: give the run of an \
             autoencoder, as narrows pretrain makes it, or score by --score rarity or knn"
        );
        ensure!(
            !is_foreign,
            path,
            "the model is an encoder alone, which reconstructs nothing: score by --score knn"
        );
    }
    Ok(kind)
}
