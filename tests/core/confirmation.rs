//! Changes that can stop traffic: refused until somebody has seen the effects, also where two race for the
//! last extension of a type.

use registry::confirmation::{Confirmation, TrafficEffects};
use registry::extension_changes::{ExtensionPatch, RestoreRequest, SeenExtension};
use registry::extensions::ExtensionType;
use registry::undo::UndoTarget;
use registry::{ChangeContext, Error, ErrorCode, ErrorFacts, Registry, Result};
use sqlx::types::Uuid;
use sqlx::{ConnectOptions, Connection};
use system_tests::on_each_server;
use system_tests::reading::list_entries;

use crate::changes::draft;

const PROVIDERS: [&str; 3] = ["anthropic_claude", "mock_provider", "openai_gpt4"];

/// Asks only where a type would be left without.
fn required() -> ChangeContext {
    asking_above(1_000)
}

fn asking_above(unasked_max: usize) -> ChangeContext {
    ChangeContext {
        confirmation: Confirmation::Required { unasked_max },
        ..ChangeContext::default()
    }
}

fn given(emptied_types: &[ExtensionType]) -> ChangeContext {
    ChangeContext {
        confirmation: Confirmation::Given {
            emptied_types: emptied_types.to_vec(),
        },
        ..ChangeContext::default()
    }
}

