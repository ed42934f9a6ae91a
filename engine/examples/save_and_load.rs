//! Parameters in a safetensors file: saved whole, and loaded by name into a larger network.

use narrows_engine::layers::{Linear, Relu};
use narrows_engine::{Error, Network, NetworkBuilder, Params};

fn encoder() -> NetworkBuilder {
    Network::builder(8).section("encoder").layer(Linear::new(4)).layer(Relu)
}

fn main() -> Result<(), Error> {
    let path = std::env::temp_dir().join(format!("narrows-{}.safetensors", std::process::id()));
    let network = encoder().build()?;
    let saved = Params::new(&network, 1);
    saved.save(&path)?;

    // The same network: every tensor has its place, or it is an error.
    let mut loaded = Params::new(&network, 2);
    loaded.load(&path)?;
    assert_eq!(loaded.values(), saved.values());

    // A classifier with the same encoder: the report says that its head is not in the file.
    let classifier = encoder().section("head").layer(Linear::new(3)).build()?;
    let mut params = Params::new(&classifier, 2);
    println!("strictly: {}", params.load(&path).expect_err("there is no head"));
    let report = params.load_partly(&path)?;
    println!("loaded {:?}, missing {:?}", report.loaded, report.missing);
    assert_eq!(params.get("encoder.0.weight"), saved.get("encoder.0.weight"));
    assert_eq!(report.missing, ["head.0.weight", "head.0.bias"]);

    std::fs::remove_file(&path).expect("the file that was just written");
    Ok(())
}
