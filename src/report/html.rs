//! HTML in which everything that came from outside is text.

/// A piece of a page. Texts get into it by [`text`] and by attributes alone, which escape them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Html(String);

impl Html {
    /// The page's own markup, which holds nothing from outside.
    pub fn of(markup: &'static str) -> Html {
        Html(markup.to_string())
    }

    pub fn push(&mut self, more: Html) {
        self.0.push_str(&more.0);
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Text, escaped.
pub fn text(text: impl AsRef<str>) -> Html {
    Html(escaped(text.as_ref()))
}

/// An element with its attributes and what is in it.
pub fn element(name: &str, attributes: &[(&str, &str)], content: Html) -> Html {
    let mut html = open(name, attributes);
    html.push(content);
    html.push(Html(format!("</{name}>")));
    html
}

/// The tag that an element begins with; also all of an element that has no end.
pub fn open(name: &str, attributes: &[(&str, &str)]) -> Html {
    let mut tag = format!("<{name}");
    for (key, value) in attributes {
        tag += &format!(" {key}=\"{}\"", escaped(value));
    }
    Html(tag + ">")
}

/// An element that holds text alone.
pub fn tag(name: &str, content: impl AsRef<str>) -> Html {
    element(name, &[], text(content))
}

/// A paragraph of a class.
pub fn paragraph(class: &str, content: impl AsRef<str>) -> Html {
    element("p", &[("class", class)], text(content))
}

/// One after the other.
pub fn all(pieces: impl IntoIterator<Item = Html>) -> Html {
    Html(pieces.into_iter().map(|piece| piece.0).collect())
}

/// `text` as HTML has it. Characters that are no text to see, or turn the direction of what
/// follows, are shown by their code.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.push_str(&c.escape_unicode().to_string());
            }
            c if c.is_control() => out.push_str(&c.escape_unicode().to_string()),
            c => out.push(c),
        }
    }
    out
}

/// The first characters of a name that is too long for its place; the whole of it stands elsewhere.
pub fn shortened(name: &str, most: usize) -> String {
    match name.chars().count() > most {
        true => name.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_is_text() {
        let hostile = "<script>\"'&\u{1}\u{202e}\u{1f600}";
        let html = element("p", &[("title", hostile)], text(hostile));
        let safe = "&lt;script&gt;&quot;&#39;&amp;\\u{1}\\u{202e}\u{1f600}";
        assert_eq!(html.as_str(), format!("<p title=\"{safe}\">{safe}</p>"));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("ääää", 4), "ääää");
        assert_eq!(shortened("äääää", 4), "äää…");
    }
}
