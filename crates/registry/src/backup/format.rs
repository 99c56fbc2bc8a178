//! The file: how its parts follow each other, are compressed and are checked. It knows nothing of what is in them.
//!
//! ```text
//! file  = magic (8 bytes)  format version (u32)  part*  'E'  SHA-256 of all bytes before
//! part  = 'P'  length of the name (u8)  name  chunk*  0 (u32)  rows (u64)  bytes (u64)  SHA-256 of the content
//! chunk = length (u32)  that many bytes; the chunks of a part together are one stream of Zstandard
//! ```
//!
//! Numbers are little-endian. Bytes, and the hash of the content, are of what was compressed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::problem::BackupProblem;

const MAGIC: &[u8; 8] = b"BLRBKUP\n";

/// The form that this program writes; it reads older ones.
pub(super) const FORMAT_VERSION: u32 = 1;

/// How much compressed content is put into one chunk.
const CHUNK_LENGTH: usize = 256 << 10;

/// A longer chunk was not written by this program.
const CHUNK_LENGTH_MAX: usize = 1 << 20;

/// How far back the compressor may refer, as a power of two: the reader's memory is bounded by it.
const WINDOW_LOG_MAX: u32 = 24;

/// Three is the library's own choice: a second for 100 MB, a tenth of the size.
const COMPRESSION_LEVEL: i32 = 3;

const HASH_LENGTH: usize = 32;
const PART: u8 = b'P';
const END: u8 = b'E';

/// What was put into a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PartTotals {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) hash: [u8; HASH_LENGTH],
}

/// A reading that failed: the file is wrong, or it couldn't be read.
#[derive(Debug)]
pub(super) enum ReadFailure {
    Problem(BackupProblem),
    Unreadable(io::Error),
}

impl From<BackupProblem> for ReadFailure {
    fn from(problem: BackupProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<io::Error> for ReadFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Problem(BackupProblem::Truncated),
            // A disk has no such error; what reads the parts has.
            io::ErrorKind::InvalidData => Self::Problem(BackupProblem::Damaged {
                part: "structure".into(),
            }),
            _ => Self::Unreadable(error),
        }
    }
}

/// Writes a file beside its place and puts it there when it is complete and on the disk. Dropped before, it leaves
/// nothing.
pub(super) struct BackupWriter {
    file: Option<HashedFile>,
    path: PathBuf,
    unfinished: PathBuf,
}

struct HashedFile {
    file: BufWriter<File>,
    hasher: Sha256,
    length: u64,
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BackupWriter {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".unfinished");
        let unfinished = path.with_file_name(name);
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // It holds what extensions are configured with, secrets included.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        let mut writer = Self {
            file: Some(HashedFile {
                file: BufWriter::new(file),
                hasher: Sha256::new(),
                length: 0,
            }),
            path: path.to_owned(),
            unfinished,
        };
        let file = writer.file()?;
        file.write_all(MAGIC)?;
        file.write_all(&FORMAT_VERSION.to_le_bytes())?;
        Ok(writer)
    }

    fn file(&mut self) -> io::Result<&mut HashedFile> {
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is finished"))
    }

    /// Begins a part; its content follows.
    pub(super) fn begin(&mut self, name: &str) -> io::Result<PartWriter<'_>> {
        let name_length = u8::try_from(name.len()).map_err(io::Error::other)?;
        let file = self.file()?;
        file.write_all(&[PART, name_length])?;
        file.write_all(name.as_bytes())?;
        let chunks = ChunkWriter {
            file,
            chunk: Vec::with_capacity(CHUNK_LENGTH),
        };
        Ok(PartWriter {
            encoder: zstd::Encoder::new(chunks, COMPRESSION_LEVEL)?,
            hasher: Sha256::new(),
            bytes: 0,
        })
    }

    /// Ends the file and puts it in its place; tells its length.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        let mut file = self
            .file
            .take()
            .ok_or_else(|| io::Error::other("the file is finished"))?;
        file.write_all(&[END])?;
        let hash = file.hasher.clone().finalize();
        file.write_all(&hash)?;
        let length = file.length;
        let inner = file.file.into_inner().map_err(io::Error::from)?;
        inner.sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        sync_folder_of(&self.path)?;
        Ok(length)
    }
}

impl Drop for BackupWriter {
    fn drop(&mut self) {
        // After it was put in its place there is none of that name.
        drop(self.file.take());
        let _ = fs::remove_file(&self.unfinished);
    }
}

