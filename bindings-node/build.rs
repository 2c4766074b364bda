//! The build script. It passes the settings for linking a Node module to cargo.

fn main() {
    napi_build::setup();
}
