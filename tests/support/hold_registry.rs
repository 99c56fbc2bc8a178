//! Opens the embedded registry and switches an extension on and off for as long as it lives,
//! printing each switch that the database acknowledged: a program to be killed at any moment.
//!
//! Usage: `hold-registry DATA_DIRECTORY POSTGRESQL`
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::env;
use std::io::Write;
use std::path::PathBuf;

use registry::ChangeContext;
use registry::embedded::{self, Options};

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
        server.process_id().expect("an own server")
    )
    .expect("a reader");
    for switch in 0_u32.. {
        let context = ChangeContext::with_reason(Some(switch.to_string()));
        registry
            .set_extension_enabled("pii_guard", switch % 2 == 1, &context)
            .await
            .expect("the switch is acknowledged");
        writeln!(output, "switch {switch}").expect("a reader");
    }
}
