//! Tables from the [Arrow PyCapsule interface](https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html),
//! through which Python libraries pass Arrow data to each other.

use std::ffi::CStr;
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use churn_core::Table;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// The reasons why a table cannot be read through the interface.
pub(crate) enum Foreign {
    /// The library that exports the table raised an exception.
    Refused(PyErr),
    /// The exported data are not valid.
    Invalid(churn_core::Error),
    /// The object is a stream that has already been read.
    Exhausted,
}

/// Returns whether an object has one of the two methods of the interface.
pub(crate) fn has_arrow(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.hasattr("__arrow_c_stream__")? || object.hasattr("__arrow_c_array__")?)
}

/// Reads a table. The data come from another library, so they are validated.
///
/// `once` says whether the object is a stream, which can be read only once. If a stream has no batches, it is assumed
/// to have been read before.
pub(crate) fn arrow_table(object: &Bound<'_, PyAny>, once: bool) -> Result<Table, Foreign> {
    let read = read(object, once);
    // If Ctrl-C interrupts the source of a stream, pyarrow passes on only the traceback as the text of an error. No other
    // message ends with this line: names and values are escaped in messages.
    match &read {
        Err(Foreign::Invalid(error)) if error.to_string().trim_end().ends_with("\nKeyboardInterrupt") => {
            Err(Foreign::Refused(PyKeyboardInterrupt::new_err(())))
        }
        _ => read,
    }
}

fn read(object: &Bound<'_, PyAny>, once: bool) -> Result<Table, Foreign> {
    if object.hasattr("__arrow_c_array__").map_err(Foreign::Refused)? {
        return read_array(object);
    }
    let (table, batches) = read_stream(object)?;
    if once && batches == 0 {
        return Err(Foreign::Exhausted);
    }
    Ok(table)
}

#[allow(unsafe_code)]
fn read_array(object: &Bound<'_, PyAny>) -> Result<Table, Foreign> {
    let exported = object.call_method0("__arrow_c_array__").and_then(|pair| pair.extract());
    let (schema, array): (Bound<'_, PyAny>, Bound<'_, PyAny>) = exported.map_err(Foreign::Refused)?;
    let schema = pointer::<FFI_ArrowSchema>(&schema, c"arrow_schema")?;
    let array = pointer::<FFI_ArrowArray>(&array, c"arrow_array")?;
    // SAFETY: the interface promises that the capsules with these names contain pointers to valid structures. The
    // capsules stay alive during this call. The array is moved out of its capsule, as the interface requires.
    unsafe { Table::from_c_array(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) }.map_err(Foreign::Invalid)
}

/// Reads a stream. Returns the table and the number of its batches.
#[allow(unsafe_code)]
fn read_stream(object: &Bound<'_, PyAny>) -> Result<(Table, usize), Foreign> {
    let stream = object.call_method0("__arrow_c_stream__").map_err(Foreign::Refused)?;
    let stream = pointer::<FFI_ArrowArrayStream>(&stream, c"arrow_array_stream")?;
    // SAFETY: as above. The stream is moved out of its capsule.
    unsafe { Table::from_c_stream(FFI_ArrowArrayStream::from_raw(stream.as_ptr())) }.map_err(Foreign::Invalid)
}

/// The pointer in a capsule with this name.
fn pointer<T>(object: &Bound<'_, PyAny>, name: &CStr) -> Result<NonNull<T>, Foreign> {
    let capsule = object.cast::<PyCapsule>().map_err(PyErr::from);
    let pointer = capsule.and_then(|capsule| capsule.pointer_checked(Some(name)));
    Ok(pointer.map_err(Foreign::Refused)?.cast())
}
