//! What people need who see little, hear the window, have no pointer or bear no movement: axe-core's rules on every page,
//! text at twice its size, nothing that moves where the desktop says so, and dates and numbers as their locale writes them.

use serde_json::json;
use system_tests::bundle::repository;
use system_tests::database::execute;
use system_tests::desktop::ScreenSize;
use system_tests::folder::TestFolder;
use system_tests::servers::superuser_of;

use crate::application::{Account, Window};
use crate::pictures::{IN_USE, PAGES, open};

/// Where the page's addresses are made.
const ROUTER: &str = include_str!("../../ui/src/app/router.tsx");

/// Addresses that lead on to another one and show nothing.
const LEADING_ON: [&str; 2] = ["/", "/help"];

/// What pages show besides what [`PAGES`] opens: their other parts, nothing at all, and what nothing matches.
const FURTHER: [(&str, &str, &str); 11] = [
    (
        "overview",
        "/extensions?open=openai_gpt4&tab=overview",
        "Extensions",
    ),
    (
        "panel-health",
        "/extensions?open=openai_gpt4&tab=health",
        "Extensions",
    ),
    (
        "panel-test",
        "/extensions?open=openai_gpt4&tab=test",
        "Extensions",
    ),
    (
        "panel-history",
        "/extensions?open=openai_gpt4&tab=history",
        "Extensions",
    ),
    (
        "nothing-matches",
        "/extensions?text=nothing-has-this",
        "Extensions",
    ),
    ("audit-of-one", "/audit?extension=openai_gpt4", "Audit"),
    ("audit-of-nobody", "/audit?text=nothing-has-this", "Audit"),
    ("charts", "/health/openai_gpt4", "openai_gpt4"),
    ("new-form", "/extensions?form=new", "Extensions"),
    ("help-api", "/help/api", "The registry over HTTP"),
    ("help-licence", "/help/license", "Licence"),
];

