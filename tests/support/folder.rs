//! Folders for tests: short paths (a socket's path is limited), reachable by the server's account.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder that goes with the value.
pub struct TestFolder(TempDir);

impl TestFolder {
    /// Makes an empty folder that every account can enter, as a home's parent is.
    pub fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::Builder::new()
            .prefix("registry-")
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
