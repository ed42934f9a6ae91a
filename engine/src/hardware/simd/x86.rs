//! The shared part of AVX2 and AVX-512: methods that differ in their intrinsics alone.

/// Declares methods that touch registers only, each by its expression: `add(a, b) =
/// _mm256_add_ps(a, b);`. They return a vector if nothing else is said.
macro_rules! registers {
    (@output) => { Self::F };
    (@output $output:ty) => { $output };
    ($($name:ident($($v:ident),+) $(-> $output:ty)? = $value:expr;)+) => {$(
        #[inline(always)]
        fn $name(self, $($v: Self::F),+) -> registers!(@output $($output)?) {
            // SAFETY: touches registers only, with instructions that the ISA's token, built by
            // detection alone, proves to be there.
            unsafe { $value }
        }
    )+};
}

/// Declares the loads and stores, each by the expression for pointers; `mask` enables the lanes of
/// a head.
macro_rules! memory {
    (
        splat($one:ident) = $splat:expr;
        load($x:ident) = $load:expr;
        load_head($x_head:ident, $mask:ident) = $load_head:expr;
        store($v:ident, $out:ident) = $store:expr;
        store_head($v_head:ident, $out_head:ident, $out_mask:ident) = $store_head:expr;
        load_f16($halves:ident) = $load_f16:expr;
        load_i8($bytes:ident) = $load_i8:expr;
    ) => {
        #[inline(always)]
        fn splat(self, $one: f32) -> Self::F {
            // SAFETY: `self` proves the instruction.
            unsafe { $splat }
        }
        #[inline(always)]
        fn copy_rows<const NV: usize>(
            self,
            x: &[f32],
            x_stride: usize,
            rows: usize,
            out: &mut [f32],
            out_stride: usize,
        ) {
            check_block(x.len(), x_stride, rows, NV * LANES);
            check_block(out.len(), out_stride, rows, NV * LANES);
            let (mut from, mut to) = (x.as_ptr(), out.as_mut_ptr());
            for _ in 0..rows {
                for v in 0..NV {
                    // SAFETY: the slices hold `rows` times `NV` vectors at these strides, as
                    // checked; `self` proves the instructions.
                    unsafe {
                        let ($x, $out) = (from.add(v * LANES), to.add(v * LANES));
                        let $v = $load;
                        $store
                    }
                }
                (from, to) = (from.wrapping_add(x_stride), to.wrapping_add(out_stride));
            }
        }
        #[inline(always)]
        fn load_places<const N: usize>(
            self,
            x: &[f32],
            stride: usize,
            places: [usize; N],
        ) -> [Self::F; N] {
            check_places(x.len(), stride, places, LANES);
            let (from, mut values) = (x.as_ptr(), [self.splat(0.0); N]);
            for (value, place) in values.iter_mut().zip(places) {
                // SAFETY: the slice holds the vector at the last place, as checked; `self` proves
                // the instruction.
                unsafe {
                    let $x = from.add(place * stride);
                    *value = $load;
                }
            }
            values
        }
        #[inline(always)]
        fn store_places<const N: usize>(
            self,
            values: [Self::F; N],
            out: &mut [f32],
            stride: usize,
            places: [usize; N],
        ) {
            check_places(out.len(), stride, places, LANES);
            let to = out.as_mut_ptr();
            for ($v, place) in values.into_iter().zip(places) {
                // SAFETY: as in `load_places`.
                unsafe {
                    let $out = to.add(place * stride);
                    $store
                }
            }
        }
        #[inline(always)]
        fn load(self, x: &[f32]) -> Self::F {
            let $x = x[..LANES].as_ptr();
            // SAFETY: the slice above holds a vector; `self` proves the instruction.
            unsafe { $load }
        }
        #[inline(always)]
        fn load_head(self, x: &[f32]) -> Self::F {
            let ($x_head, $mask) = (x.as_ptr(), head_mask(x.len()));
            // SAFETY: the mask, which refuses more lanes than there are, enables those inside `x`
            // alone; masked lanes are not accessed. `self` proves the instruction.
            unsafe { $load_head }
        }
        #[inline(always)]
        fn store(self, $v: Self::F, out: &mut [f32]) {
            let $out = out[..LANES].as_mut_ptr();
            // SAFETY: as in `load`.
            unsafe { $store }
        }
        #[inline(always)]
        fn store_head(self, $v_head: Self::F, out: &mut [f32]) {
            let ($out_head, $out_mask) = (out.as_mut_ptr(), head_mask(out.len()));
            // SAFETY: as in `load_head`.
            unsafe { $store_head }
        }
        #[inline(always)]
        fn prefetch(self, x: *const f32) {
            // SAFETY: a hint, which no address makes fault; every x86-64 processor has it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(x.cast()) }
        }
        #[inline(always)]
        fn load_f16(self, x: &[u16]) -> Self::F {
            let $halves = x[..LANES].as_ptr().cast();
            // SAFETY: the slice above holds as many values as a vector; `self` proves the
            // instructions.
            unsafe { $load_f16 }
        }
        #[inline(always)]
        fn load_i8(self, x: &[i8]) -> Self::F {
            let $bytes = x[..LANES].as_ptr().cast();
            // SAFETY: as in `load_f16`.
            unsafe { $load_i8 }
        }
    };
}

pub(super) use {memory, registers};
