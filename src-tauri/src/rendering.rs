//! How the window is drawn on a machine without a graphics card.

use std::path::Path;

/// Set, it makes the toolkit draw the page in memory and copy it to the screen.
const IN_MEMORY: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// The folder in which Linux lists what can draw.
const DEVICES: &str = "/dev/dri";

/// Has the page drawn in memory where nothing else can draw it: in a virtual machine, on a remote desktop. The toolkit
/// would draw it by a graphics card that a library imitates, which takes five times as long for each frame. Who has set
/// the variable has decided it.
///
/// Only for the beginning of the program, while it has one thread.
pub(crate) fn choose() {
    if std::env::var_os(IN_MEMORY).is_some() || has_graphics_card(Path::new(DEVICES)) {
        return;
    }
    #[allow(
        unsafe_code,
        reason = "nobody reads the environment meanwhile: there is no other thread yet"
    )]
    unsafe {
        std::env::set_var(IN_MEMORY, "1");
    }
}

fn has_graphics_card(devices: &Path) -> bool {
    let Ok(entries) = devices.read_dir() else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_graphics_card_is_a_device_that_draws_and_not_one_that_only_shows() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_graphics_card(&folder.path().join("none")));
        File::create(folder.path().join("card0")).unwrap();
        assert!(!has_graphics_card(folder.path()));
        File::create(folder.path().join("renderD128")).unwrap();
        assert!(has_graphics_card(folder.path()));
    }
}
