//! The methods by which a layer is built: each replaces one setting.

/// Declares such methods: `name(value: type) => field = what it becomes;`.
macro_rules! setters {
    ($Layer:ident: $(
        $(#[$doc:meta])*
        $name:ident($($value:ident: $type:ty)?) => $($field:ident).+ = $new:expr;
    )+) => {
        impl $Layer {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(mut self $(, $value: $type)?) -> $Layer {
                    self.$($field).+ = $new;
                    self
                }
            )+
        }
    };
}
pub(super) use setters;
