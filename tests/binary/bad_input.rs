//! What is refused: in one line that says what to do, with exit code 2, and nothing left behind.

use crate::program::{Place, idx, put_folder, tiny_compare};
use std::fs;

/// A place with data and runs to go wrong with.
fn place() -> Place {
    let place = Place::new();
    let image = "t10k-images-idx3-ubyte";
    put_folder(&place.path("good"), 3, 10);
    for name in ["truncated", "lying", "counts", "magic"] {
        put_folder(&place.path(name), 3, 10);
    }
    let whole = fs::read(place.path("good").join(image)).unwrap();
    fs::write(place.path("truncated").join(image), &whole[..whole.len() - 5]).unwrap();
    fs::write(place.path("magic").join(image), b"PNG, or so it seems").unwrap();
    // 4 KB that claim 4 terabytes.
    let lie = idx(&[u32::MAX, 32, 32], &[0; 4080]);
    fs::write(place.path("lying/train-images-idx3-ubyte"), lie).unwrap();
    fs::write(place.path("counts/train-labels-idx1-ubyte"), idx(&[29], &[0; 29])).unwrap();
    put_folder(&place.path("label"), 3, 10);
    fs::write(place.path("label/t10k-labels-idx1-ubyte"), idx(&[30], &[9; 30])).unwrap();
    // Class 1 is never seen.
    put_folder(&place.path("gap"), 3, 10);
    let gap: Vec<u8> = (0..30).map(|i| if i % 3 == 1 { 0 } else { i % 3 }).collect();
    fs::write(place.path("gap/train-labels-idx1-ubyte"), idx(&[30], &gap)).unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    fs::write(place.path("file"), "no folder").unwrap();
    fs::write(place.path("unknown.toml"), "latent = 4\nlatnt = 5\n").unwrap();
    fs::write(place.path("malformed.toml"), "latent = 4\nwidths = [1,\n").unwrap();
    fs::write(place.path("wrong.toml"), "latent = \"many\"\n").unwrap();
    fs::write(place.path("nested.toml"), "[latent]\nx = 1\n").unwrap();
    fs::write(place.path("other.toml"), "command = \"pretrain\"\n").unwrap();
    fs::write(place.path("broken.safetensors"), "not at all").unwrap();
    place.succeed("pretrain --epochs 1 --widths 4 --latent 2 --quiet --out digits-run");
    place.succeed(
        "pretrain good --epochs 1 --widths 4 --latent 2 --held-out 2 --quiet --out good-run",
    );
    let few = "--labels 3 --validation 3 --epochs 2 --quiet";
    place.succeed(&format!("train --encoder good-run good {few} --out classifier"));
    put_folder(&place.path("two"), 2, 10);
    fs::create_dir(place.path("bare")).unwrap();
    // As many values the other way round.
    put_folder(&place.path("turned"), 3, 10);
    for half in ["train", "t10k"] {
        let images = idx(&[30, 2, 3], &[7; 30 * 6]);
        fs::write(place.path("turned").join(format!("{half}-images-idx3-ubyte")), images).unwrap();
    }
    place
}

