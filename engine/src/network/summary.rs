//! A network at a glance: its layers and their cost.

use super::pass_memory::Sizes;
use super::{Link, Network};
use crate::Shape;
use crate::hardware::memory::padded;
use crate::network::params::Role;
use std::fmt;

/// The layers of a network and their cost. Its [`Display`](fmt::Display) is a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The shape of a sample.
    pub input: Shape,
    /// The layers, those that do nothing left out.
    pub layers: Vec<LayerSummary>,
    /// The weights and biases of all layers. Running statistics do not count.
    pub parameters: usize,
    /// The multiply-adds of a sample's forward pass. Training takes about three times as many.
    pub macs: u64,
    /// The samples of the batch that the memory is for.
    pub batch: usize,
    /// The memory of the parameters and running statistics. A trainer has as much again for their
    /// gradients, and for each moment of its optimiser.
    pub parameter_bytes: usize,
    /// The outputs of the layers, and the values they save for the backward pass of a batch.
    pub activation_bytes: usize,
    /// The gradients on their way down, and the layers' scratch.
    pub work_bytes: usize,
}

/// A layer of a [`Summary`], possibly the fusion of several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerSummary {
    /// `encoder.0`, the name of its first layer.
    pub name: String,
    /// The layers that it is made of: `linear + relu`.
    pub kind: String,
    /// The shape of a sample that the next layer gets.
    pub output: Shape,
    /// Its weights and biases.
    pub parameters: usize,
    /// The multiply-adds of a sample's forward pass.
    pub macs: u64,
}

impl Network {
    /// The layers and their cost, and the memory of training on batches of that many samples.
    pub fn summary(&self, batch: usize) -> Summary {
        let chain = &self.chain;
        let outputs = chain.links.iter().skip(1).map(|next| &next.input).chain([&chain.output]);
        let of_link = |(link, output): (&Link, &Shape)| {
            let entries = chain.entries[link.entries.clone()].iter();
            let trained = entries.filter(|e| e.spec.role != Role::Statistic);
            LayerSummary {
                name: link.name.clone(),
                kind: link.kind.clone(),
                output: output.clone(),
                parameters: trained.map(|e| e.range.len()).sum(),
                macs: link.op.macs(),
            }
        };
        let layers: Vec<LayerSummary> = chain.links.iter().zip(outputs).map(of_link).collect();
        let sizes = Sizes::new(chain, batch);
        let bytes = |floats: usize| floats * size_of::<f32>();
        Summary {
            input: self.input().clone(),
            parameters: layers.iter().map(|layer| layer.parameters).sum(),
            macs: layers.iter().map(|layer| layer.macs).sum(),
            layers,
            batch,
            parameter_bytes: bytes(padded(chain.params_len())),
            activation_bytes: bytes(sizes.values),
            work_bytes: bytes(2 * sizes.gradient + sizes.scratch),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |name: &str, kind: &str, output: &Shape, parameters: usize, macs: u64| {
            let (parameters, macs) = (grouped(parameters as u64), grouped(macs));
            [name.to_string(), kind.to_string(), output.to_string(), parameters, macs]
        };
        let mut rows =
            vec![["layer", "kind", "output", "parameters", "multiply-adds"].map(str::to_string)];
        rows.push(["", "input", &self.input.to_string(), "", ""].map(str::to_string));
        let of = |l: &LayerSummary| row(&l.name, &l.kind, &l.output, l.parameters, l.macs);
        rows.extend(self.layers.iter().map(of));
        let output = self.layers.last().map_or(&self.input, |layer| &layer.output);
        rows.push(row("total", "", output, self.parameters, self.macs));
        let width =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [a, b, c, d, e] = std::array::from_fn(width);
        for [name, kind, output, parameters, macs] in &rows {
            let line = format!("{name:a$}  {kind:b$}  {output:>c$}  {parameters:>d$}  {macs:>e$}");
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(
            f,
            "parameters {} (as much for their gradients, and for each moment of the optimiser); a \
             batch of {}: activations {}, work {}",
            size(self.parameter_bytes),
            self.batch,
            size(self.activation_bytes),
            size(self.work_bytes)
        )
    }
}

/// 1,234,567
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the unit that leaves few digits.
fn size(bytes: usize) -> String {
    match bytes as f64 {
        b if b < 1e3 => format!("{bytes} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}
