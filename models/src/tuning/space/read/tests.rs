use super::*;
use crate::tuning::space::Domain;
use crate::tuning::value::Values;
use std::collections::BTreeMap;

const ALL: &str = r#"
# published defaults
[finetune-lr]
log-uniform = [3e-4, 0.1]
[finetune-dropout]
uniform = [0, 0.5]
[finetune-epochs]
integer = [20, 200]
log = true
[corruption]          # moves behind what it depends on
uniform = [0.1, 0.6]
when = { objective = "denoise", layers = [2, 3] }
[objective]
choice = ["plain", "denoise"]
[layers]
integer = [1, 3]
[bias]
choice = [true, 1.5, 2, "2 x \"3\""]
when = { objective = ["plain", "denoise"] }
"#;

fn anything(_: &str, _: &Value) -> Result<(), String> {
    Ok(())
}

fn refusal(text: &str) -> String {
    let error = Space::read(text, &anything).expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Setting);
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message:?}");
    message
}

#[test]
fn every_kind_of_parameter_is_read_and_those_that_others_need_come_first() {
    let space = Space::read(ALL, &anything).unwrap();
    let names: Vec<&str> = space.parameters.iter().map(|p| p.name.as_str()).collect();
    let order =
        ["finetune-lr", "finetune-dropout", "finetune-epochs", "objective", "layers", "corruption"];
    assert_eq!(names[..6], order);
    let domain = |i: usize| space.parameters[i].domain.clone();
    assert_eq!(domain(0), Domain::Float { low: 3e-4, high: 0.1, log: true });
    assert_eq!(domain(1), Domain::Float { low: 0.0, high: 0.5, log: false });
    assert_eq!(domain(2), Domain::Integer { low: 20, high: 200, log: true });
    assert_eq!(domain(4), Domain::Integer { low: 1, high: 3, log: false });
    let text = |text: &str| Value::Text(text.to_string());
    assert_eq!(
        domain(6),
        Domain::Choice(vec![
            Value::Bool(true),
            Value::Float(1.5),
            Value::Integer(2),
            text("2 x \"3\"")
        ])
    );
    let corruption = &space.parameters[5];
    let values = |objective, layers| {
        Values::from([
            ("objective".to_string(), text(objective)),
            ("layers".to_string(), Value::Integer(layers)),
        ])
    };
    assert!(corruption.is_active(&values("denoise", 3)));
    assert!(!corruption.is_active(&values("denoise", 1)));
    assert!(!corruption.is_active(&values("plain", 3)));
}

#[test]
fn a_space_reads_back_from_what_it_is_written_as() {
    let strange = "[\"a b\"]\nchoice = ['''two\nlines''', \"tab\\t\", 0.1]\n\
                   [other]\nuniform = [-1.5, 1e300]\nwhen = { \"a b\" = 0.1 }";
    for text in [ALL, strange] {
        let space = Space::read(text, &anything).unwrap();
        let written = space.to_toml().unwrap();
        assert_eq!(Space::read(&written, &anything).unwrap(), space, "{written}");
    }
}

#[test]
fn the_caller_judges_ends_and_choices() {
    let seen = std::cell::RefCell::new(Vec::new());
    let note = |name: &str, value: &Value| {
        seen.borrow_mut().push(format!("{name} {value}"));
        if name == "bias" && value == &Value::Integer(2) {
            return Err("--bias is true or a factor".to_string());
        }
        Ok(())
    };
    let error = Space::read(ALL, &note).unwrap_err();
    assert_eq!(error.to_string(), "line 18: bias: --bias is true or a factor");
    let seen = seen.into_inner();
    for told in ["finetune-lr 0.0003", "finetune-lr 0.1", "finetune-dropout 0.0", "layers 3"] {
        assert!(seen.iter().any(|seen| seen == told), "{told}: {seen:?}");
    }
}

