//! The public data sets, and what any public file is known by: mirrors, lengths and checksums.

use std::ops::RangeInclusive;

use crate::error::Error;

/// The contents of a public set. Each kind has a folder of its own in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Samples.
    Data,
    /// The weights of a network.
    Weights,
}

impl Kind {
    /// The folder of such sets in the cache of the platform.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Kind::Data => "narrows/datasets",
            Kind::Weights => "narrows/models",
        }
    }
}

/// Public files that mirrors serve, each of them the same.
#[derive(Clone, Debug)]
pub struct PublicSet {
    /// Its name, and the name of its folder in the cache.
    pub name: String,
    /// Its contents.
    pub kind: Kind,
    /// The addresses of its mirrors, up to the file's name; the preferred one first.
    pub mirrors: Vec<String>,
    /// The files that are fetched.
    pub files: Vec<PublicFile>,
    /// The files that are unpacked from the fetched ones, which are compressed tar archives then.
    /// Empty: the fetched files are used as they are.
    pub members: Vec<Member>,
}

/// One file of a set.
#[derive(Clone, Debug)]
pub struct PublicFile {
    /// Without a folder.
    pub name: String,
    /// The lengths that it may have: one, unless its publisher tells it rounded.
    pub bytes: RangeInclusive<u64>,
    /// Its SHA-256 in hexadecimal digits, in lower case: all 64, or the first of them, at least 8,
    /// where its publisher tells no more.
    pub sha256: String,
}

impl PublicFile {
    /// Tells whether a file of that SHA-256 is this one.
    pub(super) fn has(&self, sha256: &str) -> bool {
        self.sha256.len() >= 8 && sha256.starts_with(&self.sha256)
    }

    /// The lengths in words: `46830571`.
    pub(super) fn lengths(&self) -> String {
        match (self.bytes.start(), self.bytes.end()) {
            (start, end) if start == end => start.to_string(),
            (start, end) => format!("{start} to {end}"),
        }
    }
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// Without the folders that it lies in.
    pub name: String,
    /// The lengths that it may have.
    pub bytes: RangeInclusive<u64>,
}

/// The lengths and checksums of four files in the order of `MNIST_FILES`.
type Four = [(u64, &'static str); 4];

const MNIST_FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

// All lengths and checksums are those of TensorFlow Datasets,
// tensorflow_datasets/url_checksums/mnist.txt, fashion_mnist.txt, kmnist.txt and cifar10.txt. Those
// of Fashion-MNIST, KMNIST and CIFAR-10 were compared with a second source each, as noted.

const MNIST: Four = [
    (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
];

/// The same in Flux's `Flux.Data.FashionMNIST`.
const FASHION_MNIST: Four = [
    (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
];

/// The same in torchvision's `prototype.datasets.KMNIST`.
const KMNIST: Four = [
    (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
    (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
    (3_041_136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
    (5_120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
];

/// The same in MLDatasets.jl.
const CIFAR_10: (u64, &str) =
    (170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
/// 10,000 records of a label and 3 x 32 x 32 values.
const CIFAR_10_BATCH: u64 = 30_730_000;

/// All data sets that can be fetched by name.
pub fn catalogue() -> Vec<PublicSet> {
    vec![
        like_mnist(
            "mnist",
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ],
            MNIST,
        ),
        like_mnist(
            "fashion-mnist",
            &[
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ],
            FASHION_MNIST,
        ),
        like_mnist(
            "kmnist",
            &[
                "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/KMNIST/",
                "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            ],
            KMNIST,
        ),
        PublicSet {
            name: "cifar10".to_owned(),
            kind: Kind::Data,
            mirrors: owned(&[
                "https://www.cs.toronto.edu/~kriz/",
                "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
                "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
            ]),
            files: vec![file("cifar-10-binary.tar.gz", CIFAR_10)],
            members: (1..=5)
                .map(|batch| format!("data_batch_{batch}.bin"))
                .chain(["test_batch.bin".to_owned()])
                .map(|name| Member { name, bytes: CIFAR_10_BATCH..=CIFAR_10_BATCH })
                // The names of the classes: no more than the reader of such folders reads.
                .chain([Member { name: "batches.meta.txt".to_owned(), bytes: 1..=1 << 16 }])
                .collect(),
        },
    ]
}

/// The set that is called `name`.
///
/// # Errors
/// If there is none: the message lists the names.
pub fn named(name: &str) -> Result<PublicSet, Error> {
    let sets = catalogue();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    let problem = format!("no public data set is called {name:?}: there are {}", names.join(", "));
    sets.into_iter().find(|set| set.name == name).ok_or_else(|| Error::request(problem))
}

fn like_mnist(name: &str, mirrors: &[&str], files: Four) -> PublicSet {
    PublicSet {
        name: name.to_owned(),
        kind: Kind::Data,
        mirrors: owned(mirrors),
        files: MNIST_FILES.into_iter().zip(files).map(|(name, about)| file(name, about)).collect(),
        members: Vec::new(),
    }
}

fn file(name: &str, (bytes, sha256): (u64, &str)) -> PublicFile {
    PublicFile { name: name.to_owned(), bytes: bytes..=bytes, sha256: sha256.to_owned() }
}

pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
