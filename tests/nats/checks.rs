//! Tests whose results are recorded, and checks that are due.

use registry::Registry;
use registry::health::TestCall;
use registry_nats::{NatsConnection, ScheduledChecks, TestReport, test_extension};
use system_tests::nats::{Answer, NatsServer, Responder};
use system_tests::on_each_server;

const SUBJECT: &str = "beamline.ext.validate.pii_guard.v1";

const RECORDED: &str = "\
    SELECT coalesce(string_agg(source || ' ' || success_count || ' ' || failure_count || ' ' || latency_count, ', '
                               ORDER BY started_at), 'nothing')
    FROM extension_health_history WHERE extension_id = 'pii_guard' AND step_minutes = 1440";

async fn ask(registry: &Registry, server: &NatsServer) -> TestReport {
    let connection = NatsConnection::connect(&server.settings(), None)
        .await
        .unwrap();
    let call = TestCall {
        extension_id: "pii_guard".into(),
        subject: SUBJECT.into(),
        timeout_ms: 200,
        retry: 1,
        payload: "{}".into(),
    };
    test_extension(registry, &connection, &call).await
}

on_each_server! {
    async fn a_test_is_in_the_history_and_not_in_the_counters(database: TestDatabase) {
        let registry = database.registry().await;
        let server = NatsServer::start();
        let echo = Responder::start(&server, SUBJECT, Answer::Echo).await;
        let report = ask(&registry, &server).await;
        assert!(report.is_recorded && report.not_recorded.is_none(), "{report:?}");
        assert_eq!(database.value(RECORDED).await, "test 1 0 1");
        drop(echo);
        assert!(ask(&registry, &server).await.is_recorded, "nobody listens");
        let silent = Responder::start(&server, SUBJECT, Answer::Silence).await;
        assert!(ask(&registry, &server).await.is_recorded, "one test, however often it was asked");
        assert_eq!(database.value(RECORDED).await, "test 1 2 1");
        drop(silent);
        let _garbage = Responder::start(&server, SUBJECT, Answer::Bytes(b"?".into())).await;
        assert!(ask(&registry, &server).await.is_recorded);
        assert_eq!(database.value(RECORDED).await, "test 1 3 2");
        assert!(!registry.get_health("pii_guard").await.unwrap().has_data);
    }

    async fn what_says_nothing_of_the_extension_is_not_recorded(database: TestDatabase) {
        let registry = database.registry().await;
        let mut server = NatsServer::start();
        let connection = NatsConnection::connect(&server.settings(), None).await.unwrap();
        server.end();
        let call = TestCall {
            extension_id: "pii_guard".into(), subject: SUBJECT.into(), timeout_ms: 2_000, retry: 1, payload: "{}".into(),
        };
        let report = test_extension(&registry, &connection, &call).await;
        assert!(!report.is_recorded && report.not_recorded.is_none(), "{report:?}");
        assert_eq!(database.value(RECORDED).await, "nothing");
    }

    async fn who_may_not_record_is_told_so_beside_the_answer(database: TestDatabase) {
        database.migrate().await;
        let registry = database.registry_as_member_of("registry_viewer").await;
        let server = NatsServer::start();
        let _echo = Responder::start(&server, SUBJECT, Answer::Echo).await;
        let report = ask(&registry, &server).await;
        assert!(report.outcome.reply.is_some() && !report.is_recorded);
        assert_eq!(report.not_recorded.unwrap().code, registry::ErrorCode::Forbidden);
    }

    async fn of_two_consoles_one_makes_each_check(database: TestDatabase) {
        let registry = database.registry().await;
        let server = NatsServer::start();
        let echo = Responder::start(&server, "beamline.>", Answer::Echo).await;
        let ids: Vec<String> = registry.list_health().await.unwrap().into_iter().map(|health| health.extension_id).collect();
        for id in &ids {
            registry.set_test_schedule(id, Some(30)).await.unwrap();
        }
        let others = Registry::connect(database.console()).await.unwrap();
        let connection = NatsConnection::connect(&server.settings(), None).await.unwrap();
        let console = async |registry: &Registry| {
            let mut checks = ScheduledChecks::default();
            let mut count = 0;
            for _ in 0..5 {
                count += checks.take_on(registry, &connection).await.unwrap();
            }
            checks.finish().await;
            count
        };
        let (one, other) = tokio::join!(console(&registry), console(&others));
        assert_eq!(one + other, ids.len(), "each once, by one or the other");
        let recorded = "SELECT count(*)::text || ' ' || sum(success_count) FROM extension_health_history
                        WHERE step_minutes = 1440 AND source = 'test'";
        assert_eq!(database.value(recorded).await, format!("{0} {0}", ids.len()));
        assert_eq!(echo.count() as usize, ids.len());
    }
}
