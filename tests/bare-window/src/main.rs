//! A window with a heading in it, and nothing else. It says on standard error when that is painted.

use std::io::Write;

/// As the console does with its first table.
#[tauri::command]
fn report_painted() {
    // Nobody reads it where there is nothing to write to.
    let _ = writeln!(std::io::stderr(), "painted");
}

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![report_painted])
        .run(tauri::generate_context!())
}
