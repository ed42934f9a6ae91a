//! What is said, and where.

use crate::program::{Place, tiny_compare};

#[test]
fn piped_progress_is_plain_lines_on_stderr() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--out run"));
    assert!(said.err.contains("autoencoder: 3 epochs of 1,233 samples\n"), "{}", said.err);
    assert!(said.err.contains("autoencoder: epoch 3/3, loss 0."), "{}", said.err);
    assert!(said.err.contains("classifiers: 10/10 runs done"), "{}", said.err);
    assert!(said.err.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", said.err);
    assert!(said.out.starts_with("digits: "), "{}", said.out);
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--quiet --out run"));
    assert_eq!(said.err, "");
    assert!(said.out.contains("run folder: run\n"));
}

#[test]
fn one_draw_claims_nothing() {
    let place = Place::new();
    let said = place.succeed(&tiny_compare("--draws 1 --methods full --out run"));
    assert!(said.out.contains("One draw cannot tell a gain from luck"), "{}", said.out);
    assert!(!said.out.contains('±'), "{}", said.out);
}

#[test]
fn info_names_the_kernel_that_each_instruction_set_runs_on() {
    let place = Place::new();
    for isa in narrows_engine::Isa::available() {
        let said = place.succeed(&format!("info --isa {} --threads 1", isa.name()));
        assert!(said.out.contains(narrows_engine::gemm::kernel_name(isa)), "{}", said.out);
        assert!(said.out.contains("GFLOP/s"), "{}", said.out);
    }
}
