//! What happens elsewhere shows by itself: others' changes, and the programs that use the registry.

use registry::cache::{CacheOptions, Consumer, RegistryCache};
use system_tests::database::execute;
use system_tests::servers::superuser_of;

use crate::application::Account;

#[tokio::test]
async fn others_changes_and_routers_show_without_a_refresh() {
    let account = Account::new();
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    window.see("//header//*[contains(., 'live')]").await;

    let elsewhere = superuser_of(&account.data_directory);
    execute(
        &elsewhere,
        "UPDATE public.extensions SET enabled = false WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    window.see_state("pii_guard", "Off").await;

    let options = CacheOptions {
        consumer: Some(Consumer::new("router-a", "2.1")),
        ..CacheOptions::default()
    };
    let router = RegistryCache::connect(elsewhere.clone(), options)
        .await
        .unwrap();
    window.open_page("Routers").await;
    window
        .see("//tr[@data-consumer='router-a'][@data-state='current']")
        .await;
    execute(
        &elsewhere,
        "UPDATE public.extensions SET enabled = true WHERE id = 'pii_guard'",
    )
    .await
    .unwrap();
    window
        .see("//tr[@data-consumer='router-a'][contains(., '#2')][@data-state='current']")
        .await;
    for scheme in ["Light", "Dark"] {
        window.choose_colours(scheme).await;
        window.open_page("Routers").await;
        window
            .picture(&format!("routers-{scheme}").to_lowercase())
            .await;
    }
    window.click("//button[normalize-space()='Reload']").await;
    router.close().await;
    window.close(&account).await;
}
