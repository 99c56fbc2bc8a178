//! The last snapshot on disk, for a start while the database is away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::rows::{RowDecoder, RowEncoder, RowsError};
use super::snapshot::{Head, Snapshot};
use crate::binary_copy::CopyError;

/// The first line of the file, up to the version of what follows.
const MAGIC: &[u8] = b"beamline-registry snapshot 1\n";

/// The checksum of everything before it: CRC-32, big-endian, the last four bytes.
const CHECKSUM_LENGTH: usize = 4;

/// The longest second line.
const DESCRIPTION_LENGTH_MAX: u64 = 4_096;

/// A snapshot, and when the database last said that it was its newest.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) snapshot: Snapshot,
    pub(super) verified_at: DateTime<Utc>,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is no snapshot, or of another version of this program")]
    Magic,
    #[error("its description can't be read: {0}")]
    Description(#[from] serde_json::Error),
    #[error(transparent)]
    Rows(#[from] RowsError),
    #[error("its checksum is wrong")]
    Checksum,
}

/// The second line.
#[derive(Deserialize, Serialize)]
struct Description {
    registry_id: String,
    revision: i64,
    hash: String,
    count: usize,
    read_at: DateTime<Utc>,
    verified_at: DateTime<Utc>,
}

/// Writes a snapshot beside its place, waits until it is on the disk and renames it: at any moment the
/// file is whole, the old one or the new one.
pub(super) fn write(
    path: &Path,
    snapshot: &Snapshot,
    verified_at: DateTime<Utc>,
) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let head = snapshot.head();
    let description = Description {
        registry_id: head.registry_id.clone(),
        revision: head.revision,
        hash: hex::encode(&head.hash),
        count: snapshot.len(),
        read_at: snapshot.read_at(),
        verified_at,
    };
    let mut output = Checked::new(BufWriter::with_capacity(
        1 << 20,
        create_private(&unfinished)?,
    ));
    output.write_all(MAGIC)?;
    serde_json::to_writer(&mut output, &description)?;
    output.write_all(b"\n")?;
    let mut rows = RowEncoder::begin(output)?;
    for extension in snapshot.iter() {
        rows.push(extension)?;
    }
    let Checked { mut inner, hasher } = rows.finish()?;
    inner.write_all(&hasher.finalize().to_be_bytes())?;
    inner
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&unfinished, path)
}

/// Reads a snapshot; none if there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Saved>, FileError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let length = file
        .metadata()?
        .len()
        .saturating_sub(CHECKSUM_LENGTH as u64);
    let mut input = BufReader::with_capacity(1 << 20, file);
    let mut hasher = crc32fast::Hasher::new();

    let mut magic = [0; MAGIC.len()];
    let is_ours = input.read_exact(&mut magic).is_ok() && magic == *MAGIC;
    if !is_ours {
        return Err(FileError::Magic);
    }
    hasher.update(&magic);
    let mut line = Vec::new();
    input
        .by_ref()
        .take(DESCRIPTION_LENGTH_MAX)
        .read_until(b'\n', &mut line)?;
    hasher.update(&line);
    let description: Description = serde_json::from_slice(&line)?;

    let mut left = length.saturating_sub((magic.len() + line.len()) as u64);
    // A damaged count must not take the memory.
    let mut decoder = RowDecoder::with_capacity(description.count.min(1 << 20));
    while left > 0 {
        let piece = input.fill_buf()?;
        let piece = &piece[..piece.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        if piece.is_empty() {
            return Err(RowsError::from(CopyError::CutShort).into());
        }
        hasher.update(piece);
        decoder.push(piece, |_| None)?;
        let length = piece.len();
        left -= length as u64;
        input.consume(length);
    }
    let mut checksum = [0; CHECKSUM_LENGTH];
    input.read_exact(&mut checksum)?;
    if checksum != hasher.finalize().to_be_bytes() {
        return Err(FileError::Checksum);
    }
    let head = Head {
        registry_id: description.registry_id,
        revision: description.revision,
        hash: hex::decode(&description.hash).map_err(|_| FileError::Checksum)?,
    };
    Ok(Some(Saved {
        snapshot: Snapshot::new(head, description.read_at, decoder.finish()?),
        verified_at: description.verified_at,
    }))
}

/// Configurations may hold what others must not read.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Computes the checksum of what is written.
struct Checked<W> {
    inner: W,
    hasher: crc32fast::Hasher,
}

impl<W> Checked<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            hasher: crc32fast::Hasher::new(),
        }
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::extension::tests::extension;

    fn snapshot() -> Snapshot {
        let head = Head {
            registry_id: "b4bb4c5e".into(),
            revision: 12,
            hash: vec![7; 32],
        };
        let extensions = ["a", "b", "c"].map(|id| extension(id, id != "b"));
        Snapshot::new(head, DateTime::UNIX_EPOCH, extensions.to_vec())
    }

    #[test]
    fn what_is_written_is_read_and_is_nobody_elses_business() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        assert!(read(&path).unwrap().is_none(), "no file is no error");
        let verified_at = Utc::now();
        write(&path, &snapshot(), verified_at).unwrap();
        let saved = read(&path).unwrap().unwrap();
        assert_eq!(
            (saved.snapshot.head(), saved.verified_at),
            (snapshot().head(), verified_at)
        );
        assert_eq!(saved.snapshot.len(), 3);
        assert_eq!(saved.snapshot.lookup("b"), Some(&extension("b", false)));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn every_single_damaged_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        write(&path, &snapshot(), Utc::now()).unwrap();
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert!(read(&path).is_err(), "byte {place} is damaged");
            fs::write(&path, &whole[..place]).unwrap();
            assert!(read(&path).is_err(), "cut at {place}");
        }
    }
}
