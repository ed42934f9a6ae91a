//! The mean teacher: a moving average of the weights, which moves with each step.

use narrows_engine::Params;

/// Moves `teacher` towards `student`, weights and running statistics alike: by `1 - decay`, but in the first steps by more, so that
/// the random start is forgotten (the smaller of `decay` and `step / (step + 10)`, as in the authors' code the smaller
/// of `decay` and `1 - 1 / (step + 1)`).
pub(super) fn follow(teacher: &mut Params, student: &Params, decay: f32, step: u64) {
    let decay = f64::from(decay).min(step as f64 / (step + 10) as f64) as f32;
    for (teacher, student) in teacher.values_mut().iter_mut().zip(student.values()) {
        *teacher += (1.0 - decay) * (student - *teacher);
    }
}
