//! The objects that the names of a pickle make.

use super::global::Global;
use super::object::{Id, Object, Objects, View};
use crate::weights::strided::Layout;

impl Global {
    /// The result of a call with that tuple of arguments.
    pub(super) fn call<'a>(
        self,
        arguments: Id,
        objects: &mut Objects<'a>,
    ) -> Result<Object<'a>, String> {
        let arguments = objects.tuple(arguments)?;
        match (self, arguments) {
            (Global::OrderedDict, []) => Ok(Object::Dict(Vec::new())),
            // Whether it learns, and hooks: of no use here.
            (Global::RebuildTensor, &[storage, offset, shape, strides, _, _])
            | (Global::RebuildTensor, &[storage, offset, shape, strides, _, _, _]) => {
                let Object::Storage(_) = objects.get(storage) else {
                    return Err(format!("makes a tensor of {}", objects.get(storage).kind()));
                };
                let layout = Layout {
                    offset: objects.size(offset)?,
                    shape: objects.sizes(shape)?,
                    strides: objects.sizes(strides)?,
                };
                Ok(Object::Tensor(Box::new(View { storage, layout })))
            }
            (Global::RebuildParameter, &[tensor, _, _]) => match objects.get(tensor) {
                Object::Tensor(view) => Ok(Object::Tensor(view.clone())),
                other => Err(format!("makes a parameter of {}", other.kind())),
            },
            (called, arguments) => {
                let count = arguments.len();
                Err(format!("calls {called:?} with {count} arguments: save it by a newer PyTorch"))
            }
        }
    }
}
