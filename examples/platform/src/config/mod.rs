//! The settings. They are read and checked once, when the process starts. The environment overrides `platform.toml`,
//! which overrides the defaults. A secret file overrides all other sources.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// A setting. The field `name` contains its key in `platform.toml`. In the environment, the setting is the variable
/// `PLATFORM_<NAME>`, with the name in capital letters.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    pub default: &'static str,
    /// Whether the setting is a secret. Secrets are redacted in output. They can also be read from a file, whose path
    /// is the value of `PLATFORM_<NAME>_FILE`.
    pub secret: bool,
    pub help: &'static str,
}

const fn key(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        default,
        secret: false,
        help,
    }
}

const fn secret(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        default,
        secret: true,
        help,
    }
}

/// All settings.
pub const KEYS: [Key; 17] = [
    key(
        "demo",
        "true",
        "Demo mode: three synthetic companies and demo logins. Only on a loopback address.",
    ),
    key(
        "address",
        "127.0.0.1:8080",
        "The address and port to listen on. Port 0 chooses a free port.",
    ),
    key(
        "public_url",
        "",
        "The URL in the users' browsers. https unless in demo mode. Empty in demo mode: http and the address.",
    ),
    key("data_dir", "platform-data", "The folder of the SQLite files."),
    secret(
        "store_url",
        "",
        "The store of the companies' rows: sqlite:///path or postgres://user:password@host/database. Empty: churn.db in data_dir.",
    ),
    secret(
        "demo_password",
        "demo churn password",
        "The password of the demo accounts.",
    ),
    key("demo_customers", "400", "Customers of each demo company (150 to 5000)."),
    key("worker", "true", "Whether serve also runs jobs."),
    key("worker_slots", "1", "Jobs that run at the same time (1 to 16)."),
    key(
        "threads",
        "0",
        "Threads of one job. 0: one less than the machine has, but at least 1.",
    ),
    key(
        "lease_seconds",
        "60",
        "A job whose worker is silent for this long is started again (5 to 3600).",
    ),
    key(
        "session_idle_minutes",
        "720",
        "A session ends after this time without a request.",
    ),
    key("session_hours", "336", "A session ends after this time in any case."),
    key(
        "login_burst",
        "10",
        "Login attempts per account at once; then one per minute. Ten times as many per address.",
    ),
    key(
        "trusted_proxies",
        "0",
        "Number of proxies before the platform whose X-Forwarded-For entries are trusted.",
    ),
    key("drain_seconds", "25", "Time that open requests have at shutdown."),
    key("log_level", "info", "error, warn, info, debug or trace."),
];

/// The source that a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    File,
    Environment,
    SecretFile,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "platform.toml",
            Self::Environment => "environment",
            Self::SecretFile => "secret file",
        }
    }
}

