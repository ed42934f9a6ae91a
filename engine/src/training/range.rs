//! The ranges of settings.

use crate::Error;
use crate::error::ensure;
use std::fmt::Display;

/// A number of either precision, printed as it was written.
pub(crate) trait Number: Copy + Into<f64> + Display {}
impl<T: Copy + Into<f64> + Display> Number for T {}

pub(crate) fn positive(name: impl Display, value: impl Number) -> Result<(), Error> {
    let number = value.into();
    ensure!(
        number > 0.0 && number.is_finite(),
        setting,
        "{name} must be positive and finite, not {value}"
    );
    Ok(())
}

pub(crate) fn not_negative(name: impl Display, value: impl Number) -> Result<(), Error> {
    let number = value.into();
    ensure!(
        number >= 0.0 && number.is_finite(),
        setting,
        "{name} must be finite and not negative, not {value}"
    );
    Ok(())
}

pub(crate) fn below_one(name: impl Display, value: impl Number) -> Result<(), Error> {
    let inside = (0.0..1.0).contains(&value.into());
    ensure!(inside, setting, "{name} must be at least 0 and less than 1, not {value}");
    Ok(())
}

pub(crate) fn up_to_one(name: impl Display, value: impl Number) -> Result<(), Error> {
    let inside = (0.0..=1.0).contains(&value.into());
    ensure!(inside, setting, "{name} must be from 0 to 1, not {value}");
    Ok(())
}
