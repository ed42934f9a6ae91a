//! `--config`: what a file says, what wins over it.

use crate::program::Place;

#[test]
fn what_is_given_wins_over_the_file_and_the_file_over_the_defaults() {
    let place = Place::new();
    std::fs::write(
        place.path("my.toml"),
        "latent = 5\nwidths = [12, 8]\npretrain-epochs = 2\nlabels = 40\nbatch-norm = \
         false\nfinetune-lr = [0.001, 3e-3]\nmethods = [\"full\"]\nfinetune-epochs = 2\ndraws = \
         2\n",
    )
    .unwrap();
    place.succeed(
        "compare --config my.toml --latent 4 --batch-norm true --finetune-lr 2e-3 --out run",
    );
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(config["latent"].as_integer(), Some(4));
    assert_eq!(config["batch-norm"].as_bool(), Some(true));
    assert_eq!(config["widths"].to_string(), "[12, 8]");
    assert_eq!(config["labels"].to_string(), "[40]");
    assert_eq!(config["validation"].to_string(), "[100]");
    assert_eq!(config["methods"].to_string(), "[\"scratch\", \"full\"]");
    assert_eq!(config["finetune-lr"].to_string(), "[0.002]");
    assert_eq!(config["command"].as_str(), Some("compare"));
    for absent in ["out", "config", "quiet"] {
        assert!(!config.contains_key(absent), "{absent}");
    }
}

/// Commands and options have had other names, and files that hold them are still read.
#[test]
fn old_names_still_work_and_are_told_of() {
    let place = Place::new();
    let old = "command = \"finetune\"\nlabels = 30\nvalidation = 20\nepochs = 2\nwidths = [8]\n\
               no-batch-norm = true\nno-mmap = false\n";
    std::fs::write(place.path("old.toml"), old).unwrap();
    let said = place.succeed("finetune --config old.toml --scratch --latent 4 --out run");
    for note in ["narrows finetune is now narrows train\n", "--scratch is now --method=scratch\n"] {
        assert!(
            said.err.starts_with("narrows finetune") && said.err.contains(note),
            "{}",
            said.err
        );
    }
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(config["batch-norm"].as_bool(), Some(false));
    assert_eq!((config["mmap"].as_bool(), config["labels"].as_integer()), (Some(true), Some(30)));
    let said = place.succeed("summary run --quiet");
    assert!(said.out.contains("classifier of 10 classes, dense"), "{}", said.out);
    assert_eq!(said.err, "");
    let old = "command = \"compare\"\nrecipe = \"none\"\nbudget = \"10m\"\nepochs = 1\n\
               widths = [8]\nlatent = 4\ndraws = 1\nmethods = [\"scratch\"]\nmixup = 0.2\n\
               semi = \"--epochs 3 --epsilon 2\"\nfinetune-epochs = 1\n";
    std::fs::write(place.path("compare.toml"), old).unwrap();
    place.succeed("compare --config compare.toml --quiet --out compared");
    let config: toml::Table = toml::from_str(&place.read("compared/config.toml")).unwrap();
    assert!(!config.contains_key("auto"), "{config}");
    assert_eq!(config["pretrain-epochs"].as_integer(), Some(1));
    assert_eq!(config["finetune-mixup"].as_float(), Some(0.2));
    assert_eq!(config["semi-epochs"].as_integer(), Some(3));
    assert_eq!(config["vat-epsilon"].as_float(), Some(2.0));
    let said = place.refuse("train --config compare.toml --out refused");
    assert!(said.err.contains("is for the command \"compare\""), "{}", said.err);
}

