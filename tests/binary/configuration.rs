//! `--config`: what a file says, what wins over it.

use crate::program::Place;

#[test]
fn what_is_given_wins_over_the_file_and_the_file_over_the_defaults() {
    let place = Place::new();
    std::fs::write(
        place.path("my.toml"),
        "latent = 5\nwidths = [12, 8]\nepochs = 2\nlabels = 40\nno-batch-norm = true\nfinetune-lr \
         = [0.001, 3e-3]\n\
         methods = [\"full\"]\nfinetune-epochs = 2\ndraws = 2\n",
    )
    .unwrap();
    place.succeed(
        "compare --config my.toml --latent 4 --no-batch-norm=false --finetune-lr 2e-3 --out run",
    );
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(config["latent"].as_integer(), Some(4));
    assert_eq!(config["no-batch-norm"].as_bool(), Some(false));
    assert_eq!(config["widths"].to_string(), "[12, 8]");
    assert_eq!(config["labels"].as_integer(), Some(40));
    assert_eq!(config["validation"].as_integer(), Some(100));
    assert_eq!(config["methods"].to_string(), "[\"scratch\", \"full\"]");
    assert_eq!(config["finetune-lr"].to_string(), "[0.002]");
    assert_eq!(config["command"].as_str(), Some("compare"));
    for absent in ["out", "config", "quiet"] {
        assert!(!config.contains_key(absent), "{absent}");
    }
}

/// The list comes back from the file, and with it the same run, on another number of threads.
#[test]
fn augmentation_goes_through_the_file() {
    let place = Place::new();
    let tiny = crate::program::tiny_compare(
        "--augment shift=1,gaussian=0.2,mask=0.1 --finetune-augment flip,rotate=12.5 --methods \
         freeze --threads 1",
    );
    place.succeed(&format!("{tiny} --out run"));
    let config: toml::Table = toml::from_str(&place.read("run/config.toml")).unwrap();
    assert_eq!(config["augment"].to_string(), r#"["shift=1", "gaussian=0.2", "mask=0.1"]"#);
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
    place.succeed("compare --config run/config.toml --augment none --out without");
    let without = place.read("without/config.toml");
    assert!(without.contains("augment = []"), "{without}");
    assert_ne!(results("without").0, first.0);
    for run in ["pretrain --epochs 2 --widths 8", "finetune --scratch --epochs 2 --widths 8"] {
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
    place.succeed(&format!(
        "pretrain --data data {} --out run",
        &tiny[..tiny.find(" --labels").unwrap()]
    ));
    std::fs::create_dir(place.path("elsewhere")).unwrap();
    std::fs::rename(place.path("run"), place.path("elsewhere/run")).unwrap();
    place.succeed("pretrain --config elsewhere/run/config.toml --out again");
    assert_eq!(place.read("elsewhere/run/config.toml"), place.read("again/config.toml"));
    // The encoder in a file gives way to --scratch on the command line.
    place.succeed(
        "finetune --encoder again --data data --labels 4 --validation 4 --epochs 2 --method full \
         --out tuned",
    );
    place.succeed("finetune --config tuned/config.toml --scratch --out fresh");
    assert!(!place.read("fresh/config.toml").contains("encoder ="));
    assert_eq!(place.json("fresh/summary.json")["method"], "scratch");
}

#[test]
fn help_shows_every_default() {
    let place = Place::new();
    for command in ["compare", "pretrain", "finetune", "evaluate", "summary", "info", "bench"] {
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
            "finetune" => &["--encoder", "--scratch", "--config", "--quiet"],
            "evaluate" | "summary" | "info" => &[],
            "bench" => &["--json"],
            _ => &["--config", "--quiet"],
        };
        assert_eq!(names, expected, "{command}");
    }
    let nothing = place.run_with(&[]);
    assert_eq!(nothing.code, Some(0));
    assert!(nothing.out.contains("Usage: narrows <COMMAND>"), "{}", nothing.out);
}
