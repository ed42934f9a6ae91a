//! Changes to files that are likely to upset a reader, for where no coverage is known: a function
//! of a seed.

/// Makes new inputs from those that it has.
#[derive(Debug)]
pub struct Mutator {
    inputs: Vec<Vec<u8>>,
    state: u64,
}

const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff];

impl Mutator {
    /// Starts from `inputs`.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(inputs: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!inputs.is_empty(), "there is nothing to change");
        Mutator { inputs, state: seed }
    }

    /// Takes an input in, to change it later.
    pub fn keep(&mut self, input: Vec<u8>) {
        self.inputs.push(input);
    }

    /// An input with one to four changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let which = self.below(self.inputs.len());
        let mut input = self.inputs[which].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let length = self.below(16.min(input.len() - at) + 1);
        match self.below(7) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.below(256) as u8,
            2 => {
                let number = NUMBERS[self.below(NUMBERS.len())].wrapping_add(self.below(3) as u64);
                let size = [1, 2, 4, 8][self.below(4)].min(input.len() - at);
                let mut bytes = number.to_le_bytes();
                if self.below(2) == 0 {
                    bytes[..size].reverse();
                }
                input[at..at + size].copy_from_slice(&bytes[..size]);
            }
            3 => drop(input.drain(at..at + length)),
            4 => {
                let block = input[at..at + length].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, block);
            }
            5 => input.truncate(at),
            _ => {
                // The rest of another input.
                let other = &self.inputs[(self.state % self.inputs.len() as u64) as usize];
                let from = at.min(other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }

    /// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014), brought below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % limit as u64) as usize
    }
}
