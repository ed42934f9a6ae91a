//! Eigenvalues and eigenvectors of a symmetric matrix.
//!
//! ```text
//! 1. A = Q T Q^T, T tridiagonal     by Householder's reflections (Martin, Reinsch and Wilkinson,
//!                                   Numerische Mathematik 11, 1968)
//! 2. T = Z D Z^T, D diagonal        by the QL algorithm with implicit shifts (Dubrulle, Martin and
//!                                   Wilkinson, Numerische Mathematik 12, 1968)
//! 3. the columns of Q Z             are the eigenvectors
//! ```
//!
//! Both take time with the cube of the size. The matrices of eigenvectors are held transposed, so
//! that a rotation takes two rows, which are contiguous.

/// The QL steps that an eigenvalue may take. Two or three are usual.
const MAX_STEPS: usize = 60;

/// The eigenvalues of the symmetric matrix `a`: (n, n), the largest first, and the eigenvectors in
/// the same order: (n, n) in orthonormal rows.
pub(super) fn symmetric_eigen(a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut diagonal, mut off, mut vectors) = tridiagonal(a, n);
    diagonalise(&mut diagonal, &mut off, &mut vectors);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| diagonal[j].total_cmp(&diagonal[i]));
    let values = order.iter().map(|&i| diagonal[i]).collect();
    let rows = order.iter().flat_map(|&i| &vectors[i * n..][..n]);
    (values, rows.copied().collect())
}

/// The diagonal of T, what stands beside it (with a 0 at the end), and Q transposed.
fn tridiagonal(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut diagonal, mut off) = (vec![0.0; n], vec![0.0; n]);
    // Each reflection is 1 - v v^T, with v of squared length 2, over the last values.
    let mut reflections: Vec<Vec<f64>> = Vec::new();
    for k in 0..n {
        diagonal[k] = a[k * n + k];
        let mut v = a[k * n + k + 1..][..n - k - 1].to_vec();
        let length = dot(&v, &v).sqrt();
        if length > f64::MIN_POSITIVE.sqrt() {
            off[k] = -length.copysign(v[0]);
            v[0] -= off[k];
            let scale = (2.0 / dot(&v, &v)).sqrt();
            v.iter_mut().for_each(|v| *v *= scale);
            // A - v w^T - w v^T, where w = A v - v (v^T A v) / 2, is the matrix reflected.
            let row = |i: usize| (k + 1 + i) * n + k + 1..(k + 2 + i) * n;
            let mut w: Vec<f64> = (0..v.len()).map(|i| dot(&a[row(i)], &v)).collect();
            add(-0.5 * dot(&v, &w), &v, &mut w);
            for i in 0..v.len() {
                add(-v[i], &w, &mut a[row(i)]);
                add(-w[i], &v, &mut a[row(i)]);
            }
        }
        reflections.push(v);
    }
    let mut q = a;
    q.fill(0.0);
    (0..n).for_each(|i| q[i * n + i] = 1.0);
    for (k, v) in reflections.iter().enumerate().rev() {
        // Row i of Q transposed, less its part along v.
        for row in q[(k + 1) * n..].chunks_exact_mut(n) {
            let along = dot(&row[k + 1..], v);
            add(-along, v, &mut row[k + 1..]);
        }
    }
    (diagonal, off, q)
}

/// Makes a tridiagonal matrix diagonal, and turns the rows of `vectors` with it.
fn diagonalise(d: &mut [f64], e: &mut [f64], vectors: &mut [f64]) {
    let n = d.len();
    let norm = d.iter().zip(&*e).map(|(d, e)| d.abs() + e.abs()).fold(0.0, f64::max);
    for l in 0..n {
        'steps: for _ in 0..MAX_STEPS {
            // The block that begins at l ends where what stands beside the diagonal is rounding.
            let end = (l..n - 1).find(|&m| e[m].abs() <= f64::EPSILON * norm).unwrap_or(n - 1);
            if end == l {
                break;
            }
            // Wilkinson's shift.
            let half = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut g = d[end] - d[l] + e[l] / (half + half.hypot(1.0).copysign(half));
            let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
            for i in (l..end).rev() {
                let (f, b) = (sin * e[i], cos * e[i]);
                let length = f.hypot(g);
                e[i + 1] = length;
                if length == 0.0 {
                    // There is nothing to turn: the block falls into two.
                    d[i + 1] -= shift;
                    e[end] = 0.0;
                    continue 'steps;
                }
                (sin, cos) = (f / length, g / length);
                g = d[i + 1] - shift;
                let r = (d[i] - g) * sin + 2.0 * cos * b;
                shift = sin * r;
                d[i + 1] = g + shift;
                g = cos * r - b;
                let (one, next) = vectors[i * n..(i + 2) * n].split_at_mut(n);
                for (a, b) in one.iter_mut().zip(next) {
                    (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
                }
            }
            d[l] -= shift;
            e[l] = g;
            e[end] = 0.0;
        }
    }
}

/// The scalar product, in eight sums that do not wait for each other.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// y += factor x.
pub(super) fn add(factor: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::random::Random;

    /// X^T X of random samples, which has no more eigenvalues above 0 than there are samples.
    fn gram(n: usize, samples: usize) -> Vec<f64> {
        let mut x = vec![0.0; samples * n];
        Random::new(1, 2).fill_normal(0, 0, &mut x);
        let mut a = vec![0.0; n * n];
        for x in x.chunks_exact(n) {
            for (row, &from) in a.chunks_exact_mut(n).zip(x) {
                row.iter_mut().zip(x).for_each(|(a, &to)| *a += f64::from(from) * f64::from(to));
            }
        }
        a
    }

    #[test]
    fn vectors_are_orthonormal_and_only_scaled_by_the_matrix() {
        let diagonal = [4.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 2.0].to_vec();
        for (a, n) in [
            (vec![3.0], 1),
            (vec![1.0, 2.0, 2.0, 1.0], 2),
            (diagonal, 3),
            (vec![0.0; 25], 5),
            (vec![1.0; 36], 6),
            (gram(40, 100), 40),
            (gram(50, 7), 50),
            (gram(133, 133), 133),
        ] {
            let largest = a.iter().fold(1.0f64, |largest, a| largest.max(a.abs()));
            let (values, vectors) = symmetric_eigen(a.clone(), n);
            assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
            for (i, v) in vectors.chunks_exact(n).enumerate() {
                for (row, x) in a.chunks_exact(n).zip(v) {
                    let off = (dot(row, v) - values[i] * x).abs();
                    assert!(off < 1e-11 * largest, "{n}, value {i}: off by {off}");
                }
                for (j, other) in vectors.chunks_exact(n).enumerate() {
                    let product = dot(v, other) - f64::from(u8::from(i == j));
                    assert!(product.abs() < 1e-11, "{n}: {i} and {j}: {product}");
                }
            }
        }
    }

    /// By hand: of [[1, 2], [2, 1]] they are 3 and -1.
    #[test]
    fn values_of_two_by_two() {
        let (values, _) = symmetric_eigen(vec![1.0, 2.0, 2.0, 1.0], 2);
        assert!((values[0] - 3.0).abs() < 1e-14 && (values[1] + 1.0).abs() < 1e-14, "{values:?}");
    }
}
