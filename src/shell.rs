//! Commands and options to paste into a shell.

use std::fmt::Display;

/// `word` as one word of a POSIX shell's line. Nothing within single quotes has a meaning of its
/// own, but the quote that ends them.
pub fn quoted(word: impl Display) -> String {
    let word = word.to_string();
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The items of a list as an option takes them: one with a comma is in quotes.
pub fn joined<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let written = |item: T| match item.as_ref().contains(',') {
        true => format!("\"{}\"", item.as_ref()),
        false => item.as_ref().to_owned(),
    };
    items.into_iter().map(written).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use std::process::Command;

    #[test]
    #[cfg_attr(not(unix), ignore = "needs sh")]
    fn a_shell_takes_a_quoted_word_as_it_was() {
        let words = [
            "plain/Path-1.csv",
            "",
            "my table.csv",
            "$HOME",
            "`id`",
            "$(id)",
            "a\"b",
            "it's",
            "''",
            "a\\b",
            "~",
            "a*?[b]",
            "!x",
            "#x",
            "a;b&c|d",
            "<in>",
            "two\nlines",
            "grün",
            "{a,b}",
        ];
        let line = words.map(quoted).join(" ");
        let said = Command::new("sh").args(["-c", &format!("printf '%s\\0' {line}")]).output();
        let expected = words.map(|word| format!("{word}\0")).concat();
        assert_eq!(String::from_utf8(said.unwrap().stdout).unwrap(), expected, "{line}");
    }
}
