//! A real browser, driven over WebDriver: chromedriver as a child process, and headless Chromium.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A browser with one page.
pub struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Browser {
    /// Starts a browser; `None` if the machine has no chromedriver.
    pub fn start() -> Option<Self> {
        let spawned = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = spawned.ok()?;
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Later output is read and dropped, so the process never blocks on the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let root = format!("http://127.0.0.1:{}/session", port.expect("a port"));
        let mut browser = Self { driver, session: root, client, runtime };
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let wanted = json!({
            "browserName": "chrome",
            "timeouts": {"script": 300_000, "pageLoad": 300_000},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": arguments},
        });
        let made = browser.post("", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session += &format!("/{}", made["sessionId"].as_str().expect("a session"));
        browser.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({
                "width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false
            }),
        );
        Some(browser)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.session)).body(body.to_string());
        let answer = self.runtime.block_on(async { request.send().await?.text().await }).expect("an answer");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert!(answer["value"].get("error").is_none(), "{path} {body}: {}", answer["value"]);
        answer["value"].clone()
    }

    /// Opens an address.
    pub fn visit(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Opens a file without a script.
    pub fn open_plain(&self, file: &Path) {
        self.visit(&format!("file://{}", file.display()));
    }

    /// Opens a file, and waits until the page has read all its rows.
    pub fn open(&self, file: &Path) {
        self.open_plain(file);
        self.wait("document.documentElement.dataset.ready === 'yes'");
    }

    /// The return value of a function body that runs in the page.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// The value of an expression as text.
    pub fn text(&self, expression: &str) -> String {
        self.run(&format!("return String({expression})")).as_str().expect("a string").to_owned()
    }

    /// Waits until an expression is true; checks each time the page is drawn.
    pub fn wait(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; const look = () => ({expression}) ? done(true) : requestAnimationFrame(look); look();"
        );
        self.post("/execute/async", &json!({"script": script, "args": []}));
    }

    /// A command of the browser's developer tools.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// The printed page, as PDF.
    pub fn print(&self) -> Vec<u8> {
        STANDARD.decode(self.post("/print", &json!({})).as_str().expect("base64")).expect("base64")
    }

    /// The errors in the browser's log.
    pub fn complaints(&self) -> Vec<Value> {
        self.post("/se/log", &json!({"type": "browser"})).as_array().expect("a list").clone()
    }

    /// The addresses of everything that the page requested.
    pub fn requests(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "performance"}));
        let request = |entry: &Value| {
            let entry: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &entry["message"];
            let asked = message["method"] == "Network.requestWillBeSent";
            asked.then(|| message["params"]["request"]["url"].as_str().map(str::to_owned)).flatten()
        };
        log.as_array().expect("a list").iter().filter_map(request).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let request = self.client.delete(&self.session);
        let _ = self.runtime.block_on(request.send());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
