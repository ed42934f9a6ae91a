//! What is wrong with a table, each with the option that helps.

use crate::program::{Place, Said};
use std::fs;

/// One line, and nothing left.
fn refused(place: &Place, line: &str, expected: &str) {
    let before = place.listing();
    let Said { code, out, err } = place.run(line);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{line}: {err}");
    let last = err.strip_suffix('\n').unwrap();
    assert_eq!(last, format!("narrows: {expected}"), "{line}");
    let after = place.listing();
    let new: Vec<&String> =
        after.iter().filter(|path| !before.contains(path) && !path.contains(".narrows")).collect();
    assert!(new.is_empty(), "{line}: {new:?}");
}

#[test]
fn what_is_wrong_with_a_table_comes_with_the_option_that_helps() {
    let place = Place::new();
    let rows = |row: fn(usize) -> String| (0..40).map(row).collect::<String>();
    let put = |name: &str, text: String| fs::write(place.path(name), text).unwrap();
    put("t.csv", format!("a,b,kind\n{}", rows(|i| format!("{i},{},k{}\n", i * i % 7, i % 2))));
    put(
        "ids.csv",
        format!("id,b\n{}", (0..300).map(|i| format!("r{i},{}\n", i % 7)).collect::<String>()),
    );
    put(
        "counted.csv",
        format!("id,b\n{}", (1..300).map(|i| format!("{i},{}\n", i % 7)).collect::<String>()),
    );
    put("bare.csv", format!("a,b,kind\n{}", rows(|i| format!("{i},{},\n", i % 7))));
    put("far.csv", format!("a,b,target\n{}", rows(|i| format!("{i},{},{i}.5\n", i % 7))));
    put("two.csv", format!("a,y,class\n{}", rows(|i| format!("{i},{},{}\n", i % 2, i % 2))));
    put(
        "gap.csv",
        format!(
            "a,b\n{}",
            rows(|i| match i % 2 {
                0 => format!("{i},-\n"),
                _ => format!("{i},{i}\n"),
            })
        ),
    );
    put("comma.csv", format!("a,b\n{}", rows(|i| format!("{i},\"{},5\"\n", i % 9))));
    put("twice.csv", format!("a,a,b\n{}", rows(|i| format!("{i},{i},{}\n", i % 7))));
    put("shift.csv", format!("a,c\n{}", rows(|i| format!("{i},{i}\n"))));
    put("text.csv", format!("a,b\n{}", rows(|i| format!("{i},t{i}\n"))));
    let refused = |line: &str, expected: &str| refused(&place, line, expected);

    let tiny = "--epochs 1 --widths 4 --held-out 2 --out new";
    refused(
        &format!("pretrain t.csv --target kin {tiny}"),
        "t.csv: has no column \"kin\" of labels: it has \"kind\", \"a\", \"b\": choose by --target",
    );
    refused(
        &format!("pretrain t.csv --ignore c,d {tiny}"),
        "t.csv: has no column \"c\" to ignore: it has \"a\", \"b\", \"kind\": choose by --ignore",
    );
    refused(
        &format!("pretrain ids.csv {tiny}"),
        "ids.csv: the column \"id\" has 300 different values in 300 rows, too many for categories: \
         ignore it by --ignore id",
    );
    refused(
        &format!("pretrain counted.csv {tiny}"),
        "counted.csv: the column \"id\" numbers the rows and tells nothing of them: have it \
         ordinal to keep it, or ignore it by --ignore id",
    );
    refused(
        &format!("pretrain far.csv {tiny}"),
        "far.csv: line 2, column \"target\": 0.5 is not whole: it looks like a target of \
         regression, not a class: name another label column, or none by --target",
    );
    refused(
        &format!("pretrain two.csv {tiny}"),
        "two.csv: the columns \"y\" and \"class\" may both hold the labels: name the one that \
         does, or say that none does, by --target",
    );
    refused(
        &format!("pretrain gap.csv {tiny}"),
        "gap.csv: the column \"b\" holds 20 numbers, but also 20 other texts, the first \"-\" in \
         line 2: name it as missing, read the column as categories, or ignore it, by \
         --missing=-, --categorical or --ignore",
    );
    refused(
        &format!("pretrain comma.csv {tiny}"),
        "comma.csv: line 2, column \"b\": \"0,5\" looks like a number with a decimal comma: say so \
         if it is, by --decimal",
    );
    refused(
        &format!("pretrain twice.csv {tiny}"),
        "twice.csv: line 1, the header, calls columns 1 and 2 both \"a\": rename one, or say that \
         the table has no header, by --header false",
    );
    refused(
        &format!("pretrain t.csv --target kind --latent 3 {tiny}"),
        "a latent code of 3 is longer than a sample, which has 2 values: set --latent lower",
    );
    refused(
        &format!("pretrain t.csv --target kind --loss bce {tiny}"),
        "the loss bce needs a sigmoid output: set --output to sigmoid",
    );
    let scratch = "train --method scratch --widths 4 --epochs 1 --out new";
    refused(
        &format!("{scratch} bare.csv --target kind"),
        "bare.csv: there are no labels: name the column that holds them by --target",
    );
    refused(
        &format!("{scratch} t.csv --target kind --labels 100 --validation 100"),
        "t.csv: 100 training and 100 validation labels are more than the 34 samples there are: ask \
         for fewer by --labels or --validation",
    );
    refused(
        &format!("{scratch} t.csv --target kind --validation 100"),
        "t.csv: of 34 labels --validation 100 leaves none to train on: set it lower",
    );
    refused(
        "compare bare.csv --target kind --out new",
        "bare.csv: comparing needs labels in train and test: name a table's column of labels by \
         --target",
    );

    place.succeed("pretrain t.csv --target kind --epochs 1 --widths 4 --held-out 2 --out ae");
    place.succeed(
        "train --encoder ae t.csv --target kind --labels 4 --validation 4 --epochs 2 \
         --out classifier",
    );
    let lacks = "shift.csv: has no column \"b\", which the model learnt from: it has \"a\", \"c\"";
    for line in ["score ae", "embed classifier", "evaluate ae", "train --encoder ae --out new"] {
        refused(&format!("{line} shift.csv"), lacks);
    }
    refused(
        "score ae text.csv",
        "text.csv: line 2, column \"b\": \"t0\" is not a number, which the column holds: mend it, \
         or name it as missing, by --missing=TEXT",
    );
    refused(
        "embed ae t.csv --target b",
        "t.csv: the model learnt from the column \"b\", which is not the label, nor to be ignored",
    );
    refused(
        "score classifier t.csv --score reconstruction",
        "classifier/model.safetensors: the model is a classifier, which reconstructs nothing: give \
         the run of an autoencoder, as narrows pretrain makes it, or score by --score rarity or \
         knn",
    );
    refused(
        "score ae",
        "ae/model.safetensors: the model learnt from t.csv, and the built-in digits are another \
         kind of data: name data like it",
    );
    refused(
        "evaluate classifier bare.csv --target kind",
        "bare.csv: there are no labels to compare with: the column \"kind\", which the model \
         learnt them from, is missing or empty: add it, or name another by --target",
    );
    refused(
        "score ae t.csv --against-rest k0",
        "--against-rest has no effect: a score takes no labels",
    );
    #[cfg(not(feature = "parquet"))]
    refused(
        "score ae t.csv --out s.parquet",
        "s.parquet: this build writes no Parquet files: build it with --features parquet, or name \
         a .csv or .npy file",
    );
    refused(
        "score ae t.csv --out ae",
        "ae: already holds a run (config.toml): give another folder by --out, or remove that run \
         first",
    );
    place.succeed("score ae t.csv --score reconstruction --out s.csv");
    for command in ["predict classifier", "score ae", "embed ae"] {
        // Said before the data are looked at.
        refused(
            &format!("{command} missing.csv --out s.csv"),
            "s.csv: is already there: give another file by --out, or remove it first",
        );
        #[cfg(not(feature = "parquet"))]
        refused(
            &format!("{command} missing.csv --out s.parquet"),
            "s.parquet: this build writes no Parquet files: build it with --features parquet, or \
             name a .csv or .npy file",
        );
    }
    refused(
        "embed ae t.csv --out s.csv",
        "s.csv: is already there: give another file by --out, or remove it first",
    );
    let said = place.run("score ae t.csv --out no/such/s.csv");
    assert!(
        said.code == Some(2) && said.err.starts_with("narrows: no/such: there is no such folder: "),
        "{}",
        said.err
    );
    for line in ["--quantile 1.5", "--threshold=-1", "--quantile 0.5 --threshold 1", "--part none"]
    {
        place.refuse(&format!("score ae t.csv {line}"));
    }
    // Halves have rows of their own.
    fs::create_dir(place.path("halves")).unwrap();
    for (half, from) in [("train.csv", "t.csv"), ("test.csv", "t.csv")] {
        fs::copy(place.path(from), place.path("halves").join(half)).unwrap();
    }
    refused(
        "score ae halves --part all",
        "halves: comes in two halves, each with rows of its own: choose one by --part train or \
         test",
    );
    place.succeed("score ae halves --score reconstruction --out half.csv");
    assert_eq!(place.read("half.csv"), place.read("s.csv"));
}
