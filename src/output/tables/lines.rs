//! A name and a value a line.

/// The values stand below each other.
pub fn lines(of: &[(&str, String)]) -> String {
    let width = of.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    of.iter().map(|(name, value)| format!("{name:<width$}  {value}\n")).collect()
}
