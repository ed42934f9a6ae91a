//! The oracle: losses and gradients as they are defined, in f64, one value at a time.

use narrows_engine::Loss;

/// As `narrows_engine::Target`, in f64.
pub enum Target {
    Values(Vec<f64>),
    Classes(Vec<usize>),
}

/// The loss of `y`: (batch, n).
pub fn value(loss: &Loss, n: usize, y: &[f64], target: &Target) -> f64 {
    match (loss, target) {
        (Loss::CrossEntropy { smoothing, class_weights }, Target::Classes(classes)) => {
            let smoothing = f64::from(*smoothing);
            let weight = |c: usize| class_weights.as_ref().map_or(1.0, |w| f64::from(w[c]));
            let (mut sum, mut weights) = (0.0, 0.0);
            for (z, &class) in y.chunks(n).zip(classes) {
                let log_p = log_softmax(z);
                sum -= (1.0 - smoothing) * weight(class) * log_p[class];
                for (c, log_p) in log_p.iter().enumerate() {
                    sum -= smoothing / n as f64 * weight(c) * log_p;
                }
                weights += weight(class);
            }
            sum / weights
        }
        (_, Target::Values(t)) => {
            y.iter().zip(t).map(|(&y, &t)| pixel(loss, y, t)).sum::<f64>() / y.len() as f64
        }
        _ => panic!("the wrong kind of target"),
    }
}

/// Its gradient: (batch, n).
pub fn gradient(loss: &Loss, n: usize, y: &[f64], target: &Target) -> Vec<f64> {
    match (loss, target) {
        (Loss::CrossEntropy { smoothing, class_weights }, Target::Classes(classes)) => {
            let smoothing = f64::from(*smoothing);
            let weight = |c: usize| class_weights.as_ref().map_or(1.0, |w| f64::from(w[c]));
            let weights: f64 = classes.iter().map(|&class| weight(class)).sum();
            let mut dy = Vec::new();
            for (z, &class) in y.chunks(n).zip(classes) {
                // The target of each class: what its -log p is multiplied by.
                let target = |c: usize| {
                    let own = if c == class { (1.0 - smoothing) * weight(c) } else { 0.0 };
                    own + smoothing / n as f64 * weight(c)
                };
                let all: f64 = (0..n).map(target).sum();
                let log_p = log_softmax(z);
                dy.extend((0..n).map(|c| (all * log_p[c].exp() - target(c)) / weights));
            }
            dy
        }
        (_, Target::Values(t)) => {
            let len = y.len() as f64;
            y.iter().zip(t).map(|(&y, &t)| slope(loss, y, t) / len).collect()
        }
        _ => panic!("the wrong kind of target"),
    }
}

fn log_softmax(z: &[f64]) -> Vec<f64> {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = z.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
    z.iter().map(|z| z - largest - log_sum).collect()
}

fn pixel(loss: &Loss, y: f64, t: f64) -> f64 {
    let d = (y - t).abs();
    match loss {
        Loss::L2 => d * d,
        Loss::L1 => d,
        Loss::Huber { delta } => {
            let delta = f64::from(*delta);
            if d <= delta { d * d / 2.0 } else { delta * (d - delta / 2.0) }
        }
        Loss::BceWithLogits => t * log_1p_exp(-y) + (1.0 - t) * log_1p_exp(y),
        other => panic!("{} is no loss of single values", other.name()),
    }
}

fn slope(loss: &Loss, y: f64, t: f64) -> f64 {
    let d = y - t;
    match loss {
        Loss::L2 => 2.0 * d,
        Loss::L1 if d == 0.0 => 0.0,
        Loss::L1 => d.signum(),
        Loss::Huber { delta } => d.clamp(-f64::from(*delta), f64::from(*delta)),
        Loss::BceWithLogits => 1.0 / (1.0 + (-y).exp()) - t,
        other => panic!("{} is no loss of single values", other.name()),
    }
}

fn log_1p_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
