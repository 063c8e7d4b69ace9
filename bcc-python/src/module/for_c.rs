//! What the C functions ask of a module.

use super::{Module, Names, lock, report_rejection, text};
use crate::map::Map;
use bcc_sys::bpf::{AttachType, ProgType};
use nix::errno::Errno;
use pyo3::Py;
use std::os::fd::{AsFd, OwnedFd};

impl Module {
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// What programs submit to the table called `name`: `name#type` of each field.
    pub(crate) fn event_fields(&self, name: &[u8]) -> Option<Vec<String>> {
        let (core, name) = (self.core().ok()?, text(name));
        let layout = core.spec().events.iter().find(|event| event.table == name)?;
        Some(layout.fields.clone())
    }

    pub(crate) fn table(&self, id: usize) -> Option<&Map> {
        self.maps.get(id).map(Py::get)
    }

    /// Where the instructions of a function lie, for as long as the module lives, and how many bytes.
    pub(crate) fn image(&self, name: &[u8]) -> Option<(*const u8, usize)> {
        let core = self.core().ok()?;
        let name = text(name);
        let mut images = lock(&self.images);
        if !images.contains_key(&name) {
            let image = core.dump(&name).ok()?.into_boxed_slice();
            images.insert(name.clone(), image);
        }
        images.get(&name).map(|image| (image.as_ptr(), image.len()))
    }

    /// Loads a function; a descriptor of its own.
    pub(crate) fn load_copy(
        &self,
        name: &[u8],
        prog_type: i32,
        attach_type: i32,
    ) -> Result<OwnedFd, Errno> {
        let core = self.core().map_err(|_closed| Errno::EBADF)?;
        let attach_type = u32::try_from(attach_type).ok().map(AttachType);
        let prog_type = ProgType(prog_type.cast_unsigned());
        let program =
            core.load_program(&text(name), Some(prog_type), attach_type).map_err(|error| {
                report_rejection(&error);
                error.errno().unwrap_or(Errno::EINVAL)
            })?;
        program.as_fd().try_clone_to_owned().map_err(|_error| Errno::last())
    }
}