#[test]
fn bad_input_is_refused_in_one_line_and_leaves_nothing() {
    let place = place();
    let before = place.listing();
    let compare = |rest: &str| tiny_compare(&format!("--out new {rest}"));
    let cases: Vec<(String, &[&str])> = vec![
        // Data.
        (compare("missing"), &["missing", "o such file"]),
        (compare("empty"), &["empty: is empty; nor is there"]),
        (compare("file"), &["file: has no rows"]),
        (compare("truncated"), &["truncated/t10k-images-idx3-ubyte"]),
        (compare("lying"), &["lying/train-images-idx3-ubyte"]),
        (compare("magic"), &["magic/t10k-images-idx3-ubyte"]),
        (compare("counts"), &["counts/train-labels-idx1-ubyte", "29", "30"]),
        (compare("label"), &["label/t10k-labels-idx1-ubyte", "label 0 is 9"]),
        (compare("gap --labels 3 --validation 3"), &["is 1, a class that no training sample has"]),
        // Labels and draws.
        (
            compare("good --labels 100 --methods full"),
            &["good: 100 training and 1 validation labels", "30 samples"],
        ),
        (
            compare("--labels 1200 --validation 100 --methods full"),
            &["digits: 1200 training and 100 validation labels", "1297 samples"],
        ),
        (compare("--labels 9"), &["9 training labels cannot cover 10 classes"]),
        (compare("--labels 0"), &["--labels", "whole number from 1"]),
        (compare("--validation 0"), &["--validation", "whole number from 1"]),
        (compare("--draws 0"), &["--draws", "whole number from 1"]),
        (compare("--draws -1"), &["--draws"]),
        // Architecture.
        (compare("--latent 0"), &["--latent", "whole number from 1"]),
        (compare("--latent 99999999999"), &["--latent", "to 65536"]),
        (compare("--widths 8,0"), &["--widths", "'0'", "whole number from 1"]),
        (compare("--widths 65536,65536"), &["the widths [65536, 65536]", "choose smaller widths"]),
        (compare("--widths 8,,8"), &["--widths", "whole number"]),
        (compare("--model convolutional"), &["--model", "one of dense, conv, resnet"]),
        (compare("--depth 0"), &["--depth", "whole number from 1"]),
        (compare("--model conv --widths none"), &["the model conv needs at least 1 width"]),
        (
            compare("--model resnet --widths 4,4,4,4"),
            &["images of 8x8x1 are too small for the widths", "give 3 widths at most"],
        ),
        (compare("--metric recall"), &["--metric", "one of accuracy, balanced"]),
        (compare("--activation swish"), &["--activation", "leaky-relu"]),
        (compare("--dropout 1"), &["--dropout", "below 1"]),
        (compare("--pretrain-loss bce --output none"), &["bce", "--output to sigmoid"]),
        // Objectives.
        (
            compare("--objective vae"),
            &["--objective", "one of plain, denoising, masked, sparse, variational"],
        ),
        (
            compare("--variational-beta 2"),
            &["--variational-beta has no effect: set --objective to variational"],
        ),
        (
            compare("--objective variational --sparse-weight 1"),
            &["--sparse-weight has no effect", "--objective to sparse"],
        ),
        (
            compare("--pretrain-augment patch=2"),
            &["--pretrain-augment: digits: patch", "set mask, too"],
        ),
        (
            "pretrain --objective variational --variational-warm-up -1 --out new".to_string(),
            &["--variational-warm-up", "from 0"],
        ),
        // Training.
        (compare("--pretrain-lr NaN"), &["--pretrain-lr", "positive, finite"]),
        (compare("--pretrain-lr 0"), &["--pretrain-lr", "positive, finite"]),
        (compare("--pretrain-lr=-1e-3"), &["--pretrain-lr", "positive, finite"]),
        (compare("--pretrain-lr inf"), &["--pretrain-lr", "positive, finite"]),
        (compare("--finetune-lr 1e-3,nan"), &["--finetune-lr", "'nan'", "positive, finite"]),
        (compare("--finetune-lr none"), &["--finetune-lr", "at least one"]),
        (compare("--pretrain-epochs 0"), &["--pretrain-epochs", "whole number from 1", "or auto"]),
        (compare("--pretrain-batch 0"), &["--pretrain-batch"]),
        (compare("--pretrain-batch 1"), &["--pretrain-batch to 2 or more"]),
        (compare("--finetune-batch 1"), &["--finetune-batch to 2 or more"]),
        (compare("--pretrain-held-out 1297"), &["1297 of 1297", "--pretrain-held-out"]),
        (compare("--pretrain-weight-decay -1"), &["--pretrain-weight-decay"]),
        (compare("--pretrain-weight-decay=nan"), &["--pretrain-weight-decay", "at least 0"]),
        (compare("--pretrain-clip-norm=nan"), &["--pretrain-clip-norm", "at least 0"]),
        (compare("--finetune-label-smoothing 1"), &["--finetune-label-smoothing", "below 1"]),
        (compare("--finetune-lr-decay 0"), &["--finetune-lr-decay", "above 0 and at most 1"]),
        (compare("--finetune-l2-sp -1"), &["--finetune-l2-sp", "at least 0"]),
        (compare("--finetune-mixup nan"), &["--finetune-mixup", "at least 0"]),
        (compare("--finetune-ema 1"), &["--finetune-ema", "below 1"]),
        (compare("--pretrain-schedule linear"), &["--pretrain-schedule", "cosine"]),
        (compare("--methods freeze,thaw"), &["--methods", "'thaw'", "gradual"]),
        // Augmentation.
        (
            compare("--pretrain-augment blur=2"),
            &["--pretrain-augment", "'blur=2'", "one of rotate=DEGREES", "cutout=PIXELS"],
        ),
        (compare("--pretrain-augment shift"), &["--pretrain-augment", "'shift'", "shift=PIXELS"]),
        (compare("--pretrain-augment flip,mask=1"), &["--pretrain-augment", "'mask=1'", "below 1"]),
        (compare("--finetune-augment flip,flip"), &["--finetune-augment", "flip is given twice"]),
        (
            compare("--pretrain-augment shift=8"),
            &["--pretrain-augment: digits: shift", "from 0 to 7", "8x8"],
        ),
        (
            compare("--finetune-augment cutout=9"),
            &["--finetune-augment: digits: cutout", "from 0 to 8"],
        ),
        (
            "pretrain --augment crop=8 --out new".to_string(),
            &["--augment: digits: crop", "from 0 to 7"],
        ),
        (
            "train --method scratch --augment crop=8 --out new".to_string(),
            &["--augment: digits: crop"],
        ),
        // The machine and the command line.
        (compare("--isa mmx"), &["--isa", "plain"]),
        (compare("--threads 99999"), &["--threads"]),
        (compare("--lables 5"), &["--lables", "'--labels'"]),
        ("comapre".to_string(), &["comapre", "'compare'"]),
        // The output.
        (tiny_compare("--out file"), &["file: is not a folder", "--out"]),
        (tiny_compare("--out file/run"), &["file/run", "--out"]),
        (tiny_compare("--out digits-run"), &["digits-run: already holds a run", "--out"]),
        // Configurations.
        (compare("--config missing.toml"), &["missing.toml", "No such file"]),
        (compare("--config unknown.toml"), &["unknown.toml", "'latnt'", "'latent'"]),
        (compare("--config malformed.toml"), &["malformed.toml", "line 2"]),
        (compare("--config wrong.toml --latent 3"), &["wrong.toml", "'many'", "--latent"]),
        (compare("--config nested.toml"), &["nested.toml: latent"]),
        (compare("--config other.toml"), &["other.toml", "\"pretrain\"", "compare"]),
        (
            "train --config digits-run/config.toml --out new".to_string(),
            &["digits-run/config.toml: is for the command \"pretrain\", not \"train\""],
        ),
        (
            "compare --resume digits-run".to_string(),
            &["is for the command \"pretrain\", not \"compare\""],
        ),
        (
            "compare --resume missing".to_string(),
            &["missing: there is no such run: name a run folder"],
        ),
        ("compare --resume bare".to_string(), &["bare: holds no config.toml"]),
        // Models.
        ("evaluate missing".to_string(), &["missing", "no such run"]),
        ("evaluate bare".to_string(), &["bare: holds no model.safetensors"]),
        ("evaluate broken.safetensors".to_string(), &["broken.safetensors"]),
        (
            "evaluate good-run --out new".to_string(),
            &["good-run/model.safetensors", "name its data"],
        ),
        (
            "evaluate classifier two --out new".to_string(),
            &["3 classes", "two has 2", "name its data"],
        ),
        ("evaluate digits-run --out digits-run".to_string(), &["already holds a run"]),
        (
            "train --method full --out new".to_string(),
            &["--method full needs a pretrained encoder", "--encoder RUN", "scratch or vat"],
        ),
        (
            "train --encoder good-run --out new".to_string(),
            &["good-run/model.safetensors", "3x2x1 (good)", "8x8x1", "name its data"],
        ),
        ("train --encoder digits-run --latent 5 --out new".to_string(), &["--latent", "--encoder"]),
        (
            "train --encoder good-run turned --out new".to_string(),
            &["good-run/model.safetensors", "3x2x1 (good)", "turned are 2x3x1"],
        ),
        (
            "train --encoder digits-run --model conv --out new".to_string(),
            &["--model", "--encoder"],
        ),
        ("info missing".to_string(), &["missing", "no such run"]),
        ("info digits-run --model conv".to_string(), &["--model has no effect"]),
        ("info digits-run --classes 3".to_string(), &["--classes has no effect"]),
        ("info --input 28x".to_string(), &["--input", "28x28x1"]),
        ("info digits-run --input 8x8".to_string(), &["--input", "cannot be used with"]),
        ("info --model conv".to_string(), &["--model has no effect", "--input"]),
        (
            "info --model conv --input 784".to_string(),
            &["conv is for images", "784 values", "dense"],
        ),
        ("info --model conv --input 5000x5000".to_string(), &["samples of 5000x5000x1"]),
        ("train --encoder bare --out new".to_string(), &["bare: holds no model"]),
        ("train --method scratch --method full --out new".to_string(), &["--method"]),
        ("train --method scratch --l2-sp 1 --out new".to_string(), &["--l2-sp has no effect"]),
        (
            "train --method scratch --lr-decay 0.5 --out new".to_string(),
            &["--lr-decay has no effect"],
        ),
        (
            "train --encoder digits-run --method freeze --l2-sp 1 --out new".to_string(),
            &["--l2-sp has no effect: freeze leaves"],
        ),
        (
            "train --encoder digits-run --method freeze --lr-decay 0.5 --out new".to_string(),
            &["--lr-decay has no effect: freeze leaves"],
        ),
        (
            "train --method scratch --batch-norm false --reestimate-bn --out new".to_string(),
            &["--reestimate-bn has no effect", "no batch norm"],
        ),
        (
            "train --encoder digits-run --epochs 1 --out new".to_string(),
            &["--epochs: lp-ft needs at least 2 epochs, not 1"],
        ),
        (compare("--finetune-epochs 1 --methods full,lp-ft"), &["lp-ft needs at least 2 epochs"]),
        (
            "compare --labels curve --finetune-epochs 1 --methods gradual --out new".to_string(),
            &["gradual needs at least 2"],
        ),
        (
            "train --encoder digits-run --method thaw --out new".to_string(),
            &["--method", "gradual", "vat"],
        ),
        (
            "train --method scratch --labels 5 --out new".to_string(),
            &["digits: 5 training labels cannot cover 10 classes: set --labels to 10 or more"],
        ),
        ("train --method scratch --lr nan --out new".to_string(), &["--lr", "positive"]),
        ("pretrain --linear --model conv --out new".to_string(), &["--model", "--linear"]),
        ("pretrain --linear --widths 5 --out new".to_string(), &["--widths", "--linear"]),
    ];
    for (line, expected) in cases {
        let said = place.run(&line);
        assert_eq!(said.code, Some(2), "narrows {line}\n{}{}", said.out, said.err);
        assert_eq!(said.out, "", "narrows {line}");
        assert!(said.err.starts_with("narrows: "), "narrows {line}\n{}", said.err);
        assert_eq!(said.err.matches('\n').count(), 1, "narrows {line}\n{}", said.err);
        for text in expected {
            assert!(said.err.contains(text), "narrows {line}: '{text}' is not in\n{}", said.err);
        }
        assert_eq!(place.listing(), before, "narrows {line} left something behind");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_can_be_written_nothing_is_trained() {
    let place = Place::new();
    let said = place.refuse(&tiny_compare("--out /proc/narrows"));
    assert!(said.err.starts_with("narrows: /proc/narrows: cannot make the folder"), "{}", said.err);
}

#[test]
fn a_run_whose_loss_explodes_keeps_its_best_weights() {
    let place = Place::new();
    let wild = "--lr 1e4 --optimizer sgd --batch-norm false --output none --batch 2000 --schedule \
                one-cycle";
    // Whichever loss is the first to explode.
    for (run, held_out, loss) in
        [("run", "auto", "the validation loss became"), ("all", "0", "the loss became")]
    {
        let tiny =
            format!("--epochs 40 --widths 8 --latent 4 --held-out {held_out} --quiet --out {run}");
        let said = place.refuse(&format!("pretrain {wild} {tiny}"));
        for text in
            [loss, "step", "lower the learning rate", &format!("are in {run}/model.safetensors")]
        {
            assert!(said.err.contains(text), "{text}: {}", said.err);
        }
        let model = place.path(run).join("model.safetensors");
        let (_, _, params) = narrows_models::model_file::load(&model).unwrap();
        assert!(params.values().iter().all(|x| x.is_finite()));
        assert!(place.read(&format!("{run}/metrics.csv")).lines().count() > 1);
        assert!(!place.path(&format!("{run}/summary.json")).exists());
        place.succeed(&format!("evaluate {run}"));
    }
}

/// It explodes in its only step, so that there are no good weights to keep.
const EXPLODING: &str = "pretrain --epochs 1 --batch 2000 --widths 8 --latent 4 --batch-norm false \
                         --schedule constant --optimizer sgd --lr 1e30 --weight-decay 1e30 --quiet";

#[test]
fn a_run_that_leaves_nothing_good_leaves_nothing_at_all() {
    let place = Place::new();
    fs::create_dir_all(place.path("mine/earlier")).unwrap();
    let before = place.listing();
    for (held_out, out) in
        [("auto", "--out mine/new/er"), ("0", "--out mine/earlier"), ("0", "--quiet")]
    {
        let said = place.refuse(&format!("{EXPLODING} --held-out {held_out} {out}"));
        assert!(said.err.contains("encoder.0.weight holds a value that became"), "{}", said.err);
        assert!(said.err.contains("lower the learning rate"), "{}", said.err);
        assert_eq!(place.listing(), before, "{out}");
    }
}

#[test]
fn a_run_whose_last_file_cannot_be_written_removes_the_others() {
    let place = Place::new();
    // A folder that takes the file's name once the run has begun: the run itself refuses one that
    // is there before.
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !place.path("run/config.toml").exists() {
                std::thread::yield_now();
            }
            fs::create_dir(place.path("run/summary.json")).unwrap();
        });
        place.refuse("pretrain --epochs 1 --widths 4 --latent 2 --quiet --out run")
    });
    for text in ["run/summary.json: cannot write", "give another folder by --out"] {
        assert!(said.err.contains(text), "{text}: {}", said.err);
    }
    assert_eq!(fs::read_dir(place.path("run")).unwrap().count(), 1);
}
