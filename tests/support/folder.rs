//! Folders for tests: short paths (a socket's path is limited), reachable by the server's account.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder that goes with the value.
pub struct TestFolder(TempDir);

impl TestFolder {
    /// Makes an empty folder that every account can enter, as a home's parent is.
    pub fn new() -> Self {
        Self::with_prefix("registry-")
    }

    /// Makes a folder that is kept for as long as this process lives, and removes those that processes
    /// before this one left: what a `static` holds is not dropped at the end.
    pub fn of_process() -> Self {
        const PREFIX: &str = "registry-process-";
        let siblings = std::fs::read_dir(std::env::temp_dir()).expect("the temporary folder");
        for sibling in siblings.flatten() {
            let name = sibling.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
                continue;
            };
            let process_id = name.split('-').next().unwrap_or_default();
            if !Path::new("/proc").join(process_id).exists() {
                // Another test program may be removing it as well.
                let _ = std::fs::remove_dir_all(sibling.path());
            }
        }
        Self::with_prefix(&format!("{PREFIX}{}-", std::process::id()))
    }

    fn with_prefix(prefix: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .expect("a temporary folder");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("the folder is ours");
        Self(folder)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Default for TestFolder {
    fn default() -> Self {
        Self::new()
    }
}

/// A disk of its own, so that it can be full; unmounted when dropped.
pub struct SmallDisk {
    folder: TestFolder,
}

impl SmallDisk {
    /// Mounts an empty disk of this size. Needs root, or `sudo` that asks no password.
    pub fn mount(size_mib: u32) -> Self {
        let folder = TestFolder::new();
        privileged(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size_mib}m,mode=0777"),
                "tmpfs",
            ],
            folder.path(),
        );
        Self { folder }
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Makes it larger.
    pub fn grow(&self, size_mib: u32) {
        privileged(
            "mount",
            &["-o", &format!("remount,size={size_mib}m")],
            self.folder.path(),
        );
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A server may be shutting down: lazily, the disk goes when its last file is closed.
        privileged("umount", &["--lazy"], self.folder.path());
    }
}

fn privileged(program: &str, arguments: &[&str], path: &Path) {
    let mut command = if nix::unistd::Uid::effective().is_root() {
        Command::new(program)
    } else {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", program]);
        command
    };
    let status = command
        .args(arguments)
        .arg(path)
        .status()
        .expect("mount and umount are installed");
    assert!(
        status.success(),
        "{program} {} failed: it needs root or sudo",
        path.display()
    );
}
