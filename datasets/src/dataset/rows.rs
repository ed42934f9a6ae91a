//! Rows of a data set, without a list of them if they are most of it.

/// Rows of a data set.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// These, in this order.
    Listed(&'a [u32]),
    /// All of `of` rows but those `held`; both ascending.
    AllBut {
        /// The number of all rows.
        of: usize,
        /// The rows left out.
        held: &'a [u32],
    },
}

impl<'a> Rows<'a> {
    /// All of `of` rows.
    pub fn all(of: usize) -> Rows<'a> {
        Rows::AllBut { of, held: &[] }
    }

    /// The number of rows.
    pub fn len(self) -> usize {
        match self {
            Rows::Listed(rows) => rows.len(),
            Rows::AllBut { of, held } => of - held.len(),
        }
    }

    /// Tells whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The row at `position`.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(self, position: usize) -> u32 {
        match self {
            Rows::Listed(rows) => rows[position],
            Rows::AllBut { of, held } => {
                assert!(position < of - held.len(), "position {position} of {}", of - held.len());
                // `held[i] - i` rows before `held[i]` are not held. If these are at most
                // `position`, the row at `position` comes after `held[i]`.
                let (mut low, mut high) = (0, held.len());
                while low < high {
                    let middle = low.midpoint(high);
                    if held[middle] as usize - middle <= position {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                (position + low) as u32
            }
        }
    }

    /// Writes the rows at the positions from `start` on to `out`.
    ///
    /// # Panics
    /// If they are not there.
    pub fn copy_to(self, start: usize, out: &mut [u32]) {
        match self {
            Rows::Listed(rows) => out.copy_from_slice(&rows[start..start + out.len()]),
            Rows::AllBut { .. } => {
                for (position, out) in (start..).zip(out) {
                    *out = self.get(position);
                }
            }
        }
    }
}

impl<'a> From<&'a [u32]> for Rows<'a> {
    fn from(rows: &'a [u32]) -> Self {
        Rows::Listed(rows)
    }
}

impl<'a> From<&'a Vec<u32>> for Rows<'a> {
    fn from(rows: &'a Vec<u32>) -> Self {
        Rows::Listed(rows)
    }
}

/// A sample of a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Its row in the data set.
    pub(crate) row: u32,
    /// Its place among the window's stored samples.
    pub(crate) place: u32,
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn all_but_those_held_are_the_list_without_them() {
        for held in
            [&[][..], &[0], &[6], &[0, 1, 2], &[4, 5, 6], &[1, 3, 4], &[0, 1, 2, 3, 4, 5, 6]]
        {
            let rows = Rows::AllBut { of: 7, held };
            let listed: Vec<u32> = (0..7).filter(|row| !held.contains(row)).collect();
            assert_eq!(rows.len(), listed.len());
            assert_eq!((0..rows.len()).map(|i| rows.get(i)).collect::<Vec<_>>(), listed);
            let mut copied = vec![0; listed.len().saturating_sub(1)];
            rows.copy_to(listed.len().min(1), &mut copied);
            assert_eq!(copied, listed[listed.len().min(1)..]);
        }
    }
}