/// Makes a renamed file's new name last.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// One part being written.
pub(super) struct PartWriter<'a> {
    encoder: zstd::Encoder<'static, ChunkWriter<'a>>,
    hasher: Sha256,
    bytes: u64,
}

impl PartWriter<'_> {
    pub(super) fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.hasher.update(content);
        self.bytes += content.len() as u64;
        self.encoder.write_all(content)
    }

    pub(super) fn end(self, rows: u64) -> io::Result<PartTotals> {
        let file = self.encoder.finish()?.finish()?;
        let totals = PartTotals {
            rows,
            bytes: self.bytes,
            hash: self.hasher.finalize().into(),
        };
        file.write_all(&totals.rows.to_le_bytes())?;
        file.write_all(&totals.bytes.to_le_bytes())?;
        file.write_all(&totals.hash)?;
        Ok(totals)
    }
}

struct ChunkWriter<'a> {
    file: &'a mut HashedFile,
    chunk: Vec<u8>,
}

impl<'a> ChunkWriter<'a> {
    fn put(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            let length = u32::try_from(self.chunk.len()).map_err(io::Error::other)?;
            self.file.write_all(&length.to_le_bytes())?;
            self.file.write_all(&self.chunk)?;
            self.chunk.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<&'a mut HashedFile> {
        self.put()?;
        self.file.write_all(&0_u32.to_le_bytes())?;
        Ok(self.file)
    }
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK_LENGTH - self.chunk.len();
        let taken = bytes.len().min(room);
        self.chunk
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.chunk.len() == CHUNK_LENGTH {
            self.put()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file part by part.
pub(super) struct BackupReader {
    file: BufReader<File>,
    format_version: u32,
}

impl BackupReader {
    pub(super) fn open(path: &Path) -> Result<Self, ReadFailure> {
        let mut file = BufReader::new(File::open(path)?);
        let mut magic = Vec::new();
        file.by_ref()
            .take(MAGIC.len() as u64)
            .read_to_end(&mut magic)?;
        if magic != MAGIC {
            // An empty file, or the first bytes of one, is a backup cut short as much as anything else.
            return Err(if MAGIC.starts_with(&magic) {
                BackupProblem::Truncated.into()
            } else {
                BackupProblem::NotABackup.into()
            });
        }
        let format_version = read_u32(&mut file)?;
        Ok(Self {
            file,
            format_version,
        })
    }

    /// Reads the whole file and compares it with the hash at its end, before anything in it is believed; `on_bytes` is
    /// told how many more bytes were read, and stops the reading. Then goes back to the first part.
    pub(super) fn check_whole(
        &mut self,
        mut on_bytes: impl FnMut(u64) -> io::Result<()>,
    ) -> Result<u64, ReadFailure> {
        let length = self.file.get_ref().metadata()?.len();
        let first_part = self.file.stream_position()?;
        let hash_at = length
            .checked_sub(HASH_LENGTH as u64)
            .filter(|at| *at > first_part)
            .ok_or(BackupProblem::Truncated)?;
        self.file.seek(SeekFrom::Start(0))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK_LENGTH];
        let mut left = hash_at;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let piece = buffer.get_mut(..wanted).unwrap_or_default();
            self.file.read_exact(piece)?;
            hasher.update(&*piece);
            left -= piece.len() as u64;
            on_bytes(piece.len() as u64)?;
        }
        let hash = read_hash(&mut self.file)?;
        self.file.seek(SeekFrom::Start(first_part))?;
        if hasher.finalize()[..] != hash {
            return Err(self.find_damage().into());
        }
        if self.format_version > FORMAT_VERSION {
            return Err(BackupProblem::FormatNewer {
                format_version: self.format_version,
            }
            .into());
        }
        Ok(length)
    }

    /// Says what is wrong with a file whose hash doesn't fit.
    fn find_damage(&mut self) -> BackupProblem {
        let damaged = |part: &str| BackupProblem::Damaged {
            part: part.to_owned(),
        };
        if self.format_version != FORMAT_VERSION {
            return damaged("beginning");
        }
        let mut content = vec![0; CHUNK_LENGTH];
        loop {
            let mut part = match self.next_part() {
                Ok(Some(part)) => part,
                // All parts are as they were written: what is left to be wrong is the end itself.
                Ok(None) => return damaged("end"),
                Err(ReadFailure::Problem(problem)) => return problem,
                Err(ReadFailure::Unreadable(_)) => return damaged("structure"),
            };
            let name = part.name.clone();
            let outcome = loop {
                match part.read(&mut content) {
                    Ok(0) => break part.end().map(drop),
                    Ok(_) => {}
                    Err(failure) => break Err(failure),
                }
            };
            match outcome {
                Ok(()) => {}
                Err(ReadFailure::Problem(problem)) => return problem,
                Err(ReadFailure::Unreadable(_)) => return damaged(&name),
            }
        }
    }

