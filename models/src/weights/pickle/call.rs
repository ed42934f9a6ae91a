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
            // Behind the strides: whether it learns, hooks, and marks of values that are stored
            // negated.
            (Global::RebuildTensor, &[storage, offset, shape, strides, _, _, ref marks @ ..])
                if marks.len() <= 1 =>
            {
                if let Some(&marks) = marks.first()
                    && !matches!(objects.get(marks), Object::None)
                    && !matches!(objects.get(marks), Object::Dict(entries) if entries.is_empty())
                {
                    return Err("has a tensor with marks, such as of negation: save a copy".into());
                }
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