#[test]
fn mistakes_are_refused_with_their_line_and_parameter() {
    for (text, told) in [
        // No TOML
        ("[a]\nuniform = [0,", "line 2: this is no TOML"),
        ("[a]\nuniform = [0, 1]\n[a]\nuniform = [0, 1]", "line 3: this is no TOML"),
        ("", "line 1: the space has no parameter"),
        ("# nothing\n", "line 1: the space has no parameter"),
        ("\na = 3", "line 2: a: write [a] and below it"),
        // Keys
        (
            "[lr]\n\nloguniform = [1, 2]",
            "line 3: lr: there is no key loguniform: did you mean log-u",
        ),
        (
            "[lr]\nuniform = [1, 2]\nWhen = {}",
            "line 3: lr: there is no key When: did you mean when?",
        ),
        ("[lr.uniform]\na = 1", "line 1: lr: uniform takes two numbers"),
        ("[lr]\n", "line 1: lr: it has no values"),
        ("[lr]\nwhen = { a = 1 }", "line 1: lr: it has no values"),
        ("[lr]\nuniform = [0, 1]\ninteger = [0, 1]", "line 3: lr: it has uniform already"),
        ("[lr]\nlog = true\nuniform = [1, 2]", "line 2: lr: log goes with integer, not with unif"),
        ("[lr]\nlog = 1\ninteger = [1, 2]", "line 2: lr: log must be true or false"),
        // Ranges
        ("[lr]\nuniform = [0.5, 0.1]", "line 2: lr: the range from 0.5 to 0.1 is empty"),
        ("[lr]\ninteger = [3, 2]", "line 2: lr: the range from 3 to 2 is empty"),
        ("[lr]\nuniform = [2, 2]", "line 2: lr: the range holds 2.0 alone: write choice = [2.0]"),
        ("[lr]\ninteger = [2, 2]", "line 2: lr: the range holds 2 alone: write choice = [2]"),
        ("[lr]\nlog-uniform = [0, 1]", "line 2: lr: 0.0 has no logarithm"),
        ("[lr]\nlog-uniform = [-1e-3, 1]", "line 2: lr: -0.001 has no logarithm"),
        ("[lr]\ninteger = [0, 9]\nlog = true", "line 2: lr: 0 has no logarithm"),
        ("[lr]\nuniform = [nan, 1]", "line 2: lr: nan is no finite number"),
        ("[lr]\nuniform = [0, inf]", "line 2: lr: inf is no finite number"),
        ("[lr]\nuniform = [0, 1e999]", "line 2: lr: 1e999 is no finite number"),
        ("[lr]\nuniform = [-1e308, 1e308]", "line 2: lr: the range from -1e308 to 1e308 is too w"),
        ("[lr]\ninteger = [0, 9007199254740993]", "line 2: lr: the range must lie between"),
        ("[lr]\ninteger = [0, 99999999999999999999]", "line 2: lr: 99999999999999999999 has more"),
        ("[lr]\nuniform = [1]", "line 2: lr: uniform takes two numbers, [least, largest], not 1"),
        ("[lr]\nuniform = [1, 2, 3]", "line 2: lr: uniform takes two numbers, [least, largest], "),
        ("[lr]\nuniform = 3", "line 2: lr: uniform takes two numbers"),
        ("[lr]\nuniform = [\"a\", 2]", "line 2: lr: uniform takes two numbers, not a and 2"),
        ("[lr]\nuniform = [[1], 2]", "line 2: lr: a list stands where one value is meant"),
        ("[lr]\ninteger = [1.0, 2]", "line 2: lr: integer takes two whole numbers, not 1.0 and 2"),
        // Choices
        ("[a]\nchoice = []", "line 2: a: choice has no value"),
        ("[a]\nchoice = \"x\"", "line 2: a: choice takes a list"),
        ("[a]\nchoice = [\"x\", \"y\", \"x\"]", "line 2: a: choice has x twice"),
        ("[a]\nchoice = [1, 1.0]", "line 2: a: choice has 1.0 twice"),
        ("[a]\nchoice = [true, \"true\"]", "line 2: a: choice has true twice"),
        ("[a]\nchoice = [{ b = 1 }]", "line 2: a: a table stands where one value is meant"),
        ("[a]\nchoice = [2026-01-01]", "line 2: a: 2026-01-01 is a time"),
        ("[a]\nchoice = [nan]", "line 2: a: nan is no finite number"),
    ] {
        let message = refusal(text);
        assert!(message.starts_with(told), "{text:?}\n{message}\n{told}");
    }
}

