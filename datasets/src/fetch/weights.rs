//! The public weights of networks that were trained on ImageNet.

use std::ops::RangeInclusive;

use super::catalogue::{Kind, PublicFile, PublicSet, owned};

const TORCHVISION: &str = "https://download.pytorch.org/models/";
const TIMM: &str =
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/";

/// The names of networks, those of the files of their weights, the lengths of these in thousandths
/// of 2^20 bytes, and their SHA-256.
///
/// Names and lengths are those of `IMAGENET1K_V2` in torchvision's `models/*.py` where there are
/// two sets of weights, or of `IMAGENET1K_V1`. A name ends in the first 8 digits of the SHA-256.
/// The whole SHA-256 is that which other public projects pin, two or more of each file.
const OF_TORCHVISION: [(&str, &str, u64, &str); 8] = [
    (
        "resnet18",
        "resnet18-f37072fd.pth",
        44_661,
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
    ),
    (
        "resnet34",
        "resnet34-b627a593.pth",
        83_275,
        "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f",
    ),
    (
        "resnet50",
        "resnet50-11ad3fa6.pth",
        97_790,
        "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
    ),
    (
        "mobilenet_v2",
        "mobilenet_v2-7ebf99e0.pth",
        13_598,
        "7ebf99e03e254b273379b23edca7ec0da9f48273b23a332b93c1c99d49e86e8f",
    ),
    (
        "mobilenet_v3_small",
        "mobilenet_v3_small-047dcff4.pth",
        9_829,
        "047dcff4addef86ea5bc2eff13c9614dc11f47ab1160d0a71a25e7db994f4e1f",
    ),
    (
        "mobilenet_v3_large",
        "mobilenet_v3_large-5c1a4163.pth",
        21_107,
        "5c1a416349c4cf298f2a6a5e2600ed0ee55e604713578f5e74e6bc8bcaef7997",
    ),
    (
        "efficientnet_b0",
        "efficientnet_b0_rwightman-7f5810bc.pth",
        20_451,
        "7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934",
    ),
    (
        "convnext_tiny",
        "convnext_tiny-983f1562.pth",
        109_119,
        "983f1562536e84ff750a1576fb08e54de751dbf2e17c0d8a4a13704341fdcd3d",
    ),
];

/// timm tells no length, and no more of the SHA-256 than its start, in the name. 32 bits find any
/// damage but one in four billion, and are no protection against a forger.
const LITE0: (&str, &str, &str) =
    ("efficientnet_lite0", "tf_efficientnet_lite0-0aa007d2.pth", "0aa007d2");
/// The network has 4,652,008 parameters, and 42,016 statistics beside them: four bytes each, and
/// the frame of the file.
const LITE0_LENGTH: RangeInclusive<u64> = 18_700_000..=19_000_000;

/// The sets of weights that can be fetched, each by the name of its network in `narrows-models`,
/// and of one file.
pub fn weights() -> Vec<PublicSet> {
    let set = |name: &str, mirror: &str, file: &str, bytes, sha256: &str| PublicSet {
        name: name.to_owned(),
        kind: Kind::Weights,
        mirrors: owned(&[mirror]),
        files: vec![PublicFile { name: file.to_owned(), bytes, sha256: sha256.to_owned() }],
        members: Vec::new(),
    };
    let of_torchvision = OF_TORCHVISION.iter().map(|&(name, file, thousandths, sha256)| {
        set(name, TORCHVISION, file, rounded(thousandths), sha256)
    });
    let (name, file, sha256) = LITE0;
    of_torchvision.chain([set(name, TIMM, file, LITE0_LENGTH, sha256)]).collect()
}

/// The lengths that are so many thousandths of 2^20 bytes when they are rounded.
fn rounded(thousandths: u64) -> RangeInclusive<u64> {
    let at = |twice: u64| (twice << 20) / 2_000;
    at(2 * thousandths - 1)..=at(2 * thousandths + 1) + 1
}