/// The list comes back from the file, and with it the same run, on another number of threads.
#[test]
fn augmentation_goes_through_the_file() {
    let place = Place::new();
    let tiny = crate::program::tiny_compare(
        "--pretrain-augment shift=1,gaussian=0.2,mask=0.1 --finetune-augment flip,rotate=12.5 \
         --methods freeze --threads 1",
    );
    place.succeed(&format!("{tiny} --out run"));
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(
        config["pretrain-augment"].to_string(),
        r#"["shift=1", "gaussian=0.2", "mask=0.1"]"#
    );
    assert_eq!(config["finetune-augment"].to_string(), r#"["rotate=12.5", "flip=0.5"]"#);
    place.succeed("compare --config run/config.toml --threads 2 --out again");
    let results = |run: &str| {
        let summary = place.json(&format!("{run}/summary.json"));
        let accuracies =
            summary["methods"].as_array().unwrap().iter().map(|m| m["test_accuracy"].to_string());
        (summary["autoencoder"]["test_mse"].to_string(), accuracies.collect::<Vec<_>>())
    };
    let (first, again) = (results("run"), results("again"));
    assert_eq!(first, again);
    place.succeed("compare --config run/config.toml --pretrain-augment none --out without");
    let without = place.read("without/config.toml");
    assert!(without.contains("pretrain-augment = []"), "{without}");
    assert_ne!(results("without").0, first.0);
    for run in ["pretrain --epochs 2 --widths 8", "train --method scratch --epochs 2 --widths 8"] {
        let name = run.split(' ').next().unwrap();
        place.succeed(&format!("{run} --augment cutout=3,brightness=0.25 --quiet --out {name}"));
        place.succeed(&format!("{name} --config {name}/config.toml --quiet --out {name}-again"));
        assert!(
            place
                .read(&format!("{name}/config.toml"))
                .contains(r#"["brightness=0.25", "cutout=3"]"#)
        );
        for file in ["config.toml", "model.safetensors"] {
            let read = |run: &str| std::fs::read(place.path(run).join(file)).unwrap();
            assert!(read(name) == read(&format!("{name}-again")), "{file} of {name}");
        }
    }
}

#[test]
fn a_file_can_be_used_from_anywhere() {
    let place = Place::new();
    crate::program::put_folder(&place.path("data"), 2, 40);
    let tiny = "--epochs 2 --widths 4 --latent 2 --labels 4 --validation 4 --held-out 4";
    place.succeed(&format!("pretrain data {} --out run", &tiny[..tiny.find(" --labels").unwrap()]));
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    std::fs::rename(place.path("run"), place.path("elsewhere/run")).unwrap();
    place.succeed("pretrain --config elsewhere/run/config.toml --out again");
    assert_eq!(place.read("elsewhere/run/config.toml"), place.read("again/config.toml"));
    // From scratch, the encoder of a file gives its architecture alone.
    place.succeed(
        "train --encoder again data --labels 4 --validation 4 --epochs 2 --method full \
         --out tuned",
    );
    place.succeed("train --config tuned/config.toml --method scratch --out fresh");
    assert!(place.read("fresh/config.toml").contains("encoder ="));
    assert_eq!(place.json("fresh/summary.json")["method"], "scratch");
}

#[test]
fn help_shows_every_default() {
    let place = Place::new();
    for command in ["compare", "pretrain", "train", "evaluate", "score", "info", "bench"] {
        let help = place.succeed(&format!("{command} --help")).out;
        // An option's text goes on to the next option or heading.
        let mut blocks: Vec<String> = Vec::new();
        for line in help.lines().map(str::trim_start) {
            // A text may have the name of another option at the start of a line.
            let names_an_option = line.starts_with('-')
                && line
                    .split(' ')
                    .nth(1)
                    .is_none_or(|word| word.is_empty() || word.starts_with(['<', '-']));
            if names_an_option || line.is_empty() {
                blocks.push(line.to_string());
            } else if let Some(last) = blocks.last_mut() {
                *last += " ";
                *last += line;
            }
        }
        let options = blocks.iter().filter(|block| block.starts_with("--"));
        let without = options.filter(|block| !block.contains("[default:"));
        let names: Vec<&str> =
            without.map(|block| block.split([' ', '[']).next().unwrap()).collect();
        let expected: &[&str] = match command {
            "compare" | "pretrain" | "train" => &["--quiet", "--config"],
            "evaluate" => &["--probe-samples", "--probe-test-graph", "--quiet"],
            "bench" => &["--json", "--quiet"],
            _ => &["--quiet"],
        };
        assert_eq!(names, expected, "{command}");
    }
    let nothing = place.run_with(&[]);
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.out.contains("Usage: narrows <COMMAND>"), "{}", nothing.out);
}
