//! Texts that look like dates in forms that are not read.

use super::calendar::month_named;

/// Tells whether a text that is no date looks like one: two or three numbers with marks of dates
/// between them, one of them perhaps the name of a month.
pub(in super::super) fn looks_like_date(text: &str) -> bool {
    if !(4..=40).contains(&text.len()) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // The time behind it, and its zone, tell nothing more.
    let date = text.split_once(':').map_or(text, |(before, _)| {
        before.trim_end_matches(|digit: char| digit.is_ascii_digit()).trim_end_matches(['T', ' '])
    });
    let mark = |next: char| matches!(next, '-' | '/' | '.' | ',' | ' ' | '年' | '月' | '日');
    let (mut years, mut numbers, mut months) = (0, 0, 0);
    for part in date.split(mark).filter(|part| !part.is_empty()) {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        match part.len() {
            4 if digits && (part.starts_with("19") || part.starts_with("20")) => years += 1,
            1..=2 if digits => numbers += 1,
            _ if month_named(part).is_some() => months += 1,
            // Small words, as in "4 de marzo de 2021".
            2 if matches!(part, "de" | "di") => {}
            _ => return false,
        }
    }
    match (years, numbers, months) {
        (1, 0..=2, 1) | (1, 2, 0) | (0, 2, 1) => true,
        // `24-Mar`
        (0, 1, 1) => text.contains('-'),
        // `99-12-31`, but no version
        (0, 3, 0) => !text.contains('.') && date.len() >= 8,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_other_forms_are_told_from_other_texts() {
        for text in ["24-Mai", "24-Mar", "Mar-24", "2021年3月4日", "99-12-31"] {
            assert!(looks_like_date(text), "{text}");
        }
        for text in [
            "1.10.12",
            "192.168.0.1",
            "123-45-6789",
            "market 5",
            "Mar 5",
            "red",
            "version 2021",
            "may",
            "set 1",
            "12-34",
            "A-12",
        ] {
            assert!(!looks_like_date(text), "{text}");
        }
    }
}