fn effects_of<T: std::fmt::Debug>(outcome: Result<T>) -> TrafficEffects {
    match outcome.unwrap_err() {
        Error::ConfirmationRequired { effects } => *effects,
        other => panic!("{other}"),
    }
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

async fn seen(registry: &Registry, id: &str) -> SeenExtension {
    SeenExtension {
        id: id.into(),
        revision: registry.get_extension(id).await.unwrap().revision,
    }
}

on_each_server! {
    async fn the_last_of_a_type_goes_off_only_when_that_is_confirmed(database: TestDatabase) {
        let registry = database.registry().await;
        let refused = registry.set_extension_enabled("pii_guard", false, &required()).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ConfirmationRequired);
        assert_eq!(refused.to_string(), "\"pii_guard\" would go out of service, and no enabled validator would be left");
        let Some(ErrorFacts::Effects(effects)) = refused.report().facts.map(|facts| *facts) else { panic!("{refused}") };
        assert_eq!(effects.extension_ids, ["pii_guard"]);
        assert_eq!(effects.emptied_types().collect::<Vec<_>>(), [ExtensionType::Validator]);
        assert_eq!((effects.types[0].leaving_count, effects.types[0].remaining_count), (1, 0));
        assert!(registry.get_extension("pii_guard").await.unwrap().enabled);
        assert_eq!(list_entries(&registry).await.unwrap(), []);

        registry.set_extension_enabled("pii_guard", false, &given(&[ExtensionType::Validator])).await.unwrap();
        registry.set_extension_enabled("pii_guard", false, &required()).await.expect("it is off already");
        registry.set_extension_enabled("pii_guard", true, &required()).await.expect("what comes back is not asked about");
    }

    async fn others_of_a_type_go_off_unasked(database: TestDatabase) {
        let registry = database.registry().await;
        for id in &PROVIDERS[..2] {
            registry.set_extension_enabled(id, false, &required()).await.unwrap();
        }
        let effects = effects_of(registry.set_extension_enabled(PROVIDERS[2], false, &required()).await);
        assert_eq!(effects.emptied_types().collect::<Vec<_>>(), [ExtensionType::Provider]);
    }

    async fn each_is_asked_about_where_the_caller_says_so(database: TestDatabase) {
        let registry = database.registry().await;
        let effects = effects_of(registry.set_extension_enabled("mock_provider", false, &asking_above(0)).await);
        assert_eq!(effects.emptied_types().count(), 0);
        assert_eq!((effects.types[0].leaving_count, effects.types[0].remaining_count), (1, 2));
        let two = owned(&PROVIDERS[..2]);
        effects_of(registry.set_extensions_enabled(&two, false, &asking_above(1)).await);
        registry.set_extensions_enabled(&two, false, &asking_above(2)).await.unwrap();
    }

    async fn a_confirmation_is_of_the_effects_that_were_seen(database: TestDatabase) {
        let registry = database.registry().await;
        effects_of(registry.set_extension_enabled("mock_provider", false, &asking_above(0)).await);
        // Meanwhile another switches the others off.
        registry.set_extensions_enabled(&owned(&["anthropic_claude", "openai_gpt4"]), false, &ChangeContext::default()).await.unwrap();
        let effects = effects_of(registry.set_extension_enabled("mock_provider", false, &given(&[])).await);
        assert_eq!(effects.emptied_types().collect::<Vec<_>>(), [ExtensionType::Provider]);
        assert!(registry.get_extension("mock_provider").await.unwrap().enabled);
    }

    async fn every_way_out_of_service_is_asked_about(database: TestDatabase) {
        let registry = database.registry().await;
        let off = ExtensionPatch { enabled: Some(false), ..ExtensionPatch::default() };
        // A version of it that was off, and a change that the undo of would switch it off.
        registry.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        registry.set_extension_enabled("normalize_text", false, &ChangeContext::default()).await.unwrap();
        let created = registry.create_extension(&draft("the_only_pre"), &required()).await.unwrap();
        let version = RestoreRequest { id: "pii_guard".into(), revision: 1, ..RestoreRequest::default() };
        let all: Vec<String> = registry
            .list_extensions(&registry::extensions::ExtensionListRequest { limit: 100, ..Default::default() })
            .await
            .unwrap()
            .extensions
            .into_iter()
            .map(|extension| extension.id)
            .collect();
        let pii_guard = seen(&registry, "pii_guard").await;
        let two = [pii_guard.clone(), seen(&registry, "mock_provider").await];
        let outcomes = [
            registry.set_extensions_enabled(&all, false, &required()).await,
            registry.delete_extension("pii_guard", pii_guard.revision, &required()).await,
            registry.delete_extensions(&two, &required()).await,
            registry.update_extension("pii_guard", pii_guard.revision, &off, &required()).await.map(drop),
            registry.restore_extension(&version, &required()).await.map(drop),
            registry.restore_extension(&RestoreRequest { fields: Some(vec!["enabled".into()]), ..version.clone() }, &required()).await.map(drop),
            registry.undo(&UndoTarget::Revision(2), &required()).await.map(drop),
            registry.undo(&UndoTarget::Revision(created.extension.revision), &required()).await.map(drop),
        ];
        let entries = list_entries(&registry).await.unwrap().len();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::ConfirmationRequired, "{number}");
        }
        assert_eq!(entries, 4, "nothing has changed");

        // What leaves it in service is not asked about.
        let timeout = ExtensionPatch { timeout_ms: Some(300), enabled: Some(true), ..ExtensionPatch::default() };
        registry.update_extension("pii_guard", pii_guard.revision, &timeout, &required()).await.unwrap();
        registry.restore_extension(&RestoreRequest { fields: Some(vec!["timeout_ms".into()]), ..version }, &required()).await.unwrap();
        registry.delete_extension("normalize_text", seen(&registry, "normalize_text").await.revision, &required()).await.unwrap();
        // Confirmed, each is done.
        let confirmed = given(&[ExtensionType::Validator, ExtensionType::Pre]);
        registry.undo(&UndoTarget::Revision(created.extension.revision), &confirmed).await.unwrap();
        registry.delete_extension("pii_guard", seen(&registry, "pii_guard").await.revision, &confirmed).await.unwrap();
    }

    async fn two_that_race_for_the_last_of_a_type_do_not_both_pass(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("mock_provider", false, &ChangeContext::default()).await.unwrap();
        for round in 0..20 {
            let switches = ["anthropic_claude", "openai_gpt4"].map(|id| {
                let registry = registry.clone();
                tokio::spawn(async move { registry.set_extension_enabled(id, false, &required()).await })
            });
            let mut passed = 0;
            for switch in switches {
                match switch.await.unwrap() {
                    Ok(_) => passed += 1,
                    Err(error) => assert_eq!(error.code(), ErrorCode::ConfirmationRequired, "{error:?}"),
                }
            }
            assert_eq!(passed, 1, "round {round}");
            registry.set_extensions_enabled(&owned(&["anthropic_claude", "openai_gpt4"]), true, &ChangeContext::default()).await.unwrap();
        }
    }

    async fn a_program_that_asks_nobody_is_waited_for(database: TestDatabase) {
        let registry = database.registry().await;
        registry.set_extension_enabled("mock_provider", false, &ChangeContext::default()).await.unwrap();
        let mut other = database.superuser().connect().await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE public.extensions SET enabled = false WHERE id = 'anthropic_claude'")
            .execute(&mut other)
            .await
            .unwrap();
        let switch = tokio::spawn({
            let registry = registry.clone();
            async move { registry.set_extension_enabled("openai_gpt4", false, &required()).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(!switch.is_finished(), "whether another stays is not known yet");
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        effects_of(switch.await.unwrap());

        // One that stays whatever the other does is enough.
        registry.set_extension_enabled("mock_provider", true, &ChangeContext::default()).await.unwrap();
        registry.set_extension_enabled("anthropic_claude", true, &ChangeContext::default()).await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE public.extensions SET enabled = false WHERE id = 'anthropic_claude'")
            .execute(&mut other)
            .await
            .unwrap();
        registry.set_extension_enabled("openai_gpt4", false, &required()).await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    }

    async fn the_programs_that_follow_are_told(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO public.registry_consumers VALUES
                (gen_random_uuid(), 'router', 'a', '1', 'router', NULL, 0, now(), now()),
                (gen_random_uuid(), 'router', 'b', '1', 'router', NULL, 0, now(), now() - interval '1 minute')")
            .await;
        let effects = registry.traffic_effects(&owned(&["pii_guard", "mock_provider", "missing"])).await.unwrap();
        assert_eq!(effects.extension_ids, ["mock_provider", "pii_guard"]);
        assert_eq!(effects.revision, 0);
        let told: Vec<_> = effects.consumers.iter().map(|each| (each.host.as_str(), each.applied_revision)).collect();
        assert_eq!(told, [("a", 0)], "who was not heard of for a minute is not counted on");
    }

    async fn the_calls_of_the_last_day_are_told_and_none_is_not_zero(database: TestDatabase) {
        let registry = database.registry().await;
        database
            .execute("INSERT INTO public.extension_health (extension_id) SELECT id FROM public.extensions ON CONFLICT DO NOTHING;
                SELECT public.registry_record_health(
                    ARRAY['pii_guard', 'pii_guard', 'pii_guard', 'mock_provider', 'openai_gpt4', 'normalize_text'],
                    ARRAY[true, false, true, true, true, true],
                    ARRAY[10, NULL, 12, 9, 8, 7],
                    ARRAY[now(), now(), now() - interval '22 hours', now(), now() - interval '25 hours', now()]);
                SELECT public.registry_record_health(ARRAY['pii_guard'], ARRAY[true], ARRAY[5], NULL, 'test')")
            .await;
        let told = |effects: TrafficEffects| {
            effects.known_calls.into_iter().map(|calls| (calls.extension_id, calls.call_count)).collect::<Vec<_>>()
        };
        let of = |id: &str, count: i64| (id.to_owned(), count);
        let all = owned(&["mock_provider", "openai_gpt4", "pii_guard", "anthropic_claude"]);
        let effects = registry.traffic_effects(&all).await.unwrap();
        assert_eq!(told(effects), [of("pii_guard", 3), of("mock_provider", 1)], "of the others no call of the day is known");

        // What a refusal tells is of the transaction that was refused, also where the change is looked at afterwards.
        assert_eq!(told(effects_of(registry.set_extension_enabled("pii_guard", false, &required()).await)), [of("pii_guard", 3)]);
        registry.set_extension_enabled("pii_guard", false, &ChangeContext::default()).await.unwrap();
        registry.set_extension_enabled("pii_guard", true, &ChangeContext::default()).await.unwrap();
        assert_eq!(told(effects_of(registry.undo(&UndoTarget::Revision(2), &required()).await)), [of("pii_guard", 3)]);
    }

    async fn an_operator_is_asked_and_a_viewer_refused(database: TestDatabase) {
        database.migrate().await;
        let operator = database.registry_as_member_of("registry_operator").await;
        effects_of(operator.set_extension_enabled("pii_guard", false, &required()).await);
        operator.set_extension_enabled("mock_provider", false, &required()).await.unwrap();
        operator.set_extension_enabled("pii_guard", false, &given(&[ExtensionType::Validator])).await.unwrap();
        let viewer = database.registry_as_member_of("registry_viewer").await;
        for id in ["mask_sensitive_data", "openai_gpt4"] {
            let error = viewer.set_extension_enabled(id, false, &required()).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::Forbidden);
        }
        assert_eq!(viewer.traffic_effects(&owned(&["mask_sensitive_data"])).await.unwrap().emptied_types().count(), 1);
    }

    async fn a_request_that_was_refused_may_be_asked_again_confirmed(database: TestDatabase) {
        let registry = database.registry().await;
        let request_id = Some(Uuid::from_u128(21));
        effects_of(registry.set_extension_enabled("pii_guard", false, &ChangeContext { request_id, ..required() }).await);
        let confirmed = ChangeContext { request_id, ..given(&[ExtensionType::Validator]) };
        registry.set_extension_enabled("pii_guard", false, &confirmed).await.unwrap();
        registry.set_extension_enabled("pii_guard", false, &confirmed).await.expect("done once");
        assert_eq!(list_entries(&registry).await.unwrap().len(), 1);
    }

    async fn a_required_reason_is_asked_of_every_change(database: TestDatabase) {
        let registry = database.registry().await;
        let context = ChangeContext { is_reason_required: true, ..ChangeContext::default() };
        let retry = ExtensionPatch { retry: Some(2), ..ExtensionPatch::default() };
        let version = RestoreRequest { id: "pii_guard".into(), revision: 1, ..RestoreRequest::default() };
        let outcomes = [
            registry.create_extension(&draft("x"), &context).await.map(drop),
            registry.update_extension("pii_guard", 0, &retry, &context).await.map(drop),
            registry.delete_extension("pii_guard", 0, &context).await,
            registry.set_extension_enabled("pii_guard", false, &context).await.map(drop),
            registry.set_extensions_enabled(&owned(&PROVIDERS), false, &context).await,
            registry.restore_extension(&version, &context).await.map(drop),
            registry.undo(&UndoTarget::Revision(1), &context).await.map(drop),
        ];
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::ReasonRequired, "{number}");
        }
        let told = ChangeContext { is_reason_required: true, ..ChangeContext::with_reason(Some("maintenance".into())) };
        registry.set_extension_enabled("pii_guard", false, &told).await.unwrap();
    }
}
