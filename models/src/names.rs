//! Choices by name.

/// Makes an enum whose variants have the names that options and files use, from one list.
macro_rules! named {
    ($(#[$about:meta])* pub enum $choice:ident {
        $($(#[$attribute:meta])* $variant:ident = $name:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $choice {
            $($(#[$attribute])* #[serde(rename = $name)] $variant,)+
        }

        impl $choice {
            /// All choices and their names.
            pub const ALL: &'static [(&'static str, $choice)] = &[$(($name, $choice::$variant)),+];

            /// The name that options and files use.
            pub fn name(self) -> &'static str {
                match self {
                    $($choice::$variant => $name,)+
                }
            }
        }
    };
}
pub(crate) use named;
