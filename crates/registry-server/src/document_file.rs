//! The registry as a file, as `plan` and `apply` read it.

use std::path::{Path, PathBuf};

use clap::Args;
use registry::Error;
use registry::document::{DocumentProblem, RegistryDocument};

use crate::failure::Failure;
use crate::files;

/// Which file, and what it means.
#[derive(Args, Debug)]
pub(crate) struct DocumentFile {
    /// The file, YAML or JSON as of an export; - for standard input
    #[arg(long = "file", short = 'f', value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Extensions that are not in the file are deleted
    #[arg(long)]
    pub(crate) prune: bool,
}

/// What reading a file came to.
pub(crate) enum Read {
    Document(RegistryDocument),
    /// It can't be read as a registry.
    Problems(Vec<DocumentProblem>),
}

impl DocumentFile {
    /// Reads the file.
    pub(crate) fn read(&self) -> Result<Read, Failure> {
        let text = files::read_text(&self.path, RegistryDocument::SIZE_MAX as u64)?;
        match RegistryDocument::parse(&text) {
            Ok(document) => Ok(Read::Document(document)),
            Err(Error::DocumentInvalid { problems }) => Ok(Read::Problems(problems)),
            Err(error) => Err(error.into()),
        }
    }

    /// What to call it in messages.
    pub(crate) fn name(&self) -> String {
        name_of(&self.path)
    }
}

fn name_of(path: &Path) -> String {
    if files::is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}
