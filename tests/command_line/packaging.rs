//! What packages hold beside the programs: the manual and the desktop's files, as the tools see them that read them.

use std::process::Command;

use system_tests::bundle::repository;

use crate::documentation::commands;
use crate::support::{Shell, backup_owner, bare_command, command_as, finish};

#[tokio::test]
async fn the_manual_has_a_page_of_each_command_which_man_shows() {
    let shell = Shell::new().await;
    let folder = shell.path("man/man1");
    finish(bare_command(&["manual", "--output", &folder]), "").with(0);
    let show = |page: &str| {
        let mut man = Command::new("man");
        man.args(["--warnings", "--encoding=utf8", "--local-file"])
            .arg(format!("{folder}/{page}.1"))
            .env("MANWIDTH", "100");
        let shown = finish(man, "").with(0);
        assert_eq!(shown.err, "", "{page}");
        shown.out
    };
    let overview = show("registryctl");
    assert!(
        overview.contains("69  the database can't be reached"),
        "{overview}"
    );
    for command in commands() {
        let page = format!("registryctl-{}", command.replace(' ', "-"));
        assert!(
            show(&page).contains("DESCRIPTION"),
            "{page} says what it does"
        );
        let first = command.split(' ').next().unwrap_or_default();
        assert!(
            overview.contains(&format!("registryctl-{first}(1)")),
            "{first} is in {overview}"
        );
    }
}

#[test]
fn the_desktop_entry_and_the_metainfo_are_as_desktops_want_them() {
    let packaging = repository().join("packaging");
    let mut entry = Command::new("desktop-file-validate");
    entry.arg(packaging.join("beamline-registry.desktop"));
    assert_eq!(finish(entry, "").with(0).out, "");

    let metainfo = packaging.join("dev.beamline.registry.metainfo.xml");
    let mut validated = Command::new("appstreamcli");
    validated.args(["validate", "--no-net"]).arg(&metainfo);
    finish(validated, "").with(0);
    let release = format!("<release version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let metainfo = std::fs::read_to_string(metainfo).unwrap();
    assert!(metainfo.contains(&release), "{release} is its newest");
}

#[tokio::test]
async fn desktops_know_a_backup_by_its_name_and_by_its_first_bytes() {
    let shell = Shell::new().await;
    let packages = shell.path("mime/packages");
    std::fs::create_dir_all(&packages).unwrap();
    std::fs::copy(
        repository().join("packaging/beamline-registry-mime.xml"),
        format!("{packages}/beamline-registry.xml"),
    )
    .unwrap();
    let mut update = Command::new("update-mime-database");
    update.arg(shell.path("mime"));
    finish(update, "").with(0);

    let owner = backup_owner(&shell.database).await;
    let backup = shell.path("one.beamline-backup");
    finish(command_as(&owner, &["backup", "write", &backup]), "").with(0);
    let without_a_name = shell.path("one");
    std::fs::copy(&backup, &without_a_name).unwrap();
    for file in [backup, without_a_name] {
        let mut query = Command::new("gio");
        query
            .args(["info", "--attributes", "standard::content-type", &file])
            .env("XDG_DATA_HOME", shell.path(""))
            .env("XDG_DATA_DIRS", "/nowhere");
        let told = finish(query, "").with(0).out;
        assert!(
            told.contains("application/x-beamline-backup"),
            "{file}: {told}"
        );
    }
}
