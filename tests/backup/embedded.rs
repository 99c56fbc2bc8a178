//! The embedded registry: backed up by itself, restored in its place, brought to a newer PostgreSQL, and on a full disk.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use registry::backup;
use registry::embedded::{self, DailyBackups, DailyOutcome, EmbeddedServer, Options};
use registry::extension_changes::ExtensionPatch;
use registry::moving;
use registry::{ChangeContext, ErrorCode, Registry};
use system_tests::bundle::{bundled_server, installed_server};
use system_tests::database::{TestDatabase, rows};
use system_tests::faults;
use system_tests::folder::{SmallDisk, TestFolder};
use system_tests::servers::{self, superuser_of};

use crate::support::{content, fill, go_on, guards};

fn options(data_directory: &Path) -> Options {
    Options {
        data_directory: data_directory.to_owned(),
        server_override: None,
        bundled_server: Some(bundled_server()),
        application_name: "system-tests".into(),
        role: None,
    }
}

async fn open(data_directory: &Path) -> (EmbeddedServer, Registry) {
    embedded::open(&options(data_directory), |_| ())
        .await
        .expect("it opens")
}

async fn close((server, registry): (EmbeddedServer, Registry)) {
    registry.close().await;
    tokio::task::spawn_blocking(move || server.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_restored_backup_takes_the_place_of_the_database_which_is_kept() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await;
    fill(&registry, &superuser_of(folder.path()), 2_000).await;
    let file = folder.path().join("a.beamline-backup");
    let written = backup::write(&server.owner_options().unwrap(), &file, go_on)
        .await
        .unwrap();
    let before = content(&superuser_of(folder.path())).await;
    // Changed since; noted since.
    registry
        .set_extension_enabled("made", false, &ChangeContext::default())
        .await
        .unwrap();
    registry.verify_audit_log().await.unwrap();
    let error = embedded::restore(&options(folder.path()), &file, go_on)
        .await
        .unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::DataDirectoryInUse,
        "not while it is open: {error}"
    );
    close((server, registry)).await;

    // A damaged file changes nothing.
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let damaged = folder.path().join("damaged");
    std::fs::write(&damaged, bytes).unwrap();
    let error = embedded::restore(&options(folder.path()), &damaged, go_on)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::BackupInvalid);
    let (server, registry) = open(folder.path()).await;
    assert_eq!(
        registry.anchor().await.unwrap().revision,
        written.revision + 1
    );
    close((server, registry)).await;
    assert!(embedded::kept_clusters(folder.path()).unwrap().is_empty());

    let replaced = embedded::restore(&options(folder.path()), &file, go_on)
        .await
        .unwrap();
    assert_eq!(replaced.backup, written);
    let (server, registry) = open(folder.path()).await;
    assert_eq!(content(&superuser_of(folder.path())).await, before);
    let verification = registry.verify_audit_log().await.unwrap();
    assert_eq!(
        (verification.fault, verification.revision),
        (None, written.revision),
        "what was noted of the other is set aside"
    );
    registry
        .set_extension_enabled("made", false, &ChangeContext::default())
        .await
        .unwrap();
    close((server, registry)).await;
    let kept = embedded::kept_clusters(folder.path()).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(Some(&kept[0].path), replaced.kept.as_ref());
    assert!(
        kept[0].path.join("data/PG_VERSION").exists()
            && kept[0].path.join("anchors.jsonl").exists()
    );
    embedded::delete_kept_cluster(folder.path(), &kept[0].path).unwrap();
    drop(open(folder.path()).await);
}

#[tokio::test]
async fn a_database_that_can_not_start_any_more_is_replaced_from_a_backup() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await;
    fill(&registry, &superuser_of(folder.path()), 100).await;
    let file = folder.path().join("a.beamline-backup");
    backup::write(&server.owner_options().unwrap(), &file, go_on)
        .await
        .unwrap();
    let before = content(&superuser_of(folder.path())).await;
    close((server, registry)).await;
    std::fs::remove_file(
        folder
            .path()
            .join("postgresql/cluster/data/global/pg_control"),
    )
    .unwrap();
    let error = embedded::open(&options(folder.path()), |_| ())
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServerStartFailed);
    embedded::restore(&options(folder.path()), &file, go_on)
        .await
        .unwrap();
    let _open = open(folder.path()).await;
    assert_eq!(content(&superuser_of(folder.path())).await, before);
}

