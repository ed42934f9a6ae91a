//! Colours that the colour-blind can tell apart.

use plotters::style::{BLACK, Color, RGBAColor, RGBColor};

/// The palette of Okabe and Ito (2008), black and yellow last.
pub const PALETTE: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
    RGBColor(240, 228, 66),
];
/// The best of many.
pub const BEST: RGBColor = PALETTE[1];
/// Lines behind the coloured ones.
pub const BEHIND: RGBColor = RGBColor(196, 196, 196);

/// The colour of axes.
pub fn axis() -> RGBAColor {
    BLACK.mix(0.55)
}

/// From poor, 0, to good, 1: pale yellow over green to dark violet. Lightness falls evenly, which
/// eyes of every kind see. The steps are even in Oklab (Ottosson 2020, "A perceptual color space
/// for image processing"), whose matrices these are.
pub fn graded(share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let lightness = 0.87 - 0.57 * share;
    // Less in the middle, where screens have no strong cyan.
    let chroma = 0.14 - 0.04 * (std::f64::consts::PI * share).sin();
    let (sin, cos) = (100.0 + 195.0 * share).to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    let [red, green, blue] = linear.map(|x: f64| {
        let x = x.clamp(0.0, 1.0);
        let x = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (255.0 * x).round() as u8
    });
    RGBColor(red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lightness as CIE 1976 has it, from 0 to 100.
    fn lightness(RGBColor(red, green, blue): RGBColor) -> f64 {
        let linear = [red, green, blue].map(|x| {
            let x = f64::from(x) / 255.0;
            if x <= 0.04045 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        });
        let luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
        116.0 * luminance.cbrt() - 16.0
    }

    #[test]
    fn better_is_darker_in_even_steps() {
        let all: Vec<f64> = (0..=10).map(|i| lightness(graded(f64::from(i) / 10.0))).collect();
        for pair in all.windows(2) {
            assert!((3.0..10.0).contains(&(pair[0] - pair[1])), "{all:?}");
        }
        assert!(all[0] > 80.0 && all[10] < 30.0, "{all:?}");
    }
}
