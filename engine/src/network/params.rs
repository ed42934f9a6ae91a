//! Parameters: one slab with named ranges.
//!
//! A layer declares its parameters once, as [`ParamSpec`]s; names, shapes and offsets follow from
//! that. Running statistics lie in the same slab, so that a section (the encoder, say) is one
//! contiguous range: transfer copies a range, and freezing is a property of it.

mod file;

pub use file::{LoadReport, ParamFile};

use crate::error::{Error, ensure};
use crate::hardware::memory::{Slab, padded};
use crate::network::init::Init;
use crate::shape::MAX_VALUES;
use std::borrow::Cow;
use std::ops::Range;

/// The use of a range of the slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A weight: trained, and subject to weight decay.
    Weight,
    /// A bias, or a normalisation's gamma or beta: trained, without weight decay.
    Bias,
    /// A running statistic: kept up by the layer, never by the optimiser.
    Statistic,
}

/// A layer's declaration of one of its parameters.
#[derive(Clone, Debug)]
pub struct ParamSpec {
    /// The name within the layer: `weight`, `bias`, `running_mean`; in a block of layers
    /// `0.weight`.
    pub name: Cow<'static, str>,
    /// The dimensions, row-major.
    pub shape: Vec<usize>,
    /// Its use.
    pub role: Role,
    /// Its initial values.
    pub init: Init,
    /// The inputs that one output sums over, for [`Init`].
    pub fan_in: usize,
    /// The outputs that one input reaches, for [`Init`].
    pub fan_out: usize,
}

/// One named range of the slab.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ParamEntry {
    /// The full name: `encoder.0.weight`.
    pub name: String,
    /// The layer's declaration.
    pub spec: ParamSpec,
    /// Its place in the slab.
    pub range: Range<usize>,
    /// True if the optimiser may change it; always `false` for statistics.
    pub trainable: bool,
    /// The factor on the learning rate.
    pub lr_factor: f32,
}

impl ParamEntry {
    /// A parameter of that full name, whose values begin at `start`.
    ///
    /// # Errors
    /// If it ends beyond what a network may have.
    pub(crate) fn at(start: usize, name: String, spec: ParamSpec) -> Result<ParamEntry, Error> {
        let len = spec.shape.iter().try_fold(1usize, |len, &n| len.checked_mul(n));
        match len.and_then(|len| start.checked_add(len)) {
            Some(end @ ..=MAX_VALUES) => {
                let (range, trainable) = (start..end, spec.role != Role::Statistic);
                Ok(ParamEntry { name, spec, range, trainable, lr_factor: 1.0 })
            }
            _ => Err(Error::shape(format!(
                "{} of shape {:?} is too large: a network has at most {MAX_VALUES} parameters",
                spec.name, spec.shape
            ))),
        }
    }
}

/// The length of the slab that ends with the last of the entries.
pub(crate) fn end(entries: &[ParamEntry]) -> usize {
    entries.last().map_or(0, |entry| entry.range.end)
}

/// All parameters and running statistics of a network.
#[derive(Clone, Debug)]
pub struct Params {
    entries: Vec<ParamEntry>,
    values: Slab,
}

impl Params {
    /// Fresh parameters without a [`Network`](crate::Network): each declaration, by its full name,
    /// begins on a cache line.
    ///
    /// # Errors
    /// If they are more than fit into memory; the message names the first that does not.
    pub(crate) fn declared(specs: Vec<ParamSpec>, seed: u64) -> Result<Params, Error> {
        let mut entries = Vec::new();
        for spec in specs {
            let name = spec.name.to_string();
            entries.push(ParamEntry::at(padded(end(&entries)), name, spec)?);
        }
        Ok(Params::initialised(entries, seed))
    }

    pub(super) fn initialised(entries: Vec<ParamEntry>, seed: u64) -> Params {
        let Params { entries, mut values } = Params::zeroed(entries);
        for entry in &entries {
            let purpose = fnv1a(&entry.name);
            let ParamSpec { init, fan_in, fan_out, .. } = entry.spec;
            init.fill(fan_in, fan_out, seed, purpose, &mut values[entry.range.clone()]);
        }
        Params { entries, values }
    }

    pub(super) fn zeroed(entries: Vec<ParamEntry>) -> Params {
        let values = Slab::new(padded(end(&entries)));
        Params { entries, values }
    }

    /// The named ranges, in the order of the layers.
    pub fn entries(&self) -> &[ParamEntry] {
        &self.entries
    }

    /// The whole slab.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The whole slab, to be written.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The entries, and the slab to be written.
    pub(crate) fn split_mut(&mut self) -> (&[ParamEntry], &mut [f32]) {
        (&self.entries, &mut self.values)
    }