#[tokio::test]
async fn a_database_of_an_older_postgresql_is_brought_to_the_bundled_one_and_kept() {
    let folder = TestFolder::new();
    let old = Options {
        server_override: Some(installed_server()),
        ..options(folder.path())
    };
    let (server, registry) = embedded::open(&old, |_| ()).await.unwrap();
    assert!(!server.version.starts_with("18."), "{}", server.version);
    fill(&registry, &superuser_of(folder.path()), 5_000).await;
    let verified = registry.verify_audit_log().await.unwrap();
    let (before, guarded) = (
        content(&superuser_of(folder.path())).await,
        guards(&superuser_of(folder.path())).await,
    );
    close((server, registry)).await;
    assert_eq!(
        embedded::pending_upgrade(&old).unwrap(),
        None,
        "a server chosen by name is kept to"
    );

    let pending = embedded::pending_upgrade(&options(folder.path()))
        .unwrap()
        .unwrap();
    assert_eq!(pending.to_major, 18);
    let replaced = embedded::upgrade(&options(folder.path()), go_on)
        .await
        .unwrap()
        .unwrap();
    let kept = replaced.kept.unwrap();
    assert_eq!(
        std::fs::read_to_string(kept.join("data/PG_VERSION"))
            .unwrap()
            .trim(),
        pending.from_major.to_string()
    );
    let (server, registry) = open(folder.path()).await;
    assert!(server.version.starts_with("18."), "{}", server.version);
    assert_eq!(
        content(&superuser_of(folder.path())).await,
        before,
        "identical tables"
    );
    assert_eq!(guards(&superuser_of(folder.path())).await, guarded);
    let again = registry.verify_audit_log().await.unwrap();
    assert_eq!(
        (again.fault, again.hash),
        (None, verified.hash),
        "also against what was noted before"
    );
    assert!(again.anchor_count > 0);
    registry
        .set_extension_enabled("made", false, &ChangeContext::default())
        .await
        .unwrap();
    assert_eq!(
        embedded::pending_upgrade(&options(folder.path())).unwrap(),
        None
    );
    assert_eq!(
        embedded::upgrade(&options(folder.path()), go_on)
            .await
            .unwrap(),
        None
    );
    assert!(
        !folder
            .path()
            .join("postgresql/upgrade.beamline-backup")
            .exists()
    );
    close((server, registry)).await;
}

#[tokio::test]
async fn backups_are_made_once_a_day_and_the_old_ones_go() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await;
    fill(&registry, &superuser_of(folder.path()), 50).await;
    let settings = DailyBackups::default();
    let start: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
    let off = DailyBackups {
        is_enabled: false,
        ..settings.clone()
    };
    assert_eq!(
        server.make_daily_backup(&off, start, go_on).await.unwrap(),
        DailyOutcome::Off
    );
    let mut newest = None;
    for day in 0..12 {
        let now = start + TimeDelta::days(day);
        let made = server
            .make_daily_backup(&settings, now, go_on)
            .await
            .unwrap();
        let DailyOutcome::Made { path, summary, .. } = made else {
            panic!("day {day}: {made:?}");
        };
        assert_eq!(summary.fault, None);
        let later = server
            .make_daily_backup(&settings, now + TimeDelta::hours(23), go_on)
            .await
            .unwrap();
        assert_eq!(
            later,
            DailyOutcome::NotDue {
                next_at: now + TimeDelta::days(1)
            }
        );
        newest = Some(path);
    }
    let files = std::fs::read_dir(server.backup_folder(&settings))
        .unwrap()
        .count();
    // The last seven days; of the week before, its Sunday is among them, and of the first the Sunday is its day seven.
    assert_eq!(files, 7, "seven days; both weeks' newest are among them");
    let newest = newest.unwrap();
    assert_eq!(
        backup::read_header(&newest).await.unwrap().revision,
        backup::verify(&newest, go_on).await.unwrap().revision
    );
    close((server, registry)).await;
}

#[tokio::test]
async fn without_room_no_backup_is_made_and_none_is_deleted() {
    let disk = SmallDisk::mount(20);
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await;
    let settings = DailyBackups {
        folder: Some(disk.path()),
        daily_kept: 0,
        weekly_kept: 0,
        ..DailyBackups::default()
    };
    let old = disk
        .path()
        .join("registry-2026-01-01T000000Z.beamline-backup");
    std::fs::write(&old, "").unwrap();
    let outcome = server
        .make_daily_backup(&settings, Utc::now(), go_on)
        .await
        .unwrap();
    assert!(
        matches!(outcome, DailyOutcome::SkippedForSpace { available_mib, .. } if available_mib <= 20),
        "{outcome:?}"
    );
    assert!(old.exists());
    // Also one that is asked for leaves nothing on a disk that is too small.
    std::fs::write(disk.path().join("filler"), vec![1; 19 << 20]).unwrap();
    fill(&registry, &superuser_of(folder.path()), 40_000).await;
    let error = backup::write(
        &server.owner_options().unwrap(),
        &disk.path().join("a"),
        go_on,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::DiskFull, "{error}");
    assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 2);
    close((server, registry)).await;
}