/// The unchecked value of each setting as text, with its source.
#[derive(Clone, Debug)]
pub struct Given(BTreeMap<&'static str, (String, Source)>);

impl Given {
    /// Merges the defaults, the text of `platform.toml`, and the environment.
    ///
    /// # Errors
    /// Returns an error if a setting is unknown, if a value is neither a text nor a whole number nor a bool, or if a
    /// secret file cannot be read.
    pub fn merge(file: Option<&str>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            values.insert(key.name, (key.default.to_owned(), Source::Default));
        }
        if let Some(file) = file {
            let table: toml::Table = file.parse().map_err(|e| format!("platform.toml: {e}"))?;
            for (name, value) in table {
                let key = known(&name).ok_or_else(|| format!("platform.toml: there is no setting '{name}'"))?;
                let text = match value {
                    toml::Value::String(text) => text,
                    toml::Value::Integer(number) => number.to_string(),
                    toml::Value::Boolean(value) => value.to_string(),
                    _ => {
                        return Err(format!(
                            "platform.toml: '{name}' must be a text, a whole number or a bool"
                        ));
                    }
                };
                values.insert(key.name, (text, Source::File));
            }
        }
        let mut files = vec![];
        for (variable, value) in environment {
            let Some(name) = variable.strip_prefix("PLATFORM_") else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            if name == "config" {
                continue;
            }
            if let Some(key) = known(&name) {
                values.insert(key.name, (value, Source::Environment));
            } else if let Some(key) = name.strip_suffix("_file").and_then(known).filter(|key| key.secret) {
                files.push((key.name, value));
            } else {
                return Err(format!("environment: there is no setting '{variable}'"));
            }
        }
        for (name, path) in files {
            let text = std::fs::read_to_string(&path).map_err(|e| format!("the file of '{name}': '{path}': {e}"))?;
            values.insert(name, (text.trim_end().to_owned(), Source::SecretFile));
        }
        Ok(Self(values))
    }

    /// Reads `platform.toml` (or the file that `PLATFORM_CONFIG` names) and the environment of the process.
    ///
    /// # Errors
    /// See [`merge`](Self::merge). Also returns an error if the file cannot be read. The default file may be missing.
    pub fn of_process() -> Result<Self, String> {
        let named = std::env::var("PLATFORM_CONFIG").ok();
        let path = Path::new(named.as_deref().unwrap_or("platform.toml"));
        let file = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(_) if named.is_none() && !path.exists() => None,
            Err(e) => return Err(format!("'{}': {e}", path.display())),
        };
        Self::merge(file.as_deref(), std::env::vars())
    }

    /// Returns a text with one line per setting: its name, its value and its source. Secrets are redacted.
    pub fn show(&self) -> String {
        let mut text = String::new();
        for key in KEYS {
            let (value, source) = self.get(key.name);
            let shown = match key.secret && !value.is_empty() {
                true => "<redacted>",
                false => value,
            };
            text.push_str(&format!("{:<22} {shown:<28} # {}\n", key.name, source.as_str()));
        }
        text
    }

    fn get(&self, name: &str) -> (&str, Source) {
        self.0
            .get(name)
            .map_or(("", Source::Default), |(value, source)| (value, *source))
    }

    fn read<T: FromStr>(&self, name: &str, what: &str) -> Result<T, String> {
        let (text, source) = self.get(name);
        let wrong = |_| format!("{name} = '{text}' ({}): must be {what}", source.as_str());
        text.trim().parse().map_err(wrong)
    }

    fn between(&self, name: &str, low: u64, high: u64) -> Result<u64, String> {
        let what = format!("a whole number from {low} to {high}");
        let value = self.read(name, &what)?;
        match (low..=high).contains(&value) {
            true => Ok(value),
            false => Err(format!("{name} = {value}: must be {what}")),
        }
    }
}

fn known(name: &str) -> Option<Key> {
    KEYS.into_iter().find(|key| key.name == name)
}

/// The checked settings.
#[derive(Clone, Debug)]
pub struct Settings {
    pub demo: bool,
    pub address: SocketAddr,
    /// Whether browsers reach the platform over https. If so, cookies are `Secure`.
    pub https: bool,
    pub public_url: Option<String>,
    pub data_dir: PathBuf,
    pub store_url: String,
    pub demo_password: String,
    pub demo_customers: usize,
    pub worker: bool,
    pub worker_slots: usize,
    pub threads: usize,
    pub lease: Duration,
    pub session_idle: Duration,
    pub session_life: Duration,
    pub login_burst: u32,
    pub trusted_proxies: usize,
    pub drain: Duration,
    pub log_level: tracing::Level,
}

