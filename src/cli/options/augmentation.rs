//! The augmentation of samples: a list of operations, each with its amount.

use crate::error::{Error, bail};
use narrows_datasets::{Augmentation, Augmenter, Dataset};
use serde::{Serialize, Serializer};
use std::sync::LazyLock;

/// The probability of a bare `flip`.
const FLIP: f32 = 0.5;

/// A setting of [`Augmentation`].
type Setting = for<'a> fn(&'a mut Augmentation) -> Amount<'a>;

enum Amount<'a> {
    Pixels(&'a mut usize),
    Number(&'a mut f32),
}

/// The operations: name, name of the amount, and place of the amount.
const ITEMS: [(&str, &str, Setting); 13] = [
    ("rotate", "DEGREES", |a| Amount::Number(&mut a.rotate)),
    ("scale", "X", |a| Amount::Number(&mut a.scale)),
    ("shear", "DEGREES", |a| Amount::Number(&mut a.shear)),
    ("crop", "PIXELS", |a| Amount::Pixels(&mut a.crop)),
    ("shift", "PIXELS", |a| Amount::Pixels(&mut a.shift)),
    ("flip", "P", |a| Amount::Number(&mut a.flip)),
    ("brightness", "X", |a| Amount::Number(&mut a.brightness)),
    ("contrast", "X", |a| Amount::Number(&mut a.contrast)),
    ("gaussian", "DEVIATION", |a| Amount::Number(&mut a.gaussian)),
    ("mask", "P", |a| Amount::Number(&mut a.mask)),
    ("patch", "PIXELS", |a| Amount::Pixels(&mut a.patch)),
    ("salt", "P", |a| Amount::Number(&mut a.salt)),
    ("cutout", "PIXELS", |a| Amount::Pixels(&mut a.cutout)),
];

/// The meaning of the items; `compare` gives it once.
const MEANING: &str = "rotate=DEGREES, scale=X (times 1-X to 1+X), shear=DEGREES, \
                       crop=PIXELS (pads by mirroring, then crops), shift=PIXELS, \
                       flip=P (left and right, with probability P; flip alone: 0.5), \
                       brightness=X, contrast=X (times 1-X to 1+X). \
                       Changes that an autoencoder learns to undo: \
                       gaussian=DEVIATION (noise), mask=P (part P of the values to 0; with \
                       patch=PIXELS, squares of that side), salt=P (part P of the values to 0 \
                       or 1), cutout=PIXELS (a square to 0)";

/// The help of `--augment`.
pub static AUGMENT_HELP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "Augmentation: random changes of each training sample, new in each epoch; never of \
         validation or test samples. A list, separated by commas, with the largest amount of each \
         change: {MEANING}"
    )
});

/// Refuses what `data` cannot take, by the name of the option.
pub fn check(option: &str, Items(augmentation): Items, data: &Dataset) -> Result<(), Error> {
    match Augmenter::new(augmentation, data.image_shape()) {
        Ok(_) => Ok(()),
        Err(e) => bail!("{option}: {}: {e}", data.name()),
    }
}

/// An augmentation, written as the list of what is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Items(pub Augmentation);

impl Serialize for Items {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Items(mut augmentation) = *self;
        let written =
            ITEMS.into_iter().filter_map(|(name, _, setting)| match setting(&mut augmentation) {
                Amount::Pixels(pixels) => (*pixels > 0).then(|| format!("{name}={pixels}")),
                Amount::Number(number) => (*number > 0.0).then(|| format!("{name}={number}")),
            });
        serializer.collect_seq(written.collect::<Vec<_>>())
    }
}

/// Reads items separated by commas, each once; `none` for nothing at all.
pub fn augmentation(text: &str) -> Result<Items, String> {
    let mut all = Augmentation::default();
    let mut seen: Vec<&str> = Vec::new();
    if matches!(text, "" | "none") {
        return Ok(Items(all));
    }
    for item in text.split(',').map(str::trim) {
        let (name, amount) = match item.split_once('=') {
            Some((name, amount)) => (name.trim_end(), Some(amount.trim_start())),
            None => (item, None),
        };
        let Some((name, amount_name, setting)) =
            ITEMS.into_iter().find(|(known, ..)| *known == name)
        else {
            let known: Vec<String> =
                ITEMS.iter().map(|(name, amount, _)| format!("{name}={amount}")).collect();
            return Err(format!("'{item}': it must be one of {}", known.join(", ")));
        };
        if seen.contains(&name) {
            return Err(format!("'{item}': {name} is given twice"));
        }
        seen.push(name);
        match (setting(&mut all), amount) {
            (Amount::Number(number), None) if name == "flip" => *number = FLIP,
            (_, None) => return Err(format!("'{item}': it needs an amount: {name}={amount_name}")),
            (Amount::Pixels(pixels), Some(text)) => {
                *pixels = text
                    .parse()
                    .map_err(|_| format!("'{item}': it must be a whole number of pixels"))?;
            }
            (Amount::Number(number), Some(text)) => {
                *number = text.parse().map_err(|_| format!("'{item}': it must be a number"))?;
            }
        }
        // A complaint now is about this item.
        all.check().map_err(|e| format!("'{item}': {e}"))?;
    }
    Ok(Items(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_and_written_back() {
        let Items(read) = augmentation("shift=2, flip,rotate = 12.5,gaussian=1e-1").unwrap();
        let expected = Augmentation {
            shift: 2,
            flip: 0.5,
            rotate: 12.5,
            gaussian: 0.1,
            ..Augmentation::default()
        };
        assert_eq!(read, expected);
        let written = toml::Value::try_from(Items(read)).unwrap();
        assert_eq!(
            written.to_string(),
            r#"["rotate=12.5", "shift=2", "flip=0.5", "gaussian=0.1"]"#
        );
        for nothing in ["", "none", "shift=0,mask=0"] {
            assert!(augmentation(nothing).unwrap().0.is_off(), "{nothing}");
        }
    }

    #[test]
    fn each_item_reaches_its_setting() {
        for (name, _, _) in ITEMS {
            // Each accepts it.
            let text = format!(
                "{name}={}",
                if ["crop", "shift", "patch", "cutout"].contains(&name) { "3" } else { "0.75" }
            );
            let items = augmentation(&text).unwrap();
            assert_eq!(toml::Value::try_from(items).unwrap().to_string(), format!("[\"{text}\"]"));
            let debug = format!("{:?}", items.0);
            let (_, amount) = text.split_once('=').unwrap();
            assert!(debug.contains(&format!("{name}: {amount}")), "{text}: {debug}");
            assert!(MEANING.contains(&format!("{name}=")), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("shift=2,blur=3", "'blur=3': it must be one of rotate=DEGREES, scale=X"),
            ("shift", "'shift': it needs an amount: shift=PIXELS"),
            ("shift=1.5", "'shift=1.5': it must be a whole number of pixels"),
            ("mask=half", "'mask=half': it must be a number"),
            (
                "flip,mask=nan",
                "'mask=nan': mask: it must be a number from 0 up and below 1, not NaN",
            ),
            ("flip=0.1,flip", "'flip': flip is given twice"),
            ("flip,,mask=0.1", "'': it must be one of"),
            ("scale=-0.5", "'scale=-0.5': scale: it must be"),
        ] {
            let e = augmentation(text).unwrap_err();
            assert!(e.starts_with(expected), "{text}: {e}");
        }
    }
}
