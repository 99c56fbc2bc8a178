//! A move whose program is killed, at any moment: asked once more it completes, nothing is lost or doubled, and never do
//! both databases take changes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use registry::{ChangeContext, ErrorCode, Registry};
use serde_json::json;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::types::Uuid;
use system_tests::database::{TestDatabase, execute};
use system_tests::faults;
use system_tests::on_each_server;
use system_tests::servers;

use crate::moving::{go_on, move_over, takes_changes};
use crate::support::fill;

/// The program that moves.
struct Mover {
    program: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Mover {
    /// Starts it; it kills itself at this report of this step, if there is one.
    fn start(from: &TestDatabase, to: &TestDatabase, death: Option<(&str, u32)>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_move-registry"));
        command
            .arg(from.superuser().to_url_lossy().as_str())
            .arg(to.superuser().to_url_lossy().as_str())
            .stdout(Stdio::piped());
        if let Some((step, number)) = death {
            command.arg(step).arg(number.to_string());
        }
        let mut program = command.spawn().unwrap();
        let output = BufReader::new(program.stdout.take().unwrap());
        Self { program, output }
    }

    /// Kills it, wherever it is. Tells how it ended and in which step.
    fn kill(mut self) -> (ExitStatus, String) {
        // It may have ended by itself.
        let _ = self.program.kill();
        self.end()
    }

    /// Waits for its end.
    fn end(mut self) -> (ExitStatus, String) {
        let status = self.program.wait().unwrap();
        let mut last = "Connecting".to_owned();
        for line in self.output.lines() {
            last = line.unwrap();
        }
        (status, last)
    }
}

/// What was acknowledged, by the names of the requests.
type Acknowledged = Arc<Mutex<Vec<String>>>;

/// Switches an extension where the registry is, until it is told to stop.
async fn write(
    source: Registry,
    target: PgConnectOptions,
    (writer, round): (usize, usize),
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
) {
    const IDS: [&str; 4] = [
        "normalize_text",
        "anthropic_claude",
        "mock_provider",
        "openai_gpt4",
    ];
    let mut moved: Option<Registry> = None;
    let mut enabled = !source.get_extension(IDS[writer]).await.unwrap().enabled;
    for number in 0_u128.. {
        let request_id =
            Uuid::from_u128((1 << 120) + ((round * 8 + writer) as u128) * (1 << 64) + number);
        let context = ChangeContext {
            request_id: Some(request_id),
            ..ChangeContext::default()
        };
        loop {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let registry = moved.as_ref().unwrap_or(&source);
            let switched = registry
                .set_extension_enabled(IDS[writer], enabled, &context)
                .await;
            match switched {
                Ok(_) => break,
                Err(error) if moved.is_none() => {
                    // Whatever becomes of the mover, those who write where the registry is see nothing else.
                    assert_eq!(
                        error.code(),
                        ErrorCode::RegistryMovedAway,
                        "{error}: {:?}",
                        error.detail()
                    );
                    moved = Registry::connect(target.clone()).await.ok();
                }
                // It has not arrived.
                Err(_) => moved = None,
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        acknowledged.lock().unwrap().push(request_id.to_string());
        enabled = !enabled;
    }
}

/// Changes the target as soon as it lets anybody.
async fn intrude(
    target: PgConnectOptions,
    round: usize,
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
) {
    for number in 0_u128.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let request_id = Uuid::from_u128((2 << 120) + (round as u128) * (1 << 64) + number);
        let statement = format!(
            "SELECT set_config('registry.request_id', '{request_id}', false);
             UPDATE extensions SET enabled = NOT enabled WHERE id = 'pii_guard'"
        );
        if execute(&target, &statement).await.is_ok() {
            acknowledged.lock().unwrap().push(request_id.to_string());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Everything that was acknowledged is in the log, once, and the log goes on from all that the source has.
async fn see_whole(source: &TestDatabase, target: &TestDatabase, acknowledged: &Acknowledged) {
    let there = target
        .rows("SELECT request_id::text, count(*)::text FROM extension_audit_log WHERE request_id IS NOT NULL GROUP BY 1")
        .await;
    let there: BTreeMap<String, String> = there
        .into_iter()
        .map(|row| {
            let [id, count] = row.try_into().unwrap();
            (id.unwrap(), count.unwrap())
        })
        .collect();
    for request_id in acknowledged.lock().unwrap().iter() {
        assert_eq!(
            there.get(request_id).map(String::as_str),
            Some("1"),
            "{request_id} was acknowledged and is there, once"
        );
    }
    let end = source
        .value("SELECT revision || ' ' || encode(hash, 'hex') FROM registry_head")
        .await;
    let (revision, hash) = end.split_once(' ').unwrap();
    let same =
        format!("SELECT encode(hash, 'hex') FROM extension_audit_log WHERE revision = {revision}");
    assert_eq!(
        target.value(&same).await,
        hash,
        "the source took no change that the target hasn't"
    );
    let registry = Registry::connect(target.console()).await.unwrap();
    assert_eq!(registry.verify_audit_log().await.unwrap().fault, None);
}

/// Moves it once, killing the mover at each of these, and then asking once more. Writers go on all the time.
async fn move_with_deaths(
    source: &TestDatabase,
    target: &TestDatabase,
    round: usize,
    mut deaths: impl FnMut() -> Option<Death>,
    acknowledged: &Acknowledged,
) -> Vec<String> {
    let registry = Registry::connect(source.console()).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut writers: Vec<_> = (0..4)
        .map(|writer| {
            tokio::spawn(write(
                registry.clone(),
                target.console(),
                (writer, round),
                Arc::clone(acknowledged),
                Arc::clone(&is_over),
            ))
        })
        .collect();
    writers.push(tokio::spawn(intrude(
        target.console(),
        round,
        Arc::clone(acknowledged),
        Arc::clone(&is_over),
    )));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut places = Vec::new();
    loop {
        let death = deaths();
        let mover = match death {
            Some(Death::At(step, number)) => Mover::start(source, target, Some((step, number))),
            _ => Mover::start(source, target, None),
        };
        let (status, place) = match death {
            Some(Death::After(delay)) => {
                tokio::time::sleep(delay).await;
                mover.kill()
            }
            _ => tokio::task::spawn_blocking(|| mover.end()).await.unwrap(),
        };
        if status.success() {
            break;
        }
        assert_eq!(
            status.signal(),
            Some(9),
            "it was killed and did not fail, {place}"
        );
        places.push(place);
    }
    // Some changes where it is now.
    tokio::time::sleep(Duration::from_millis(200)).await;
    is_over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    see_whole(source, target, acknowledged).await;
    assert!(takes_changes(target).await && !takes_changes(source).await);
    places
}

#[derive(Clone, Copy)]
enum Death {
    At(&'static str, u32),
    After(Duration),
}

/// How often it is killed at random.
const RANDOM_DEATHS: usize = 20;

on_each_server! {
    async fn under_writers_killed_at_each_step_and_at_random_it_completes_when_asked_again(database: TestDatabase) {
        let registry = database.registry().await;
        fill(&registry, &database.superuser(), 5_000).await;
        let acknowledged = Acknowledged::default();

        let mut steps = [
            ("Copying", 1), ("Copying", 3), ("Locking", 1), ("CatchingUp", 1), ("CatchingUp", 9), ("Comparing", 1),
            ("Comparing", 5), ("Comparing", 12), ("GivingOver", 1),
        ].map(|(step, number)| Some(Death::At(step, number))).into_iter();
        let count = steps.len();
        let target = TestDatabase::create(servers::bundled()).await;
        let places = move_with_deaths(&database, &target, 0, || steps.next().flatten(), &acknowledged).await;
        assert_eq!(places.len(), count, "at each: {places:?}");

        // How long it takes, and from then on as often as not anywhere in that time.
        let mut source = target;
        let mut round = 1;
        let mut target = TestDatabase::create(servers::bundled()).await;
        let began = Instant::now();
        move_with_deaths(&source, &target, round, || None, &acknowledged).await;
        let duration = began.elapsed().saturating_sub(Duration::from_millis(400));
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        while places.values().sum::<usize>() < RANDOM_DEATHS {
            source = target;
            target = TestDatabase::create(servers::bundled()).await;
            round += 1;
            let mut left = 5;
            let deaths = || {
                left -= 1;
                // xorshift: any spread will do, and a failure is to be seen again.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let share = f64::from(u32::try_from(random >> 32).unwrap()) / f64::from(u32::MAX);
                (left >= 0).then(|| Death::After(duration.mul_f64(share)))
            };
            for place in move_with_deaths(&source, &target, round, deaths, &acknowledged).await {
                *places.entry(place).or_default() += 1;
            }
        }
        faults::report(
            "mover killed",
            json!({
                "kills": places.values().sum::<usize>() + count,
                "moves": round,
                "move_ms": duration.as_millis(),
                "in_steps": places,
                "acknowledged": acknowledged.lock().unwrap().len(),
            }),
        );
    }

    async fn killed_while_a_commit_is_under_way_it_completes_when_asked_again(database: TestDatabase) {
        // Where and when the mover is held up; then it is killed, and asked again before what it has sent is done.
        let moments = [
            ("in the commit of the target", false, "CONSTRAINT TRIGGER hold AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"),
            ("between the two commits", true, "TRIGGER hold AFTER INSERT", ""),
            ("in the commit of the source", true, "CONSTRAINT TRIGGER hold AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"),
            ("before the target is opened", false, "TRIGGER hold BEFORE DELETE", ""),
            ("in the commit that opens the target", false, "CONSTRAINT TRIGGER hold AFTER DELETE", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"),
        ];
        for (moment, is_in_source, trigger, form) in moments {
            let source = TestDatabase::create(database.server()).await;
            let registry = source.registry().await;
            fill(&registry, &source.superuser(), 50).await;
            let revision = registry.anchor().await.unwrap().revision;
            let target = TestDatabase::create(servers::bundled()).await;
            // A fresh registry is as good as an empty database.
            target.migrate().await;
            let held = if is_in_source { &source } else { &target };
            held.execute(&format!(
                "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN PERFORM pg_advisory_xact_lock(77); RETURN coalesce(NEW, OLD); END $$;
                 CREATE {trigger} ON registry_move {form} EXECUTE FUNCTION hold()"
            )).await;
            let mut holder = held.superuser().connect().await.unwrap();
            sqlx::query("SELECT pg_advisory_lock(77)").execute(&mut holder).await.unwrap();
            let mover = Mover::start(&source, &target, None);
            let waiting = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            let deadline = Instant::now() + Duration::from_secs(30);
            while held.value(waiting).await == "0" {
                assert!(Instant::now() < deadline, "{moment}: it gets there");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            mover.kill();

            let release = async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                drop(holder);
            };
            let (moved, ()) = tokio::join!(move_over(&source, &target, go_on), release);
            let moved = moved.unwrap_or_else(|error| panic!("{moment}: {error}: {:?}", error.detail()));
            assert!(takes_changes(&target).await && !takes_changes(&source).await, "{moment}");
            see_whole(&source, &target, &Acknowledged::default()).await;
            assert_eq!(moved.revision, revision, "{moment}: no change was made meanwhile");
        }
    }
}