impl Settings {
    /// Parses and checks the settings.
    ///
    /// # Errors
    /// Returns an error if a value is invalid, if demo mode would be reachable from other machines, or if demo mode is
    /// off and `public_url` is not an https URL.
    pub fn new(given: &Given) -> Result<Self, String> {
        let bool = "true or false";
        let demo = given.read("demo", bool)?;
        let address: SocketAddr = given.read("address", "an address such as 127.0.0.1:8080")?;
        let public_url = Some(given.get("public_url").0.trim().to_owned()).filter(|url| !url.is_empty());
        let https = public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
        if demo && !address.ip().is_loopback() {
            return Err(format!(
                "demo mode has known passwords, so it needs a loopback address, not {address}: set demo = false"
            ));
        }
        if !demo && !https {
            return Err("without demo mode, public_url must begin with https://".to_owned());
        }
        let data_dir = PathBuf::from(given.get("data_dir").0);
        let store_url = match given.get("store_url").0 {
            "" => format!("sqlite://{}", data_dir.join("churn.db").display()),
            url => url.to_owned(),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match given.between("threads", 0, 1024)? as usize {
            0 => cores.saturating_sub(1).max(1),
            threads => threads,
        };
        Ok(Self {
            demo,
            address,
            https,
            public_url,
            data_dir,
            store_url,
            demo_password: given.get("demo_password").0.to_owned(),
            demo_customers: given.between("demo_customers", 150, 5000)? as usize,
            worker: given.read("worker", bool)?,
            worker_slots: given.between("worker_slots", 1, 16)? as usize,
            threads,
            lease: Duration::from_secs(given.between("lease_seconds", 5, 3600)?),
            session_idle: Duration::from_secs(60 * given.between("session_idle_minutes", 1, 100_000)?),
            session_life: Duration::from_secs(3600 * given.between("session_hours", 1, 10_000)?),
            login_burst: given.between("login_burst", 1, 1000)? as u32,
            trusted_proxies: given.between("trusted_proxies", 0, 10)? as usize,
            drain: Duration::from_secs(given.between("drain_seconds", 1, 600)?),
            log_level: given.read("log_level", "error, warn, info, debug or trace")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn later_sources_win_and_secrets_are_redacted() {
        let path = std::env::temp_dir().join(format!("platform-secret-{}", std::process::id()));
        std::fs::write(&path, "postgres://u:hunter2@h/d\n").unwrap();
        let file = "worker_slots = 2\nlogin_burst = 7\ndemo = true\nstore_url = \"postgres://u:in-the-file@h/d\"";
        let environment = pairs(&[
            ("PLATFORM_LOGIN_BURST", "9"),
            ("PLATFORM_STORE_URL_FILE", path.to_str().unwrap()),
            ("HOME", "/root"),
        ]);
        let given = Given::merge(Some(file), environment).unwrap();
        let settings = Settings::new(&given).unwrap();
        assert_eq!((settings.worker_slots, settings.login_burst), (2, 9));
        assert_eq!(settings.store_url, "postgres://u:hunter2@h/d");
        let shown = given.show();
        assert!(!shown.contains("hunter2") && !shown.contains("in-the-file") && !shown.contains("demo churn password"));
        assert!(shown.contains("secret file") && shown.contains("environment") && shown.contains("default"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn typing_errors_are_refused() {
        for file in [
            "worker_slot = 2",
            "worker_slots = 0",
            "log_level = \"loud\"",
            "address = \"8080\"",
            "demo = 1.5",
        ] {
            let settings = Given::merge(Some(file), []).and_then(|given| Settings::new(&given));
            assert!(settings.is_err(), "{file}");
        }
        assert!(Given::merge(None, pairs(&[("PLATFORM_WORKER_SLOT", "2")])).is_err());
        // This setting is not a secret, so it must not be read from a file.
        assert!(Given::merge(None, pairs(&[("PLATFORM_ADDRESS_FILE", "/etc/hostname")])).is_err());
    }

    #[test]
    fn demo_mode_stays_on_this_machine_and_production_needs_https() {
        let settings = |file: &str| Given::merge(Some(file), []).and_then(|given| Settings::new(&given));
        assert!(settings("address = \"0.0.0.0:8080\"").unwrap_err().contains("loopback"));
        assert!(
            settings("demo = false\naddress = \"0.0.0.0:8080\"")
                .unwrap_err()
                .contains("https")
        );
        let production = settings("demo = false\naddress = \"0.0.0.0:8080\"\npublic_url = \"https://churn.example\"");
        assert!(production.unwrap().https);
        assert!(!settings("").unwrap().https);
    }

    #[test]
    fn the_files_explain_every_setting() {
        let toml = include_str!("../../platform.toml");
        let env = include_str!("../../.env.example");
        for key in KEYS {
            assert!(
                toml.contains(&format!("# {}\n", key.help)),
                "platform.toml: {}",
                key.name
            );
            assert!(env.contains(&format!("# {}\n", key.help)), ".env.example: {}", key.name);
            assert!(
                toml.contains(&format!("\n#{} = ", key.name)),
                "platform.toml: {}",
                key.name
            );
            let variable = format!("\n#PLATFORM_{}=", key.name.to_uppercase());
            assert!(env.contains(&variable), ".env.example: {}", key.name);
        }
        assert!(Given::merge(Some(toml), []).is_ok());
    }
}