    /// The next part; none at the end. The part before must have been ended.
    pub(super) fn next_part(&mut self) -> Result<Option<PartReader<'_>>, ReadFailure> {
        let kind = read_array::<1>(&mut self.file)?;
        match kind {
            [PART] => {}
            [END] => {
                read_hash(&mut self.file)?;
                return if self.file.read(&mut [0])? == 0 {
                    Ok(None)
                } else {
                    Err(BackupProblem::Damaged { part: "end".into() }.into())
                };
            }
            _ => {
                return Err(BackupProblem::Damaged {
                    part: "structure".into(),
                }
                .into());
            }
        }
        let [name_length] = read_array::<1>(&mut self.file)?;
        let mut name = vec![0; usize::from(name_length)];
        self.file.read_exact(&mut name)?;
        let name = String::from_utf8(name).map_err(|_| BackupProblem::Damaged {
            part: "structure".into(),
        })?;
        let chunks = ChunkReader {
            file: &mut self.file,
            left_in_chunk: 0,
            is_ended: false,
        };
        let mut decoder = zstd::Decoder::new(chunks)?.single_frame();
        decoder.window_log_max(WINDOW_LOG_MAX)?;
        Ok(Some(PartReader {
            name,
            decoder,
            hasher: Sha256::new(),
            bytes: 0,
        }))
    }
}

/// One part being read.
pub(super) struct PartReader<'a> {
    pub(super) name: String,
    decoder: zstd::Decoder<'static, BufReader<ChunkReader<'a>>>,
    hasher: Sha256,
    bytes: u64,
}

impl PartReader<'_> {
    /// Reads more of the content; 0 at its end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadFailure> {
        let count = self
            .decoder
            .read(buffer)
            .map_err(|error| self.failed(error))?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.bytes += count as u64;
        Ok(count)
    }

    /// Compares what was read with what was written.
    pub(super) fn end(self) -> Result<PartTotals, ReadFailure> {
        let damaged = BackupProblem::Damaged {
            part: self.name.clone(),
        };
        let mut rest = self.decoder.finish();
        // The stream is over; nothing but the mark of the part's end may follow.
        if rest.read(&mut [0])? != 0 {
            return Err(damaged.into());
        }
        let file = rest.into_inner().file;
        let totals = PartTotals {
            rows: read_u64(file)?,
            bytes: read_u64(file)?,
            hash: read_hash(file)?,
        };
        if totals.bytes != self.bytes || totals.hash[..] != self.hasher.finalize()[..] {
            return Err(damaged.into());
        }
        Ok(totals)
    }

    /// What the decompressor can't read is damage; it says so by a kind of error that no disk gives.
    fn failed(&self, error: io::Error) -> ReadFailure {
        match error.kind() {
            io::ErrorKind::UnexpectedEof if self.decoder.get_ref().get_ref().is_ended => {
                BackupProblem::Damaged {
                    part: self.name.clone(),
                }
                .into()
            }
            io::ErrorKind::UnexpectedEof => BackupProblem::Truncated.into(),
            _ if error.raw_os_error().is_some() => ReadFailure::Unreadable(error),
            _ => BackupProblem::Damaged {
                part: self.name.clone(),
            }
            .into(),
        }
    }
}

struct ChunkReader<'a> {
    file: &'a mut BufReader<File>,
    left_in_chunk: usize,
    is_ended: bool,
}

impl Read for ChunkReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_ended || buffer.is_empty() {
            return Ok(0);
        }
        if self.left_in_chunk == 0 {
            let mut length = [0; 4];
            self.file.read_exact(&mut length)?;
            let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
            if length > CHUNK_LENGTH_MAX {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a chunk is longer than any that is written",
                ));
            }
            if length == 0 {
                self.is_ended = true;
                return Ok(0);
            }
            self.left_in_chunk = length;
        }
        let wanted = buffer.len().min(self.left_in_chunk);
        let count = self
            .file
            .read(buffer.get_mut(..wanted).unwrap_or_default())?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left_in_chunk -= count;
        Ok(count)
    }
}

fn read_array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_u32(reader: &mut impl Read) -> io::Result<u32> {
    read_array(reader).map(u32::from_le_bytes)
}