#[tokio::test]
async fn the_embedded_registry_moves_to_a_remote_one() {
    let folder = TestFolder::new();
    let (server, registry) = open(folder.path()).await;
    fill(&registry, &superuser_of(folder.path()), 500).await;
    let target = TestDatabase::create(servers::installed()).await;
    moving::move_registry(
        &server.owner_options().unwrap(),
        &target.superuser(),
        "the laptop",
        "the team's server",
        |_| std::ops::ControlFlow::Continue(()),
    )
    .await
    .unwrap();
    let verification = Registry::connect(target.console())
        .await
        .unwrap()
        .verify_audit_log()
        .await
        .unwrap();
    assert_eq!(verification.fault, None);
    close((server, registry)).await;
    // It still opens, to be read, and still refuses.
    let (server, registry) = open(folder.path()).await;
    assert_eq!(
        registry.move_mark().await.unwrap().unwrap().place,
        "the team's server"
    );
    let error = registry
        .set_extension_enabled("made", false, &ChangeContext::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::RegistryMovedAway);
    close((server, registry)).await;
}

#[tokio::test]
async fn on_a_full_disk_it_is_said_and_after_freeing_some_every_acknowledged_change_is_there() {
    let disk = SmallDisk::mount(260);
    let (server, registry) = open(&disk.path()).await;
    let space = server.disk_space();
    assert!(
        space.is_reserve_held && space.is_low,
        "{space:?}: it is a small disk"
    );
    let fill_up = |name: &str| {
        use std::io::Write;
        let mut file = std::fs::File::create(disk.path().join(name)).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    };
    fill_up("filler");
    // A little is left: some changes are made before there is none.
    let filler = std::fs::File::options()
        .write(true)
        .open(disk.path().join("filler"))
        .unwrap();
    filler
        .set_len(filler.metadata().unwrap().len() - (4 << 20))
        .unwrap();
    // An open file would keep its room when it is removed.
    drop(filler);
    let mut opened = Some((server, registry));
    let mut acknowledged = Vec::new();
    let mut codes = Vec::new();
    // Changes that don't compress, until no more can be made: once with the reserve behind it, once without.
    for _ in 0..2 {
        for _ in 0..4_000 {
            let Some((_, registry)) = &opened else { break };
            let changed = change(registry).await;
            match changed {
                Ok(change) => acknowledged.push(change),
                Err(error) => {
                    codes.push(error.code());
                    break;
                }
            }
        }
        // What the console does when its server ends: it opens it again.
        if let Some(last) = opened.take() {
            close(last).await;
        }
        opened = match embedded::open(&options(&disk.path()), |_| ()).await {
            Ok((server, registry)) => {
                assert!(!server.disk_space().is_reserve_held || !server.disk_space().is_low);
                fill_up("more");
                Some((server, registry))
            }
            Err(error) => {
                codes.push(error.code());
                None
            }
        };
    }
    assert!(!acknowledged.is_empty());
    assert!(
        codes.contains(&ErrorCode::DiskFull),
        "it is said: {codes:?}"
    );
    assert!(
        codes
            .iter()
            .all(|code| matches!(code, ErrorCode::DiskFull | ErrorCode::DatabaseUnavailable)),
        "{codes:?}"
    );
    if let Some(last) = opened.take() {
        close(last).await;
    }

    std::fs::remove_file(disk.path().join("filler")).unwrap();
    let (server, registry) = open(&disk.path()).await;
    for (revision, text) in &acknowledged {
        let found = rows(
            &superuser_of(&disk.path()),
            &format!("SELECT (after -> 'metadata' ->> 'text' = '{text}')::text FROM extension_audit_log WHERE revision = {revision}"),
        )
        .await;
        assert_eq!(
            found,
            [[Some("true".to_owned())]],
            "#{revision} was acknowledged"
        );
    }
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
    assert!(server.disk_space().is_reserve_held, "there is room again");
    faults::report(
        "disk full",
        serde_json::json!({ "acknowledged": acknowledged.len(), "audited": acknowledged.len(), "refused": codes.len() }),
    );
    close((server, registry)).await;
}

/// A change that takes room, because it doesn't compress; its revision and what it wrote.
async fn change(registry: &Registry) -> registry::Result<(i64, String)> {
    let text: String = std::iter::repeat_with(|| sqlx::types::Uuid::from_u128(random()))
        .take(600)
        .map(|id| id.simple().to_string())
        .collect();
    let seen = registry.get_extension("pii_guard").await?;
    let patch = ExtensionPatch {
        metadata: Some(serde_json::json!({ "text": text }).to_string()),
        ..ExtensionPatch::default()
    };
    let changed = registry
        .update_extension(
            "pii_guard",
            seen.revision,
            &patch,
            &ChangeContext::default(),
        )
        .await?;
    Ok((changed.extension.revision, text))
}

fn random() -> u128 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let number = || u128::from(RandomState::new().build_hasher().finish());
    (number() << 64) | number()
}
