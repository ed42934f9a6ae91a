//! What a model keeps of the table that it learnt from, beside its columns.

use crate::program::Place;
use std::fs;

/// Rows whose class follows the size; `-` and `unknown` are missing values.
fn table(rows: usize, labels: bool) -> String {
    let row = |at: usize| {
        let size = if at % 9 == 4 { "-".to_owned() } else { (20 * (at % 2) + at % 7).to_string() };
        let plan = ["Basic", "Family", "unknown"][at % 3];
        let label = if labels { [",ja", ",nein"][at % 2] } else { "" };
        format!("K{at},{size},{plan},{at}.5{label}\n")
    };
    let label = if labels { ",churned" } else { "" };
    format!("id,size,plan,note{label}\n{}", (0..rows).map(row).collect::<String>())
}

const LEARN: &str = "train --method scratch t.csv --target churned --labels 30 --validation 10 \
                     --widths 8 --latent 2 --epochs 10 --quiet";

#[test]
fn a_list_that_is_given_twice_counts_twice() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(90, true)).unwrap();
    let once = "--ignore id,note --missing=-,unknown --out once";
    let twice = "--ignore id --ignore note --missing - --missing unknown --out twice";
    for rest in [once, twice] {
        place.succeed(&format!("{LEARN} {rest}"));
    }
    // The time of the run is another.
    let config = |run: &str| place.read(&format!("{run}/config.toml"));
    assert_eq!(config("once"), config("twice"));
    let model = |run: &str| fs::read(place.path(&format!("{run}/model.safetensors"))).unwrap();
    assert!(model("once") == model("twice"));
    // A file's list makes way for those that are given.
    place.succeed(&format!("{LEARN} --config once/config.toml --ignore id --out third"));
    let third: toml::Table = toml::from_str(&config("third")).unwrap();
    assert_eq!(third["ignore"], toml::Value::from(vec!["id"]));
    assert_eq!(third["missing"], toml::Value::from(vec!["-", "unknown"]));

    let said = place.refuse("train t.csv --target churned --missing --quiet");
    assert!(said.err.contains("it looks like an option"), "{}", said.err);
    // Marks that begin with hyphens.
    fs::write(place.path("d.csv"), table(90, true).replace(",-,", ",--,")).unwrap();
    place.succeed(
        "train --method scratch d.csv --target churned --ignore id --missing --,unknown --labels \
         30 --validation 10 --widths 8 --latent 2 --epochs 2 --quiet --out dashes",
    );
}

#[test]
fn marks_and_the_label_of_the_table_learnt_from_are_those_of_others() {
    let place = Place::new();
    fs::write(place.path("t.csv"), table(90, true)).unwrap();
    place.succeed(&format!("{LEARN} --ignore id,note --missing=-,unknown --out model"));
    fs::write(place.path("new.csv"), table(40, false)).unwrap();
    let said = place.succeed("predict model new.csv");
    assert!(!said.err.contains("never saw"), "{}", said.err);
    let with_empty = table(40, false).replace(",-,", ",,").replace("unknown", "");
    fs::write(place.path("empty.csv"), with_empty).unwrap();
    assert_eq!(said.out, place.succeed("predict model empty.csv").out);
    // Those that are given come in addition.
    fs::write(place.path("more.csv"), table(40, false).replace(",-,", ",none given,")).unwrap();
    let more = place.succeed("predict model more.csv --missing none~given");
    assert_eq!(said.out, more.out);
    // A store was read with marks of its own.
    place.succeed("data convert empty.csv empty.narrows --ignore id,note --ordinal none");
    assert_eq!(said.out, place.succeed("predict model empty.narrows").out);

    // Its label is found by its name, and other columns are left out.
    fs::write(place.path("other.csv"), table(60, true)).unwrap();
    let named = place.succeed("evaluate model other.csv --target churned --part all");
    assert_eq!(place.succeed("evaluate model other.csv --part all").out, named.out);
    let said = place.refuse("evaluate model new.csv --part all");
    let says = "new.csv: there are no labels to compare with: the column \"churned\", which the \
                model learnt them from, is missing or empty: add it, or name another by --target";
    assert!(said.err.contains(says), "{}", said.err);
    // Labels of which none is known are no labels of the model.
    let numbers = table(60, true).replace(",ja", ",1").replace(",nein", ",0");
    fs::write(place.path("numbers.csv"), numbers).unwrap();
    let said = place.run("evaluate model numbers.csv --part all");
    let says = "numbers.csv: none of its labels is a class of the model: they are \"0\", \"1\", \
                and the model knows \"ja\", \"nein\": ";
    assert!(said.code == Some(2) && said.err.contains(says), "{}", said.err);
}