fn read_u64(reader: &mut impl Read) -> io::Result<u64> {
    read_array(reader).map(u64::from_le_bytes)
}

fn read_hash(reader: &mut impl Read) -> io::Result<[u8; HASH_LENGTH]> {
    read_array(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of two parts, the second longer than a chunk and hardly to be compressed.
    fn written(path: &Path) -> Vec<u8> {
        let mut writer = BackupWriter::create(path).unwrap();
        let mut part = writer.begin("header").unwrap();
        part.write(b"{}").unwrap();
        part.end(1).unwrap();
        let mut part = writer.begin("extensions").unwrap();
        let mut hash = Sha256::digest(b"seed");
        for _ in 0..12_000 {
            part.write(&hash).unwrap();
            hash = Sha256::digest(hash);
        }
        part.end(7).unwrap();
        let length = writer.finish().unwrap();
        let bytes = fs::read(path).unwrap();
        assert_eq!(bytes.len() as u64, length);
        bytes
    }

    fn read_whole(path: &Path) -> Result<Vec<(String, PartTotals)>, ReadFailure> {
        let mut reader = BackupReader::open(path)?;
        reader.check_whole(|_| Ok(()))?;
        read_parts(&mut reader)
    }

    fn read_parts(reader: &mut BackupReader) -> Result<Vec<(String, PartTotals)>, ReadFailure> {
        let mut parts = Vec::new();
        let mut buffer = vec![0; 10_000];
        while let Some(mut part) = reader.next_part()? {
            let name = part.name.clone();
            while part.read(&mut buffer)? > 0 {}
            parts.push((name, part.end()?));
        }
        Ok(parts)
    }

    fn problem(path: &Path) -> BackupProblem {
        match read_whole(path) {
            Err(ReadFailure::Problem(problem)) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_are_read_as_they_were_written_and_the_file_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        written(&path);
        let parts = read_whole(&path).unwrap();
        assert_eq!((parts[0].0.as_str(), parts[0].1.rows), ("header", 1));
        assert_eq!((parts[1].1.rows, parts[1].1.bytes), (7, 12_000 * 32));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = BackupWriter::create(&folder.path().join("a")).unwrap();
        writer.begin("header").unwrap().end(0).unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn cut_anywhere_it_is_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes = written(&path);
        for length in (0..64)
            .chain((64..bytes.len()).step_by(9_973))
            .chain(bytes.len() - 64..bytes.len())
        {
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(
                problem(&path),
                BackupProblem::Truncated,
                "{length} of {}",
                bytes.len()
            );
        }
    }

    #[test]
    fn changed_anywhere_it_is_refused_and_never_panics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes = written(&path);
        for position in (0..64)
            .chain((64..bytes.len()).step_by(9_973))
            .chain(bytes.len() - 64..bytes.len())
        {
            for flipped in [1_u8, 0x80] {
                let mut changed = bytes.clone();
                changed[position] ^= flipped;
                fs::write(&path, &changed).unwrap();
                problem(&path);
            }
        }
        // Also more than there should be.
        let mut longer = bytes.clone();
        longer.push(0);
        fs::write(&path, &longer).unwrap();
        assert!(matches!(problem(&path), BackupProblem::Damaged { .. }));
    }

    /// Who edits a file can make its last hash fit; the hashes of the parts and what reads them must stand it.
    #[test]
    fn with_a_hash_made_to_fit_what_is_changed_is_found_by_its_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes = written(&path);
        let end = bytes.len() - HASH_LENGTH;
        let mut random = 1_u64;
        for _ in 0..200 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let position = 12 + usize::try_from(random >> 33).unwrap() % (end - 12);
            let mut changed = bytes.clone();
            changed[position] ^= u8::try_from((random >> 20) & 0xff).unwrap() | 1;
            let hash = Sha256::digest(&changed[..end]);
            changed[end..].copy_from_slice(&hash);
            fs::write(&path, &changed).unwrap();
            let rows_or_name = match read_whole(&path) {
                Err(ReadFailure::Problem(_)) => continue,
                Err(ReadFailure::Unreadable(error)) => panic!("{error}"),
                Ok(parts) => parts,
            };
            // The numbers of rows and the names are not hashed by the part: their reader compares them with the header.
            let names: Vec<_> = rows_or_name
                .iter()
                .map(|(name, totals)| (name.as_str(), totals.rows))
                .collect();
            assert_ne!(names, [("header", 1), ("extensions", 7)], "at {position}");
        }
    }
}
