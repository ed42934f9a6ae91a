//! Augmentation: samples that differ a little in each epoch, for training alone.
//!
//! ```
//! use narrows_datasets::{Augmentation, Augmenter, Dataset, SampleKey};
//!
//! let digits = Dataset::digits();
//! let augmentation =
//!     Augmentation { shift: 1, rotate: 10.0, gaussian: 0.1, ..Augmentation::default() };
//! let augmenter = Augmenter::new(augmentation, digits.image_shape())?;
//! let mut scratch = vec![0.0; augmenter.scratch_len()];
//!
//! let (row, mut x) = (7, vec![0.0; digits.sample_len()]);
//! digits.gather(&[row], &mut x);
//! let key = SampleKey { seed: 1, epoch: 0, row };
//! augmenter.transform(key, &mut x, &mut scratch); // the target of an autoencoder
//! augmenter.corrupt(key, &mut x); // its input
//! # Ok::<(), narrows_datasets::Error>(())
//! ```
//!
//! The order is fixed:
//!
//! ```text
//! transform   1 rotate, scale, shear (one resampling)   2 crop   3 shift   4 flip   5 brightness
//!             6 contrast
//! corrupt     7 gaussian   8 mask (values, or patches)   9 salt   10 cutout
//! ```
//!
//! - **Transforming and corrupting are two steps**, because a denoising autoencoder is given the
//!   corrupted sample and should give back the one before it, whereas one that is given a shifted
//!   image should give back the shifted image.
//! - **Each operation has random numbers of its own**, a function of (seed, epoch, row, operation)
//!   and of nothing else: no batch, no thread and no other operation changes them.
//! - **The ground of an image**, the median of its border, comes in from outside; a crop mirrors
//!   instead. Transformed values stay in `[0, 1]`; Gaussian noise leaves it.

mod affine;
mod brightness;
mod contrast;
mod crop;
mod cutout;
mod flip;
mod gaussian;
mod ground;
mod mask;
mod patch;
mod random;
mod salt;
mod shift;
#[cfg(test)]
mod tests;

use crate::error::{Error, bail};
use random::{Purpose, Stream};

pub use random::SampleKey;

/// The changes to a sample before it is trained on. The default changes nothing.
///
/// Each amount is drawn anew for each sample in each epoch; the setting is its largest. Rotation,
/// scale and shear are about the middle of the image, and interpolate between the four nearest
/// pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Rotates by an angle uniform in `-rotate..=rotate` degrees; 0 to 180.
    pub rotate: f32,
    /// Enlarges by a factor uniform in `1 - scale..=1 + scale`; from 0 up and below 1.
    pub scale: f32,
    /// Slants: moves each row sideways by its distance from the middle times the tangent of an
    /// angle uniform in `-shear..=shear` degrees; from 0 up and below 90.
    pub shear: f32,
    /// Pads and crops: adds so many pixels on each side, in which the image is mirrored at its
    /// outermost pixels, and cuts an image of the old size out at a random place. In a dimension of
    /// n pixels it is n - 1 at most. (Padded by its ground it would be
    /// [`shift`](Augmentation::shift).)
    pub crop: usize,
    /// Moves by so many whole pixels at most, up or down and left or right, each number as likely.
    /// In a dimension of n pixels it is n - 1 at most.
    pub shift: usize,
    /// Exchanges left and right with this probability; 0 to 1.
    pub flip: f32,
    /// Multiplies all values by a factor uniform in `1 - brightness..=1 + brightness`, up to 1; 0
    /// to 1.
    pub brightness: f32,
    /// Multiplies the distances from the sample's mean by a factor uniform in `1 - contrast..=1 +
    /// contrast`, within `[0, 1]`; 0 to 1.
    pub contrast: f32,
    /// Adds to each value a normal number of this standard deviation; 0 to 1000.
    pub gaussian: f32,
    /// Sets each value to 0 with this probability, in steps of 2^-16; from 0 up and below 1
    /// (masking noise: Vincent et al., Stacked Denoising Autoencoders, JMLR 2010).
    pub mask: f32,
    /// Masks whole squares of this side, in all channels, in place of single values: the image is
    /// cut into them from the upper left corner on, and of them the fraction
    /// [`mask`](Augmentation::mask) is hidden, rounded to the nearest number, though one stays (He
    /// et al., Masked Autoencoders Are Scalable Vision Learners, CVPR 2022). 0 for values.
    pub patch: usize,
    /// Sets each value with this probability to 0 or 1, each as likely; from 0 up and below 1
    /// (salt-and-pepper noise: Vincent et al. 2010).
    pub salt: f32,
    /// Sets a square of this side to 0, in all channels. Its middle is any of the pixels, so that
    /// it may lie partly outside (DeVries and Taylor, Improved Regularization of CNNs with Cutout,
    /// 2017).
    pub cutout: usize,
}

