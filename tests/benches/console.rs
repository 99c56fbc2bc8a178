//! The real window on large data: prints one row of a table for each figure.
//!
//! `cargo bench -p system-tests --bench console`, after `cargo build --release -p beamline-registry`; with `-- list`,
//! `-- timeline` or `-- health` that part alone. What the window does is timed in its page, from the event to the frame
//! after the one that shows the outcome. `BENCH_DAYS` shortens the history of health (7).
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::env;
use std::fs;
use std::time::Duration;

use fantoccini::wd::TimeoutConfiguration;
use serde_json::Value;
use system_tests::application::{Account, Window};
use system_tests::database::execute;
use system_tests::health_history::long_history;
use system_tests::servers::superuser_of;

const EXTENSIONS: usize = 10_000;
const ENTRIES: usize = 10_000;
/// Of these there is history of each minute.
const CALLED_EXTENSIONS: usize = 1_000;

#[tokio::main]
async fn main() {
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    let account = Account::new();
    let window = account.start().await;
    let patience = TimeoutConfiguration::new(Some(Duration::from_mins(5)), None, None);
    window.client.update_timeouts(patience).await.unwrap();
    window.see_state("pii_guard", "On").await;
    if is_wanted("list") || is_wanted("timeline") {
        many_extensions(&account).await;
        shows_rows(&window, EXTENSIONS).await;
    }
    if is_wanted("list") {
        first_paint(&window).await;
        typing(&window).await;
        scrolling(&window).await;
    }
    if is_wanted("timeline") {
        many_changes(&account).await;
        long_timeline(&account, &window).await;
    }
    if is_wanted("health") {
        let database = superuser_of(&account.data_directory);
        let days = days();
        for statements in [
            // What the other parts have left.
            "DELETE FROM extensions; DELETE FROM extension_health_history",
            long_history(CALLED_EXTENSIONS, days).as_str(),
            "VACUUM ANALYZE extension_health_history",
        ] {
            execute(&database, statements).await.unwrap();
        }
        health(&window, days).await;
    }
    window.close(&account).await;
}

fn days() -> u64 {
    let named = env::var("BENCH_DAYS").ok();
    named.and_then(|value| value.parse().ok()).unwrap_or(7)
}

/// In place of those that are there; each with the calls of a day for its small chart.
async fn many_extensions(account: &Account) {
    execute(
        &superuser_of(&account.data_directory),
        &format!(
            "DELETE FROM extensions;
             INSERT INTO extensions (id, type, subject, enabled, config, metadata)
             SELECT 'extension_' || to_char(n, 'FM0000'), (ARRAY['pre', 'validator', 'post', 'provider'])[1 + n % 4],
                    'beamline.extension.' || to_char(n, 'FM0000') || '.v1', n % 3 > 0,
                    '{{\"model\": \"gpt-4\", \"max_tokens\": 2048, \"temperature\": 0.70}}', '{{\"owner\": \"team-a\"}}'
             FROM generate_series(0, {EXTENSIONS} - 1) AS n;
             INSERT INTO extension_health_history
             SELECT id, 60, at, 'traffic', 3600, 12, at, 0, 0, NULL, NULL, '{{}}', '{{}}'
             FROM extensions, generate_series(date_bin('1 day', now() - interval '1 day', 'epoch'), now(), interval '1 hour') AS at;"
        ),
    )
    .await
    .unwrap();
}

async fn many_changes(account: &Account) {
    execute(
        &superuser_of(&account.data_directory),
        &format!(
            "DO $$ BEGIN
                 FOR n IN 1..{ENTRIES} LOOP
                     UPDATE extensions SET enabled = NOT enabled WHERE id = 'extension_' || to_char(n % 100, 'FM0000');
                     COMMIT;
                 END LOOP;
             END $$"
        ),
    )
    .await
    .unwrap();
}

async fn shows_rows(window: &Window, count: usize) {
    let count = count + 1;
    window
        .see(&format!(
            "//table[@aria-label='Extensions'][@aria-rowcount='{count}']//tr[@data-extension-id]"
        ))
        .await;
}

