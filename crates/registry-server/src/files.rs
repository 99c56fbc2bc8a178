//! Files of commands: read up to a limit, written whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// What `-` stands for.
const STANDARD_INPUT: &str = "-";

/// Whether a path stands for standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

/// Reads a text: from a file, or from standard input for `-`. One byte more than the limit is read, so that who reads
/// it can say that it is too long.
pub(crate) fn read_text(path: &Path, limit_bytes: u64) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if is_standard_input(path) {
        io::stdin().take(limit_bytes + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit_bytes + 1).read_to_end(&mut bytes))
    };
    let unreadable = |reason: &dyn std::fmt::Display| {
        Failure::no_input(
            format!("{} can't be read: {reason}", path.display()),
            "Check that the file is there and that your account may read it, then try again.",
        )
    };
    read.map_err(|error| unreadable(&error))?;
    String::from_utf8(bytes).map_err(|_| unreadable(&"it is no UTF-8 text"))
}

/// A file that is being written beside its place, and is put there when it is complete and on the disk. Dropped before, it
/// leaves nothing.
pub(crate) struct NewFile {
    path: PathBuf,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins to write the file of this path.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".registryctl-")
            // As any file that the account makes, and not for its owner alone.
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// A second handle on what is being written.
    pub(crate) fn handle(&self) -> Result<File, Failure> {
        self.file
            .as_file()
            .try_clone()
            .map_err(|error| unwritable(&self.path, &error))
    }

    /// Puts it in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let path = self.path;
        self.file
            .as_file()
            .sync_all()
            .map_err(|error| unwritable(&path, &error))?;
        self.file
            .persist(&path)
            .map_err(|error| unwritable(&path, &error.error))?;
        Ok(())
    }
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut new = NewFile::create(path)?;
    new.file
        .write_all(text.as_bytes())
        .map_err(|error| unwritable(path, &error))?;
    new.finish()
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::of_system(&format!("{} can't be written", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        write(&path, "old").unwrap();
        let mut begun = NewFile::create(&path).unwrap();
        begun.file.write_all(b"ne").unwrap();
        drop(begun);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        write(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_there_or_no_text_is_told_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read_text(&path, 10).is_err());
        std::fs::write(&path, b"\xff").unwrap();
        assert!(read_text(&path, 10).is_err());
        std::fs::write(&path, "0123456789abc").unwrap();
        assert_eq!(read_text(&path, 10).unwrap(), "0123456789a");
    }
}
