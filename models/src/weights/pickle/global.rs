//! The names that a pickle may use.

use crate::weights::element::Element;
use crate::weights::shown;

/// A class or function of Python that the state of a network needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::weights) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Element),
}

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Result<Global, String> {
        let element = |name| {
            Some(match name {
                "FloatStorage" => Element::F32,
                "HalfStorage" => Element::F16,
                "BFloat16Storage" => Element::Bf16,
                "DoubleStorage" => Element::F64,
                "LongStorage" => Element::Integer(8),
                "IntStorage" => Element::Integer(4),
                "ShortStorage" => Element::Integer(2),
                "CharStorage" | "ByteStorage" | "BoolStorage" => Element::Integer(1),
                _ => return None,
            })
        };
        let found = match (module, name) {
            ("collections", "OrderedDict") => Some(Global::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Global::RebuildParameter),
            ("torch", name) => element(name).map(Global::Storage),
            _ => None,
        };
        found.ok_or_else(|| {
            format!(
                "asks for {}, which no network's state needs and is not run: save the state_dict \
                 alone, by torch.save(model.state_dict(), FILE)",
                shown(&format!("{module}.{name}"))
            )
        })
    }
}
