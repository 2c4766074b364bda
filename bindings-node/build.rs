//! The build script. It gives cargo the linker settings of a Node module.

fn main() {
    napi_build::setup();
}