impl Augmentation {
    /// Tells whether nothing is changed.
    pub fn is_off(&self) -> bool {
        *self == Augmentation::default()
    }

    /// Tells whether [`Augmenter::corrupt`] does anything.
    pub fn corrupts(&self) -> bool {
        self.gaussian > 0.0 || self.mask > 0.0 || self.salt > 0.0 || self.cutout > 0
    }

    /// Checks the range of each setting.
    ///
    /// # Errors
    /// If a setting is out of its range; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        let Augmentation { rotate, scale, shear, flip, brightness, contrast, .. } = *self;
        for (name, x, most) in [
            ("rotate", rotate, 180.0),
            ("flip", flip, 1.0),
            ("brightness", brightness, 1.0),
            ("contrast", contrast, 1.0),
            ("gaussian", self.gaussian, 1000.0),
        ] {
            if !(0.0..=most).contains(&x) {
                bail!("{name}: it must be a number from 0 to {most}, not {x}");
            }
        }
        for (name, x, end) in [
            ("scale", scale, 1.0),
            ("shear", shear, 90.0),
            ("mask", self.mask, 1.0),
            ("salt", self.salt, 1.0),
        ] {
            if !(0.0..end).contains(&x) {
                bail!("{name}: it must be a number from 0 up and below {end}, not {x}");
            }
        }
        Ok(())
    }

    fn resamples(&self) -> bool {
        self.rotate > 0.0 || self.scale > 0.0 || self.shear > 0.0
    }

    /// The first setting in use that only images can have.
    fn of_images(&self) -> Option<&'static str> {
        let settings = [
            ("rotate", self.rotate > 0.0),
            ("scale", self.scale > 0.0),
            ("shear", self.shear > 0.0),
            ("crop", self.crop > 0),
            ("shift", self.shift > 0),
            ("flip", self.flip > 0.0),
            ("patch", self.patch > 0),
            ("cutout", self.cutout > 0),
        ];
        settings.into_iter().find(|(_, used)| *used).map(|(name, _)| name)
    }
}

/// Height, width and channels of an image, whose values lie row by row and pixel by pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    h: usize,
    w: usize,
    c: usize,
}

impl Size {
    fn len(self) -> usize {
        self.h * self.w * self.c
    }
}

/// An [`Augmentation`] of samples of one shape. It holds no state: threads can share it.
#[derive(Clone, Copy, Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    /// `None` for samples that are no images.
    image: Option<Size>,
}

impl Augmenter {
    /// Augments images of `image_shape`, `(height, width, channels)`, or samples that are no
    /// images, as [`Dataset::image_shape`](crate::Dataset::image_shape) says.
    ///
    /// # Errors
    /// If [`Augmentation::check`] fails; if a setting in use is for images alone and these samples
    /// are none, or asks for more pixels than there are. The message names it.
    pub fn new(
        augmentation: Augmentation,
        image_shape: Option<(usize, usize, usize)>,
    ) -> Result<Augmenter, Error> {
        augmentation.check()?;
        if augmentation.patch > 0 && augmentation.mask == 0.0 {
            return Err(Error::request(
                "patch: it is the side of the squares that mask hides: set mask, too".to_string(),
            ));
        }
        let Some((h, w, c)) = image_shape else {
            return match augmentation.of_images() {
                None => Ok(Augmenter { augmentation, image: None }),
                Some(name) => Err(Error::request(format!(
                    "{name}: it is for images, and these samples have no height and width: leave \
                     it out"
                ))),
            };
        };
        if h == 0 || w == 0 || c == 0 {
            return Err(Error::request(format!(
                "there is nothing to augment in images of {h}x{w}x{c}"
            )));
        }
        let longest = h.max(w);
        let Augmentation { crop, shift, patch, cutout, .. } = augmentation;
        for (name, pixels, most) in [
            ("crop", crop, longest.saturating_sub(1)),
            ("shift", shift, longest.saturating_sub(1)),
            ("patch", patch, longest),
            ("cutout", cutout, longest),
        ] {
            if pixels > most {
                return Err(Error::request(format!(
                    "{name}: it must be a whole number from 0 to {most} for images of {h}x{w}, not \
                     {pixels}"
                )));
            }
        }
        Ok(Augmenter { augmentation, image: Some(Size { h, w, c }) })
    }