fn axe() -> String {
    let path = repository().join("ui/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(path).expect("axe-core is installed with the frontend's packages")
}

/// A registry in use, in a window that fills the screen.
async fn window_in_use(account: &Account) -> Window {
    let window = account.start().await;
    window.fill(ScreenSize::SMALL).await;
    window.see_state("pii_guard", "On").await;
    execute(&superuser_of(&account.data_directory), IN_USE)
        .await
        .unwrap();
    window
        .see("//tr[@data-extension-id='openai_gpt4'][contains(., 'release')]")
        .await;
    window.see_gone("//tr[@data-news]").await;
    window
}

/// Every rule of axe-core; the one that is named is off unless it is asked for, alone of those of WCAG 2.2 AA.
const EVERY_RULE: &str = "rules: { 'target-size': { enabled: true } }";

/// Text at 7:1 (WCAG 2.2, 1.4.6), large text at 4.5:1.
const MORE_CONTRAST: &str = "runOnly: { type: 'rule', values: ['color-contrast-enhanced'] }";

/// Runs these rules of axe-core on what the window shows, in the light and in the dark colours.
async fn inspect(window: &Window, rules: &str, name: &str, findings: &mut Vec<String>) {
    for scheme in ["light", "dark"] {
        window
            .run(&format!(
                "document.documentElement.dataset.mantineColorScheme = '{scheme}'"
            ))
            .await;
        window.see_settled().await;
        let found = window
            .client
            .execute_async(
                &format!(
                    "const [done] = arguments;
                     window.axe.run(document, {{ resultTypes: ['violations'], {rules} }})
                         .then(({{ violations }}) => done(violations.flatMap(({{ id, nodes }}) => nodes.map((node) =>
                             `${{id}}: ${{node.target.join(' ')}} ${{node.html.slice(0, 160)}} ${{node.failureSummary?.split('\\n')[1] ?? ''}}`))))
                         .catch((error) => done([`axe-core failed: ${{error}}`]));"
                ),
                Vec::new(),
            )
            .await
            .expect("the script runs");
        let found = found.as_array().expect("a list of findings");
        for finding in found {
            findings.push(format!(
                "{name}, {scheme}: {}",
                finding.as_str().unwrap_or_default()
            ));
        }
        if !found.is_empty() {
            window.picture(&format!("axe-{name}-{scheme}")).await;
        }
    }
}

async fn load_axe(window: &Window) {
    window.run(&axe()).await;
    assert_eq!(
        window.run("return typeof window.axe.run").await,
        json!("function")
    );
}

fn assert_nothing(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "axe-core has {} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

/// Whether an address such as `/health/openai_gpt4?range=1h` is one of a route such as `/health/$id`.
fn is_of(address: &str, route: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (path, route) = (parts(path), parts(route));
    path.len() == route.len()
        && path
            .iter()
            .zip(&route)
            .all(|(part, of)| part == of || of.starts_with('$'))
}

#[test]
fn every_page_of_the_router_is_inspected() {
    let routes: Vec<&str> = ROUTER
        .split("path: \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(routes.len() > 12, "{routes:?}");
    let missing: Vec<&&str> = routes
        .iter()
        .filter(|route| !LEADING_ON.contains(route))
        .filter(|route| {
            !PAGES
                .iter()
                .chain(&FURTHER)
                .any(|(_, address, _)| is_of(address, route))
        })
        .collect();
    assert!(missing.is_empty(), "not inspected by axe-core: {missing:?}");
}

#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let account = Account::new();
    let window = window_in_use(&account).await;
    inspect_pages(&window, EVERY_RULE).await;
    window.close(&account).await;
}

async fn inspect_pages(window: &Window, rules: &str) {
    load_axe(window).await;
    let mut findings = Vec::new();
    for (name, address, heading) in PAGES.into_iter().chain(FURTHER) {
        open(window, address, heading).await;
        inspect(window, rules, name, &mut findings).await;
        if address.contains("form=") {
            window.press(&["Escape"]).await;
            window.see_gone("//*[@role='dialog']").await;
        }
    }
    assert_nothing(&findings);
}

/// What is folded in an entry of the log.
const DETAILS: &str = "(//*[@data-audit-revision]//button[@aria-expanded='false'])[1]";

/// What is opened on a page: its name here, the page's address and heading, what is clicked, and what of it is there then.
const OPENED: [(&str, &str, &str, &[&str], &str); 9] = [
    (
        "menu-of-a-row",
        "/extensions",
        "Extensions",
        &["//button[@aria-label='Actions for pii_guard']"],
        "//*[@role='menu']",
    ),
    (
        "view",
        "/extensions",
        "Extensions",
        &["//button[normalize-space()='View']"],
        "//*[@aria-label='View']",
    ),
    (
        "notices",
        "/extensions",
        "Extensions",
        &["//button[starts-with(@aria-label, 'Notices')]"],
        "//*[@role='dialog']",
    ),
    (
        "question",
        "/extensions",
        "Extensions",
        &["//tr[@data-extension-id='pii_guard']//*[@role='switch']"],
        "//*[@data-testid='traffic-effects']",
    ),
    (
        "time",
        "/audit",
        "Audit",
        &["//button[starts-with(@aria-label, 'Time:')]"],
        "//*[@aria-label='Jump to a date']",
    ),
    (
        "details",
        "/audit?extension=openai_gpt4",
        "Audit",
        &[DETAILS],
        "//dt[.='How known']",
    ),
    (
        "undo",
        "/audit?extension=mask_sensitive_data",
        "Audit",
        &[DETAILS, "//button[contains(., 'Undo this change')]"],
        "//*[@role='dialog']",
    ),
    (
        "new-connection",
        "/connections",
        "Connections",
        &["//button[normalize-space()='New connection']"],
        "//input[starts-with(@placeholder, 'postgres://')]",
    ),
    (
        "activity-table",
        "/audit",
        "Audit",
        &["//button[@aria-label='The activity as a table']"],
        "//table[@aria-label='Activity']",
    ),
];

#[tokio::test]
async fn axe_finds_nothing_in_what_opens_over_pages() {
    let account = Account::new();
    let window = window_in_use(&account).await;
    load_axe(&window).await;
    let mut findings = Vec::new();
    for (name, address, heading, what, then) in OPENED {
        open(&window, address, heading).await;
        for each in what {
            window.click(each).await;
        }
        window.see(then).await;
        inspect(&window, EVERY_RULE, name, &mut findings).await;
        window.press(&["Escape"]).await;
    }
    open(&window, "/extensions", "Extensions").await;
    window.see_gone("//*[@role='dialog']").await;
    for (name, keys, then) in [
        (
            "palette",
            &["Control", "k"][..],
            "//*[@role='dialog']//input",
        ),
        (
            "keys",
            &["?"][..],
            "//*[@role='dialog'][contains(., 'Everywhere')]",
        ),
    ] {
        window.press(keys).await;
        window.see(then).await;
        inspect(&window, EVERY_RULE, name, &mut findings).await;
        window.press(&["Escape"]).await;
        window.see_gone("//*[@role='dialog']").await;
    }
    assert_nothing(&findings);
    window.close(&account).await;
}

#[tokio::test]
async fn axe_finds_nothing_where_there_are_no_pages_yet() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let occupied = file.path().join("data").display().to_string();
    let account = Account::with_environment(&[("BEAMLINE_REGISTRY_DATA_DIR", occupied)]);
    let window = account.start().await;
    load_axe(&window).await;
    let mut findings = Vec::new();
    window.see("//*[@data-testid='error-code']").await;
    inspect(&window, EVERY_RULE, "failure", &mut findings).await;
    assert_nothing(&findings);
    window.close(&account).await;
}

/// Everything is at twice its size; answers once the page is laid out so.
async fn enlarge(window: &Window) {
    for width in [1164, 1024, 853, 731, 640] {
        window.press(&["Control", "+"]).await;
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        loop {
            let shown = window.run("return innerWidth").await.as_i64();
            // A part of a pixel is rounded either way.
            if shown.is_some_and(|shown| (shown - width).abs() <= 1) {
                break;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "the window is {shown:?} wide, and not {width}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

/// What can't be read or reached in the window as it is: what is wider than it, words that are cut off where nothing scrolls
/// to them, controls that lie outside of what scrolls or under something else.
const UNREADABLE: &str = "
    const found = [];
    for (const part of [document.documentElement, document.body, document.querySelector('main')])
        if (part.scrollWidth > part.clientWidth) found.push(`wider than the window: ${part.tagName} ${part.scrollWidth} > ${part.clientWidth}`);
    const dialog = [...document.querySelectorAll('[role=dialog]')].at(-1);
    const top = dialog ?? document.body;
    const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
        && element.closest('[aria-hidden=true]') === null;
    const clips = (value) => value === 'hidden' || value === 'clip';
    const scrolls = (value) => value === 'auto' || value === 'scroll';
    const words = (element) => `${element.tagName.toLowerCase()}.${element.className} “${element.textContent.trim().slice(0, 40)}”`;
    const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (node.data.trim() === '' || !isShown(element) || element.closest('svg, script, style')) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const text = range.getBoundingClientRect();
        if (text.width === 0) continue;
        // For who hears the page: a pixel that nobody sees.
        if ([element, element.parentElement].some((part) => part.clientWidth === 1 && part.clientHeight === 1)) continue;
        let [isFreeX, isFreeY] = [false, false];
        for (let part = element; part && part !== document.documentElement; part = part.parentElement) {
            const style = getComputedStyle(part);
            if (style.display === 'inline') continue;
            // Names that end in dots say the whole of it elsewhere.
            if (style.textOverflow === 'ellipsis' && clips(style.overflowX)) break;
            const box = part.getBoundingClientRect();
            if (!isFreeX && clips(style.overflowX) && (text.right > box.right + 1 || text.left < box.left - 1)) {
                found.push(`cut off at a side: ${words(element)} in ${part.tagName}.${part.className}`);
                break;
            }
            if (!isFreeY && clips(style.overflowY) && (text.bottom > box.bottom + 2 || text.top < box.top - 2)) {
                found.push(`cut off above or below: ${words(element)} in ${part.tagName}.${part.className}`);
                break;
            }
            isFreeX ||= scrolls(style.overflowX);
            isFreeY ||= scrolls(style.overflowY);
            if (style.position === 'fixed') break;
        }
    }
    for (const control of top.querySelectorAll('button, a[href], input, select, textarea, [role=tab], [role=switch]')) {
        if (!isShown(control) || control.disabled) continue;
        control.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
        const shown = control.labels?.[0] ?? control;
        const box = (control.getBoundingClientRect().width > 1 ? control : shown).getClientRects()[0];
        if (!box || box.width <= 1) continue;
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        const hit = document.elementFromPoint(x, y);
        const isHit = hit && (control.contains(hit) || hit.contains(control) || [...control.labels ?? []].some((label) => label.contains(hit))
            || (control.parentElement.contains(hit) && hit.closest('button, a[href], input') === null));
        if (!isHit) found.push(`not to be clicked: ${words(control)} ${control.getAttribute('aria-label') ?? ''} at ${Math.round(x)},${Math.round(y)} under ${hit ? words(hit) : 'nothing'}`);
    }
    document.querySelector('main').scrollTop = 0;
    return [...new Set(found)];";

/// What Tab should come to: what can be operated, and is shown, in the dialog on top if there is one. Of radio buttons of one
/// name, and of what is moved within by arrows (`tabindex="-1"`), one is enough.
const BY_TAB: &str = "
    window.byTab = () => {
        const top = [...document.querySelectorAll('[role=dialog]')].at(-1) ?? document.body;
        return [...top.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter((element) =>
            element.tabIndex >= 0 && !element.matches(':disabled') && element.closest('[inert], [aria-hidden=true]') === null
            && element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0
            && (element.type !== 'radio' || element.checked));
    };
    window.reached = new Set();
    window.unseen = new Set();
    // What changes over time would be looked at before it has changed.
    document.head.insertAdjacentHTML('beforeend', '<style>* { transition: none !important; animation: none !important }</style>');
    // What names an element across renders of it.
    window.nameOf = (element) => `${element.tagName.toLowerCase()} ${element.getAttribute('aria-label') ?? element.id} ${
        (element.labels?.[0] ?? element).innerText?.slice(0, 40).replace(/\\s+/g, ' ')}`;
    // A ring, a border or a ground of another colour: on it, on what is laid over it or stands for it, or on what it is in.
    const marksOf = (element) => {
        const parts = [[element], [element, '::after'], [element.nextElementSibling]];
        for (let around = element.parentElement; around !== null && parts.length < 8; around = around.parentElement) parts.push([around]);
        return parts.filter(([part]) => part !== null).map(([part, pseudo]) => {
            const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(part, pseudo);
            return `${outlineStyle === 'none' ? '' : outlineWidth} ${boxShadow} ${borderColor} ${backgroundColor}`;
        }).join();
    };
    window.lookAtFocus = () => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const focused = marksOf(element);
        element.blur();
        const without = marksOf(element);
        element.focus({ preventScroll: true, focusVisible: true });
        if (focused === without) window.unseen.add(window.nameOf(element));
        window.reached.add(window.nameOf(element));
        return window.nameOf(element);
    };
    return window.byTab().length;";

/// Goes once around the page by Tab; what isn't come to, and where the focus can't be seen.
async fn walk_by_tab(window: &Window, name: &str, problems: &mut Vec<String>) {
    let began_at = std::time::Instant::now();
    let (mut count, mut before) = (0, 0);
    // What is read from the database comes after the page, and not all at once.
    while count <= 3 || count != before {
        assert!(
            began_at.elapsed() < std::time::Duration::from_secs(20),
            "{name} has something to operate"
        );
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        before = count;
        count = window.run(BY_TAB).await.as_u64().unwrap_or_default();
    }
    let unreached =
        "return window.byTab().map(window.nameOf).filter((name) => !window.reached.has(name))";
    // Rows come and go with what is scrolled to.
    let mut presses = 0;
    while presses < count * 2 + 20 {
        presses += 1;
        window.press(&["Tab"]).await;
        window.run("return window.lookAtFocus()").await;
        if window.run(unreached).await == json!([]) {
            break;
        }
        let now = window.run("return window.byTab().length").await;
        count = count.max(now.as_u64().unwrap_or_default());
    }
    for (what, script) in [
        ("Tab doesn't come to", unreached),
        ("the focus can't be seen on", "return [...window.unseen]"),
    ] {
        for element in window.run(script).await.as_array().expect("a list") {
            let element = element.as_str().unwrap_or_default();
            problems.push(format!("{name}: {what} {element}"));
        }
    }
}

#[tokio::test]
async fn tab_comes_to_all_that_can_be_operated_and_shows_where_it_is() {
    let account = Account::new();
    let window = window_in_use(&account).await;
    let mut problems = Vec::new();
    for (name, address, heading) in PAGES.into_iter().chain(FURTHER) {
        open(&window, address, heading).await;
        window.see_settled().await;
        walk_by_tab(&window, name, &mut problems).await;
        if address.contains("form=") {
            window.press(&["Escape"]).await;
            window.see_gone("//*[@role='dialog']").await;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    window.close(&account).await;
}

#[tokio::test]
async fn everything_can_be_read_and_reached_at_twice_its_size() {
    let account = Account::new();
    let window = window_in_use(&account).await;
    enlarge(&window).await;
    let mut problems = Vec::new();
    for (name, address, heading) in PAGES.into_iter().chain(FURTHER) {
        open(&window, address, heading).await;
        window.see_settled().await;
        window.picture(&format!("large-{name}")).await;
        let found = window.run(UNREADABLE).await;
        for problem in found.as_array().expect("a list") {
            problems.push(format!("{name}: {}", problem.as_str().unwrap_or_default()));
        }
        if address.contains("form=") {
            window.press(&["Escape"]).await;
            window.see_gone("//*[@role='dialog']").await;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    window.close(&account).await;
    // The next start is as large.
    let window = account.start().await;
    window
        .see("//html[not(.//*[@aria-busy='true'])]//main")
        .await;
    assert_eq!(window.run("return outerWidth / innerWidth").await, json!(2));
    window.press(&["Control", "0"]).await;
    window.see("//nav//a[contains(., 'Settings')]").await;
    window.close(&account).await;
}

/// An account on a desktop with this line in its settings of GTK, which lie in the folder.
fn account_where_the_desktop_says(setting: &str) -> (TestFolder, Account) {
    let home = TestFolder::new();
    let folder = home.path().join("gtk-3.0");
    std::fs::create_dir_all(&folder).expect("a folder for settings");
    std::fs::write(
        folder.join("settings.ini"),
        format!("[Settings]\n{setting}\n"),
    )
    .expect("the settings are written");
    let account =
        Account::with_environment(&[("XDG_CONFIG_HOME", home.path().display().to_string())]);
    (home, account)
}

#[tokio::test]
async fn contrast_is_higher_where_the_desktop_says_so() {
    let (_home, account) = account_where_the_desktop_says("gtk-theme-name=HighContrast");
    let window = window_in_use(&account).await;
    assert_eq!(
        window
            .run("return matchMedia('(prefers-contrast: more)').matches")
            .await,
        json!(true),
        "the page knows what the desktop says"
    );
    inspect_pages(&window, MORE_CONTRAST).await;
    window.close(&account).await;
}

#[tokio::test]
async fn nothing_moves_where_the_desktop_says_so() {
    let (_home, account) = account_where_the_desktop_says("gtk-enable-animations=0");
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    assert_eq!(
        window
            .run("return matchMedia('(prefers-reduced-motion: reduce)').matches")
            .await,
        json!(true),
        "the page knows what the desktop says"
    );
    // Looks at each frame from now on; what takes a thousandth of a second is a jump.
    window
        .run(
            "window.moved = new Set();
             const look = () => {
                 for (const { animationName, transitionProperty, effect } of document.getAnimations())
                     if (effect.getComputedTiming().duration > 1)
                         window.moved.add(`${animationName ?? transitionProperty} of ${effect.target?.className}`);
                 requestAnimationFrame(look);
             };
             look();",
        )
        .await;
    window.click_switch("mock_provider").await;
    window.see_state("mock_provider", "Off").await;
    window.press(&["Control", "k"]).await;
    window.see("//*[@role='dialog']//input").await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    window
        .click("//button[@aria-label='Actions for pii_guard']")
        .await;
    window.see("//*[@role='menu']").await;
    window.press(&["Escape"]).await;
    window.press(&["n"]).await;
    window
        .see("//*[@role='dialog']//*[contains(@class, 'cm-editor')]")
        .await;
    window.press(&["Escape"]).await;
    window.see_gone("//*[@role='dialog']").await;
    for page in ["Audit", "Health", "Backups", "Settings"] {
        window.open_page(page).await;
        window.see("//html[not(.//*[@aria-busy='true'])]").await;
    }
    window.click("//label[normalize-space()='Dark']").await;
    window
        .see("//html[@data-mantine-color-scheme='dark']")
        .await;
    assert_eq!(window.run("return [...window.moved]").await, json!([]));
    window.close(&account).await;
}

/// Dates and numbers of a locale in the window; the words stay.
async fn in_locale(variables: &[(&'static str, String)], date: &str, number: &str) {
    let account = Account::with_environment(variables);
    let window = account.start().await;
    window.see_state("pii_guard", "On").await;
    execute(
        &superuser_of(&account.data_directory),
        "SELECT registry_record_health(array_agg('pii_guard'::text), array_agg(n % 1000 >= 15), array_agg(1.5), array_agg(now()))
         FROM generate_series(1, 12345) AS n",
    )
    .await
    .unwrap();
    let now = window.run("return new Date().toISOString()").await;
    let now = now.as_str().expect("a time");
    window.go(&format!("/as-of?time={now}")).await;
    window
        .see("//main[contains(., 'after #')][not(.//*[@aria-busy='true'])]")
        .await;
    let text = window.text("//main").await;
    let is_written_so = window
        .client
        .execute(
            "return new RegExp(arguments[0]).test(arguments[1])",
            vec![date.into(), text.clone().into()],
        )
        .await
        .expect("the script runs");
    assert_eq!(is_written_so, json!(true), "{date} is in {text:?}");
    window.go("/health/pii_guard").await;
    window.see("//h1[normalize-space()='pii_guard']").await;
    window
        .see(&format!("//main[contains(., '{number}')]"))
        .await;
    window.see("//nav//a[contains(., 'Extensions')]").await;
    window.close(&account).await;
}

#[tokio::test]
async fn dates_and_numbers_are_a_german_s() {
    in_locale(
        &[("LANG", "de_DE.UTF-8".into())],
        r"\d\d\.\d\d\.20\d\d, \d\d:\d\d:\d\d, after",
        "12.345",
    )
    .await;
}

#[tokio::test]
async fn dates_are_a_swede_s_and_numbers_an_american_s() {
    let variables = [
        ("LANG", "en_US.UTF-8".into()),
        ("LC_TIME", "sv_SE.UTF-8".into()),
    ];
    in_locale(
        &variables,
        r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d, after",
        "12,345",
    )
    .await;
}
