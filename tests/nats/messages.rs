//! Messages that extensions answer, or not.

use std::time::{Duration, Instant};

use registry_nats::{
    AttemptOutcome as Outcome, NatsConnection, NatsFailureCode as Code, TestOutcome,
};
use registry_nats::{NatsAuthentication, SecretString};
use system_tests::nats::{Answer, NatsServer, Responder};

const SUBJECT: &str = "beamline.ext.validate.pii_guard.v1";
const PAYLOAD: &str = r#"{"text": "hello", "rate": 1.00}"#;

async fn connect(server: &NatsServer) -> NatsConnection {
    NatsConnection::connect(&server.settings(), None)
        .await
        .unwrap()
}

fn code(outcome: &TestOutcome) -> Option<Code> {
    outcome.failure.as_ref().map(|failure| failure.code)
}

fn outcomes(outcome: &TestOutcome) -> Vec<Outcome> {
    outcome
        .attempts
        .iter()
        .map(|attempt| attempt.outcome)
        .collect()
}

#[tokio::test]
async fn an_echo_is_an_answer_with_its_latency() {
    let server = NatsServer::start();
    let responder = Responder::start(&server, SUBJECT, Answer::EchoAfter(30)).await;
    let outcome = connect(&server)
        .await
        .send_test_message(SUBJECT, PAYLOAD, 5_000, 2)
        .await;
    let reply = outcome.reply.as_ref().unwrap();
    assert_eq!((reply.text.as_str(), reply.is_json), (PAYLOAD, true));
    assert!(
        reply.latency_ms >= 30.0 && reply.latency_ms < 5_000.0,
        "{reply:?}"
    );
    assert_eq!(outcomes(&outcome), [Outcome::Answered]);
    assert_eq!((code(&outcome), responder.count()), (None, 1));
}

#[tokio::test]
async fn a_silent_one_is_asked_again_and_each_time_takes_its_timeout() {
    let server = NatsServer::start();
    let responder = Responder::start(&server, SUBJECT, Answer::Silence).await;
    let connection = connect(&server).await;
    let began_at = Instant::now();
    let outcome = connection.send_test_message(SUBJECT, PAYLOAD, 200, 2).await;
    let took = began_at.elapsed();
    assert!(
        took >= Duration::from_millis(600) && took < Duration::from_secs(5),
        "{took:?}"
    );
    assert_eq!(outcomes(&outcome), [Outcome::TimedOut; 3]);
    for attempt in &outcome.attempts {
        assert!(attempt.duration_ms >= 199.0, "{attempt:?}");
    }
    assert_eq!(
        (code(&outcome), responder.count()),
        (Some(Code::TimedOut), 3)
    );
    let message = outcome.failure.unwrap().message;
    assert!(
        message.contains("within 200 ms, asked 3 times"),
        "{message}"
    );
    assert!(outcome.reply.is_none());
}

#[tokio::test]
async fn an_answer_at_the_second_time_counts_from_then() {
    let server = NatsServer::start();
    let responder = Responder::start(&server, SUBJECT, Answer::EchoAtSecond).await;
    let connection = connect(&server).await;
    let outcome = connection.send_test_message(SUBJECT, PAYLOAD, 300, 1).await;
    assert_eq!(outcomes(&outcome), [Outcome::TimedOut, Outcome::Answered]);
    assert!(outcome.reply.unwrap().latency_ms < 300.0);
    assert_eq!(responder.count(), 2);
}

