//! A newcomer's walk with a console that was just built or installed: the first start, an extension changed in the form,
//! what the audit log tells of it, the log verified, and a backup opened as a file manager does. Tells as a line of JSON how
//! long each step took, and takes pictures, as `target/pictures/NAME-1-table.png`.
//!
//! Usage: `newcomers-walk NAME PROGRAM BACKUP`, as `scripts/walk-from-clone.sh` and `scripts/test-package.sh` do.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use serde_json::json;
use system_tests::application::{Account, Window};

const FIELD: &str = "//*[@role='dialog']//input[@id=//label[normalize-space()='Timeout']/@for]";
const NEWEST: &str = "(//*[@data-audit-revision])[1]";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let program = arguments.next().unwrap_or_default();
    let backup = arguments.next().unwrap_or_default();
    let account = Account::with_program(program.into());

    let began_at = Instant::now();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    told("first start to the table", began_at);
    window.picture(&format!("{name}-1-table")).await;

    let began_at = Instant::now();
    change_timeout(&window, &name).await;
    told("extension changed", began_at);

    let began_at = Instant::now();
    window.open_page("Audit").await;
    for part in ["updated", "pii_guard", "200", "250"] {
        window
            .see(&format!("{NEWEST}[contains(., '{part}')]"))
            .await;
    }
    told("change seen in the audit log", began_at);

    let began_at = Instant::now();
    window
        .click("//button[normalize-space()='Verify now']")
        .await;
    window
        .see("//*[contains(., 'Sealed and verified')][contains(., '#1')]")
        .await;
    told("audit log verified", began_at);
    window.picture(&format!("{name}-3-audit")).await;

    let began_at = Instant::now();
    let further = account.further_start().arg(backup).status();
    assert!(
        further.is_ok_and(|status| status.success()),
        "the further start hands over"
    );
    window
        .see("//*[@role='dialog'][contains(., 'another registry')]")
        .await;
    told("backup opened: asked about", began_at);
    window.picture(&format!("{name}-4-backup")).await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Keep what is there']")
        .await;

    let began_at = Instant::now();
    window.close(&account).await;
    told("closed", began_at);
}

/// Changes the timeout of an extension as a person does, who reviews what is saved.
async fn change_timeout(window: &Window, name: &str) {
    window
        .click("//tr[@data-extension-id='pii_guard']/td[@data-column='timeout_ms']")
        .await;
    window
        .click("//aside[@aria-label='Extension pii_guard']//button[normalize-space()='Edit']")
        .await;
    window.write(FIELD, "250").await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Review']")
        .await;
    window
        .see("//*[@role='dialog']//*[contains(., '250')]")
        .await;
    window.picture(&format!("{name}-2-review")).await;
    window
        .click("//*[@role='dialog']//button[normalize-space()='Save']")
        .await;
    window
        .see("//tr[@data-extension-id='pii_guard'][contains(., '250 ms')]")
        .await;
}

fn told(step: &str, began_at: Instant) {
    let seconds = (began_at.elapsed().as_secs_f64() * 100.0).round() / 100.0;
    println!("{}", json!({ "step": step, "seconds": seconds }));
}