    fn entry(&self, name: &str) -> Option<&ParamEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The values of the parameter of that full name.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.entry(name).map(|entry| &self.values[entry.range.clone()])
    }

    /// Like [`Params::get`], to be written.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut [f32]> {
        let range = self.entry(name)?.range.clone();
        Some(&mut self.values[range])
    }

    /// The number of values that training can change.
    pub fn trainable_len(&self) -> usize {
        self.entries.iter().filter(|e| e.trainable).map(|e| e.range.len()).sum()
    }

    /// Freezes (`false`) or frees (`true`) everything below `prefix`: a section (`encoder`), a
    /// layer (`encoder.3`) or one parameter. A batch norm whose parameters are all frozen also
    /// keeps its running statistics and normalises with them.
    ///
    /// # Errors
    /// If nothing is below it; the message lists the layers that have parameters.
    pub fn set_trainable(&mut self, prefix: &str, trainable: bool) -> Result<(), Error> {
        for entry in self.below_mut(prefix)? {
            entry.trainable = trainable && entry.spec.role != Role::Statistic;
        }
        Ok(())
    }

    /// Sets the factor on the learning rate for everything below `prefix`.
    ///
    /// # Errors
    /// If nothing is below it, or the factor is negative, NaN or infinite.
    pub fn set_lr_factor(&mut self, prefix: &str, factor: f32) -> Result<(), Error> {
        ensure!(
            factor >= 0.0 && factor.is_finite(),
            setting,
            "the learning rate's factor for '{prefix}' must be 0 or more and finite, but is \
             {factor}"
        );
        self.below_mut(prefix)?.for_each(|entry| entry.lr_factor = factor);
        Ok(())
    }

    /// The entries below `prefix`, one at least.
    fn below_mut(&mut self, prefix: &str) -> Result<impl Iterator<Item = &mut ParamEntry>, Error> {
        self.range_below(prefix)?;
        Ok(self.entries.iter_mut().filter(move |e| is_below(&e.name, prefix)))
    }

    /// Like [`Params::range`].
    ///
    /// # Errors
    /// If nothing is below the prefix.
    pub(crate) fn range_below(&self, prefix: &str) -> Result<Range<usize>, Error> {
        match self.entries.iter().any(|e| is_below(&e.name, prefix)) {
            true => Ok(self.range(prefix)),
            false => Err(self.unknown(prefix)),
        }
    }

    /// The error about a prefix that matches nothing; it lists the layers that have parameters.
    fn unknown(&self, prefix: &str) -> Error {
        let layer = |e: &ParamEntry| e.name.rsplit_once('.').map(|(layer, _)| layer.to_string());
        let mut layers: Vec<String> = self.entries.iter().filter_map(layer).collect();
        layers.dedup();
        let more = match layers.len().saturating_sub(12) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        layers.truncate(12);
        let layers = layers.join(", ");
        Error::unknown(format!("no parameter is below '{prefix}': there are {layers}{more}"))
    }

    /// The contiguous range of everything below `prefix`; empty if that is nothing.
    pub fn range(&self, prefix: &str) -> Range<usize> {
        let mut below = self.entries.iter().filter(|e| is_below(&e.name, prefix));
        let Some(first) = below.next() else { return 0..0 };
        first.range.start..below.next_back().unwrap_or(first).range.end
    }

    /// Copies everything below `prefix` from `source`: the transfer of an encoder.
    ///
    /// # Errors
    /// If the two do not hold the same parameters of the same shapes below `prefix`.
    pub fn copy_from(&mut self, source: &Params, prefix: &str) -> Result<(), Error> {
        let below = |entry: &&ParamEntry| is_below(&entry.name, prefix);
        let to = self.range_below(prefix)?;
        check_same(
            &format!("cannot copy '{prefix}'"),
            self.entries.iter().filter(below),
            source.entries.iter().filter(below),
        )?;
        self.values[to].copy_from_slice(&source.values[source.range(prefix)]);
        Ok(())
    }
}

/// Refuses entries that differ from those expected in a name, a shape or their place in the slab,
/// counted from the first one's.
pub(crate) fn check_same<'a>(
    problem: &str,
    expected: impl IntoIterator<Item = &'a ParamEntry>,
    found: impl IntoIterator<Item = &'a ParamEntry>,
) -> Result<(), Error> {
    let (mut expected, mut found) = (expected.into_iter(), found.into_iter());
    let mut starts = None;
    loop {
        let (ours, theirs) = (expected.next(), found.next());
        let mut moved = false;
        match (ours, theirs) {
            (None, None) => return Ok(()),
            (Some(a), Some(b)) if a.name == b.name && a.spec.shape == b.spec.shape => {
                let (first_a, first_b) = *starts.get_or_insert((a.range.start, b.range.start));
                moved = a.range.start - first_a != b.range.start - first_b;
                if !moved {
                    continue;
                }
            }
            _ => {}
        }
        let describe = |entry: Option<&ParamEntry>| match entry {
            Some(e) if moved => format!("{} at value {} of the slab", e.name, e.range.start),
            Some(e) => format!("{} {:?}", e.name, e.spec.shape),
            None => "nothing".to_string(),
        };
        let (ours, theirs) = (describe(ours), describe(theirs));
        return Err(Error::mismatch(format!("{problem}: expected {ours}, found {theirs}")));
    }
}

/// True if the parameter `name` is `prefix` itself or lies in that section or layer.
fn is_below(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A name as a number (Fowler, Noll, Vo; 64-bit FNV-1a).
fn fnv1a(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}
