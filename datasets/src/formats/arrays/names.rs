//! The samples and labels among a file's arrays, told by their names.
//!
//! | array | names, in letters of either size |
//! |---|---|
//! | samples | `x`, `data`, `images`, `features`, `samples`, `arr_0`; or the only array, if it is not named as labels |
//! | labels | `y`, `label`, `labels`, `target`, `targets`, `arr_1` |
//! | of the training half | such a name (but `arr_`) after `train_` or before `_train`, as in `x_train`, `train_images` |
//! | for validation | such a name after or before `val`, `valid` or `validation` |
//! | of the test half | such a name after `test_` or before `_test` |
//!
//! `numpy.savez` calls arrays without names `arr_0` and `arr_1`. Arrays of other names are left out
//! if samples were found. A third array without a name is an error: its meaning cannot be guessed.

use crate::error::{Short, listed};

/// The roles of a file's arrays, as places in the list of names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The training half, or all samples.
    pub(crate) train: Role,
    pub(crate) validation: Option<Role>,
    pub(crate) test: Option<Role>,
}

impl Roles {
    /// The arrays of `count` that have no role.
    pub(crate) fn others(&self, count: usize) -> Vec<usize> {
        let roles = [Some(self.train), self.validation, self.test].into_iter().flatten();
        let used: Vec<usize> =
            roles.flat_map(|role| [Some(role.samples), role.labels]).flatten().collect();
        (0..count).filter(|at| !used.contains(at)).collect()
    }
}

/// The samples of one half, and their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) samples: usize,
    pub(crate) labels: Option<usize>,
}

const SAMPLES: [&str; 6] = ["x", "data", "images", "features", "samples", "arr_0"];
const LABELS: [&str; 6] = ["y", "label", "labels", "target", "targets", "arr_1"];

/// Finds samples and labels among `names`.
pub(crate) fn roles(names: &[&str]) -> Result<Roles, String> {
    let described = |problem: &str| {
        let expected =
            "name the samples x and their labels y, or x_train, y_train, x_test and y_test";
        format!("{problem} among its arrays {}: {expected}", listed(names))
    };
    let wrong = |problem: &str| Err(described(problem));
    if names.is_empty() {
        return Err("holds no arrays: save some in it".to_owned());
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case("arr_2")) {
        return wrong("it is unclear which array holds the samples");
    }
    let mut found = [[None; 2]; 4];
    for (at, name) in names.iter().enumerate() {
        if let Some((half, kind)) = meaning(&name.to_ascii_lowercase())
            && let Some(other) = found[half][kind].replace(at)
        {
            let (name, other) = (Short(name), Short(names[other]));
            return wrong(&format!("{other} and {name} could both be meant"));
        }
    }
    let [[all, all_labels], [train, train_labels], validation, test] = found;
    let halves = found[1..].iter().flatten().any(Option::is_some);
    if halves && (all.is_some() || all_labels.is_some()) {
        return wrong("there are halves as well as undivided samples or labels");
    }
    if !halves {
        let only = (names.len() == 1 && all_labels.is_none()).then_some(0);
        return match all.or(only) {
            Some(samples) => {
                let train = Role { samples, labels: all_labels };
                Ok(Roles { train, validation: None, test: None })
            }
            None => wrong("no samples are found"),
        };
    }
    let Some(samples) = train else { return wrong("no samples of the training half are found") };
    let train = Role { samples, labels: train_labels };
    let role = |[samples, labels]: [Option<usize>; 2], half| match (samples, labels) {
        (Some(samples), labels) => Ok(Some(Role { samples, labels })),
        (None, Some(_)) => Err(described(&format!("the {half} half has labels and no samples"))),
        (None, None) => Ok(None),
    };
    Ok(Roles { train, validation: role(validation, "validation")?, test: role(test, "test")? })
}

