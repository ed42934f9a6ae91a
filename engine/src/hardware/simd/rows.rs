//! Kernels as functions: the struct that carries the arguments, its [`Kernel`](super::Kernel) and
//! the call are the same for all of them, so macros write them.
//!
//! Closures would not do: one that is not inlined is compiled without the ISA's instructions.

/// Declares functions that run on an [`Isa`](super::Isa), their first argument. `s` is the ISA's
/// [`Simd`](super::Simd), of type `S`:
///
/// ```text
/// kernel! {
///     /// The sum of squares.
///     fn energy(s, x: &[f32]) -> f32 {
///         let mut sum = s.splat(0.0);
///         for i in (0..x.len()).step_by(S::LANES) {
///             sum = s.mul_add(s.load_at(x, i), s.load_at(x, i), sum);
///         }
///         s.sum(sum)
///     }
/// }
/// let energy = energy(cx.isa(), x);
/// ```
macro_rules! kernel {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$parameter:ident: $bound:ident>)? (
            $s:ident $(, $argument:ident: $type:ty)* $(,)?
        ) $(-> $output:ty)? $body:block
    )+) => {$(
        $(#[$attribute])*
        #[inline]
        $visibility fn $name $(<$parameter: $bound>)? (
            isa: $crate::hardware::simd::Isa $(, $argument: $type)*
        ) $(-> $output)? {
            use $crate::hardware::simd::{Kernel, Simd};
            struct Arguments<T>(T);
            impl $(<$parameter: $bound>)? Kernel for Arguments<($($type,)*)> {
                #[allow(unused_parens)]
                type Output = ($($output)?);
                #[inline(always)]
                fn run<S: Simd>(self, $s: S) -> Self::Output {
                    let ($($argument,)*) = self.0;
                    $body
                }
            }
            isa.run(Arguments(($($argument,)*)))
        }
    )+};
}

/// Computes each value of a row from the values in its place, of the row itself and of those in
/// brackets, which are no shorter: whole vectors, then what is left. In the last argument the names
/// stand for vectors:
///
/// ```text
/// map!(s, y, [x], s.mul_add(factor, x, y));
/// ```
macro_rules! map {
    ($s:ident, $y:ident, [$($x:ident),*], $value:expr) => {{
        let out = &mut *$y;
        $(let $x = &$x[..out.len()];)*
        let whole = out.len() - out.len() % S::LANES;
        for i in (0..whole).step_by(S::LANES) {
            #[allow(unused_variables)]
            let $y = $s.load(&out[i..]);
            $(let $x = $s.load(&$x[i..]);)*
            $s.store($value, &mut out[i..]);
        }
        if whole < out.len() {
            #[allow(unused_variables)]
            let $y = $s.load_head(&out[whole..]);
            $(let $x = $s.load_head(&$x[whole..]);)*
            $s.store_head($value, &mut out[whole..]);
        }
    }};
}

/// Declares kernels that are a [`map!`] of one row:
///
/// ```text
/// elementwise! {
///     /// `y += factor x`
///     fn add(s, y, [x], factor: f32) { s.mul_add(s.splat(factor), x, y) }
/// }
/// add(cx.isa(), y, x, 0.5);
/// ```
macro_rules! elementwise {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident $(<$parameter:ident: $bound:ident>)? (
            $s:ident, $y:ident, [$($x:ident),*] $(, $argument:ident: $type:ty)*
        ) $value:block
    )+) => {
        $crate::hardware::simd::kernel! {$(
            $(#[$attribute])*
            $visibility fn $name $(<$parameter: $bound>)? (
                $s, $y: &mut [f32] $(, $x: &[f32])* $(, $argument: $type)*
            ) {
                $crate::hardware::simd::map!($s, $y, [$($x),*], $value);
            }
        )+}
    };
}

pub(crate) use {elementwise, kernel, map};
