//! Opens the embedded registry and switches an extension on and off for as long as it lives, printing each switch before it
//! asks for it, and that the database acknowledged it: a program to be killed at any moment.
//!
//! Usage: `hold-registry DATA_DIRECTORY POSTGRESQL`
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::env;
use std::io::Write;
use std::path::PathBuf;

use registry::ChangeContext;
use registry::embedded::{self, Options};
use system_tests::history::new_request_id;

#[tokio::main]
async fn main() {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let options = Options {
        data_directory: arguments.next().expect("a data directory"),
        server_override: arguments.next(),
        bundled_server: None,
        application_name: "hold-registry".into(),
        role: None,
    };
    let (server, registry) = embedded::open(&options, |_| ())
        .await
        .expect("the registry opens");
    let mut output = std::io::stdout();
    writeln!(
        output,
        "server {}",
        server.process_id().expect("a server of its own")
    )
    .expect("a reader");
    let mut enabled = registry
        .get_extension("pii_guard")
        .await
        .expect("it is there")
        .enabled;
    loop {
        enabled = !enabled;
        let request_id = new_request_id();
        let context = ChangeContext {
            request_id: Some(request_id),
            ..ChangeContext::default()
        };
        writeln!(output, "ask {request_id} {enabled}").expect("a reader");
        registry
            .set_extension_enabled("pii_guard", enabled, &context)
            .await
            .expect("the switch is acknowledged");
        writeln!(output, "made").expect("a reader");
    }
}
