//! The tensors of a safetensors file.

use super::element::Element;
use super::strided::Layout;
use super::{Weights, shown, torch};
use safetensors::{Dtype, SafeTensors};

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        format!("is no safetensors file, or a damaged one ({e}): download it again")
    })?;
    let mut tensors: Vec<_> = file.iter().collect();
    tensors.sort_by(|(a, x), (b, y)| (x.data().as_ptr(), a).cmp(&(y.data().as_ptr(), b)));
    let names: Vec<&str> = tensors.iter().map(|(name, _)| *name).collect();
    let prefix = torch::prefix(&names);
    let mut weights = Weights::default();
    for (name, tensor) in tensors {
        let name = &name[prefix..];
        let wrong = |problem| format!("the tensor {} {problem}", shown(name));
        let element = match tensor.dtype() {
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            _ if torch::is_counter(name) => continue,
            other => return Err(wrong(format!("is of {other:?}, where floats are expected"))),
        };
        let layout = Layout::contiguous(tensor.shape().to_vec());
        layout.check(tensor.data().len() / element.size()).map_err(wrong)?;
        weights.push(name.into(), layout.gather(element, tensor.data()))?;
    }
    Ok(weights)
}
