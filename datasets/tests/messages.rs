//! Messages of errors, which are one line that begins with the file.

use std::path::Path;

use narrows_datasets::Error;

/// Checks what holds for every message, and that this one says each of `parts`.
pub fn assert_says(error: &Error, path: &Path, parts: &[&str]) {
    let message = error.to_string();
    assert!(
        message.starts_with(path.to_str().unwrap()),
        "{message:?} does not begin with {}",
        path.display()
    );
    assert!(!message.contains('\n'), "{message:?} is not one line");
    assert!(message.len() < 300 + path.as_os_str().len(), "{message:?} is long for one line");
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
