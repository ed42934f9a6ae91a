//! The sizes of the processor's caches, asked once.

use std::sync::OnceLock;

/// The bytes of a level-2 cache where the processor does not say: what most have at least.
const USUAL: usize = 512 << 10;

/// The bytes of a core's level-2 cache, within 256 KB and 4 MB.
///
/// Only the order of work may depend on it, and never that of a sum: other caches must not change a
/// bit.
pub(crate) fn level2() -> usize {
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| ask().unwrap_or(USUAL).clamp(256 << 10, 4 << 20))
}

/// The size in the processor's own description of its caches (Intel's leaf 4, AMD's 0x8000001D: the
/// same fields).
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn ask() -> Option<usize> {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    let described = |leaf: u32| {
        if __cpuid(leaf & 0x8000_0000).eax < leaf {
            return None;
        }
        // A cache of type 0 ends the list.
        let caches =
            (0..16).map(|i| __cpuid_count(leaf, i)).take_while(|cache| cache.eax & 31 != 0);
        let mut level2 = caches.filter(|cache| (cache.eax >> 5) & 7 == 2 && cache.eax & 31 != 2);
        level2.next().map(|cache| {
            let field =
                |shift: u32, bits: u32| ((cache.ebx >> shift) & ((1 << bits) - 1)) as usize + 1;
            field(0, 12) * field(12, 10) * field(22, 10) * (cache.ecx as usize + 1)
        })
    };
    described(4).or_else(|| described(0x8000_001d))
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn ask() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    /// Linux says the same of the same cache, and found it out for itself.
    #[test]
    fn as_the_operating_system_says() {
        let told = (0..4).find_map(|i| {
            let file = |name: &str| {
                let path = format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{name}");
                std::fs::read_to_string(path).ok().map(|text| text.trim().to_string())
            };
            (file("level")? == "2").then(|| file("size")).flatten()
        });
        match told.and_then(|size| size.strip_suffix('K')?.parse::<usize>().ok()) {
            Some(kilobytes) => {
                assert_eq!(super::level2(), (kilobytes << 10).clamp(256 << 10, 4 << 20))
            }
            None => println!("the operating system does not describe the caches: NOT COMPARED"),
        }
    }
}
