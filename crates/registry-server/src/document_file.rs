//! The registry as a file, as `plan` and `apply` read it.

use std::path::{Path, PathBuf};

use clap::Args;
use registry::Error;
use registry::document::RegistryDocument;

use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::plan_text::{PlanBody, tell_problems};

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

impl DocumentFile {
    /// Reads the file. None if it can't be read as a registry; why is told then.
    pub(crate) fn read(&self, output: &mut Output) -> Result<Option<RegistryDocument>, Failure> {
        let text = files::read_text(&self.path, RegistryDocument::SIZE_MAX as u64)?;
        match RegistryDocument::parse(&text) {
            Ok(document) => Ok(Some(document)),
            Err(Error::DocumentInvalid { problems }) => {
                if output.is_json() {
                    output.json(&PlanBody::of_problems(problems, self.prune))?;
                } else {
                    tell_problems(&self.name(), &problems, output)?;
                }
                Ok(None)
            }
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