    /// The settings.
    pub fn augmentation(&self) -> &Augmentation {
        &self.augmentation
    }

    /// The values that [`Augmenter::transform`] needs for itself.
    pub fn scratch_len(&self) -> usize {
        let Some(image) = self.image else { return 0 };
        let a = &self.augmentation;
        let affine = if a.resamples() { affine::scratch_len(image) } else { 0 };
        let crop = if a.crop > 0 { image.len() } else { 0 };
        let shift = if a.shift > 0 { shift::scratch_len(image) } else { 0 };
        affine.max(crop).max(shift)
    }

    /// Changes place and light of `sample`: one sample, with values in `[0, 1]`, which stay there.
    /// The values in `scratch` have no meaning, before and after. Allocates nothing.
    ///
    /// # Panics
    /// If `sample` has another length than an image of the shape, or `scratch` is shorter than
    /// [`scratch_len`](Augmenter::scratch_len).
    pub fn transform(&self, key: SampleKey, sample: &mut [f32], scratch: &mut [f32]) {
        let a = &self.augmentation;
        let random = |purpose| Stream::new(key, purpose);
        if let Some(image) = self.image {
            assert_eq!(sample.len(), image.len(), "the sample has the image's length");
            if a.resamples() {
                affine::apply(a, &mut random(Purpose::Affine), sample, image, scratch);
            }
            if a.crop > 0 {
                crop::apply(a.crop, &mut random(Purpose::Crop), sample, image, scratch);
            }
            if a.shift > 0 {
                shift::apply(a.shift, &mut random(Purpose::Shift), sample, image, scratch);
            }
            if a.flip > 0.0 {
                flip::apply(a.flip, &mut random(Purpose::Flip), sample, image);
            }
        }
        if a.brightness > 0.0 {
            brightness::apply(a.brightness, &mut random(Purpose::Brightness), sample);
        }
        if a.contrast > 0.0 {
            contrast::apply(a.contrast, &mut random(Purpose::Contrast), sample);
        }
    }

    /// Puts noise on `sample`, and holes into it. Allocates nothing.
    ///
    /// # Panics
    /// If `sample` has another length than an image of the shape.
    pub fn corrupt(&self, key: SampleKey, sample: &mut [f32]) {
        let a = &self.augmentation;
        if a.gaussian > 0.0 {
            gaussian::apply(a.gaussian, &mut Stream::new(key, Purpose::Gaussian), sample);
        }
        if let Some(image) = self.image.filter(|_| a.patch > 0) {
            assert_eq!(sample.len(), image.len(), "the sample has the image's length");
            patch::apply(a.mask, a.patch, &mut Stream::new(key, Purpose::Patch), sample, image);
        } else if a.mask > 0.0 {
            mask::apply(a.mask, &mut Stream::new(key, Purpose::Mask), sample);
        }
        if a.salt > 0.0 {
            salt::apply(a.salt, &mut Stream::new(key, Purpose::Salt), sample);
        }
        if let Some(image) = self.image.filter(|_| a.cutout > 0) {
            assert_eq!(sample.len(), image.len(), "the sample has the image's length");
            cutout::apply(a.cutout, &mut Stream::new(key, Purpose::Cutout), sample, image);
        }
    }
}