/// The half (0 for all, 1 for training, 2 for validation, 3 for the test) that an array of this
/// name belongs to, and 0 for its samples or 1 for its labels. The name is in small letters.
fn meaning(name: &str) -> Option<(usize, usize)> {
    let part = |half: &str| {
        let before = name.strip_prefix(half).and_then(|rest| rest.strip_prefix('_'));
        before.or_else(|| name.strip_suffix(half).and_then(|rest| rest.strip_suffix('_')))
    };
    const HALVES: [(&str, usize); 5] =
        [("train", 1), ("val", 2), ("valid", 2), ("validation", 2), ("test", 3)];
    let found = HALVES.into_iter().find_map(|(half, number)| Some((number, part(half)?)));
    let (half, name) = found.unwrap_or((0, name));
    if half > 0 && name.starts_with("arr_") {
        return None;
    }
    let kind = [SAMPLES, LABELS].iter().position(|names| names.contains(&name))?;
    Some((half, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_labels_are_found_by_the_table() {
        let one = |samples, labels| {
            let train = Role { samples, labels };
            Roles { train, validation: None, test: None }
        };
        let two = |a, b, c, d| Roles {
            test: Some(Role { samples: c, labels: Some(d) }),
            ..one(a, Some(b))
        };
        let three = |a, b, v, w, c, d| Roles {
            validation: Some(Role { samples: v, labels: w }),
            ..two(a, b, c, d)
        };
        let cases: &[(&[&str], Roles)] = &[
            (&["y", "x"], one(1, Some(0))),
            (&["X", "Y"], one(0, Some(1))),
            (&["arr_0"], one(0, None)),
            (&["arr_0", "arr_1"], one(0, Some(1))),
            (&["anything"], one(0, None)),
            (&["feature_names", "data", "target"], one(1, Some(2))),
            (&["x_test", "x_train", "y_test", "y_train"], two(1, 3, 0, 2)),
            (
                &[
                    "train_images",
                    "val_images",
                    "test_images",
                    "train_labels",
                    "val_labels",
                    "test_labels",
                ],
                three(0, 3, 1, Some(4), 2, 5),
            ),
            (&["X_train", "y_train", "X_test", "y_test", "X_valid"], three(0, 1, 4, None, 2, 3)),
            (&["X_train", "y_train"], one(0, Some(1))),
        ];
        for (names, expected) in cases {
            assert_eq!(roles(names).as_ref(), Ok(expected), "{names:?}");
        }
        let test = Some(Role { samples: 1, labels: None });
        assert_eq!(roles(&["train_x", "test_x"]), Ok(Roles { test, ..one(0, None) }));
    }

    #[test]
    fn what_is_not_clear_is_an_error_that_lists_the_names() {
        let cases: &[(&[&str], &str)] = &[
            (&[], "no arrays"),
            (&["a", "b"], "no samples are found among its arrays \"a\", \"b\": name the samples x"),
            (&["y"], "no samples are found"),
            (&["x", "data"], "\"x\" and \"data\" could both be meant"),
            (&["x", "X"], "\"x\" and \"X\" could both"),
            (&["x", "label", "target"], "\"label\" and \"target\" could"),
            (&["x", "x_train"], "halves as well"),
            (&["y", "x_train"], "halves as well"),
            (&["x_test", "y_test"], "no samples of the training half"),
            (&["y_train"], "no samples of the training half"),
            (&["x_train", "y_test"], "the test half has labels and no samples"),
            (&["x_train", "y_val"], "the validation half has labels and no samples"),
            (&["x_val", "y_val"], "no samples of the training half"),
            (&["x_train", "x_val", "x_valid"], "\"x_val\" and \"x_valid\" could both"),
            (&["arr_0", "arr_1", "arr_2"], "unclear which"),
            (&["train_arr_0", "b"], "no samples are found"),
        ];
        for (names, says) in cases {
            let problem = roles(names).unwrap_err();
            assert!(problem.contains(says) && !problem.contains('\n'), "{names:?}: {problem}");
        }
        let many: Vec<String> =
            (0..1000).map(|at| format!("two\nlines {at} {}", "n".repeat(500))).collect();
        let problem = roles(&many.iter().map(|name| &name[..]).collect::<Vec<_>>()).unwrap_err();
        assert!(
            problem.contains("and 988 more") && problem.len() < 1000 && !problem.contains('\n'),
            "{problem}"
        );
    }
}
