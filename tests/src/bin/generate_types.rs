//! Writes the Python and TypeScript types of reports and options.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (path, content) in churn_tests::types::files() {
        std::fs::write(root.join(path), content)?;
        println!("{path}");
    }
    Ok(())
}