#[tokio::test]
async fn that_nobody_listens_is_known_at_once() {
    let server = NatsServer::start();
    let connection = connect(&server).await;
    let began_at = Instant::now();
    let outcome = connection
        .send_test_message(SUBJECT, PAYLOAD, 10_000, 3)
        .await;
    assert!(began_at.elapsed() < Duration::from_secs(5));
    assert_eq!(code(&outcome), Some(Code::NoResponders));
    assert_eq!(outcomes(&outcome), [Outcome::NoResponders]);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_shown_and_a_failure() {
    let server = NatsServer::start();
    let responder = Responder::start(&server, SUBJECT, Answer::Bytes(b"<html>\xff".into())).await;
    let outcome = connect(&server)
        .await
        .send_test_message(SUBJECT, PAYLOAD, 5_000, 1)
        .await;
    assert_eq!(code(&outcome), Some(Code::ReplyNotJson));
    assert_eq!(outcome.reply.unwrap().text, "<html>\u{fffd}");
    assert_eq!(responder.count(), 1, "an answer is not asked for again");
}

#[tokio::test]
async fn what_an_answer_says_of_an_error_is_told() {
    let server = NatsServer::start();
    let answer = Answer::Bytes(br#"{"error": "no model"}"#.into());
    let _responder = Responder::start(&server, SUBJECT, answer).await;
    let outcome = connect(&server)
        .await
        .send_test_message(SUBJECT, PAYLOAD, 5_000, 1)
        .await;
    assert_eq!(code(&outcome), None);
    assert_eq!(outcome.reply.unwrap().error.as_deref(), Some("no model"));
}

#[tokio::test]
async fn a_connection_that_broke_is_told_and_another_finds_the_server_again() {
    let mut server = NatsServer::start();
    let connection = connect(&server).await;
    let responder = Responder::start(&server, SUBJECT, Answer::Silence).await;
    let sending = connection.send_test_message(SUBJECT, PAYLOAD, 3_000, 3);
    let ending = async {
        while responder.count() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.end();
    };
    let (outcome, ()) = tokio::join!(sending, ending);
    assert_eq!(code(&outcome), Some(Code::ConnectionLost), "{outcome:?}");
    assert_eq!(outcomes(&outcome), [Outcome::Failed]);
    assert!(!connection.is_alive());
    let again = connection
        .send_test_message(SUBJECT, PAYLOAD, 3_000, 3)
        .await;
    assert_eq!(code(&again), Some(Code::ConnectionLost));
    drop(responder);
    server.resume();
    let _responder = Responder::start(&server, SUBJECT, Answer::Echo).await;
    let outcome = connect(&server)
        .await
        .send_test_message(SUBJECT, PAYLOAD, 3_000, 0)
        .await;
    assert_eq!(code(&outcome), None);
}

#[tokio::test]
async fn what_the_login_may_not_send_is_no_silence() {
    let server = NatsServer::with_rules(
        r#"users: [{ user: anna, password: right, permissions: { publish: ["allowed.>"], subscribe: ["_INBOX.>"] } }]"#,
    );
    let settings = server.settings_with(NatsAuthentication::Password {
        user: "anna".into(),
    });
    let connection = NatsConnection::connect(&settings, Some(&SecretString::from("right")))
        .await
        .unwrap();
    let outcome = connection
        .send_test_message(SUBJECT, PAYLOAD, 10_000, 1)
        .await;
    assert_eq!(code(&outcome), Some(Code::NotPermitted), "{outcome:?}");
    let allowed = connection
        .send_test_message("allowed.there", PAYLOAD, 10_000, 1)
        .await;
    assert_eq!(code(&allowed), Some(Code::NoResponders));
}

#[tokio::test]
async fn a_message_that_the_server_does_not_take_is_told() {
    let server = NatsServer::with_doors(&system_tests::nats::Doors {
        rules: "max_payload: 1KB".into(),
        ..system_tests::nats::Doors::default()
    });
    let long = format!("\"{}\"", "x".repeat(2_000));
    let outcome = connect(&server)
        .await
        .send_test_message(SUBJECT, &long, 1_000, 1)
        .await;
    assert_eq!(code(&outcome), Some(Code::MessageTooLong));
}

#[tokio::test]
async fn a_server_that_is_gone_is_no_silent_extension_while_another_is_looked_for() {
    let mut server = NatsServer::start();
    let responder = Responder::start(&server, SUBJECT, Answer::Silence).await;
    // It takes connections and says nothing: looking for it takes longer than the message may.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = registry_nats::NatsSettings {
        servers: vec![
            server.url(),
            format!("nats://{}", mute.local_addr().unwrap()),
        ],
        ..registry_nats::NatsSettings::default()
    };
    let connection = NatsConnection::connect(&settings, None).await.unwrap();
    let sending = connection.send_test_message(SUBJECT, PAYLOAD, 2_000, 0);
    let ending = async {
        while responder.count() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.end();
    };
    let (outcome, ()) = tokio::join!(sending, ending);
    assert_eq!(code(&outcome), Some(Code::ConnectionLost), "{outcome:?}");
}
