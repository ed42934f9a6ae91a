//! Seeds of several runs from one.

/// The seed of the runs on draw `draw`: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) of `seed`,
/// and again of what that and `draw` add up to. In a plain sum, draw 1 of seed 1 would be draw 0 of
/// seed 2.
pub fn draw_seed(seed: u64, draw: u64) -> u64 {
    split_mix(split_mix(seed).wrapping_add(draw))
}

fn split_mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_is_the_published_one() {
        // The first outputs from the states 0 and 1234567, by the reference implementation.
        assert_eq!(split_mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(split_mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn draws_of_different_seeds_differ() {
        let mut seeds: Vec<u64> =
            (0..20).flat_map(|seed| (0..20).map(move |draw| draw_seed(seed, draw))).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 400);
    }
}