#[test]
fn conditions_that_cannot_hold_are_refused() {
    let depth =
        "[depth]\ninteger = [1, 3]\n[kind]\nchoice = [\"x\", \"y\"]\n[lr]\nuniform = [0, 1]\n";
    for (text, told) in [
        ("when = { kin = \"x\" }", "its condition names kin, which is no parameter: kind is"),
        ("when = { kind = \"z\" }", "its condition cannot hold: kind is never z"),
        ("when = { kind = [\"x\", 1] }", "its condition cannot hold: kind is never 1"),
        ("when = { depth = 4 }", "its condition cannot hold: depth is never 4"),
        ("when = { depth = 1.5 }", "its condition cannot hold: depth is never 1.5"),
        ("when = { lr = 0.5 }", "its condition is on lr, which is any number of a range"),
        ("when = { kind = [] }", "the condition on kind has no value"),
        ("when = { kind = [\"x\", \"x\"] }", "its condition has x twice"),
        ("when = {}", "when takes conditions, such as"),
        ("when = true", "when takes conditions, such as"),
        ("when = { kind = { a = 1 } }", "a table stands where one value is meant"),
        ("when = { own = 1 }", "its conditions lead in a circle: own needs own"),
    ] {
        let text = format!("{depth}[own]\nchoice = [1, 2]\n{text}");
        let message = refusal(&text);
        assert!(message.starts_with(&format!("line 9: own: {told}")), "{text}\n{message}");
    }
    let circle = "[a]\nchoice = [1]\nwhen = { b = 1 }\n[b]\nchoice = [1]\nwhen = { c = 1 }\n\
                  [c]\nchoice = [1]\nwhen = { b = 1 }";
    let told = "line 6: b: its conditions lead in a circle: b needs c needs b";
    assert_eq!(refusal(circle), told);
    let never = "[a]\nchoice = [1, 2]\n[b]\nchoice = [1, 2]\nwhen = { a = 1 }\n\
                 [c]\nchoice = [1, 2]\nwhen = { a = 2, b = 1 }";
    let told = "line 8: c: its conditions never hold together: they need a twice over";
    assert_eq!(refusal(never), told);
}

#[test]
fn a_condition_takes_the_value_as_the_other_parameter_writes_it() {
    let text = "[a]\nchoice = [1.0, 2.0]\n[b]\nuniform = [0, 1]\nwhen = { a = 1 }";
    let space = Space::read(text, &anything).unwrap();
    let values = Values::from([("a".to_string(), Value::Float(1.0))]);
    assert!(space.parameters[1].is_active(&values));
}

/// Anything at all is read or refused, and never a panic.
#[test]
fn damaged_texts_are_refused_in_one_line() {
    for cut in 0..ALL.len() {
        for with in ["", "[", "=", "\"", "nan", "\u{e9}\n"] {
            let text = format!("{}{with}{}", &ALL[..cut], &ALL[(cut + 1).min(ALL.len())..]);
            if let Err(error) = Space::read(&text, &anything) {
                assert!(error.to_string().starts_with("line "), "{error}");
            }
        }
    }
}

#[test]
fn fixed_parameters_leave_and_decide_the_conditions_on_them() {
    let space = Space::read(ALL, &anything).unwrap();
    let without = |fixed: &[(&str, &str)]| {
        let fixed = fixed.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        space.without(&fixed)
    };
    let names = |space: &Space| -> Vec<String> {
        space.parameters.iter().map(|parameter| parameter.name.clone()).collect()
    };
    assert_eq!(without(&[]), space);
    assert_eq!(without(&[("unknown", "1")]), space);
    let denoise = without(&[("objective", "denoise"), ("finetune-lr", "0.01")]);
    let left = ["finetune-dropout", "finetune-epochs", "layers", "corruption", "bias"];
    assert_eq!(names(&denoise), left);
    assert_eq!(denoise.parameters[3].conditions.len(), 1, "that on layers");
    assert!(denoise.parameters[4].conditions.is_empty());
    assert!(!names(&without(&[("objective", "plain")])).contains(&"corruption".to_string()));
    assert!(names(&without(&[("layers", " 2.0")])).contains(&"corruption".to_string()));
    // A parameter that leaves takes those that depend on it along.
    let chain = "[a]\nchoice = [1, 2]\n[b]\nchoice = [1, 2]\nwhen = { a = 1 }\n\
                 [c]\nchoice = [1, 2]\nwhen = { b = 1 }";
    let chain = Space::read(chain, &anything).unwrap();
    let fixed = BTreeMap::from([("a".to_string(), "2".to_string())]);
    assert!(names(&chain.without(&fixed)).is_empty());
}
