//! Backups that were cut short, edited, or made up: refused by name, and nothing is changed.

use std::path::Path;

use registry::backup::{self, BackupProblem, BackupSummary, RestoreOptions};
use registry::{Error, ErrorCode};
use sha2::{Digest, Sha256};
use system_tests::database::TestDatabase;
use system_tests::servers;

use crate::support::{content, fill, go_on};

async fn problem(file: &Path) -> BackupProblem {
    match backup::verify(file, go_on).await {
        Err(Error::BackupInvalid { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

/// Places all over a file, more of them at its ends.
fn places(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let step = (length / count).max(1);
    (0..64)
        .chain((64..length).step_by(step))
        .chain(length - 64..length)
}

/// What a backup of so many entries says of itself, and its bytes.
async fn backup_of(entries: u32, folder: &Path) -> (BackupSummary, Vec<u8>) {
    let database = TestDatabase::create(servers::bundled()).await;
    let registry = database.registry().await;
    fill(&registry, &database.superuser(), entries).await;
    registry.close().await;
    let file = folder.join("a.beamline-backup");
    let written = backup::write(&database.superuser(), &file, go_on)
        .await
        .unwrap();
    (written, std::fs::read(&file).unwrap())
}

#[tokio::test]
async fn cut_or_edited_anywhere_it_is_refused_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = backup_of(3_000, folder.path()).await;
    let changed_file = folder.path().join("changed");
    for length in places(bytes.len(), 200) {
        std::fs::write(&changed_file, &bytes[..length]).unwrap();
        assert_eq!(
            problem(&changed_file).await,
            BackupProblem::Truncated,
            "cut at {length}"
        );
    }
    for place in places(bytes.len(), 200) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        std::fs::write(&changed_file, &changed).unwrap();
        problem(&changed_file).await;
    }

    // Restoring looks first: of both kinds, nothing comes into the database.
    let empty = TestDatabase::create(servers::bundled()).await;
    let half = bytes.len() / 2;
    let mut edited = bytes.clone();
    edited[half] ^= 1;
    for content_of_file in [&bytes[..half], &edited[..]] {
        std::fs::write(&changed_file, content_of_file).unwrap();
        let error = backup::restore(
            &changed_file,
            &empty.superuser(),
            RestoreOptions::default(),
            go_on,
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), ErrorCode::BackupInvalid, "{error}");
        assert!(
            error.report().facts.is_some(),
            "what is wrong goes to the page"
        );
        assert!(content(&empty.superuser()).await.is_empty());
    }
    std::fs::write(&changed_file, b"PK\x03\x04 something else").unwrap();
    assert_eq!(problem(&changed_file).await, BackupProblem::NotABackup);
    let missing = backup::verify(&folder.path().join("none"), go_on)
        .await
        .unwrap_err();
    assert_eq!(missing.code(), ErrorCode::FileUnreadable);
}

/// Whoever edits a file can make its hash fit. Nothing that is made up may bring the program down.
#[tokio::test]
async fn random_corruption_with_a_fitting_hash_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (written, bytes) = backup_of(300, folder.path()).await;
    let end = bytes.len() - 32;
    let mut random = 7_u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % below
    };
    for round in 0..1_500 {
        let mut changed = bytes[..end].to_vec();
        match round % 4 {
            0 => {
                let place = next(end);
                changed[place] ^= u8::try_from(next(255)).unwrap() + 1;
            }
            1 => {
                let (from, length) = (next(end), next(5_000));
                changed.drain(from..(from + length).min(end));
            }
            2 => {
                let (from, to, length) = (next(end), next(end), next(200));
                let piece = changed[from..(from + length).min(end)].to_vec();
                changed.splice(to..to, piece);
            }
            _ => {
                for _ in 0..20 {
                    let place = next(end);
                    changed[place] = u8::try_from(next(256)).unwrap();
                }
            }
        }
        if changed == bytes[..end] {
            continue;
        }
        let hash = Sha256::digest(&changed);
        changed.extend_from_slice(&hash);
        let made_up = folder.path().join("made-up");
        std::fs::write(&made_up, &changed).unwrap();
        match backup::verify(&made_up, go_on).await {
            Err(error) => assert_eq!(error.code(), ErrorCode::BackupInvalid, "{error}"),
            // Some bits of a compressed frame mean nothing (RFC 8878, 3.1.1.1.1: the unused bit): all that it holds is as
            // it was written.
            Ok(accepted) => assert_eq!(
                BackupSummary {
                    size_bytes: written.size_bytes,
                    ..accepted
                },
                written
            ),
        }
    }
}

#[tokio::test]
async fn a_log_with_a_fault_is_backed_up_and_restored_only_if_that_is_asked_for() {
    let database = TestDatabase::create(servers::bundled()).await;
    let registry = database.registry().await;
    fill(&registry, &database.superuser(), 100).await;
    database
        .execute(
            "ALTER TABLE extension_audit_log DISABLE TRIGGER extension_audit_log_keep;
             UPDATE extension_audit_log SET changed_by = 'somebody else' WHERE revision = 50;
             ALTER TABLE extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep",
        )
        .await;
    let fault = registry.verify_audit_log().await.unwrap().fault;
    assert_eq!(fault.as_ref().unwrap().revision, 50);
    registry.close().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.beamline-backup");
    let written = backup::write(&database.superuser(), &file, go_on)
        .await
        .unwrap();
    assert_eq!(written.fault, fault, "it says so as the database does");

    let empty = TestDatabase::create(database.server()).await;
    let error = backup::restore(&file, &empty.superuser(), RestoreOptions::default(), go_on)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::BackupInvalid { problem: BackupProblem::ChainBroken { fault }, .. } if fault.revision == 50),
        "{error}"
    );
    assert!(content(&empty.superuser()).await.is_empty());
    let options = RestoreOptions {
        is_fault_accepted: true,
    };
    backup::restore(&file, &empty.superuser(), options, go_on)
        .await
        .unwrap();
    assert_eq!(
        content(&empty.superuser()).await,
        content(&database.superuser()).await
    );
}
