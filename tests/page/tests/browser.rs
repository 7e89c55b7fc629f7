//! A real browser opens the page: it reports nothing, nothing is wider than the window, one side can be selected without the other.

use std::process::Command;

use crate::article::article;
use crate::harness::process::launch::Launch;
use crate::harness::process::wait::TIMEOUT;
use crate::harness::skip::skip;
use crate::harness::tempdir::TempDir;
use crate::page::tests::page::page;

/// Opens the page in two widths, and writes down what it sees; with `file:` only a browser that may.
const PROBE: &str = include_str!("probe.html");

#[test]
fn a_browser_shows_the_page() {
    let Some(article) = article() else { return skip("the page in a browser: no ARTICLE") };
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let installed = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let Some(browser) = browsers.into_iter().find(installed) else {
        return skip("the page in a browser: no chromium");
    };
    let (text, _) = page("C", &article.display().to_string());
    let folder = TempDir::empty();
    let shown = folder.write("page.html", text);
    let probe = folder.write("probe.html", PROBE.replace("PAGE", &format!("file://{}", shown.display())));
    let open = |arguments: &[&str], page: &std::path::Path| {
        let profile = format!("--user-data-dir={}", folder.display());
        let browser = Launch::new(browser).args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
        ]);
        let browser = browser.arg(profile).args(arguments).arg(format!("file://{}", page.display()));
        let mut browser = browser.start();
        browser.wait_timeout(6 * TIMEOUT).expect("the browser ends");
        (browser.stdout.all().join("\n"), browser.stderr.all().join("\n"))
    };
    let seen = ["--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom"];
    let (dom, _) = open(&seen, &probe);
    for expected in [
        "[width1280=0]",
        "[width390=0]",
        "[cells1280=table-cell]",
        "[cells390=block]",
        "[left1280=false]",
        "[right1280=false]",
        "[left390=false]",
        "[right390=false]",
        "[fixed1280=0/true]",
        "[fixed390=0/true]",
    ] {
        let outputs: Vec<&str> =
            dom.split("<output>").skip(1).map(|text| text.split('<').next().unwrap_or("")).collect();
        assert!(outputs.contains(&expected), "{expected}: {outputs:?}");
    }
    let (_, said) = open(&["--dump-dom"], &shown);
    assert!(!said.contains("CONSOLE"), "{said}");
}
