//! The corpus, and some changes to it, pass all targets: a smoke test, so that they stay fit for
//! longer runs. One test: the targets measure how much is allocated, and others would be measured
//! as well.

use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use narrows_fuzz::{Mutator, Scratch, TARGETS};

const CHANGED: usize = 300;

#[test]
fn the_corpus_and_changes_to_it_are_no_findings() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for target in TARGETS {
        let scratch = Scratch::new();
        let mut paths: Vec<_> = fs::read_dir(corpus.join(target.name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut opened = 0;
        let mut errors = HashSet::new();
        let mut inputs = Vec::new();
        for path in &paths {
            let bytes = fs::read(path).unwrap();
            let outcome = target.run(&scratch, &bytes);
            opened += usize::from(outcome.opened > 0);
            errors.extend(outcome.errors);
            inputs.push(bytes);
        }
        assert!(
            opened > 0,
            "{target:?}: nothing in its corpus opens, so that no change reaches far"
        );
        let mut mutator = Mutator::new(inputs, 1);
        for _ in 0..CHANGED {
            let input = mutator.next_input();
            let outcome = catch_unwind(AssertUnwindSafe(|| target.run(&scratch, &input)));
            let outcome = outcome.unwrap_or_else(|_| {
                let path = std::env::temp_dir().join(format!("finding-{}", target.name));
                fs::write(&path, &input).unwrap();
                panic!("{target:?}: a finding, kept as {}", path.display());
            });
            // A new error is a stand-in for new code that was reached.
            let known = errors.len();
            errors.extend(outcome.errors);
            if errors.len() > known {
                mutator.keep(input);
            }
        }
        println!(
            "{target:?}: {} files, {CHANGED} changed, {} different errors",
            paths.len(),
            errors.len()
        );
        assert!(errors.len() > 3, "{target:?}: changes meet but {} errors", errors.len());
    }
}
