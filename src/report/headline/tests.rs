//! That a headline claims no more than the figures do.

use super::*;

fn methods(list: &[(&str, &[f64])]) -> Vec<Method> {
    let scratch = list.iter().find(|(name, _)| *name == "scratch").map(|(_, draws)| *draws);
    let method = |(name, draws): &(&str, &[f64])| {
        let gain = scratch.map(|base| {
            let pairs = draws.iter().zip(base).map(|(a, b)| a - b);
            let gain = statistics::Gain::of(&pairs.collect::<Vec<_>>());
            Gain { mean: gain.mean, ci95: gain.ci95 }
        });
        let all = statistics::Accuracies::of(draws.to_vec());
        Method {
            name: (*name).to_string(),
            test_accuracy: Accuracies {
                mean: all.estimate.mean,
                std: Some(all.estimate.std),
                ci95: all.estimate.ci95,
                per_draw: all.per_draw,
            },
            gain_over_scratch: gain,
            p: None,
            seconds: None,
        }
    };
    list.iter().map(method).collect()
}

fn said(list: &[(&str, &[f64])]) -> (String, String) {
    let headline = of_methods(&methods(list), Some(100), "accuracy");
    (headline.figure, headline.sentences.join(" "))
}

const SCRATCH: (&str, &[f64]) = ("scratch", &[0.80, 0.82, 0.81, 0.79]);

#[test]
fn a_gain_beyond_chance_is_said_with_its_interval() {
    let (figure, text) = said(&[SCRATCH, ("full", &[0.90, 0.921, 0.91, 0.89])]);
    assert_eq!(figure, "+10.03");
    assert!(
        text.starts_with("full gained +10.03 points (95 % interval +9.95 to +10.10)"),
        "{text}"
    );
    assert!(text.contains("with 100 labels over 4 draws: full 90.53 %, scratch 80.50 %"), "{text}");
}

#[test]
fn where_nothing_was_gained_the_headline_says_so() {
    let (figure, text) = said(&[SCRATCH, ("full", &[0.70, 0.72, 0.72, 0.69])]);
    assert_eq!(figure, "-9.75");
    assert!(text.starts_with("Nothing was gained"), "{text}");
    assert!(text.contains("Worse than scratch beyond chance: full."), "{text}");
    let (_, text) = said(&[SCRATCH, ("full", &[0.90, 0.72, 0.85, 0.78])]);
    assert!(text.starts_with("No gain that can be told from chance"), "{text}");
    let (_, text) = said(&[("scratch", &[0.8]), ("full", &[0.9])]);
    assert!(text.contains("Without an interval this may be chance"), "{text}");
    let (_, text) = said(&[("full", &[0.9, 0.8])]);
    assert!(text.contains("scratch was not measured"), "{text}");
}

#[test]
fn the_best_of_many_is_held_to_holms_procedure() {
    // An interval above 0, and a p of 0.04 that three methods make 0.13.
    let good: &[f64] = &[0.84, 0.832, 0.822, 0.825];
    let poor: &[f64] = &[0.80, 0.81, 0.82, 0.79];
    let list = [SCRATCH, ("full", good), ("slow", poor), ("lp-ft", poor)];
    let methods = methods(&list);
    let compared = compared(&methods);
    assert!(is_above(compared[0].gain), "{:?}", compared[0].gain);
    let alone = statistics::Gain::of(&[0.04, 0.012, 0.012, 0.035]).p.unwrap();
    assert!((compared[0].p.unwrap() - 3.0 * alone).abs() < 1e-9 && 3.0 * alone > 0.05);
    let (_, text) = said(&list);
    assert!(text.contains("As the best of 3 methods that may still be chance"), "{text}");
}
