//! What is secret appears nowhere: not in a log of everything, nor in an error.

use registry_nats::{NatsAuthentication, NatsConnection, NatsFailure, NatsSettings, SecretString};
use system_tests::log::logged;
use system_tests::nats::{NatsServer, doors_for_credentials};

#[tokio::test]
async fn a_secret_is_in_no_log_and_in_no_error() {
    const PLANTED: &str = "planted-7d41c0de";
    // From here on.
    logged();

    let by_password = NatsServer::with_rules(&format!("user: anna, password: {PLANTED}"));
    let by_token = NatsServer::with_rules(&format!("token: {PLANTED}"));
    let (doors, credentials) = doors_for_credentials();
    let by_credentials = NatsServer::with_doors(&doors);
    let seed = credentials
        .lines()
        .find(|line| line.starts_with("SU"))
        .unwrap()
        .to_owned();
    let elsewhere = NatsServer::with_rules("token: another");

    let password = NatsAuthentication::Password {
        user: "anna".into(),
    };
    let mut told = Vec::new();
    let attempts: [(NatsSettings, &str); 7] = [
        (by_password.settings_with(password.clone()), PLANTED),
        (by_token.settings_with(NatsAuthentication::Token), PLANTED),
        (
            by_credentials.settings_with(NatsAuthentication::Credentials),
            &credentials,
        ),
        (elsewhere.settings_with(password), PLANTED),
        (elsewhere.settings_with(NatsAuthentication::Token), PLANTED),
        (
            elsewhere.settings_with(NatsAuthentication::Credentials),
            &credentials,
        ),
        (
            elsewhere.settings_with(NatsAuthentication::Credentials),
            PLANTED,
        ),
    ];
    for (settings, secret) in attempts {
        let secret = SecretString::from(secret);
        told.push(format!("{settings:?} {secret:?}"));
        match NatsConnection::connect(&settings, Some(&secret)).await {
            Ok(connection) => {
                told.push(format!("{connection:?}"));
                connection.send_test_message("nobody", "{}", 100, 0).await;
            }
            Err(failure) => {
                let shown = NatsFailure::report(&failure);
                told.push(format!("{failure} {failure:?} {shown:?}"));
            }
        }
    }
    let in_address = NatsSettings {
        servers: vec![format!(
            "nats://anna:{PLANTED}@127.0.0.1:{}",
            by_password.port
        )],
        ..NatsSettings::default()
    };
    let refused = NatsConnection::connect(&in_address, None).await;
    told.push(format!("{refused:?}"));
    let told = told.join("\n");

    let logged = logged();
    assert!(logged.contains("connected to NATS"), "the log is on");
    assert!(told.contains("LoginRefused") && told.contains("CredentialsUnreadable"));
    for secret in [PLANTED, seed.as_str()] {
        assert!(!logged.contains(secret), "it is in the log");
        assert!(!told.contains(secret), "it is in what was told");
    }
}
