//! Checkpoints whose checksums fit and whose numbers make no sense, for tests.

use super::{Checkpoint, Identity, Manifest, Tensor};
use serde_json::{Value, json};
use std::path::Path;

/// A complete checkpoint of that state.
pub(crate) fn checkpoint(state: Value, tensors: &[Tensor<'_>]) -> Checkpoint {
    let text = String::new;
    let identity: Identity = serde_json::from_value(json!([])).unwrap();
    let manifest =
        Manifest { run: text(), step: 1, isa: text(), configuration: text(), identity, state };
    let mut bytes = manifest.header(tensors).unwrap();
    tensors.iter().for_each(|tensor| bytes.extend(bytemuck::cast_slice::<f32, u8>(tensor.values)));
    Checkpoint::from_bytes(Path::new("crafted"), bytes).unwrap()
}

/// All values that differ from `value` in one place.
pub(crate) fn others(value: &Value) -> Vec<Value> {
    let mut others = vec![
        json!(null),
        json!(-1),
        json!(0),
        json!(1),
        json!(1e300),
        json!(u64::MAX),
        json!(u32::MAX),
        json!("text"),
        json!(true),
        json!([]),
        json!([0]),
        json!({}),
    ];
    match value {
        Value::Array(items) => {
            for i in 0..items.len() {
                let mut less = items.clone();
                less.remove(i);
                others.push(Value::Array(less));
                let mut more = items.clone();
                more.insert(i, items[i].clone());
                others.push(Value::Array(more));
                for other in self::others(&items[i]) {
                    let mut changed = items.clone();
                    changed[i] = other;
                    others.push(Value::Array(changed));
                }
            }
        }
        Value::Object(items) => {
            for (key, item) in items {
                let mut less = items.clone();
                less.remove(key);
                others.push(Value::Object(less));
                for other in self::others(item) {
                    let mut changed = items.clone();
                    changed.insert(key.clone(), other);
                    others.push(Value::Object(changed));
                }
            }
        }
        _ => {}
    }
    others
}
