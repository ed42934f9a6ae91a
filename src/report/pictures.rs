//! Inputs above their reconstructions.

use super::chart::{Figure, picture};
use super::files::Run;
use super::html::{Html, element, paragraph};
use super::table::{Cell, Table};
use crate::output::numbers::{duration, significant};
use crate::output::picture::smaller;

/// The bytes that a picture may have in a page.
const MOST: usize = 500_000;

pub fn section(run: &Run) -> Option<Html> {
    let bytes = run.picture.as_ref()?;
    let title = "Inputs above their reconstructions";
    let Some(bytes) = smaller(bytes, MOST) else {
        let note = "The picture of reconstructions cannot be read; it is left out.";
        return Some(paragraph("note", note));
    };
    let summary = &run.summary;
    let mut table = Table::new(
        "reconstruction",
        "Mean squared error per value",
        &["code", "test split", "training split", "time"],
    );
    let shown = |x: f64| significant(x, 4);
    if let Some(pca) = &summary.pca {
        let [test, train] = [pca.test_mse, pca.train_mse].map(|x| Cell::number(x, shown(x)));
        table.row([Cell::text(format!("PCA, {} components", pca.components)), test, train]);
    }
    if let Some(of) = &summary.autoencoder {
        let [test, train] = [of.test_mse, of.train_mse].map(|x| Cell::number(x, shown(x)));
        let time = Cell::optional(of.seconds, duration);
        table.row([Cell::text(format!("autoencoder, {} values", of.latent)), test, train, time]);
    }
    if let Some(mse) = summary.test_mse {
        table.row([Cell::text("autoencoder"), Cell::number(mse, shown(mse))]);
    }
    let note = "Test split. Rows in pairs: the input, and below it what the autoencoder makes of \
                it. The samples are spread evenly over the split.";
    let said = "Pairs of rows of pictures: test samples, and below each its reconstruction.";
    let figure = Figure { title, note, description: said, legend: Html::default(), table };
    let drawing = picture("samples", "image/png", &bytes, said);
    let mut figures = figure.around(drawing);
    if let Some(bytes) = run.worst.as_ref().and_then(|bytes| smaller(bytes, MOST)) {
        figures.push(worst(&bytes));
    }
    Some(element("div", &[("class", "figures wide")], figures))
}

/// The samples that the autoencoder makes least of.
fn worst(bytes: &[u8]) -> Html {
    let said = "Pairs of rows of pictures: the test samples with the largest errors, and below \
                each its reconstruction.";
    let note = "Test split: the largest squared errors first, among at most 2,000 samples spread \
                over the split. Rows in pairs, as above.";
    let table = Table::new("worst", "Worst reconstructed", &[]);
    let figure = Figure {
        title: "Worst reconstructed",
        note,
        description: said,
        legend: Html::default(),
        table,
    };
    figure.around(picture("worst samples", "image/png", bytes, said))
}
