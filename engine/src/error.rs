//! The engine's error: its kind, and one line that says what is wrong and what to do.

use std::fmt;

/// The reason why a network cannot be planned, or a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// Kinds of errors, for programs that react to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A layer or a call got an input of another shape or length than it takes.
    Shape,
    /// A setting is out of its range.
    Setting,
    /// Two things do not belong together: a network and the parameters of another one, or a loss
    /// and a target that it has no use for.
    Mismatch,
    /// A call lacks one before it: a backward pass without the gradient of the output.
    State,
    /// No parameter has that name.
    Unknown,
    /// A loss, a gradient or a weight is NaN or infinite.
    NotFinite,
    /// A file cannot be read or written.
    Io,
    /// A file does not hold what it should.
    Format,
    /// The operating system refuses something, such as threads.
    System,
}

/// Makes the constructor of each kind.
macro_rules! constructors {
    ($($name:ident: $Kind:ident),*) => {
        impl Error {
            $(
                #[doc = concat!("An error of [`ErrorKind::", stringify!($Kind), "`].")]
                pub fn $name(message: impl Into<String>) -> Error {
                    Error { kind: ErrorKind::$Kind, message: message.into() }
                }
            )*
        }
    };
}
constructors!(
    shape: Shape,
    setting: Setting,
    mismatch: Mismatch,
    state: State,
    unknown: Unknown,
    not_finite: NotFinite,
    io: Io,
    format: Format,
    system: System
);

impl Error {
    /// An error of [`ErrorKind::NotFinite`]: training went wrong, and `what` became `value`.
    pub fn diverged(what: impl fmt::Display, value: f64, when: impl fmt::Display) -> Error {
        Error::not_finite(format!(
            "{what} became {value} {when}: lower the learning rate or clip the gradients, and \
             check the data for values that are not finite"
        ))
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error, with the place before it: `layer encoder.0: ...`.
    #[must_use]
    pub fn within(self, place: impl fmt::Display) -> Error {
        Error { message: format!("{place}: {}", self.message), ..self }
    }
}

/// Returns an [`Error`] from the function unless the condition holds; the kind is named by the
/// constructor.
macro_rules! ensure {
    ($condition:expr, $kind:ident, $($message:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            return Err($crate::Error::$kind(format!($($message)+)));
        }
    };
}
pub(crate) use ensure;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