/// From the click on the page's name to its first rows.
async fn first_paint(window: &Window) {
    let open = r"
        const done = arguments[arguments.length - 1];
        const link = [...document.querySelectorAll('nav a')].find((link) => link.textContent.includes('Extensions'));
        const began = performance.now();
        link.click();
        const look = () =>
            document.querySelector('tr[data-extension-id]')
                ? requestAnimationFrame(() => done(performance.now() - began))
                : requestAnimationFrame(look);
        look();";
    for (name, is_read_anew) in [
        ("the list read anew from the database", true),
        ("the list kept by the page", false),
    ] {
        let mut times = Vec::new();
        for _ in 0..11 {
            window.open_page("Routers").await;
            if is_read_anew {
                window.client.refresh().await.unwrap();
                window.see("//h1[contains(., 'Routers')]").await;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
            times.push(ask(window, open).await.as_f64().unwrap());
            shows_rows(window, EXTENSIONS).await;
        }
        print(
            &format!("first paint of the table after the click, {EXTENSIONS} rows, {name}"),
            times,
            "300 ms",
        );
    }
}

/// From a letter in the search box to its results.
async fn typing(window: &Window) {
    let script = format!(
        r"const done = arguments[arguments.length - 1];
        const box = document.querySelector('input[type=search]');
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
        const ids = Array.from({{ length: {EXTENSIONS} }}, (_, n) => String(n).padStart(4, '0'));
        const texts = [];
        for (const word of ['1234', '777', '90', '42', '5', '0815', '66', '3141'])
            for (let end = 1; end <= word.length; end++) texts.push(word.slice(0, end));
        const times = [];
        const frame = () => new Promise(requestAnimationFrame);
        const shown = () => Number(document.querySelector('table[aria-label=Extensions]')?.getAttribute('aria-rowcount'));
        (async () => {{
            for (const text of texts) {{
                const expected = ids.filter((id) => `${{id}} ${{id}}.v1`.includes(text)).length + 1;
                await new Promise((resolve) => setTimeout(resolve, 120));
                const began = performance.now();
                set.call(box, text);
                box.dispatchEvent(new Event('input', {{ bubbles: true }}));
                while (shown() !== expected) await frame();
                await frame();
                times.push(performance.now() - began);
            }}
            set.call(box, '');
            box.dispatchEvent(new Event('input', {{ bubbles: true }}));
            done(times);
        }})();"
    );
    print(
        &format!("from a letter in the search to its results, {EXTENSIONS} rows"),
        numbers(&ask(window, &script).await),
        "50 ms",
    );
    shows_rows(window, EXTENSIONS).await;
}

/// The gaps between frames while the list is scrolled at 6,480 pixels a second.
async fn scrolling(window: &Window) {
    let script = r"
        const done = arguments[arguments.length - 1];
        const scroller = document.querySelector('table[aria-label=Extensions]').parentElement;
        const gaps = [];
        let last = null;
        const step = (now) => {
            if (last !== null) gaps.push(now - last);
            last = now;
            scroller.scrollTop += 108;
            if (gaps.length < 900) requestAnimationFrame(step);
            else { scroller.scrollTop = 0; done(gaps.slice(10)); }
        };
        requestAnimationFrame(step);";
    print(
        &format!("gap between frames while {EXTENSIONS} rows are scrolled, 180 rows/s"),
        numbers(&ask(window, script).await),
        "16.7 ms",
    );
}

/// What the window's processes take while somebody scrolls down the audit log.
async fn long_timeline(account: &Account, window: &Window) {
    window.open_page("Audit").await;
    window.see("//*[@data-audit-revision]").await;
    window.client.refresh().await.unwrap();
    window.see("//*[@data-audit-revision]").await;
    for entries in [1_000, 5_000, ENTRIES] {
        let script = format!(
            r"const done = arguments[arguments.length - 1];
            const seen = () => [...document.querySelectorAll('[data-audit-revision]')]
                .map((entry) => Number(entry.dataset.auditRevision));
            window.newestRevision ??= Math.max(...seen());
            const step = () => {{
                let scroller = document.querySelector('[data-audit-revision]');
                while (scroller && !(scroller.scrollHeight > scroller.clientHeight + 1 &&
                    /auto|scroll/.test(getComputedStyle(scroller).overflowY))) scroller = scroller.parentElement;
                if (Math.min(...seen()) < window.newestRevision - {entries} + 1) return done(true);
                scroller.scrollTop += 400;
                requestAnimationFrame(step);
            }};
            step();"
        );
        ask(window, &script).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        println!(
            "| memory of the window after {entries} scrolled audit entries | {:.0} MB | flat |",
            memory_kilobytes(account) as f64 / 1_000.0
        );
    }
}

/// From the click on Health to its rows, and from the click on a row to its charts, each painted.
async fn health(window: &Window, days: u64) {
    // What is kept is forgotten each time: both are read anew from the database.
    for (name, range) in [("a day", "24 h"), ("7 days", "7 days")] {
        let mut pages = Vec::new();
        let mut charts = Vec::new();
        for _ in 0..11 {
            window.open_page("Routers").await;
            window.client.refresh().await.unwrap();
            window.see("//h1[contains(., 'Routers')]").await;
            tokio::time::sleep(Duration::from_millis(700)).await;
            if range == "24 h" {
                let open = click_and_wait(
                    "[...document.querySelectorAll('nav a')].find((link) => link.textContent.includes('Health'))",
                    "document.querySelector('table[aria-label=Health] tr[data-extension-id]')",
                );
                pages.push(ask(window, &open).await.as_f64().unwrap());
            } else {
                window.open_page("Health").await;
                window
                    .see("//table[@aria-label='Health']//tr[@data-extension-id]")
                    .await;
                let choose = click_and_wait(
                    &format!(
                        "[...document.querySelectorAll('fieldset[aria-label=Range] button')].find((chip) => chip.textContent === '{range}')"
                    ),
                    "[...document.querySelectorAll('table[aria-label=Health] th')].some((head) => head.textContent.includes('6 hours'))",
                );
                pages.push(ask(window, &choose).await.as_f64().unwrap());
            }
            window
                .see(&format!(
                    "//table[@aria-label='Health'][@aria-rowcount='{}']",
                    CALLED_EXTENSIONS + 1
                ))
                .await;
            let open = click_and_wait(
                "document.querySelector('table[aria-label=Health] tr[data-extension-id] a')",
                "document.querySelector('[data-chart=calls] path[data-line=answered]')?.getAttribute('d')",
            );
            charts.push(ask(window, &open).await.as_f64().unwrap());
        }
        print(
            &format!(
                "health of {CALLED_EXTENSIONS} extensions after the click, {name} of {days} days, read anew"
            ),
            pages,
            "1 s",
        );
        print(
            &format!("charts of one of them after the click, {name}, read anew"),
            charts,
            "1 s",
        );
    }
}

/// Script that clicks what `what` finds, and tells after how long `outcome` was there and painted.
fn click_and_wait(what: &str, outcome: &str) -> String {
    format!(
        r"const done = arguments[arguments.length - 1];
        const target = {what};
        const began = performance.now();
        target.click();
        const look = () =>
            {outcome}
                ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)))
                : requestAnimationFrame(look);
        look();"
    )
}

