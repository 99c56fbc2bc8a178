//! A backup file. Hashes keep chance out of it, and nobody who makes one up: so they are made to fit.

use std::cell::RefCell;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use registry::ErrorCode;
use registry::backup;
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

/// These bytes as they are, and with a hash that fits them.
pub(crate) fn file(bytes: &[u8]) {
    verify(bytes);
    let mut fitting = bytes.to_vec();
    // In place of the hash that a real file ends with.
    fitting.truncate(bytes.len().saturating_sub(32));
    fitting.extend_from_slice(&Sha256::digest(&fitting));
    verify(&fitting);
}

/// A file whose structure, lengths and hashes all fit, of parts that these bytes make up: each is its name, a tab, its
/// content, and the letter U+001E.
pub(crate) fn parts(bytes: &[u8]) {
    let mut file = b"BLRBKUP\n\x01\0\0\0".to_vec();
    for part in bytes.split(|byte| *byte == 0x1e) {
        let (name, content) = match part.iter().position(|byte| *byte == b'\t') {
            Some(place) => (&part[..place], &part[place + 1..]),
            None => (&part[..0], part),
        };
        let name = &name[..name.len().min(255)];
        file.extend_from_slice(&[b'P', u8::try_from(name.len()).unwrap()]);
        file.extend_from_slice(name);
        let compressed = zstd::encode_all(content, 1).unwrap();
        for chunk in compressed.chunks(1 << 16) {
            file.extend_from_slice(&u32::try_from(chunk.len()).unwrap().to_le_bytes());
            file.extend_from_slice(chunk);
        }
        file.extend_from_slice(&[0; 4]);
        let rows = content.split(|byte| *byte == b'\n').count() - 1;
        file.extend_from_slice(&u64::try_from(rows).unwrap().to_le_bytes());
        file.extend_from_slice(&u64::try_from(content.len()).unwrap().to_le_bytes());
        file.extend_from_slice(&Sha256::digest(content));
    }
    file.push(b'E');
    let hash = Sha256::digest(&file);
    file.extend_from_slice(&hash);
    verify(&file);
}

/// Where the files of this thread lie, and what verifies them.
struct Place {
    path: PathBuf,
    runtime: Runtime,
}

impl Place {
    fn new() -> Self {
        // In memory where there is such a folder: a fuzzer writes thousands a second.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let (process, thread) = (std::process::id(), std::thread::current().id());
        Self {
            path: folder.join(format!("fuzz-{process}-{thread:?}.beamline-backup")),
            runtime: Builder::new_current_thread().build().unwrap(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new(Place::new());
}

fn verify(bytes: &[u8]) {
    PLACE.with_borrow(|place| {
        std::fs::File::create(&place.path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        let header = place.runtime.block_on(backup::read_header(&place.path));
        let verified = place
            .runtime
            .block_on(backup::verify(&place.path, |_| ControlFlow::Continue(())));
        for error in [header.err(), verified.err()].into_iter().flatten() {
            crate::is_told(&error);
            assert_eq!(error.code(), ErrorCode::BackupInvalid, "{error}");
        }
    });
}