/// Of the program and its web process, without the database's; shared memory in parts.
fn memory_kilobytes(account: &Account) -> u64 {
    let program = account.process_id();
    let mut ours = vec![program];
    loop {
        let before = ours.len();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let Some((name, fields)) = stat.rsplit_once(") ") else {
                continue;
            };
            let parent = fields.split(' ').nth(1).and_then(|id| id.parse().ok());
            if parent.is_some_and(|parent| ours.contains(&parent))
                && !ours.contains(&process)
                && !name.ends_with("(postgres")
            {
                ours.push(process);
            }
        }
        if ours.len() == before {
            break;
        }
    }
    let of_process = |process: u32| {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        pss.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    ours.into_iter().filter_map(of_process).sum()
}

/// Runs script in the page that tells when it is done.
async fn ask(window: &Window, script: &str) -> Value {
    window
        .client
        .execute_async(script, Vec::new())
        .await
        .expect("the script runs")
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn print(what: &str, mut milliseconds: Vec<f64>, promise: &str) {
    milliseconds.sort_by(f64::total_cmp);
    let last = milliseconds.len() - 1;
    let [median, p99, worst] =
        [0.5, 0.99, 1.0].map(|share| milliseconds[(last as f64 * share).round() as usize]);
    println!(
        "| {what} | median {median:.0} ms, p99 {p99:.0} ms, worst {worst:.0} ms | {promise} |"
    );
}
